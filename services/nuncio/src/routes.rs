//! `nuncio routes`: what is served, in the order in which it is tried.

use nuncio_controller::admin::{BackendView, ListQuery, RouteView};

use crate::cli::{Format, RoutesArgs};
use crate::exit::{Outcome, print_json, print_text};
use crate::gateway::Gateway;
use crate::table;

/// Prints the routes.
pub(crate) fn run(args: &RoutesArgs) -> Outcome {
    let query = ListQuery { host: args.host.clone(), limit: Some(args.limit), ..ListQuery::default() };
    let page = Gateway::open(&args.origin, &args.identity)?.routes(&query)?;
    if args.output == Format::Json {
        return print_json(&page);
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    print_text(&table::render(["HOST", "MATCH", "TO", "FROM"], &rows));
    if page.items.len() < page.total {
        print_text(&format!("… and {} more (see --limit)\n", page.total - page.items.len()));
    }
    Ok(())
}

fn row(route: &RouteView) -> [String; 4] {
    [route.host.clone(), route.matches.clone(), destination(route), origin(route)]
}

/// `cart.shop:80 90 %, cart-canary.shop:80 10 %`, or what the route does instead.
pub(crate) fn destination(route: &RouteView) -> String {
    if route.backends.is_empty() {
        return route.action.clone();
    }
    let total: u32 = route.backends.iter().map(|backend| backend.weight).sum();
    let backends = route.backends.iter().map(|backend| {
        let share = f64::from(backend.weight) * 100.0 / f64::from(total.max(1));
        if route.backends.len() == 1 { place(backend) } else { format!("{} {share:.0} %", place(backend)) }
    });
    backends.collect::<Vec<_>>().join(", ")
}

fn place(backend: &BackendView) -> String {
    let reason = || backend.invalid.as_deref().unwrap_or("unknown").to_owned();
    backend.cluster.clone().unwrap_or_else(|| format!("nowhere ({})", reason()))
}

/// The objects that a route was made from.
pub(crate) fn origin(route: &RouteView) -> String {
    let names = route.origin.iter().map(|id| format!("{} {}/{}", id.kind, id.namespace, id.name));
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
            backends: backends.iter().map(view).collect(),
            origin: Vec::new(),
            table: "*".into(),
        }
    }

    #[test]
    fn destinations_have_shares_where_there_are_several() {
        assert_eq!(destination(&route(&[("a", 1)])), "a");
        assert_eq!(destination(&route(&[("a", 90), ("b", 10)])), "a 90 %, b 10 %");
        assert_eq!(destination(&route(&[("", 1)])), "nowhere (no such service)");
        assert_eq!(destination(&route(&[])), "redirect");
    }
}
