//! What requests have to show, as security schemes of each version of OpenAPI have it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::demanded::Demands;
use crate::document::Version;
use crate::gateway::Credential;

/// The most requirements that stand beside each other at one operation.
const MOST_REQUIREMENTS: usize = 64;

/// Names of schemes, each with its scopes: all of them together.
type Requirement = BTreeMap<String, BTreeSet<String>>;

/// The schemes that a document needs.
pub(super) struct Schemes {
    version: Version,
    all: Map<String, Value>,
}

impl Schemes {
    /// Beside those that the document keeps.
    pub(super) fn beside(kept: Map<String, Value>, version: Version) -> Self {
        Self { version, all: kept }
    }

    pub(super) fn into_all(self) -> Map<String, Value> {
        self.all
    }

    /// `security` of an operation that these let be called.
    pub(super) fn security(&mut self, demands: &Demands) -> Value {
        if demands.is_nobody() {
            return json!([{ self.refused(): [] }]);
        }
        let mut all: Vec<_> = demands.closed().flat_map(|one| self.each(one)).collect();
        if all.is_empty() {
            return json!([]);
        }
        all.dedup();
        if all.len() > MOST_REQUIREMENTS {
            let unknown = self.unknown();
            all = vec![Requirement::from([(unknown, BTreeSet::new())])];
        }
        // Whoever shows nothing passes as well: that stands behind what one may show.
        if demands.is_open() {
            all.push(Requirement::new());
        }
        json!(all)
    }

    /// A key may be in one of several places: each is a requirement of its own.
    fn each(&mut self, demand: &BTreeSet<Credential>) -> Vec<Requirement> {
        let mut all = vec![Requirement::new()];
        for credential in demand {
            let ways = self.ways(credential);
            let with = |one: &Requirement| ways.iter().map(|way| joined(one, way)).collect::<Vec<_>>();
            all = all.iter().flat_map(with).take(MOST_REQUIREMENTS + 1).collect();
        }
        all
    }

    fn ways(&mut self, credential: &Credential) -> Vec<Requirement> {
        match credential {
            Credential::Login { provider, scopes } => {
                let scheme = self.login(provider);
                vec![self.one("gateway-login", scheme, scopes)]
            }
            Credential::Token { issuer, scopes } => {
                let scheme = self.token(issuer.as_deref());
                vec![self.one("gateway-token", scheme, scopes)]
            }
            Credential::Key { places } => places.iter().map(|place| self.key(place)).collect(),
            Credential::Password => {
                let scheme = match self.version {
                    Version::V2 => json!({ "type": "basic" }),
                    _ => json!({ "type": "http", "scheme": "basic" }),
                };
                vec![self.one("gateway-password", scheme, &[])]
            }
            Credential::Headers { names } => {
                let header = |name: &String| self.one("gateway-header", in_header(name, None), &[]);
                vec![names.iter().map(header).fold(Requirement::new(), |all, one| joined(&all, &one))]
            }
            Credential::Other => vec![Requirement::from([(self.unknown(), BTreeSet::new())])],
        }
    }

    fn login(&self, provider: &str) -> Value {
        let discovery = format!("{}/.well-known/openid-configuration", provider.trim_end_matches('/'));
        let about = format!(
            "A login at {provider}. The gateway sends a browser there by itself, and knows it afterwards by a cookie."
        );
        match self.version {
            // It does not know of discovery, and needs addresses for OAuth2 that are told nowhere else.
            Version::V2 => {
                let mut scheme = in_header("Cookie", Some(&about));
                scheme["x-nuncio-openIdConnectUrl"] = json!(discovery);
                scheme
            }
            _ => json!({ "type": "openIdConnect", "openIdConnectUrl": discovery, "description": about }),
        }
    }

    fn token(&self, issuer: Option<&str>) -> Value {
        let of = issuer.map(|issuer| format!(" of {issuer}")).unwrap_or_default();
        let about = format!("A bearer token{of}.");
        match self.version {
            Version::V2 => in_header("Authorization", Some(&format!("{about} `Bearer`, a space, and the token."))),
            _ => {
                let mut scheme = json!({ "type": "http", "scheme": "bearer", "description": about });
                if issuer.is_some() {
                    scheme["bearerFormat"] = json!("JWT");
                }
                scheme
            }
        }
    }

    /// In a place as the controller calls it: `header X-Key`, `header Authorization: Key`, `cookie key`, `query parameter key`.
    fn key(&mut self, place: &str) -> Requirement {
        let scheme = match (place.strip_prefix("header ").map(|header| header.split_once(": ")), self.version) {
            (Some(Some((header, scheme))), Version::V2) => {
                in_header(header, Some(&format!("`{scheme}`, a space, and the key.")))
            }
            (Some(Some((_, scheme))), _) => json!({ "type": "http", "scheme": scheme.to_lowercase() }),
            (Some(None), _) => in_header(&place["header ".len()..], None),
            (None, version) => match (place.strip_prefix("cookie "), place.strip_prefix("query parameter ")) {
                (Some(name), _) if version == Version::V2 => {
                    in_header("Cookie", Some(&format!("`{name}=` and the key.")))
                }
                (Some(name), _) => json!({ "type": "apiKey", "in": "cookie", "name": name }),
                (None, Some(name)) => json!({ "type": "apiKey", "in": "query", "name": name }),
                (None, None) => return Requirement::from([(self.unknown(), BTreeSet::new())]),
            },
        };
        self.one("gateway-key", scheme, &[])
    }

    /// What only somebody else knows.
    fn unknown(&mut self) -> String {
        let about =
            "A service of the gateway's operators decides what a request has to show. What that is, is not known here.";
        let mut scheme = in_header("Authorization", Some(about));
        scheme["x-nuncio-unknown"] = json!(true);
        self.name("gateway-unknown", scheme)
    }

    /// What lets nobody through.
    fn refused(&mut self) -> String {
        let about = "The gateway refuses every request as it is now, whatever it shows.";
        let mut scheme = in_header("Authorization", Some(about));
        scheme["x-nuncio-refused"] = json!(true);
        self.name("gateway-refused", scheme)
    }

    /// A scheme with scopes. Versions before 3.1 have these of `OAuth2` and OpenID Connect alone.
    fn one(&mut self, name: &str, mut scheme: Value, scopes: &[String]) -> Requirement {
        let has_scopes = matches!(self.version, Version::V3_1 | Version::V3_2) || scheme["type"] == "openIdConnect";
        if !has_scopes && !scopes.is_empty() {
            scheme["x-nuncio-scopes"] = json!(scopes);
        }
        let scopes = if has_scopes { scopes.iter().cloned().collect() } else { BTreeSet::new() };
        Requirement::from([(self.name(name, scheme), scopes)])
    }

    /// The name of a scheme: the same for the same.
    fn name(&mut self, wanted: &str, scheme: Value) -> String {
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(|name| self.all.get(name).is_none_or(|known| *known == scheme)).unwrap_or_default();
        self.all.insert(name.clone(), scheme);
        name
    }
}

fn in_header(name: &str, about: Option<&str>) -> Value {
    let mut scheme = json!({ "type": "apiKey", "in": "header", "name": name });
    if let Some(about) = about {
        scheme["description"] = json!(about);
    }
    scheme
}

fn joined(one: &Requirement, other: &Requirement) -> Requirement {
    let mut all = one.clone();
    for (name, scopes) in other {
        all.entry(name.clone()).or_default().extend(scopes.iter().cloned());
    }
    all
}
