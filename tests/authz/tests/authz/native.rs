//! Envoy's own filter for tokens beside the service: why the service is asked (`docs/authz-rules.md`).

use http::StatusCode;
use nuncio_authz_tests::{Browser, Gateway, Issuer, Service, Upstream};
use serde_json::{Value, json};

use crate::rules;
use crate::tokens::now;

const ISSUER: &str = "https://idp.test";
const AUDIENCE: &str = "https://shop.test";

/// A gateway that asks the service, and one whose Envoy decides by itself, for the same tokens.
struct Both {
    issuer: Issuer,
    ours: Gateway,
    theirs: Gateway,
    _service: Service,
    _upstream: Upstream,
}

impl Both {
    async fn start() -> Self {
        let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
        let filter = json!({ "id": "token.default", "kind": { "jwt": {
            "jwks_uri": issuer.jwks_uri, "issuer": ISSUER, "audiences": { "any": [AUDIENCE] } } } });
        let service = Service::start(&rules(&[filter])).await;
        // As strict as it can be told to be.
        let provider = json!({ "issuer": ISSUER, "audiences": [AUDIENCE], "clock_skew_seconds": 1, "forward": true,
            "local_jwks": { "inline_string": issuer.key_set() },
            "from_headers": [{ "name": "authorization", "value_prefix": "Bearer " }] });
        let ours = Gateway::start(&service, &upstream).await;
        let theirs = Gateway::start_with_jwt_authn(&provider, &upstream).await;
        Self { issuer, ours, theirs, _service: service, _upstream: upstream }
    }

    /// A good token but for these claims; `null` for absent.
    fn token(&self, changes: &Value) -> String {
        let mut claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now() + 600 });
        let claims_of = claims.as_object_mut().unwrap();
        claims_of.extend(changes.as_object().unwrap().clone());
        claims_of.retain(|_, value| !value.is_null());
        self.issuer.token(&claims)
    }

    /// What the service and what Envoy says to a request with this in `Authorization`.
    async fn say(&self, authorization: &str) -> [u16; 2] {
        let mut said = [0; 2];
        for (status, gateway) in said.iter_mut().zip([&self.ours, &self.theirs]) {
            let page = Browser::api().with("authorization", authorization).get(&gateway.origin).await;
            *status = page.status.as_u16();
        }
        said
    }
}

#[tokio::test]
async fn envoy_s_own_filter_decides_otherwise() {
    let both = Both::start().await;
    let cases = [
        ("a good token", json!({}), [200, 200]),
        ("no audience of ours", json!({ "aud": "https://other.test" }), [401, 403]),
        ("an audience that differs in its scheme and a slash", json!({ "aud": "http://shop.test/" }), [401, 200]),
        ("issued tomorrow", json!({ "iat": now() + 86_400 }), [401, 200]),
        ("an ID token", json!({ "typ": "ID" }), [401, 200]),
        ("nothing said of the audience", json!({ "aud": null }), [200, 403]),
    ];
    for (case, changes, expected) in cases {
        let authorization = format!("Bearer {}", both.token(&changes));
        assert_eq!(both.say(&authorization).await, expected, "{case}");
    }
    let token = both.token(&json!({}));
    assert_eq!(both.say(&format!("Basic YW5uOnB3, Bearer {token}")).await, [401, 200], "two credentials in one line");
    assert_eq!(both.say(&format!("bearer {token}")).await, [200, 401], "the scheme in small letters");

    let [ours, theirs] = [&both.ours, &both.theirs].map(|gateway| gateway.origin.clone());
    let (ours, theirs) = (Browser::api().get(&ours).await, Browser::api().get(&theirs).await);
    assert_eq!((ours.status, theirs.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(ours.header("www-authenticate"), Some("Bearer realm=\"token.default\""));
    assert_eq!(ours.json()["status_code"], 401, "what a program can read");
    assert_eq!((theirs.header("content-type"), &*theirs.body), (Some("text/plain"), "Jwt is missing"));
}
