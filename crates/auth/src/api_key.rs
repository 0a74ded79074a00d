//! Keys of clients.

use std::collections::HashMap;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use nuncio_ir::auth::{ApiKey, KeySecret, KeySource};

use crate::{Request, cookie, crypto};

/// The keys of a filter, as digests: how long finding one takes says nothing about any key.
#[derive(Clone)]
pub struct ApiKeys {
    owners: HashMap<[u8; 32], Arc<str>>,
    sources: Vec<Source>,
}

#[derive(Clone, Debug)]
enum Source {
    Header(HeaderName),
    Authorization(String),
    Cookie(String),
    Query(String),
}

/// Why keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKeys {
    /// No header is named so.
    #[error("{0:?} is no name of a header")]
    Header(String),
    /// What follows `sha256:` is no digest. Says whose, not what.
    #[error("the key of {0:?} begins with sha256: and is no digest of 64 hexadecimal digits")]
    Digest(String),
    /// It would let in who sends nothing.
    #[error("the key of {0:?} is empty")]
    Empty(String),
}

/// What was found in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No key.
    Nothing,
    /// One that nobody has.
    Unknown,
    /// This one's.
    Owner(Arc<str>),
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeys").field("keys", &self.owners.len()).field("sources", &self.sources).finish()
    }
}

impl ApiKeys {
    /// Compiles the keys of a filter.
    ///
    /// # Errors
    /// When a header's name or a key is none.
    pub fn new(filter: &ApiKey) -> Result<Self, InvalidApiKeys> {
        let header = |name: &Arc<str>| {
            HeaderName::try_from(&**name).map_err(|_| InvalidApiKeys::Header(name.as_ref().to_owned()))
        };
        let source = |source: &KeySource| {
            Ok(match source {
                KeySource::Header(name) => Source::Header(header(name)?),
                KeySource::Authorization(scheme) => Source::Authorization(scheme.as_ref().to_owned()),
                KeySource::Cookie(name) => Source::Cookie(name.as_ref().to_owned()),
                KeySource::Query(name) => Source::Query(name.as_ref().to_owned()),
            })
        };
        let mut owners = HashMap::new();
        for key in &filter.keys {
            owners.insert(digest(key)?, key.owner.clone());
        }
        Ok(Self { owners, sources: filter.sources.iter().map(source).collect::<Result<_, _>>()? })
    }

    /// Whether a key is one.
    ///
    /// # Errors
    /// When it is none.
    pub fn usable(key: &KeySecret) -> Result<(), InvalidApiKeys> {
        digest(key).map(drop)
    }

    /// Whose key the request has; `remove` takes it out of what is passed on.
    pub fn find(&self, request: &mut Request, remove: bool) -> Found {
        for source in &self.sources {
            let Some(key) = source.read(request) else { continue };
            let Some(owner) = self.owners.get(&crypto::sha256(key.as_bytes())) else { return Found::Unknown };
            if remove || matches!(source, Source::Query(_)) {
                source.remove(request);
            }
            return Found::Owner(owner.clone());
        }
        Found::Nothing
    }
}

impl Source {
    fn read(&self, request: &Request) -> Option<String> {
        match self {
            Self::Header(name) => request.header(name.as_str()).map(str::to_owned),
            Self::Authorization(scheme) => {
                let (found, key) = request.header("authorization")?.split_once(' ')?;
                found.eq_ignore_ascii_case(scheme).then(|| key.trim().to_owned())
            }
            Self::Cookie(name) => cookie::values(request.headers(), name).next().map(str::to_owned),
            Self::Query(name) => form_urlencoded::parse(request.query().as_bytes())
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.into_owned()),
        }
        .filter(|key| !key.is_empty())
    }

    fn remove(&self, request: &mut Request) {
        match self {
            Self::Header(name) => request.remove_header(name),
            Self::Authorization(_) => request.remove_header(&AUTHORIZATION),
            Self::Query(name) => request.remove_query_parameter(name),
            Self::Cookie(name) => cookie::hide(request, |found| found == name),
        }
    }
}

/// What a key is looked for by.
fn digest(key: &KeySecret) -> Result<[u8; 32], InvalidApiKeys> {
    let secret = key.secret.expose();
    let owner = || key.owner.as_ref().to_owned();
    let written = |hex| crypto::unhex(hex)?.try_into().ok();
    match secret.strip_prefix("sha256:") {
        Some(hex) => written(hex).ok_or_else(|| InvalidApiKeys::Digest(owner())),
        None if secret.is_empty() => Err(InvalidApiKeys::Empty(owner())),
        None => Ok(crypto::sha256(secret.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn keys(sources: &Value, keys: &Value) -> Result<ApiKeys, InvalidApiKeys> {
        ApiKeys::new(&serde_json::from_value(json!({ "sources": sources, "keys": keys })).unwrap())
    }

    fn request(target: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::new("GET", "https", "a", target);
        for (name, value) in headers {
            request.add_header(name, value.as_bytes());
        }
        request
    }

    /// Case 46: a key is the whole key, and one that was taken away is none.
    #[test]
    fn only_a_whole_key_is_one() {
        let all = json!([{ "header": "X-API-Key" }]);
        let mine = keys(&all, &json!([{ "owner": "ann", "secret": "secret-1" }])).unwrap();
        let find = |keys: &ApiKeys, key: &str| keys.find(&mut request("/", &[("x-api-key", key)]), false);
        assert_eq!(find(&mine, "secret-1"), Found::Owner("ann".into()));
        for key in ["secret-", "secret-11", "SECRET-1", "sha256:"] {
            assert_eq!(find(&mine, key), Found::Unknown, "{key}");
        }
        assert_eq!(find(&mine, ""), Found::Nothing);
        assert_eq!(find(&keys(&all, &json!([])).unwrap(), "secret-1"), Found::Unknown);
    }

    #[test]
    fn keys_may_be_digests_and_stand_in_several_places() {
        let digest: String = crypto::sha256(b"k").iter().map(|byte| format!("{byte:02x}")).collect();
        let sources =
            json!([{ "header": "x-key" }, { "authorization": "ApiKey" }, { "cookie": "key" }, { "query": "key" }]);
        let keys = keys(&sources, &json!([{ "owner": "ann", "secret": format!("sha256:{digest}") }])).unwrap();
        let places = [
            ("/", vec![("x-key", "k")]),
            ("/", vec![("authorization", "apikey k")]),
            ("/", vec![("cookie", "a=b; key=k")]),
            ("/?a=b&key=k", vec![]),
        ];
        for (target, headers) in places {
            let mut request = request(target, &headers);
            assert_eq!(keys.find(&mut request, true), Found::Owner("ann".into()), "{target} {headers:?}");
            let cookie = request.header("cookie").unwrap_or_default().to_owned();
            assert!(!cookie.contains("key=k"), "{cookie}");
            assert_eq!(request.into_edits().query_removed.is_empty(), !target.contains('?'));
        }
        assert!(!format!("{keys:?}").contains(&digest));
    }

    #[test]
    fn keys_that_would_let_anybody_in_are_mistakes() {
        let with = |secret: &str| keys(&json!([]), &json!([{ "owner": "o", "secret": secret }])).unwrap_err();
        assert_eq!(with(""), InvalidApiKeys::Empty("o".to_owned()));
        assert_eq!(with("sha256:12"), InvalidApiKeys::Digest("o".to_owned()));
    }
}
