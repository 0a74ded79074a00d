//! An identity provider, as it describes itself (OpenID Connect Discovery 1.0, RFC 8414).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nuncio_ir::auth::LOGIN_PARAMETERS;
use serde::Deserialize;

use crate::{Strength, crypto};

/// What a provider says of itself.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub struct Provider {
    pub issuer: String,
    #[serde(default)]
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    #[serde(default)]
    pub userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub end_session_endpoint: Option<String>,
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
    #[serde(default)]
    pub pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    pub code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Provider {
    /// Where an issuer describes itself.
    #[must_use]
    pub fn location(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// Reads a description.
    ///
    /// # Errors
    /// When it is none, or names endpoints in clear text though it is itself not.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let provider: Self =
            serde_json::from_slice(json).map_err(|error| format!("no description of a provider: {error}"))?;
        let endpoints = [
            Some(&provider.authorization_endpoint),
            Some(&provider.token_endpoint),
            Some(&provider.jwks_uri),
            provider.userinfo_endpoint.as_ref(),
            provider.end_session_endpoint.as_ref(),
            provider.revocation_endpoint.as_ref(),
            provider.pushed_authorization_request_endpoint.as_ref(),
        ];
        let secure = provider.issuer.starts_with("https://");
        for endpoint in endpoints.into_iter().flatten().filter(|endpoint| !endpoint.is_empty()) {
            if !(endpoint.starts_with("https://") || (!secure && endpoint.starts_with("http://"))) {
                return Err(format!("the endpoint {endpoint:?} is not safe to use"));
            }
        }
        Ok(provider)
    }

    /// Whether it is the one that was asked for. A slash at the end makes no difference here; in tokens it does.
    ///
    /// # Errors
    /// When it is another.
    pub fn check_issuer(&self, wanted: &str) -> Result<(), String> {
        if self.issuer.trim_end_matches('/') == wanted.trim_end_matches('/') {
            return Ok(());
        }
        Err(format!("the provider at {wanted:?} says that it is {:?}", self.issuer))
    }

    /// Whether codes can be bound to who asked for them.
    #[must_use]
    pub fn has_pkce(&self) -> bool {
        self.code_challenge_methods_supported.iter().any(|method| method == "S256")
    }
}

/// What a provider is asked for.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest<'a> {
    /// Who we are.
    pub client_id: &'a str,
    /// Where it sends the browser back to.
    pub redirect_uri: &'a str,
    /// What is asked for.
    pub scope: &'a [String],
    /// Of the login.
    pub state: &'a str,
    /// Of the login.
    pub nonce: &'a str,
    /// Of the login; empty where it is not used.
    pub verifier: &'a str,
    /// As configured.
    pub audience: Option<&'a str>,
    /// As configured.
    pub extra: &'a BTreeMap<Arc<str>, Arc<str>>,
    /// What the rule wants of a login.
    pub strength: &'a Strength,
}

impl AuthorizationRequest<'_> {
    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
        for (name, value) in self.extra {
            if !LOGIN_PARAMETERS.contains(&&**name) {
                add(name, value);
            }
        }
        add("response_type", "code");
        add("client_id", self.client_id);
        add("redirect_uri", self.redirect_uri);
        add("scope", &self.scope.join(" "));
        add("state", self.state);
        add("nonce", self.nonce);
        if !self.verifier.is_empty() {
            add("code_challenge", &s256(self.verifier));
            add("code_challenge_method", "S256");
        }
        if let Some(audience) = self.audience {
            add("audience", audience);
        }
        for (name, value) in self.strength.parameters() {
            add(name, &value);
        }
        all
    }

    /// The address that a browser is sent to.
    #[must_use]
    pub fn url(&self, endpoint: &str) -> String {
        with_parameters(endpoint, &self.parameters())
    }
}

/// An address with more parameters.
pub(super) fn with_parameters(endpoint: &str, parameters: &[(String, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let sign = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{sign}{query}")
}

/// The challenge for a verifier (RFC 7636).
#[must_use]
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(crypto::sha256(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description(change: &serde_json::Value) -> Vec<u8> {
        let mut json = json!({
            "issuer": "https://idp.test/", "authorization_endpoint": "https://idp.test/auth?tenant=1",
            "token_endpoint": "https://idp.test/token", "jwks_uri": "https://idp.test/jwks",
        });
        for (key, value) in change.as_object().unwrap() {
            json[key] = value.clone();
        }
        json.to_string().into_bytes()
    }

    /// Case 38.
    #[test]
    fn a_provider_is_the_one_asked_for_and_safe() {
        let provider = Provider::parse(&description(&json!({}))).unwrap();
        provider.check_issuer("https://idp.test").unwrap();
        provider.check_issuer("https://evil.test").unwrap_err();
        for endpoint in ["http://idp.test/token", "javascript:alert(1)", "ftp://a"] {
            Provider::parse(&description(&json!({ "token_endpoint": endpoint }))).unwrap_err();
        }
        Provider::parse(b"[]").unwrap_err();
        assert_eq!(Provider::location("https://idp.test/"), "https://idp.test/.well-known/openid-configuration");
    }

    #[test]
    fn what_the_protocol_needs_cannot_be_changed() {
        let extra = BTreeMap::from([("state".into(), "evil".into()), ("prompt".into(), "login".into())]);
        let request = AuthorizationRequest {
            client_id: "c",
            redirect_uri: "https://a/cb",
            scope: &["openid".to_owned(), "email".to_owned()],
            state: "s",
            nonce: "n",
            verifier: "v",
            audience: None,
            extra: &extra,
            strength: &Strength { max_age: Some(5), ..Strength::default() },
        };
        assert_eq!(
            request.url("https://idp.test/auth?tenant=1"),
            "https://idp.test/auth?tenant=1&prompt=login&response_type=code&client_id=c&redirect_uri=https%3A%2F%2Fa%2Fcb\
             &scope=openid+email&state=s&nonce=n&code_challenge=TJRI5dHsH10Kx_Jq9v0kqUfYTd7xZY0jbCIaC2jCMYk\
             &code_challenge_method=S256&max_age=5".replace("TJRI5dHsH10Kx_Jq9v0kqUfYTd7xZY0jbCIaC2jCMYk", &s256("v"))
        );
        // The example of RFC 7636, appendix B.
        assert_eq!(s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
