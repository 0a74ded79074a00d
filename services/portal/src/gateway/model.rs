//! What the controller tells: of its answers, what a portal needs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ObjectRef;
use crate::texts::Texts;

/// A list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) items: Vec<ServedApi>,
}

/// Something that sends requests to a service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ServedApi {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// What annotations of ours say of it.
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether the DevPortal in force shows it.
    #[serde(default = "yes")]
    pub(crate) selected: bool,
    pub(crate) docs: Option<Docs>,
    pub(crate) path: Path,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) method: Option<String>,
    pub(crate) conditions: Vec<String>,
    pub(crate) hosts: Vec<PublicHost>,
    pub(crate) upstream: Upstream,
    pub(crate) rules: Vec<String>,
    pub(crate) asks_auth_service: bool,
    #[serde(default)]
    pub(crate) credentials: Vec<Credential>,
    /// The Secrets whose keys let requests through, as `namespace/name`.
    #[serde(default)]
    pub(crate) key_secrets: Vec<String>,
    /// Whether no request gets through without showing any of these.
    #[serde(default = "yes")]
    pub(crate) always_asked: bool,
    #[serde(default)]
    pub(crate) removed_headers: Vec<String>,
    pub(crate) timeout_ms: u64,
}

/// The kind of what says that there is an API which no Mapping names.
pub(crate) const DEV_PORTAL: &str = "DevPortal";

impl ServedApi {
    /// Whether it is made of this object.
    pub(crate) fn is(&self, object: &ObjectRef) -> bool {
        (&self.kind, &self.namespace, &self.name) == (&object.kind, &object.namespace, &object.name)
    }

    /// What it is made of.
    pub(crate) fn object(&self) -> ObjectRef {
        let Self { kind, namespace, name, .. } = self;
        ObjectRef { kind: kind.clone(), namespace: namespace.clone(), name: name.clone() }
    }

    /// Whether a DevPortal names it, and no route leads there.
    pub(crate) fn is_by_hand(&self) -> bool {
        self.kind == DEV_PORTAL
    }

    /// Whether it leads to a portal: nothing else is asked for below this path as it is.
    pub(crate) fn is_portal(&self) -> bool {
        self.passes_on("/docs")
    }

    /// Whether it leads to a console, likewise.
    pub(crate) fn is_console(&self) -> bool {
        self.passes_on("/console")
    }

    /// Whether it leads to all of a service, as it is.
    pub(crate) fn is_whole(&self) -> bool {
        self.passes_on("")
    }

    /// Whether it is for what is below this path, and nobody changes that.
    fn passes_on(&self, path: &str) -> bool {
        let is_as_it_is = matches!(self.path, Path::Prefix(_) | Path::Segments(_)) && self.rewrite.is_none();
        is_as_it_is && self.path.text().trim_end_matches('/') == path
    }

    /// The groups that it is for; none where it is for everybody.
    pub(crate) fn visible_to(&self) -> Option<&[String]> {
        self.docs.as_ref()?.visible_to.as_deref()
    }

    /// What its requests are asked for; not all of them, perhaps.
    pub(crate) fn asked(&self) -> Vec<Credential> {
        match self.credentials.is_empty() && (self.asks_auth_service || !self.rules.is_empty()) {
            true => vec![Credential::Other],
            false => self.credentials.clone(),
        }
    }

    /// Whether requests may be asked for a login, or by somebody who alone knows for what.
    pub(crate) fn may_log_in(&self) -> bool {
        self.asked().iter().any(|credential| matches!(credential, Credential::Login { .. } | Credential::Other))
    }

    /// Whether no service sees a header of this name that a client sends.
    pub(crate) fn removes(&self, header: &str) -> bool {
        let header = header.to_lowercase();
        self.removed_headers.iter().any(|removed| match removed.strip_suffix('*') {
            Some(prefix) => header.starts_with(prefix),
            None => header == *removed,
        })
    }
}

/// Something that clients have to show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Credential {
    Login { provider: String, scopes: Vec<String> },
    Token { issuer: Option<String>, scopes: Vec<String> },
    Key { places: Vec<String> },
    Password,
    Headers { names: Vec<String> },
    Other,
}

impl Credential {
    /// In the words of whoever is to show it.
    pub(crate) fn words(&self, texts: &Texts) -> String {
        let with = |credential: String, scopes: &[String]| match scopes {
            [] => credential,
            scopes => texts.fill("credential_scope", &[("credential", &credential), ("scopes", &scopes.join(" "))]),
        };
        let joined = |names: &[String], between| names.join(&format!(" {} ", texts.text(between)));
        match self {
            Self::Login { provider, scopes } => with(texts.with("credential_login", "provider", provider), scopes),
            Self::Token { issuer: Some(issuer), scopes } => {
                with(texts.with("credential_token_of", "issuer", issuer), scopes)
            }
            Self::Token { issuer: None, scopes } => with(texts.text("credential_token").to_owned(), scopes),
            Self::Key { places } => texts.with("credential_key", "places", &joined(places, "credential_or_the")),
            Self::Password => texts.text("credential_password").to_owned(),
            Self::Headers { names } => texts.with("credential_headers", "names", &joined(names, "and")),
            Self::Other => texts.text("credential_other").to_owned(),
        }
    }
}

fn yes() -> bool {
    true
}

/// Where the document is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Docs {
    /// As the service itself knows it.
    pub(crate) path: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) ignored: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) invalid: Option<String>,
    /// The groups that it is for; none where it is for everybody.
    pub(crate) visible_to: Option<Vec<String>>,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub(crate) enum Path {
    Prefix(String),
    Segments(String),
    Exact(String),
    Regex(String),
}

impl Path {
    /// As it is written.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Prefix(text) | Self::Segments(text) | Self::Exact(text) | Self::Regex(text) => text,
        }
    }
}

/// A change of the path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub(crate) enum Rewrite {
    Matched(String),
    Full(String),
    Regex(String),
}

/// A name that clients use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PublicHost {
    pub(crate) host: String,
    pub(crate) urls: Vec<String>,
}

/// The service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) service: String,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) names: Vec<String>,
    pub(crate) tls: Option<UpstreamTls>,
    pub(crate) host: Option<String>,
}

impl Upstream {
    /// Whether requests to both may get to the same, whatever it is called.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.service.eq_ignore_ascii_case(&other.service)
            || self.endpoints.iter().any(|endpoint| other.endpoints.contains(endpoint))
    }
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
}

/// How connections to the service are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UpstreamTls {
    pub(crate) sni: Option<String>,
    /// By which the service is verified; by nothing where there are none.
    #[serde(default)]
    pub(crate) authorities: Option<String>,
    /// What is shown to it.
    #[serde(default)]
    pub(crate) certificate: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_sends_requests_is_told_what_to_show() {
        let credentials: Vec<Credential> = serde_json::from_value(json!([
            { "kind": "login", "provider": "https://idp.example", "scopes": [] },
            { "kind": "token", "issuer": "https://idp.example", "scopes": ["read", "write"] },
            { "kind": "key", "places": ["header X-API-Key", "query parameter key"] },
            { "kind": "password" },
        ]))
        .unwrap();
        let words: Vec<_> = credentials.iter().map(|one| one.words(&Texts::default())).collect();
        let expected = [
            "a login at https://idp.example",
            "a bearer token of https://idp.example with scope read write",
            "an API key in the header X-API-Key or the query parameter key",
            "a name and a password (Authorization: Basic)",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn headers_that_are_taken_away_are_known() {
        let mut served = crate::mount::tests::served(Path::Prefix("/".to_owned()), None);
        served.removed_headers = vec!["x-user".to_owned(), "x-envoy-*".to_owned()];
        assert!(served.removes("X-User") && served.removes("x-envoy-retry-on"));
        assert!(!served.removes("x-users") && !served.removes("accept"));
    }
}
