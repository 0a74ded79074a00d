//! Certificates, and until when they hold.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;

use super::model::{Certificate, Page as List};
use super::page::{Trouble, ask};
use crate::texts::Texts;
use crate::web::{Frame, Visit, filters, respond, words};

const DAY: i64 = 24 * 3600;
/// A certificate that ends sooner should have been renewed.
const SOON: i64 = 14 * DAY;

#[derive(Template)]
#[template(path = "console/certificates.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    rows: Vec<Row>,
    total: usize,
}

struct Row {
    secret: String,
    usage: String,
    shown_for: Vec<String>,
    names: Vec<String>,
    issuer: String,
    until: String,
    state: &'static str,
    left: String,
}

/// The page.
pub(super) async fn page(site: Visit) -> Result<Response, Trouble> {
    let list: List<Certificate> = ask(&site, "/api/v1/certificates").await?;
    let now = Timestamp::now().as_second();
    let rows = list.items.into_iter().map(|certificate| row(certificate, now, site.texts())).collect();
    Ok(respond(&Page { frame: site.frame(), here: "certificates", rows, total: list.total }))
}

fn row(certificate: Certificate, now: i64, texts: &Texts) -> Row {
    let (state, left) = left(texts, certificate.not_after - now);
    Row {
        until: Timestamp::from_second(certificate.not_after).map(|until| words::date(texts, until)).unwrap_or_default(),
        state,
        left,
        secret: certificate.secret,
        usage: certificate.usage,
        shown_for: certificate.shown_for,
        names: certificate.names,
        issuer: certificate.issuer,
    }
}

/// How that is marked, and how long it is.
fn left(texts: &Texts, seconds: i64) -> (&'static str, String) {
    let (state, name) = match seconds {
        ..0 => ("missing", "certificate_ended"),
        0..SOON => ("stale", "certificate_left"),
        _ => ("current", "certificate_left"),
    };
    (state, texts.with(name, "time", &words::spell(texts, seconds.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_is_marked() {
        let left = |seconds| left(&Texts::default(), seconds);
        assert_eq!(left(-3 * DAY), ("missing", "ended 3 days ago".to_owned()));
        assert_eq!(left(7200), ("stale", "2 hours left".to_owned()));
        assert_eq!(left(20 * DAY), ("current", "20 days left".to_owned()));
    }
}
