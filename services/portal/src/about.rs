//! Whose an API is, and where else it is told of: by annotations of its Mapping or Service (`nuncio.dev/owner`), or by `x-`
//! fields of its document's `info` (`x-owner`). Annotations go first: whoever runs the gateway has them.

use serde_json::Value;

use crate::api::Api;
use crate::reference::Reference;

/// The most tags, and the most links.
const MOST: usize = 20;
/// The longest text.
const LONGEST: usize = 200;

/// What is said of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) owner: String,
    pub(crate) team: String,
    /// Whether it is there to stay: `production`, `beta`, `deprecated`.
    pub(crate) lifecycle: String,
    pub(crate) tags: Vec<String>,
    /// What they are called, and where they lead.
    pub(crate) links: Vec<(String, String)>,
}

impl About {
    /// What its Mapping, its Service and its document say.
    pub(crate) fn of(api: &Api, reference: Option<&Reference>) -> Self {
        let info = reference.and_then(|known| known.document.value.get("info"));
        let written = |name: &str| info?.get(format!("x-{name}"));
        let annotated = |name: &str| api.served.annotations.get(&format!("nuncio.dev/{name}"));
        let text = |name: &str| {
            let text = annotated(name).map(String::as_str).or_else(|| written(name)?.as_str()).unwrap_or_default();
            bounded(text)
        };
        let tags = match annotated("tags") {
            Some(tags) => tags.split(',').map(bounded).collect(),
            None => list(written("tags")).filter_map(Value::as_str).map(bounded).collect::<Vec<_>>(),
        };
        let links = match annotated("links") {
            Some(links) => links.split(',').filter_map(|link| link.split_once('=')).map(pair).collect(),
            None => list(written("links")).filter_map(link).collect::<Vec<_>>(),
        };
        let is_safe = |(_, url): &(String, String)| url.starts_with("https://") || url.starts_with("http://");
        Self {
            owner: text("owner"),
            team: text("team"),
            lifecycle: text("lifecycle"),
            tags: tags.into_iter().filter(|tag| !tag.is_empty()).take(MOST).collect(),
            links: links.into_iter().filter(is_safe).take(MOST).collect(),
        }
    }

    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The words that it is found by.
    pub(crate) fn words(&self) -> impl Iterator<Item = &String> {
        [&self.owner, &self.team, &self.lifecycle].into_iter().chain(&self.tags)
    }
}

fn bounded(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn pair((title, url): (&str, &str)) -> (String, String) {
    (bounded(title), url.trim().to_owned())
}

/// A link of a document: `{title, url}`.
fn link(value: &Value) -> Option<(String, String)> {
    let url = value.get("url")?.as_str()?;
    Some(pair((value.get("title").and_then(Value::as_str).unwrap_or(url), url)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::tests::of_service;
    use crate::history::tests::said;

    fn about(annotations: &[(&str, &str)], info: &Value) -> About {
        let mut api = of_service();
        api.served.annotations =
            annotations.iter().map(|(name, text)| (format!("nuncio.dev/{name}"), (*text).to_owned())).collect();
        About::of(&api, Some(&said(&json!({ "openapi": "3.1.0", "info": info, "paths": {} }))))
    }

    #[test]
    fn annotations_go_before_the_document() {
        let info = json!({ "title": "T", "x-owner": "document", "x-team": "carts", "x-tags": ["a", "b", 3],
            "x-links": [{ "title": "Chat", "url": "https://chat.example" }, { "url": "javascript:alert(1)" }] });
        let of_document = about(&[], &info);
        assert_eq!((of_document.owner.as_str(), of_document.team.as_str()), ("document", "carts"));
        assert_eq!(of_document.tags, ["a", "b"]);
        assert_eq!(of_document.links, [("Chat".to_owned(), "https://chat.example".to_owned())]);
        let annotations = [("owner", "ada"), ("tags", "public, , beta"), ("links", "Runbook=https://r.example/?a=b,x")];
        let both = about(&annotations, &info);
        assert_eq!((both.owner.as_str(), both.team.as_str()), ("ada", "carts"));
        assert_eq!(both.tags, ["public", "beta"]);
        assert_eq!(both.links, [("Runbook".to_owned(), "https://r.example/?a=b".to_owned())]);
        assert!(about(&[], &json!({ "title": "T" })).is_empty());
    }
}
