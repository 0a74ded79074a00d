//! Connected Envoys.

use askama::Template;
use axum::response::Response;

use super::model::{Envoy, Page as List};
use super::page::{Trouble, ask};
use crate::texts::Texts;
use crate::web::words::spell;
use crate::web::{Frame, Visit, filters, respond};

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
    let (envoys, total) = (list.items.into_iter().map(|envoy| row(envoy, site.texts())).collect(), list.total);
    Ok(respond(&Page { frame: site.frame(), here: "envoys", envoys, total }))
}

fn row(envoy: Envoy, texts: &Texts) -> Row {
    let (state, state_words) = match envoy.synced_revision {
        Some(revision) if revision == envoy.newest_revision => {
            ("current", texts.with("envoy_newest", "revision", &revision))
        }
        Some(revision) => {
            ("stale", texts.fill("envoy_late", &[("revision", &revision), ("newest", &envoy.newest_revision)]))
        }
        None => ("waiting", texts.text("envoy_waiting").to_owned()),
    };
    Row {
        since: spell(texts, envoy.connected_for_ms / 1000),
        refused: texts.fill("refused_of", &[("number", &envoy.nacks), ("total", &envoy.responses)]),
        node: envoy.node,
        version: envoy.version,
        protocol: envoy.protocol,
        state,
        state_words,
    }
}
