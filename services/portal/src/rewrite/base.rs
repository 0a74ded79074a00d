//! Where a document says that the service's paths begin.

use serde_json::Value;

use crate::document::{Document, Version, text};

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
                let host = text(&document.value, "host").map(|host| host.split(':').next().unwrap_or(host).to_owned());
                Self { host, path: trimmed(text(&document.value, "basePath").unwrap_or_default()) }
            }
            _ => document.value["servers"].get(0).map_or(Self { host: None, path: String::new() }, Self::of_server),
        }
    }

    /// That of a server, its variables filled in. What nobody says what it is stays, for clients to fill in.
    fn of_server(server: &Value) -> Self {
        let mut url = text(server, "url").unwrap_or_default().to_owned();
        for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
            let first = || variable.get("enum")?.get(0)?.as_str();
            if let Some(value) = variable.get("default").and_then(Value::as_str).or_else(first) {
                url = url.replace(&format!("{{{name}}}"), value);
            }
        }
        let (host, path) = match url.split_once("://") {
            Some((_, rest)) => {
                let (_, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
                // Only a parser knows what is a host and what is not.
                let known = reqwest::Url::parse(&url).ok();
                (known.and_then(|url| url.host_str().map(str::to_owned)), path)
            }
            // Relative to where the document is, of which only the root is known to be meant.
            None if url.starts_with('/') => (None, url.as_str()),
            None => (None, ""),
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Self { host, path: if path.starts_with('/') { trimmed(path) } else { String::new() } }
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
            (json!({ "url": "/{v}/x", "variables": { "v": { "default": "" } } }), None, "//x"),
            (
                json!({ "url": "https://{env}.example/{v}/x", "variables": { "env": { "default": "a" } } }),
                Some("a.example"),
                "/{v}/x",
            ),
            (json!({ "url": "https://{env}.example/x" }), None, "/x"),
            (json!({ "url": "not a url" }), None, ""),
            (json!({}), None, ""),
        ] {
            let base = Base::of_server(&server);
            let found_host = base.host.as_deref().filter(|host| !host.contains('{'));
            assert_eq!((found_host, base.path.as_str()), (host, path), "{server}");
        }
    }
}
