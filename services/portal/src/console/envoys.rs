//! Connected Envoys.

use askama::Template;
use axum::response::Response;

use super::model::{Envoy, Page as List};
use super::page::{Trouble, ask};
use crate::web::{Frame, Visit, respond, words::count};

#[derive(Template)]
#[template(path = "console/envoys.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    envoys: Vec<Row>,
    total: usize,
}

struct Row {
    node: String,
    version: String,
    protocol: String,
    since: String,
    state: &'static str,
    state_words: String,
    refused: String,
}

/// The page.
pub(super) async fn page(site: Visit) -> Result<Response, Trouble> {
    let list: List<Envoy> = ask(&site, "/api/v1/envoys").await?;
    let (envoys, total) = (list.items.into_iter().map(row).collect(), list.total);
    Ok(respond(&Page { frame: site.frame(), here: "envoys", envoys, total }))
}

fn row(envoy: Envoy) -> Row {
    let (state, state_words) = match envoy.synced_revision {
        Some(revision) if revision == envoy.newest_revision => {
            ("current", format!("has revision {revision}, the newest"))
        }
        Some(revision) => ("stale", format!("has revision {revision}; the newest is {}", envoy.newest_revision)),
        None => ("waiting", "loads for the first time".to_owned()),
    };
    Row {
        since: spell(envoy.connected_for_ms / 1000),
        refused: format!("{} of {}", envoy.nacks, envoy.responses),
        node: envoy.node,
        version: envoy.version,
        protocol: envoy.protocol,
        state,
        state_words,
    }
}

/// `3 hours`.
fn spell(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    count(i64::try_from(number).unwrap_or(i64::MAX), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_are_told_in_the_largest_unit() {
        assert_eq!((spell(1), spell(7300), spell(90_000)), ("1 second".into(), "2 hours".into(), "1 day".into()));
    }
}
