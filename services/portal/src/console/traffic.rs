//! Live traffic: how many requests come, how many fail, and how long they take, by route and by service.

mod cells;
mod window;

use askama::Template;
use axum::response::Response;

pub(crate) use self::cells::Cells;
pub(crate) use self::window::{Since, Window};
use super::link::with_query;
use super::model::{Route, RouteTraffic, Traffic};
use super::page::{Trouble, ask};
use super::words::{self, Object};
use crate::web::{Frame, Visit, filters, respond};

#[derive(Template)]
#[template(path = "console/traffic.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    /// Requests are counted by route.
    is_by_route: bool,
    routes: Vec<RouteRow>,
    /// How many more routes there are.
    left: usize,
    /// Those that requests are for, then those that are asked about them.
    by_service: Vec<Services>,
    /// Over which time rates are told; none at the first look.
    over: Option<String>,
}

struct RouteRow {
    host: String,
    matches: String,
    objects: Vec<Object>,
    name: String,
    cells: Cells,
}

/// Services of one sort, the busiest first.
struct Services {
    title: &'static str,
    what: &'static str,
    rows: Vec<ServiceRow>,
}

impl Services {
    fn new([title, what]: [&'static str; 2], all: &[&Traffic], since: &Since) -> Self {
        let mut rows: Vec<_> = all.iter().map(|traffic| service_row(traffic, since)).collect();
        rows.sort_by(|a, b| b.cells.weight.total_cmp(&a.cells.weight));
        Self { title, what, rows }
    }
}

struct ServiceRow {
    services: Vec<(String, String)>,
    name: String,
    cells: Cells,
}

/// The page. Rates are those since an earlier look at it.
pub(super) async fn page(site: Visit) -> Result<Response, Trouble> {
    let services: Vec<Traffic> = ask(&site, "/api/v1/traffic").await?;
    let by_route: RouteTraffic = ask(&site, "/api/v1/route-traffic").await?;
    let window = &site.console.window;
    let (since_routes, since) = (
        window.look_at_routes(&by_route.routes),
        window.look(services.iter().map(|traffic| (traffic.name.as_str(), traffic.counts))),
    );
    let mut routes: Vec<_> = by_route.routes.iter().filter_map(|route| route_row(route, &since_routes)).collect();
    // Nearly all requests are asked about: whoever is asked would lead every list.
    let (asked, served): (Vec<_>, Vec<_>) = services.iter().partition(|traffic| traffic.is_asked);
    let by_service = [
        Services::new(["traffic_by_service", "traffic_by_service_what"], &served, &since),
        Services::new(["traffic_asked", "traffic_asked_what"], &asked, &since),
    ];
    // The busiest first.
    routes.sort_by(|a, b| b.cells.weight.total_cmp(&a.cells.weight));
    let over = since.seconds().map(|seconds| site.texts().with("seconds", "number", &seconds.round()));
    Ok(respond(&Page {
        frame: site.frame(),
        here: "traffic",
        is_by_route: by_route.is_counted,
        left: by_route.total.saturating_sub(routes.len()),
        routes,
        by_service: by_service.into_iter().filter(|services| !services.rows.is_empty()).collect(),
        over,
    }))
}

fn route_row(route: &Route, since: &Since) -> Option<RouteRow> {
    let name = route.counted_as.as_deref()?;
    Some(RouteRow {
        host: route.host.clone(),
        matches: route.matches.clone(),
        objects: words::objects(route),
        name: name.to_owned(),
        cells: Cells::new(name, route.traffic.as_ref()?, since),
    })
}

fn service_row(traffic: &Traffic, since: &Since) -> ServiceRow {
    let services = traffic.services.iter();
    ServiceRow {
        services: services
            .map(|service| (service.clone(), with_query("/console/", [("service", service.as_str())])))
            .collect(),
        name: traffic.name.clone(),
        cells: Cells::new(&traffic.name, &traffic.counts, since),
    }
}
