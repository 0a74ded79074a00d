//! `DevPortal`: which APIs a developer portal shows, and how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `spec` of a `DevPortal`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DevPortal {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Of several objects this one is in force; default `false`.
    pub default: bool,
    /// Pages beside the APIs: where they are.
    pub content: Option<PortalContent>,
    /// APIs that no Mapping names.
    pub docs: Vec<PortalDocs>,
    /// The Mappings whose APIs are shown; default is all, or with `docs` none.
    pub selector: Option<PortalSelector>,
    /// What an API is called beside its title; default `namespace.name`.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub naming_scheme: Option<NamingScheme>,
    /// What can be searched; default is everything.
    pub search: Option<PortalSearch>,
    /// Documents keep the servers that they name; default `false`: they get those of the gateway.
    pub preserve_servers: bool,
}

/// Where the pages of a portal are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PortalContent {
    /// A directory of the portal's machine, as `file:///…`, inside the one of its flag `--portal-content`; default is that one.
    /// Repositories are not fetched.
    pub url: String,
    /// The branch of a repository. No effect: what was checked out is shown.
    pub branch: String,
    /// The directory below that.
    pub dir: String,
}

/// An API that no Mapping names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PortalDocs {
    /// What it is called. Required.
    pub service: String,
    /// Where its document is: by https, at a public address. Required.
    pub url: String,
    /// Milliseconds that fetching may take; default 10 000, at most 30 000.
    pub timeout_ms: Option<u64>,
}

/// Selects Mappings: in one of the namespaces, and with all of the labels. An empty one selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PortalSelector {
    /// Namespaces; every one where empty.
    #[serde(rename = "matchNamespaces")]
    pub match_namespaces: Vec<String>,
    /// Labels that must have exactly these values.
    #[serde(rename = "matchLabels")]
    pub match_labels: BTreeMap<String, String>,
}

/// What an API is called beside its title, and in its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum NamingScheme {
    /// By namespace and name of its Mapping.
    #[default]
    #[serde(rename = "namespace.name")]
    NamespaceName,
    /// By name and prefix of its Mapping.
    #[serde(rename = "name.prefix")]
    NamePrefix,
}

/// What can be searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PortalSearch {
    /// Whether there is a search; default `false`.
    pub enabled: bool,
    /// How far it goes; default `title-only`.
    #[serde(rename = "type", deserialize_with = "crate::lenient::name_unless_empty")]
    pub kind: Option<SearchKind>,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SearchKind {
    /// Titles of APIs and pages.
    #[default]
    TitleOnly,
    /// All that documents and pages say.
    AllContent,
}

impl DevPortal {
    /// Whether the API of a Mapping is shown.
    #[must_use]
    pub fn selects(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        match &self.selector {
            // What is written by hand stands for what would be found.
            None => self.docs.is_empty(),
            Some(PortalSelector { match_namespaces, match_labels }) => {
                (match_namespaces.is_empty() || match_namespaces.iter().any(|name| name == namespace))
                    && match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(yaml: serde_json::Value) -> DevPortal {
        serde_json::from_value(yaml).unwrap()
    }

    #[test]
    fn mappings_are_selected_by_any_namespace_and_all_labels() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        let selects =
            |selector: serde_json::Value| portal(serde_json::json!({ "selector": selector })).selects("shop", &labels);
        for selector in [
            serde_json::json!({}),
            serde_json::json!({ "matchNamespaces": ["web", "shop"] }),
            serde_json::json!({ "matchLabels": { "a": "1", "b": "2" } }),
        ] {
            assert!(selects(selector.clone()), "{selector}");
        }
        for selector in [
            serde_json::json!({ "matchNamespaces": ["web"] }),
            serde_json::json!({ "matchNamespaces": ["shop"], "matchLabels": { "a": "1", "c": "3" } }),
            serde_json::json!({ "matchLabels": { "a": "2" } }),
        ] {
            assert!(!selects(selector.clone()), "{selector}");
        }
    }

    #[test]
    fn a_list_by_hand_stands_for_what_would_be_found() {
        assert!(portal(serde_json::json!({})).selects("shop", &BTreeMap::new()));
        let docs = serde_json::json!([{ "service": "a", "url": "https://a.example/x" }]);
        assert!(!portal(serde_json::json!({ "docs": docs })).selects("shop", &BTreeMap::new()));
        assert!(portal(serde_json::json!({ "docs": docs, "selector": {} })).selects("shop", &BTreeMap::new()));
    }
}
