//! `nuncio explain`: which route a request gets, and why.

use std::fmt::Write;

use nuncio_controller::admin::{ExplainRequest, Explanation, RouteView};

use crate::cli::{ExplainArgs, Format};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::gateway::Gateway;
use crate::routes::{destination, origin};

/// Prints what becomes of the request.
pub(crate) fn run(args: &ExplainArgs) -> Outcome {
    let headers = args.headers.iter().map(String::as_str);
    let request = ExplainRequest::parse(&args.url, &args.method, headers).map_err(Failure::usage)?;
    let explanation = Gateway::open(&args.origin, &args.identity)?.explain(&request)?;
    match args.output {
        Format::Json => print_json(&explanation),
        Format::Text => {
            print_text(&text(&explanation));
            Ok(())
        }
    }
}

fn text(explanation: &Explanation) -> String {
    let mut text = format!("{}\n  {}\n\n", explanation.request, explanation.outcome);
    let mut part = |name: &str, value: Option<String>| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:<10}{}", value.unwrap_or_else(|| "none".to_owned()));
    };
    part("Listener", explanation.listener.as_ref().map(|listener| format!("{} ({})", listener.name, listener.address)));
    part("Host", explanation.host.as_ref().map(|host| host.hostname.clone()));
    part("Route", explanation.route.as_ref().map(describe));
    part("To", explanation.route.as_ref().map(destination));
    if !explanation.lost.is_empty() {
        text.push_str("\n  Not taken:\n");
        for lost in &explanation.lost {
            let _ = writeln!(text, "    {}\n      {}", describe(&lost.route), lost.reason);
        }
    }
    text
}

/// `prefix /cart/ on shop.example.com, from Mapping shop/cart`.
fn describe(route: &RouteView) -> String {
    let from = if route.origin.is_empty() { String::new() } else { format!(", from {}", origin(route)) };
    format!("{} on {}{from}", route.matches, route.host)
}
