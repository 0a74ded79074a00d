//! Who reads, as the gateway assures, and what he may see.
//!
//! The portal has no login of its own: Filters of the gateway have one, and what they found out comes as a signed word with
//! each request (`x-nuncio-assertion`). It is believed when it is signed by the gateway's key for the address that was
//! asked for, and for the portal alone of all services there; no other header says anything.

mod keys;

use std::sync::Arc;

use http::HeaderMap;
use nuncio_auth::{Asserted, Recipient, Request};
use nuncio_ir::auth::{ASSERTION_HEADER, Sensitive};

pub use self::keys::IdentityKeys;
use self::keys::Known;

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What the one who vouches calls him.
    pub(crate) subject: String,
    /// Who vouches.
    pub(crate) issuer: String,
    pub(crate) groups: Vec<String>,
    /// The login by which he is known, as the gateway calls it; none where it is another credential.
    pub(crate) realm: Option<String>,
    /// The gateway's word for all that, which the controller wants to see itself.
    pub(crate) assertion: Sensitive,
}

/// Who reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Viewer {
    pub(crate) identity: Option<Identity>,
    /// Nothing is kept from him: for local use.
    sees_all: bool,
}

impl Viewer {
    /// Whether something for these groups is for him; where nobody says for whom it is, it is for everybody.
    pub(crate) fn may_see(&self, groups: Option<&[String]>) -> bool {
        groups.is_none_or(|groups| self.is_in(groups))
    }

    /// Whether it is known who he is, or he may see everything without.
    pub(crate) fn is_somebody(&self) -> bool {
        self.sees_all || self.identity.is_some()
    }

    /// Whether nothing is kept from him, whoever he is.
    pub(crate) fn sees_all(&self) -> bool {
        self.sees_all
    }

    /// Whether he belongs to one of these groups.
    pub(crate) fn is_in(&self, groups: &[String]) -> bool {
        let own = self.identity.iter().flat_map(|identity| &identity.groups);
        self.sees_all || own.into_iter().any(|group| groups.contains(group))
    }
}

/// Finds out who reads.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    known: Option<Arc<Known>>,
    /// What the gateway calls the portal.
    names: Arc<[String]>,
    sees_all: bool,
}

impl Access {
    /// With these keys, if identities can be verified at all, for a portal that the gateway calls so.
    pub(crate) fn new(keys: Option<IdentityKeys>, names: Vec<String>, sees_all: bool) -> Result<Self, reqwest::Error> {
        let known = keys.map(Known::new).transpose()?.map(Arc::new);
        Ok(Self { known, names: names.into(), sees_all })
    }

    /// Whether somebody can be logged in here.
    pub(crate) fn knows_people(&self) -> bool {
        self.known.is_some()
    }

    /// Who sends a request with these headers.
    pub(crate) async fn viewer(&self, headers: &HeaderMap) -> Viewer {
        let identity = match (&self.known, headers.get(ASSERTION_HEADER).and_then(|token| token.to_str().ok())) {
            (Some(known), Some(token)) => identity(known, token, &origin(headers), &self.names).await,
            _ => None,
        };
        Viewer { identity, sees_all: self.sees_all }
    }
}

/// The address that was asked for, as Envoy tells it.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Request::new("GET", text("x-forwarded-proto"), text("host"), "/").origin()
}

async fn identity(known: &Known, token: &str, origin: &str, names: &[String]) -> Option<Identity> {
    let claims = match known.verify(token).await {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!("an assertion of who somebody is is not believed: {error}");
            return None;
        }
    };
    let now = u64::try_from(jiff::Timestamp::now().as_second()).ok()?;
    match Asserted::read(&claims, Recipient { origin: Some(origin), names }, now) {
        Ok(Asserted { subject, issuer, groups, realm }) => {
            Some(Identity { subject, issuer, groups, realm, assertion: Sensitive(token.into()) })
        }
        Err(error) => {
            tracing::warn!("an assertion of who somebody is at {origin} is not believed: {error} (--portal-audience)");
            None
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use nuncio_auth::jwt::Signer;
    use serde_json::{Value, json};

    use super::*;

    /// What the gateway calls the portal.
    const NAME: &str = "portal.shop:8088";

    /// What a gateway with this key says of ann, who is of the staff, to the portal at `https://shop.example`.
    pub(crate) fn signed(signer: &Signer, change: impl FnOnce(&mut Value)) -> HeaderMap {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({ "iss": "nuncio", "aud": ["https://shop.example", NAME], "sub": "ann", "idp": "https://idp.example",
            "groups": ["staff"], "iat": now, "exp": now + 60 });
        change(&mut claims);
        let token = signer.sign(json!({ "kid": "k" }).as_object().unwrap().clone(), &claims).unwrap();
        let headers = [("host", "shop.example"), ("x-forwarded-proto", "https"), (ASSERTION_HEADER, &token)];
        headers
            .into_iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    /// What believes such a gateway.
    pub(crate) fn access(signer: &Signer) -> Access {
        let mut key = signer.public_key().unwrap();
        key["kid"] = json!("k");
        let keys = json!({ "keys": [key] });
        Access::new(Some(IdentityKeys::Own(Arc::new(move || keys.clone()))), vec![NAME.to_owned()], false).unwrap()
    }

    #[tokio::test]
    async fn only_the_gateways_own_word_for_this_address_says_who_reads() {
        let (signer, other) = (Signer::ephemeral().unwrap(), Signer::ephemeral().unwrap());
        let access = access(&signer);
        let ann = access.viewer(&signed(&signer, |_| {})).await;
        assert_eq!(ann.identity.as_ref().unwrap().subject, "ann");
        assert!(ann.may_see(Some(&["staff".to_owned()])) && !ann.may_see(Some(&[])));
        let changes: [fn(&mut Value); 7] = [
            |claims| claims["aud"] = json!(["https://other.example", NAME]),
            |claims| claims["aud"] = json!(["https://shop.example", "cart.shop:8080"]),
            |claims| claims["aud"] = json!("https://shop.example"),
            |claims| claims["iss"] = json!("somebody"),
            |claims| claims["exp"] = json!(1),
            |claims| claims["exp"] = Value::Null,
            |claims| claims["sub"] = json!(""),
        ];
        for change in changes {
            assert_eq!(access.viewer(&signed(&signer, change)).await, Viewer::default());
        }
        assert_eq!(access.viewer(&signed(&other, |_| {})).await, Viewer::default(), "another's key");
        let mut bare = HeaderMap::new();
        bare.insert("x-nuncio-user", "ann".parse().unwrap());
        bare.insert(ASSERTION_HEADER, "ann".parse().unwrap());
        assert_eq!(access.viewer(&bare).await, Viewer::default());
    }

    #[tokio::test]
    async fn who_is_not_known_sees_what_is_for_everybody() {
        let staff = ["staff".to_owned()];
        let nobody = Access::new(None, Vec::new(), false).unwrap().viewer(&HeaderMap::new()).await;
        assert!(nobody.may_see(None) && !nobody.may_see(Some(&staff)));
        let local = Access::new(None, Vec::new(), true).unwrap().viewer(&HeaderMap::new()).await;
        assert!(local.may_see(Some(&staff)));
    }
}
