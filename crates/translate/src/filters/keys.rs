//! Keys and passwords.

use std::sync::Arc;

use nuncio_api::{self as api, Problem};
use nuncio_auth::api_key::ApiKeys;
use nuncio_auth::basic::Users;
use nuncio_ir::auth::{ApiKey, Basic, KeySecret, KeySource, UpstreamIdentity};

use super::{Compiler, filter_id};
use crate::secrets::SecretError;

/// The header of keys where none is named.
const KEY_HEADER: &str = "X-API-Key";
/// The Secret that a portal makes.
const PORTAL_KEYS: &str = "portal-keys";

impl Compiler<'_> {
    pub(super) fn api_key(&mut self, spec: &api::ApiKeyFilter) -> ApiKey {
        let mut keys = Vec::new();
        for (index, named) in spec.keys.iter().enumerate() {
            let field = format!("spec.APIKey.keys[{index}].secretName");
            let name = self.secret_ref(&named.secret_name, None);
            let secret = match self.around.secrets.contents_for(&name, self.id) {
                Ok(secret) => secret,
                Err(error) => {
                    self.problems.push(without_keys(field, &named.secret_name, &error));
                    continue;
                }
            };
            for (owner, bytes) in &secret.data {
                match key(owner, bytes.expose()) {
                    Ok(key) => keys.push(key),
                    // The others are as good as they were.
                    Err(why) => {
                        let message = format!("Secret {name}: {why}; nobody has that key, and the others count");
                        self.problems.push(Problem::warning("InvalidSecret", field.clone(), message));
                    }
                }
            }
        }
        // Who has a portal begins without keys.
        let is_by_hand = spec.keys.iter().any(|named| named.secret_name != PORTAL_KEYS);
        if keys.is_empty() && is_by_hand && self.problems.is_empty() {
            let message = "there is no key in any of these Secrets: nobody is let in";
            self.problems.push(Problem::warning("InvalidSecret", "spec.APIKey.keys", message));
        }
        let filter =
            ApiKey { sources: sources(spec), keys, identity: identity(&spec.identity_header, spec.remove_credential) };
        if let Err(error) = ApiKeys::new(&filter) {
            self.problems.push(Problem::error("InvalidSecret", "spec.APIKey.keys", error.to_string()));
        }
        filter
    }

    pub(super) fn basic(&mut self, spec: &api::BasicFilter) -> Option<Basic> {
        let field = "spec.Basic.secretName";
        let name = self.secret_ref(&spec.secret_name, None);
        let users = self.secret(&name, &["htpasswd", "auth"], field)?;
        if let Err(error) = Users::parse(&users) {
            self.problems.push(Problem::error("InvalidSecret", field, format!("Secret {name}: {error}")));
        }
        let realm = spec.realm.as_deref().map_or_else(|| filter_id(&self.id.name, &self.id.namespace).0, Into::into);
        let identity = identity(&spec.identity_header, spec.remove_credential);
        Some(Basic { realm, users: users.as_str().into(), identity })
    }
}

/// A key of a Secret, or why it is none.
fn key(owner: &str, bytes: &[u8]) -> Result<KeySecret, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("what it has under `{owner}` is no text"))?;
    // Nobody can send a line break.
    let key = KeySecret { owner: owner.into(), secret: text.trim_end_matches(['\r', '\n']).into() };
    ApiKeys::usable(&key).map_err(|error| error.to_string())?;
    Ok(key)
}

/// The Secret of keys that developers give themselves is not there before the portal has run. Until then nobody has a key.
fn without_keys(field: String, name: &str, error: &SecretError) -> Problem {
    match error {
        SecretError::NotFound(_) if name == PORTAL_KEYS => {
            let message =
                format!("{error} yet: `nuncio up --portal --portal-keys FILE` makes it; until then nobody has a key");
            Problem::warning("InvalidSecret", field, message)
        }
        _ => Problem::error("InvalidSecret", field, error.to_string()),
    }
}

fn sources(spec: &api::ApiKeyFilter) -> Vec<KeySource> {
    let default = spec.sources.is_empty().then_some(KEY_HEADER);
    let header = spec.http_header.as_deref().or(default);
    let own = header.map(|name| KeySource::Header(name.into()));
    own.into_iter().chain(spec.sources.iter().filter_map(source)).collect()
}

fn source(source: &api::KeySource) -> Option<KeySource> {
    let text = |text: &String| -> Arc<str> { text.as_str().into() };
    let header = source.header.as_ref().map(|name| KeySource::Header(text(name)));
    let scheme = || source.authorization.as_ref().map(|scheme| KeySource::Authorization(text(scheme)));
    let cookie = || source.cookie.as_ref().map(|name| KeySource::Cookie(text(name)));
    let query = || source.query.as_ref().map(|name| KeySource::Query(text(name)));
    header.or_else(scheme).or_else(cookie).or_else(query)
}

fn identity(header: &Option<String>, remove_credential: Option<bool>) -> UpstreamIdentity {
    let header = header.as_deref().map(Into::into);
    UpstreamIdentity { header, remove_credential: remove_credential.unwrap_or(false) }
}
