//! `nuncio routes`: what is served, in the order in which it is tried.

use nuncio_controller::admin::{BackendView, ListQuery, ObjectRef, RouteView};

use crate::cli::{RoutesArgs, TableFormat};
use crate::exit::{Outcome, print_json, print_text};
use crate::gateway::Gateway;
use crate::table;

/// Prints the routes.
pub(crate) fn run(args: &RoutesArgs) -> Outcome {
    let query = ListQuery { host: args.host.clone(), limit: Some(args.limit), ..ListQuery::default() };
    let page = Gateway::open(&args.origin, &args.identity)?.routes(&query)?;
    if args.output == TableFormat::Json {
        return print_json(&page);
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let width = (args.output == TableFormat::Text).then(table::terminal_width).flatten();
    print_text(&table::render_within(width, ["HOST", "MATCH", "TO", "FROM"], &rows));
    if page.items.len() < page.total {
        print_text(&format!("… and {} more (see --limit)\n", page.total - page.items.len()));
    }
    Ok(())
}

fn row(route: &RouteView) -> [String; 4] {
    let from = if route.origin.is_empty() { "the gateway itself".to_owned() } else { names(&route.origin) };
    [route.host.clone(), route.matches.clone(), destination(route), from]
}

/// `cart.shop:80 90 %, cart-canary.shop:80 10 %`, or what the route does instead: `respond 404`.
pub(crate) fn destination(route: &RouteView) -> String {
    match (route.status, route.backends.is_empty()) {
        (_, false) => shares(&route.backends),
        (Some(status), true) => format!("{} {status}", route.action),
        (None, true) => route.action.clone(),
    }
}

/// Backends with their shares, if there are several.
pub(crate) fn shares(backends: &[BackendView]) -> String {
    let total: u64 = backends.iter().map(|backend| u64::from(backend.weight)).sum();
    let places = backends.iter().map(|backend| {
        let share = f64::from(backend.weight) * 100.0 / total.max(1) as f64;
        if backends.len() == 1 { place(backend) } else { format!("{} {share:.0} %", place(backend)) }
    });
    places.collect::<Vec<_>>().join(", ")
}

fn place(backend: &BackendView) -> String {
    let reason = || backend.invalid.as_deref().unwrap_or("unknown").to_owned();
    backend.cluster.clone().unwrap_or_else(|| format!("nowhere ({})", reason()))
}

/// `Mapping shop/cart, Mapping shop/canary`.
pub(crate) fn names(objects: &[ObjectRef]) -> String {
    let names = objects.iter().map(|id| format!("{} {}/{}", id.kind, id.namespace, id.name));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(backends: &[(&str, u32)]) -> RouteView {
        let view = |(cluster, weight): &(&str, u32)| BackendView {
            cluster: (!cluster.is_empty()).then(|| (*cluster).to_owned()),
            weight: *weight,
            invalid: cluster.is_empty().then(|| "no such service".to_owned()),
        };
        RouteView {
            host: "*".into(),
            order: 0,
            name: "cart".into(),
            matches: "prefix /cart/".into(),
            action: "redirect".into(),
            status: Some(301),
            asks_auth_service: false,
            rules: Vec::new(),
            backends: backends.iter().map(view).collect(),
            origin: Vec::new(),
            table: "*".into(),
            counted_as: None,
        }
    }

    #[test]
    fn destinations_have_shares_where_there_are_several() {
        assert_eq!(destination(&route(&[("a", 1)])), "a");
        assert_eq!(destination(&route(&[("a", 90), ("b", 10)])), "a 90 %, b 10 %");
        assert_eq!(destination(&route(&[("", 1)])), "nowhere (no such service)");
        assert_eq!(destination(&route(&[])), "redirect 301");
        assert_eq!(destination(&route(&[("a", u32::MAX), ("b", u32::MAX)])), "a 50 %, b 50 %");
    }
}
