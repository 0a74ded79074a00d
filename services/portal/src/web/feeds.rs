//! Changes for feed readers: Atom (RFC 4287) and JSON Feed 1.1.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::changes::{recent, words_of};
use super::error::NotFound;
use super::reference::{api_link, find};
use super::visit::Visit;
use crate::catalog::Entry;
use crate::changes::{Change, plain};
use crate::history::Version;
use crate::texts::Texts;

/// The most entries of a feed.
const MOST: usize = 50;
/// The most changes that an entry names.
const NAMED: usize = 100;

/// A feed.
#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed {
    id: String,
    title: String,
    author: String,
    updated: String,
    link: String,
    items: Vec<Item>,
}

/// An entry of a feed: a version of a document.
#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    #[serde(rename = "url")]
    link: String,
    #[serde(rename = "date_published")]
    since: String,
    #[serde(rename = "content_html")]
    content: String,
    #[serde(rename = "tags", serialize_with = "one")]
    severity: &'static str,
}

/// JSON Feed has a list of tags.
fn one<S: serde::Serializer>(tag: &str, serializer: S) -> Result<S::Ok, S::Error> {
    [tag].serialize(serializer)
}

/// What an entry says.
#[derive(Template)]
#[template(path = "feed_entry.html")]
struct Content<'a> {
    texts: &'a Texts,
    words: String,
    changes: &'a [Change],
}

/// The feed of an API.
pub(super) async fn of_api(
    site: Visit,
    Path((namespace, name, feed)): Path<(String, String, String)>,
    asked: HeaderMap,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let versions = site.versions(&entry.api.id).into_iter().filter(|version| !version.changes.is_empty());
    let versions: Vec<_> = versions.take(MOST).map(|version| (Arc::clone(&entry), version)).collect();
    let link = api_link(&entry.api.id);
    Ok(answer(&site, &feed, &asked, &site.texts().with("feed_of", "api", &entry.title()), &link, &versions))
}

/// The feed of all APIs.
pub(super) async fn of_all(site: Visit, Path(feed): Path<String>, asked: HeaderMap) -> Response {
    answer(&site, &feed, &asked, site.texts().text("feed_of_all"), "/docs", &recent(&site, MOST))
}

fn answer(
    site: &Visit,
    feed: &str,
    asked: &HeaderMap,
    title: &str,
    link: &str,
    versions: &[(Arc<Entry>, Arc<Version>)],
) -> Response {
    let origin = origin(asked);
    let id = urn(&["feed", link]);
    let link = format!("{origin}{link}/changes");
    let newest = versions.first().map_or(jiff::Timestamp::UNIX_EPOCH, |(_, version)| version.since);
    let made = Feed {
        id,
        // A reader has feeds of many places.
        title: plain(&format!("{title} · {}", site.title())),
        author: plain(site.title()),
        updated: newest.to_string(),
        items: versions.iter().map(|(entry, version)| item(entry, version, &origin, site.texts())).collect(),
        link,
    };
    match feed {
        "feed.atom" => send("application/atom+xml; charset=utf-8", made.render().map_err(|error| error.to_string())),
        "feed.json" => send("application/feed+json", Ok(json(&made))),
        _ => NotFound::new(site, site.texts().text("no_feed")).into_response(),
    }
}

fn send(media: &'static str, text: Result<String, String>) -> Response {
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, media)], text).into_response(),
        Err(error) => {
            tracing::error!("a feed cannot be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn json(feed: &Feed) -> String {
    let feed = serde_json::json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.link,
        "feed_url": format!("{}/feed.json", feed.link),
        "authors": [{ "name": feed.author }],
        "items": feed.items,
    });
    feed.to_string()
}

fn item(entry: &Entry, version: &Version, origin: &str, texts: &Texts) -> Item {
    let id = &entry.api.id;
    let changes = &version.changes[..version.changes.len().min(NAMED)];
    let named: Vec<_> = changes.iter().map(|change| change.id.as_str()).collect();
    let words = words_of(version, texts);
    let content = Content { texts, words: words.clone(), changes };
    Item {
        // The same changes once more are no news.
        id: urn(&[&id.namespace, &id.segment(), &named.join(" ")]),
        title: format!("{}: {words}", plain(entry.title())),
        link: format!("{origin}{}/changes#v{}", api_link(id), version.number),
        since: version.since.to_string(),
        content: content.render().unwrap_or_default(),
        severity: changes.first().map_or("compatible", |worst| worst.severity.as_str()),
    }
}

/// A name that is the same wherever the portal is: a UUID of version 8 (RFC 9562).
fn urn(parts: &[&str]) -> String {
    let digest = xxhash_rust::xxh3::xxh3_128(parts.join("\n").as_bytes());
    let digest = (digest & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{digest:032x}");
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Where the reader asks: feeds are read far from the page that they are on. Nothing where that is not told well.
pub(super) fn origin(asked: &HeaderMap) -> String {
    let text = |name: &str| asked.get(name).map(HeaderValue::to_str).and_then(Result::ok);
    let is_host =
        |host: &&str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    text("host").filter(is_host).map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_uuids_and_stay() {
        let name = urn(&["shop", "cart", "x"]);
        assert_eq!(name, urn(&["shop", "cart", "x"]));
        assert_ne!(name, urn(&["shop", "cart", "y"]));
        let uuid = name.strip_prefix("urn:uuid:").unwrap();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"), "{uuid}");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }

    #[test]
    fn links_lead_where_the_reader_asked() {
        let asked = |host: &'static str, proto: &'static str| {
            let mut asked = HeaderMap::new();
            asked.insert("host", HeaderValue::from_static(host));
            asked.insert("x-forwarded-proto", HeaderValue::from_static(proto));
            origin(&asked)
        };
        assert_eq!(asked("shop.example:8443", "https"), "https://shop.example:8443");
        assert_eq!(asked("[::1]:80", "javascript"), "http://[::1]:80");
        assert_eq!(asked("a\"b", "https"), "");
    }
}
