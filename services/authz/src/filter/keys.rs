//! Keys of clients, and passwords.

use std::sync::Arc;

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderName};
use nuncio_auth::api_key::{ApiKeys, Found};
use nuncio_auth::basic::{Credentials, Users};
use nuncio_auth::{ClientKind, Denial, Identity, Reply, Request, Verdict, challenge};
use nuncio_ir::auth::{Basic, FilterId, UpstreamIdentity};

use super::inject::header_value;
use crate::engine::Services;

/// How upstreams learn who it was, compiled.
#[derive(Debug)]
struct Passed {
    header: Option<HeaderName>,
    remove_credential: bool,
}

impl Passed {
    fn new(identity: &UpstreamIdentity) -> Result<Self, String> {
        let header = identity
            .header
            .as_deref()
            .map(|name| HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header")));
        Ok(Self { header: header.transpose()?, remove_credential: identity.remove_credential })
    }

    fn pass(&self, request: &mut Request, name: &str) {
        let Some(header) = &self.header else { return };
        match header_value(name) {
            Some(value) if !name.is_empty() => request.set_header(header, value),
            _ => request.remove_header(header),
        }
    }
}

/// Wants one of a few keys.
#[derive(Debug)]
pub(crate) struct ApiKeyFilter {
    id: FilterId,
    keys: ApiKeys,
    passed: Passed,
}

impl ApiKeyFilter {
    pub(super) fn new(id: &FilterId, keys: ApiKeys, identity: &UpstreamIdentity) -> Result<Self, String> {
        Ok(Self { id: id.clone(), keys, passed: Passed::new(identity)? })
    }

    pub(super) fn check(&self, request: &mut Request, services: &Services) -> Verdict {
        let (reason, message) = match self.keys.find(request, self.passed.remove_credential) {
            Found::Owner(owner) => {
                services.key_uses.note(&owner);
                self.passed.pass(request, &owner);
                let issuer = self.id.0.as_ref().to_owned();
                return Verdict::Allow(Some(Identity::new(owner.as_ref(), issuer)));
            }
            Found::Nothing => ("no_key", "the request has no API key"),
            Found::Unknown => ("bad_key", "the API key is not a good one"),
        };
        let kind = ClientKind::of(request);
        let reply = Reply::message(kind, StatusCode::UNAUTHORIZED, message, request)
            .challenge(&challenge("ApiKey", &[("realm", &self.id.0)]));
        Verdict::Deny(Denial::new(reason, message, reply))
    }
}

/// Wants a name and a password.
#[derive(Debug)]
pub(crate) struct BasicFilter {
    id: FilterId,
    users: Arc<Users>,
    realm: String,
    passed: Passed,
    /// So that what is remembered is of this filter, as it is now.
    revision: String,
}

impl BasicFilter {
    pub(super) fn new(id: &FilterId, users: Arc<Users>, basic: &Basic) -> Result<Self, String> {
        Ok(Self {
            id: id.clone(),
            users,
            realm: basic.realm.as_ref().to_owned(),
            passed: Passed::new(&basic.identity)?,
            revision: nuncio_auth::crypto::random_text(),
        })
    }

    pub(super) async fn check(&self, request: &mut Request, services: &Services) -> Verdict {
        let Some(credentials) = Credentials::of(request) else {
            return Verdict::Deny(self.deny(request, "no_password", "a name and a password are needed"));
        };
        let key = credentials.digest(&self.revision);
        let mut is_good = services.passwords.get(&key).await.is_some();
        if !is_good {
            let Some(turn) = services.password_turn().await else {
                let kind = ClientKind::of(request);
                return Verdict::Deny(Denial::unavailable(kind, "busy", "too many passwords at once", request));
            };
            let (users, guess) = (self.users.clone(), credentials.clone());
            let verify = move || {
                let _turn = turn;
                users.verify(&guess)
            };
            is_good = tokio::task::spawn_blocking(verify).await.unwrap_or(false);
            if is_good {
                services.passwords.insert(key, ()).await;
            }
        }
        if !is_good {
            return Verdict::Deny(self.deny(request, "bad_password", "the name or the password is wrong"));
        }
        self.passed.pass(request, &credentials.name);
        if self.passed.remove_credential {
            request.remove_header(&AUTHORIZATION);
        }
        Verdict::Allow(Some(Identity::new(credentials.name, self.id.0.as_ref())))
    }

    fn deny(&self, request: &Request, reason: &'static str, message: &str) -> Denial {
        let reply = Reply::message(ClientKind::of(request), StatusCode::UNAUTHORIZED, message, request)
            .challenge(&challenge("Basic", &[("realm", &self.realm), ("charset", "UTF-8")]));
        Denial::new(reason, message, reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_goes_away_keeps_his_turn_until_his_password_is_verified() {
        let services = Services::alone();
        let users = "ann:$2a$12$k42ZFHFWqBp3vWli.nIn8uYyIkbvYRvodzbfbK18SSsY.CsIQPlxO";
        let basic = serde_json::from_value(serde_json::json!({ "realm": "r", "users": users })).unwrap();
        let users = Arc::new(Users::parse(users).unwrap());
        let filter = BasicFilter::new(&FilterId("f".into()), users, &basic).unwrap();
        let all = services.guesses.available_permits();
        let mut request = Request::new("GET", "https", "a", "/");
        request.add_header("authorization", b"Basic YW5uOmd1ZXNz");
        {
            let check = filter.check(&mut request, &services);
            tokio::pin!(check);
            tokio::select! {
                biased;
                verdict = &mut check => panic!("{verdict:?}"),
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!(services.guesses.available_permits(), all - 1, "the client has gone, the work has not");
        let every = u32::try_from(all).unwrap();
        drop(services.guesses.acquire_many(every).await.unwrap());
    }
}
