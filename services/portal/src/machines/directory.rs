//! What programs look for first: a list of the APIs for language models, and one for crawlers of catalogs (RFC 9727).

use std::fmt::Write;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::catalog::Entry;
use crate::markdown;
use crate::web::{Visit, api_link, documents_link};

/// `llms.txt`: every API with the markdown of its page and its document.
pub(super) async fn llms(site: Visit) -> impl IntoResponse {
    let mut text = format!(
        "# {}\n\n> The APIs behind this gateway, as clients meet them. Every page has a twin in markdown: its address with \
         `.md` behind it (`/docs/index.md`), or the same address for who accepts `text/markdown`.\n\n## APIs\n\n",
        site.title()
    );
    for entry in &site.catalog().entries {
        let about = summary(entry);
        let about = if about.is_empty() { String::new() } else { format!(": {about}") };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "- [{}]({}.md){about} ([OpenAPI]({}))",
            one_line(entry.title()),
            api_link(&entry.api.id),
            document(entry)
        );
    }
    let mut pages = site.pages().peekable();
    if pages.peek().is_some() {
        text.push_str("\n## Pages\n\n");
    }
    for page in pages {
        let _ = writeln!(text, "- [{}]({}.md)", one_line(&page.title), page.link());
    }
    text.push_str(
        "\n## Optional\n\n- [Changes](/docs/changes.md): what has changed in them, and whom that breaks\n\
         - [Search](/docs/api/search?term=cart): APIs, operations, parameters and schemas as JSON\n\
         - [MCP](/docs/mcp): the same for agents, by the Model Context Protocol over HTTP\n",
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

/// The catalog as a set of links.
pub(super) async fn catalog(site: Visit) -> impl IntoResponse {
    let set: Vec<_> = site.catalog().entries.iter().map(|entry| links(entry)).collect();
    let media = "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
    let link = HeaderValue::from_static("</.well-known/api-catalog>; rel=\"api-catalog\"");
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(media)), (header::LINK, link)];
    (headers, json!({ "linkset": set }).to_string())
}

/// Of one API: its document, and its page.
fn links(entry: &Entry) -> Value {
    let page = api_link(&entry.api.id);
    let path = entry.api.served.path.text();
    let origin = entry.api.mount.as_ref().ok().and_then(|mount| mount.origins.first());
    let anchor = origin.map_or_else(|| page.clone(), |origin| format!("{origin}{path}"));
    json!({
        "anchor": anchor,
        "service-desc": [{ "href": document(entry), "type": "application/json", "title": entry.title() }],
        "service-doc": [{ "href": page, "type": "text/html" }, { "href": format!("{page}.md"), "type": "text/markdown" }],
    })
}

fn document(entry: &Entry) -> String {
    format!("{}/openapi.json", documents_link(&entry.api.id))
}

fn summary(entry: &Entry) -> String {
    let info = |key: &str| entry.reference.as_ref().and_then(|known| known.document.info(key)).unwrap_or_default();
    match info("summary") {
        "" => one_line(&markdown::summary(info("description"))),
        summary => one_line(summary),
    }
}

/// A stranger's text on one line, in which nothing leads anywhere.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(['[', ']', '<', '>'], " ")
}
