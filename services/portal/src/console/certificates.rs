//! Certificates, and until when they hold.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;

use super::model::{Certificate, Page as List};
use super::page::{Trouble, ask};
use crate::web::{Frame, Visit, respond, words};

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
    let rows = list.items.into_iter().map(|certificate| row(certificate, now)).collect();
    Ok(respond(&Page { frame: site.frame(), here: "certificates", rows, total: list.total }))
}

fn row(certificate: Certificate, now: i64) -> Row {
    let (state, left) = left(certificate.not_after - now);
    Row {
        until: Timestamp::from_second(certificate.not_after).map(words::date).unwrap_or_default(),
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
fn left(seconds: i64) -> (&'static str, String) {
    match seconds {
        ..0 => ("missing", format!("ended {} ago", words::count(-seconds / DAY, "day"))),
        0..SOON => ("stale", format!("{} left", words::count(seconds / DAY, "day"))),
        _ => ("current", format!("{} left", words::count(seconds / DAY, "day"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_is_marked() {
        assert_eq!(left(-3 * DAY), ("missing", "ended 3 days ago".to_owned()));
        assert_eq!(left(DAY + 5), ("stale", "1 day left".to_owned()));
        assert_eq!(left(20 * DAY), ("current", "20 days left".to_owned()));
    }
}
