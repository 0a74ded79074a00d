//! `nuncio explain`: which route a request gets, and why.

use std::fmt::Write;

use nuncio_controller::admin::{
    ExplainRequest, Explanation, FailureView, LimitExplained, ProtectionExplained, RouteView, TcpView,
};

use crate::cli::{ExplainArgs, Format};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::gateway::Gateway;
use crate::routes::{destination, names, shares};

/// Prints what becomes of the request. Fails if there is nobody who could take it.
pub(crate) fn run(args: &ExplainArgs) -> Outcome {
    let headers = args.headers.iter().map(String::as_str);
    let scheme = if args.url.contains("://") { "" } else { "http://" };
    let url = nuncio_portal::at_listener(&args.published_ports, &format!("{scheme}{}", args.url));
    let request = ExplainRequest::parse(&url, &args.method, headers).map_err(Failure::usage)?;
    let request = request.with_sni(args.sni.clone()).with_client_certificate(args.client_cert);
    let explanation = Gateway::open(&args.origin, &args.identity)?.explain(&request)?;
    match args.output {
        Format::Json => print_json(&explanation)?,
        Format::Text => print_text(&text(&explanation, &args.published_ports)),
    }
    if explanation.listener.is_none() { Err(Failure::found()) } else { Ok(()) }
}

fn text(explanation: &Explanation, published: &[(u16, u16)]) -> String {
    let read = explanation.path.as_ref().map(|path| format!(", read as {path}")).unwrap_or_default();
    let mut text = format!("{}{read}\n  {}\n\n", explanation.request, explanation.outcome);
    let mut part = |name: &str, value: Option<String>| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:<10}{}", value.unwrap_or_else(|| "none".to_owned()));
    };
    part("Listener", explanation.listener.as_ref().map(|listener| format!("{} ({})", listener.name, listener.address)));
    for (index, url) in explanation.elsewhere.iter().enumerate() {
        part(if index == 0 { "Taken at" } else { "" }, Some(nuncio_portal::for_clients(published, url)));
    }
    if let Some(tcp) = &explanation.tcp {
        part("TCP", Some(connections(tcp)));
        part("To", Some(shares(&tcp.backends)));
    } else {
        part("Host", explanation.host.as_ref().map(|host| host.hostname.clone()));
        part("Route", explanation.route.as_ref().map(describe));
        part("To", explanation.route.as_ref().map(destination));
    }
    for (index, asked) in explanation.protection.iter().enumerate() {
        part(if index == 0 { "Protected" } else { "" }, Some(protected(asked)));
    }
    for (index, limit) in explanation.limits.iter().enumerate() {
        part(if index == 0 { "Limits" } else { "" }, Some(held_to(limit)));
    }
    if !explanation.failures.is_empty() {
        text.push_str("\n  May fail:\n");
        for failure in &explanation.failures {
            let _ = writeln!(text, "    {}", failed(failure));
        }
    }
    if !explanation.lost.is_empty() {
        text.push_str("\n  Not taken:\n");
        for lost in &explanation.lost {
            let _ = writeln!(text, "    {}\n      {}", describe(&lost.route), lost.reason);
        }
    }
    text
}

/// `by login.shop#0 for /orders/*: oidc.shop (OAuth2)`; or `no rule is for this path: let through (login.shop)`.
fn protected(asked: &ProtectionExplained) -> String {
    let ProtectionExplained { by, path, filters, applies, outcome } = asked;
    if !applies {
        let of = if by.is_empty() { String::new() } else { format!(" ({by})") };
        return format!("{outcome}{of}");
    }
    let path = if path.is_empty() { String::new() } else { format!(" for {path}") };
    let what = if filters.is_empty() { outcome.clone() } else { filters.join(", then ") };
    format!("by {by}{path}: {what}")
}

/// `user=ann: 60 per minute by RateLimit shop/users (users.shop-0), answered 429 beyond that`.
fn held_to(explained: &LimitExplained) -> String {
    let LimitExplained { labels, of_request: _, limit, rule, origin, outcome } = explained;
    let labels = if labels.is_empty() { String::new() } else { format!("{labels}: ") };
    let limit = limit.as_ref().map(|limit| format!("{limit} ")).unwrap_or_default();
    let origin =
        origin.as_ref().map(|origin| format!("by {}", names(std::slice::from_ref(origin)))).unwrap_or_default();
    let rule = rule.as_ref().map(|rule| format!(" ({rule})")).unwrap_or_default();
    let comma = if origin.is_empty() { "" } else { ", " };
    format!("{labels}{limit}{origin}{rule}{comma}{outcome}")
}

/// `503 for cart:80, when no endpoint of the service is fit to take requests (counted so far: 2)`.
fn failed(FailureView { status, why, service, count, .. }: &FailureView) -> String {
    let count = count.map(|count| format!(" (counted so far: {count})")).unwrap_or_default();
    format!("{status} for {service}, when {why}{count}")
}

/// `db.example.com, from TCPMapping shop/db`.
fn connections(tcp: &TcpView) -> String {
    let taken = if tcp.server_names.is_empty() { "every connection".to_owned() } else { tcp.server_names.join(", ") };
    format!("{taken}, from {}", names(&tcp.origin))
}

/// `prefix /cart/ on shop.example.com, from Mapping shop/cart`.
fn describe(route: &RouteView) -> String {
    let from = if route.origin.is_empty() { String::new() } else { format!(", from {}", names(&route.origin)) };
    format!("{} on {}{from}", route.matches, route.host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failures_are_counted_in_words_for_any_number() {
        let told = |count: Option<u64>| {
            let failure = json!({ "status": 503, "why": "it is down", "service": "cart:80", "count": count });
            failed(&serde_json::from_value(failure).unwrap())
        };
        assert_eq!(told(None), "503 for cart:80, when it is down");
        for count in [0, 1, 2] {
            let expected = format!("503 for cart:80, when it is down (counted so far: {count})");
            assert_eq!(told(Some(count)), expected);
        }
    }
}
