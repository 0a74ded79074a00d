//! Who a request is from, for upstreams that want to verify it.
//!
//! It is for the origin that was asked for, and for the services that its route leads to: what one of them has been sent says nothing
//! to another.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderName;
use nuncio_auth::jwt::Signer;
use nuncio_auth::{Identity, Request, crypto};
use serde_json::{Value as Json, json};

use crate::clock::now;

/// How long an assertion may be used upstream, in seconds.
const LIFE: u64 = 60;

/// The header that carries it.
const HEADER: HeaderName = HeaderName::from_static(nuncio_ir::auth::ASSERTION_HEADER);

/// Keys that assert it, none where nothing is asserted. The first signs; all are published, so that upstreams know a new one
/// before it is used, and an old one for as long as its tokens live.
#[derive(Debug, Default)]
pub(crate) struct Assertions {
    keys: ArcSwap<Vec<Key>>,
}

#[derive(Debug)]
struct Key {
    signer: Signer,
    id: String,
}

impl Assertions {
    /// Takes these private keys, in PEM one after the other, in place of those before them.
    pub(crate) fn take(&self, pem: &[u8]) -> Result<(), String> {
        let pem = String::from_utf8_lossy(pem);
        let keys: Vec<Key> = private_keys(&pem).map(|pem| Key::new(&pem)).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err("it holds no private key in PEM".to_owned());
        }
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Takes a new key that nobody else has.
    pub(crate) fn take_ephemeral(&self) -> Result<(), String> {
        let signer = Signer::ephemeral().map_err(|error| error.to_string())?;
        self.keys.store(Arc::new(vec![Key::of(signer)?]));
        Ok(())
    }

    /// Gives upstreams a token by which they can verify who a request is from, and that it came through here. Whatever the
    /// client sent under that name is gone. A request that what filters wrote may lead on to others bears none: it would be for
    /// those whom it has left.
    pub(crate) fn assert(&self, request: &mut Request, identity: Option<&Identity>) {
        let keys = self.keys.load();
        let identity = identity.filter(|_| !is_led_on(request));
        let audience = || [request.origin()].into_iter().chain(request.audience.iter().cloned()).collect();
        let token = keys.first().zip(identity).and_then(|(key, identity)| key.token(audience(), identity, now()));
        match token.and_then(|token| token.parse().ok()) {
            Some(value) => request.set_header(&HEADER, value),
            None => request.remove_header(&HEADER),
        }
    }

    /// The keys by which upstreams verify it.
    pub(crate) fn public_keys(&self) -> Json {
        let keys: Vec<Json> = self.keys.load().iter().filter_map(Key::public).collect();
        json!({ "keys": keys })
    }
}

/// Whether Envoy, which chooses the route again by what filters wrote, and by the assertion itself, may choose one to others.
fn is_led_on(request: &Request) -> bool {
    request.may_go_elsewhere() || request.routed_by.iter().any(|name| name == HEADER.as_str())
}

/// The blocks that are private keys: `openssl ecparam` writes another one before each.
fn private_keys(pem: &str) -> impl Iterator<Item = String> {
    let blocks = pem.split("-----BEGIN ").skip(1);
    let is_key = |block: &&str| block.split("-----").next().is_some_and(|label| label.ends_with("PRIVATE KEY"));
    blocks.filter(is_key).map(|block| format!("-----BEGIN {block}"))
}

impl Key {
    fn new(pem: &str) -> Result<Self, String> {
        Self::of(Signer::new("ES256", pem).map_err(|error| error.to_string())?)
    }

    fn of(signer: Signer) -> Result<Self, String> {
        let public = signer.public_key().map_err(|error| error.to_string())?.to_string();
        let digest = crypto::sha256(public.as_bytes());
        Ok(Self { signer, id: crypto::hex(&digest[..8]) })
    }

    fn token(&self, audience: Vec<String>, identity: &Identity, now: u64) -> Option<String> {
        let header = json!({ "typ": "JWT", "kid": self.id });
        // One alone is no list (RFC 7519, section 4.1.3).
        let audience: Json = match <[String; 1]>::try_from(audience) {
            Ok([only]) => only.into(),
            Err(several) => several.into(),
        };
        let mut claims = json!({
            "iss": "nuncio", "aud": audience, "sub": identity.subject, "idp": identity.issuer,
            "iat": now, "exp": now + LIFE,
        });
        if !identity.groups.is_empty() {
            claims["groups"] = identity.groups.as_slice().into();
        }
        if let Some(realm) = &identity.realm {
            claims["realm"] = realm.as_str().into();
        }
        self.signer.sign(header.as_object()?.clone(), &claims).ok()
    }

    fn public(&self) -> Option<Json> {
        let mut key = self.signer.public_key().ok()?;
        key["kid"] = self.id.clone().into();
        key["use"] = "sig".into();
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use nuncio_auth::jwt::Unverified;

    use super::*;

    #[test]
    fn an_assertion_is_for_whom_the_route_leads_to() {
        let assertions = Assertions::default();
        assertions.take_ephemeral().unwrap();
        let keys = nuncio_auth::jwt::KeySet::parse(assertions.public_keys().to_string().as_bytes()).unwrap();
        let claims = |services: &[&str], who: &Identity| {
            let mut request = Request::new("GET", "https", "shop.example", "/");
            request.audience = services.iter().map(|service| (*service).to_owned()).collect();
            assertions.assert(&mut request, Some(who));
            let token = request.header(HEADER.as_str()).unwrap().to_owned();
            let token = Unverified::parse(&token).unwrap();
            token.verify(&[nuncio_ir::auth::JwtAlgorithm::ES256], &keys).unwrap().claims
        };
        let ann = Identity::new("ann", "https://idp.example");
        let audience = |services: &[&str]| claims(services, &ann)["aud"].clone();
        assert_eq!(audience(&[]), json!("https://shop.example"), "who asks by HTTP knows of no route");
        assert_eq!(audience(&["cart.shop:80"]), json!(["https://shop.example", "cart.shop:80"]));
        assert_eq!(audience(&["a:1", "b:1"]), json!(["https://shop.example", "a:1", "b:1"]));
        assert_eq!(claims(&[], &ann).get("realm"), None, "it is no login that says who it is");
        assert_eq!(claims(&[], &ann.clone().of_login("login.shop")).get("realm"), Some(&json!("login.shop")));
    }

    #[test]
    fn who_may_be_led_on_by_what_filters_wrote_bears_none() {
        let assertions = Assertions::default();
        assertions.take_ephemeral().unwrap();
        let bears = |routed_by: &[&str]| {
            let mut request = Request::new("GET", "https", "shop.example", "/");
            request.routed_by = routed_by.iter().map(|name| (*name).to_owned()).collect();
            request.set_header(&HeaderName::from_static("x-customer"), "ann".parse().unwrap());
            assertions.assert(&mut request, Some(&Identity::new("ann", "https://idp.example")));
            request.header(HEADER.as_str()).is_some()
        };
        assert!(bears(&[]) && bears(&["x-version", "?customer"]));
        assert!(!bears(&["x-version", "x-customer"]) && !bears(&["x-nuncio-assertion"]));
    }
}
