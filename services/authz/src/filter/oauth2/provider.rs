//! Calls to the identity provider: its description, its token endpoint and others that know us.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use nuncio_auth::crypto::random_text;
use nuncio_auth::login::{Provider, TokenResponse};
use nuncio_ir::auth::{ClientAuthentication, Grant, JwtAssertion};
use serde_json::{Map, Value as Json};

use super::OAuth2Filter;
use super::proof::{Proven, proof, wanted_nonce};
use crate::clock::now;
use crate::engine::Services;
use crate::idp::{Answer, Document, Failed, IdpError};

/// The field of a Filter that says which provider it is.
pub(in crate::filter) const AUTHORIZATION_URL: &str = "spec.OAuth2.authorizationURL";

/// How a provider says that it does not take a client's name and secret (RFC 6749, 5.2).
pub(super) const INVALID_CLIENT: &str = "invalid_client";

/// Who asks.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    /// What tokens are bound to, where they are.
    pub(super) proof_key: Option<&'a str>,
}

/// Why there are no tokens.
#[derive(Debug)]
pub(super) enum TokenError {
    /// The provider says no: `invalid_grant`, `invalid_client`.
    Refused(String),
    /// It does not answer as it should.
    Unavailable(String),
}

impl<'a> Client<'a> {
    pub(super) fn new(id: &'a str, secret: &'a str) -> Self {
        Self { id, secret, proof_key: None }
    }

    /// The same with tokens that are bound to a key.
    pub(super) fn bound_to(self, proof_key: Option<&'a str>) -> Self {
        Self { proof_key, ..self }
    }
}

impl From<IdpError> for TokenError {
    fn from(error: IdpError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl OAuth2Filter {
    /// What the provider says of itself.
    pub(super) async fn provider(&self, services: &Services) -> Result<Arc<Document<Provider>>, IdpError> {
        let document = services.providers.get(&self.spec.client, &Provider::location(&self.spec.issuer)).await?;
        document.value.check_issuer(&self.spec.issuer).map_err(IdpError::Unavailable)?;
        Ok(document)
    }

    /// Who we are to the provider, where that does not depend on the request.
    pub(super) fn client(&self) -> Client<'_> {
        match &self.spec.grant {
            Grant::AuthorizationCode(code) => Client::new(&code.client_id, code.client_secret.expose()),
            Grant::Password { client_id, client_secret, .. } => Client::new(client_id, client_secret.expose()),
            Grant::ClientCredentials => Client::new("", ""),
        }
    }

    /// Asks for tokens.
    pub(super) async fn tokens(
        &self,
        services: &Services,
        provider: &Provider,
        client: Client<'_>,
        parameters: &[(&str, &str)],
    ) -> Result<TokenResponse, TokenError> {
        let answer = self.ask_for_tokens(services, provider, client, parameters).await;
        let why = answer.as_ref().err().and_then(|error| self.is_to_be_mended(error));
        let url = || provider.token_endpoint.clone();
        services.clients.note(&self.calls, why.map(|(field, why)| Failed { field, url: url(), why, is_absent: false }));
        answer
    }

    /// Which field is not as it should be, and why, where it is no matter of the request.
    fn is_to_be_mended(&self, error: &TokenError) -> Option<(&'static str, String)> {
        match error {
            TokenError::Unavailable(why) => Some((AUTHORIZATION_URL, why.clone())),
            TokenError::Refused(why) if why == INVALID_CLIENT && self.spec.grant != Grant::ClientCredentials => {
                Some(("spec.OAuth2.secret", format!("the provider does not take clientID and secret: {why}")))
            }
            TokenError::Refused(_) => None,
        }
    }

    async fn ask_for_tokens(
        &self,
        services: &Services,
        provider: &Provider,
        client: Client<'_>,
        parameters: &[(&str, &str)],
    ) -> Result<TokenResponse, TokenError> {
        let answer = self.post(services, &provider.token_endpoint, provider, client, parameters).await?;
        if answer.status == StatusCode::OK {
            return TokenResponse::parse(&answer.body, self.spec.allow_malformed_access_token)
                .map_err(|error| TokenError::Unavailable(error.to_owned()));
        }
        Err(refusal(&answer))
    }

    /// Posts a form to an endpoint at which we show who we are.
    pub(super) async fn post(
        &self,
        services: &Services,
        endpoint: &str,
        provider: &Provider,
        client: Client<'_>,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, TokenError> {
        let mut nonce = None;
        loop {
            let answer = self.post_once(services, endpoint, provider, client, parameters, nonce.as_deref()).await?;
            let wanted = wanted_nonce(&answer).filter(|_| client.proof_key.is_some() && nonce.is_none());
            if wanted.is_none() || answer.status != StatusCode::BAD_REQUEST {
                return Ok(answer);
            }
            nonce = wanted;
        }
    }

    async fn post_once(
        &self,
        services: &Services,
        endpoint: &str,
        provider: &Provider,
        client: Client<'_>,
        parameters: &[(&str, &str)],
        nonce: Option<&str>,
    ) -> Result<Answer, TokenError> {
        let (body, login) = self.form(provider, client, parameters).map_err(TokenError::Unavailable)?;
        let proven = Proven { method: "POST", endpoint, token: None, nonce };
        let proof = client.proof_key.map(|key| proof(key, proven)).transpose().map_err(TokenError::Unavailable)?;
        let sent = services.clients.send(&self.spec.client, endpoint, |client, url| {
            let mut request = client
                .post(url)
                .header(ACCEPT, "application/json")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
            if let Some(login) = login {
                request = request.header(AUTHORIZATION, login);
            }
            if let Some(proof) = proof {
                request = request.header("dpop", proof);
            }
            request
        });
        Ok(sent.await?)
    }

    /// A form with who we are; and a login for its header, where that is how we show it.
    fn form(
        &self,
        provider: &Provider,
        client: Client<'_>,
        parameters: &[(&str, &str)],
    ) -> Result<(String, Option<String>), String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(parameters);
        let mut login = None;
        match &self.spec.client_authentication {
            // A client without a password only says who it is.
            _ if client.secret.is_empty() => _ = form.append_pair("client_id", client.id),
            ClientAuthentication::HeaderPassword => login = Some(basic_credentials(client.id, client.secret)),
            ClientAuthentication::BodyPassword => {
                form.append_pair("client_id", client.id).append_pair("client_secret", client.secret);
            }
            ClientAuthentication::JwtAssertion(assertion) => {
                let token = self.assertion(assertion, client.id, provider)?;
                form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .append_pair("client_assertion", &token);
                if assertion.set_client_id {
                    form.append_pair("client_id", client.id);
                }
            }
        }
        Ok((form.finish(), login))
    }

    /// A token that shows who we are (RFC 7523).
    fn assertion(&self, settings: &JwtAssertion, client_id: &str, provider: &Provider) -> Result<String, String> {
        let signer = self.signer.as_ref().ok_or("there is no key to sign with")?;
        let object = |text: &Option<std::sync::Arc<str>>| -> Result<Map<String, Json>, String> {
            let Some(text) = text else { return Ok(Map::new()) };
            serde_json::from_str(text).map_err(|_| "other claims and parameters must be JSON objects".to_owned())
        };
        let now = now();
        let mut claims = object(&settings.other_claims)?;
        let audience = settings.audience.as_deref().unwrap_or(&provider.token_endpoint);
        claims.extend([
            ("iss".to_owned(), client_id.into()),
            ("sub".to_owned(), client_id.into()),
            ("aud".to_owned(), audience.into()),
            ("jti".to_owned(), random_text().into()),
            ("exp".to_owned(), (now + settings.lifetime.as_secs()).into()),
        ]);
        if settings.set_iat {
            claims.insert("iat".to_owned(), now.into());
        }
        if settings.set_nbf {
            claims.insert("nbf".to_owned(), now.saturating_sub(settings.nbf_safety_margin.as_secs()).into());
        }
        let mut header = object(&settings.other_header_parameters)?;
        header.entry("typ").or_insert_with(|| "JWT".into());
        signer.sign(header, &Json::Object(claims)).map_err(|error| error.to_string())
    }
}

/// What a provider's error means. Only what RFC 6749 calls an error is a refusal.
fn refusal(answer: &Answer) -> TokenError {
    let error = serde_json::from_slice::<Json>(&answer.body).ok();
    let error = error.as_ref().and_then(|error| error.get("error")?.as_str());
    match error {
        Some(error) if answer.status.is_client_error() && answer.status != StatusCode::TOO_MANY_REQUESTS => {
            TokenError::Refused(error.chars().filter(char::is_ascii_graphic).take(64).collect())
        }
        _ => TokenError::Unavailable(format!("the token endpoint answers {}", answer.status)),
    }
}

/// `Authorization: Basic` of a client; both halves are encoded first (RFC 6749, section 2.3.1).
pub(crate) fn basic_credentials(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}
