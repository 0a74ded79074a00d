//! Live traffic: how many requests go to services, how many fail, and how long they take.

mod window;

use askama::Template;
use axum::response::Response;

pub(crate) use self::window::Window;
use super::link::with_query;
use super::model::{Latency, Traffic};
use super::page::{Trouble, ask};
use crate::web::{Frame, Visit, filters, respond};

#[derive(Template)]
#[template(path = "console/traffic.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    rows: Vec<Row>,
    /// Over which time rates are told; none at the first look.
    over: Option<String>,
}

struct Row {
    name: String,
    services: Vec<(String, String)>,
    rate: String,
    client_errors: String,
    server_errors: String,
    has_errors: bool,
    recent: String,
    all: String,
    requests: u64,
}

/// The page. Rates are those since an earlier look at it.
pub(super) async fn page(site: Visit) -> Result<Response, Trouble> {
    let told: Vec<Traffic> = ask(&site, "/api/v1/traffic").await?;
    let since = site.console.window.look(&told);
    let mut rows: Vec<_> = told.iter().map(|traffic| row(traffic, since.as_ref())).collect();
    // The busiest first.
    rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let over = since.map(|since| site.texts().with("seconds", "number", &since.seconds.round()));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(respond(&Page { frame: site.frame(), here: "traffic", rows, over }))
}

/// What is shown of a service, and by what it is sorted.
fn row(traffic: &Traffic, since: Option<&window::Since>) -> (f64, Row) {
    let recent = since.map(|since| since.of(traffic));
    let share = |part: fn(&window::Counts) -> u64, all: fn(&Traffic) -> u64| {
        let (part, all) = match &recent {
            Some(counts) => (part(counts), counts.requests),
            None => (all(traffic), traffic.requests),
        };
        percent(part, all)
    };
    let per_second = recent.as_ref().zip(since).map(|(counts, since)| counts.requests as f64 / since.seconds);
    let services = traffic.services.iter();
    let row = Row {
        name: traffic.name.clone(),
        services: services
            .map(|service| (service.clone(), with_query("/console/", [("service", service.as_str())])))
            .collect(),
        rate: per_second.map(|rate| format!("{rate:.1}/s")).unwrap_or_default(),
        client_errors: share(|counts| counts.client_errors, |traffic| traffic.client_errors),
        has_errors: recent.as_ref().map_or(traffic.server_errors, |counts| counts.server_errors) > 0,
        server_errors: share(|counts| counts.server_errors, |traffic| traffic.server_errors),
        recent: latency(traffic.recent),
        all: latency(traffic.all),
        requests: traffic.requests,
    };
    (per_second.unwrap_or(traffic.requests as f64), row)
}

fn percent(part: u64, all: u64) -> String {
    match (part, all) {
        (_, 0) => "–".to_owned(),
        (0, _) => "0 %".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / all as f64),
    }
}

fn latency(latency: Option<Latency>) -> String {
    latency.map_or_else(|| "–".to_owned(), |latency| format!("{:.0} / {:.0} ms", latency.p50, latency.p99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_in_percent() {
        assert_eq!((percent(0, 0), percent(0, 5), percent(1, 3)), ("–".into(), "0 %".into(), "33.3 %".into()));
        assert_eq!(latency(Some(Latency { p50: 1.4, p99: 20.0 })), "1 / 20 ms");
    }
}
