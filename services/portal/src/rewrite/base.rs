//! Where a document says that the service's paths begin.

use serde_json::Value;

use crate::document::{Document, Version, text};
use crate::mount::host_and_port;

/// What is in front of every path of a document. Of several servers the first counts.
pub(super) struct Base {
    /// The host, where it names one; without its port.
    pub(super) host: Option<String>,
    /// The path, without a slash at its end.
    pub(super) path: String,
}

impl Base {
    pub(super) fn of(document: &Document) -> Self {
        match document.version {
            Version::V2 => {
                let host = text(&document.value, "host").map(|host| host_and_port(host).0.to_owned());
                Self { host, path: trimmed(text(&document.value, "basePath").unwrap_or_default()) }
            }
            _ => {
                let first = document.value["servers"].get(0);
                first
                    .map_or(Self { host: None, path: String::new() }, |server| Self::of_server(server, &document.place))
            }
        }
    }

    /// That of a server, its variables filled in, of a document at this path.
    fn of_server(server: &Value, place: &str) -> Self {
        let mut url = text(server, "url").unwrap_or_default().to_owned();
        for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
            let first = || variable.get("enum")?.get(0)?.as_str();
            if let Some(value) = variable.get("default").and_then(Value::as_str).or_else(first) {
                url = url.replace(&format!("{{{name}}}"), value);
            }
        }
        match reqwest::Url::parse(&url) {
            Ok(url) => Self { host: url.host_str().map(str::to_owned), path: trimmed(url.path()) },
            // Relative to where the document is (RFC 3986, section 5): by a path alone, or from the root.
            Err(_) if url.starts_with('/') => {
                Self { host: None, path: trimmed(url.split(['?', '#']).next().unwrap_or_default()) }
            }
            Err(_) if url.is_empty() || url.contains(char::is_whitespace) => Self { host: None, path: String::new() },
            Err(_) => {
                let whole = reqwest::Url::parse("http://service").and_then(|root| root.join(place)?.join(&url));
                Self { host: None, path: whole.map(|url| trimmed(url.path())).unwrap_or_default() }
            }
        }
    }
}

fn trimmed(path: &str) -> String {
    let path = path.trim_end_matches('/');
    if path.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_filled_in_as_far_as_they_are_told() {
        for (server, host, path) in [
            (json!({ "url": "https://a.example/v1/?x=1#y" }), Some("a.example"), "/v1"),
            (json!({ "url": "https://a.example" }), Some("a.example"), ""),
            (json!({ "url": "/a%20b/{v}/", "variables": { "v": { "default": "v2" } } }), None, "/a%20b/v2"),
            (json!({ "url": "/{v}", "variables": { "v": { "enum": ["v1", "v2"] } } }), None, "/v1"),
            (json!({ "url": "api/v1" }), None, "/docs/api/v1"),
            (json!({ "url": "./api?x=1" }), None, "/docs/api"),
            (json!({ "url": "../{v}/", "variables": { "v": { "default": "v2" } } }), None, "/v2"),
            (json!({ "url": "." }), None, "/docs"),
            (json!({ "url": "not a url" }), None, ""),
            (json!({}), None, ""),
        ] {
            let base = Base::of_server(&server, "/docs/openapi.json");
            assert_eq!((base.host.as_deref(), base.path.as_str()), (host, path), "{server}");
        }
    }
}
