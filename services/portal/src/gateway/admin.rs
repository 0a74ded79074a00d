//! The way to the controller's admin API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use nuncio_telemetry::SharedToken;
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::published::{at_listener, for_clients};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The header that says which refusal it is.
const REASON: &str = "x-nuncio-reason";
/// The header that says which field it is about.
const FIELD: &str = "x-nuncio-field";

/// The controller cannot be asked, or does not want to be asked that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatewayError {
    /// There is no answer that could be used.
    #[error("the gateway's controller at {address} {reason}")]
    NoAnswer { address: Arc<str>, reason: String },
    /// The question was wrong, for the reason given.
    #[error("{why}")]
    Refused {
        /// What programs know it by; nothing where it has no name.
        reason: String,
        /// The field that it is about, where that is known.
        field: Option<String>,
        why: String,
    },
}

impl GatewayError {
    /// What a page says of it, in numbers.
    pub(crate) fn status(&self) -> StatusCode {
        let Self::Refused { reason, .. } = self else { return StatusCode::BAD_GATEWAY };
        match reason.as_str() {
            "missing" => StatusCode::NOT_FOUND,
            "not_editable" => StatusCode::UNPROCESSABLE_ENTITY,
            "conflict" | "failed" | "exists" => StatusCode::CONFLICT,
            "busy" => StatusCode::TOO_MANY_REQUESTS,
            "not_allowed" | "denied" => StatusCode::FORBIDDEN,
            "unconfirmed" => StatusCode::PRECONDITION_REQUIRED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// A way to the controller.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    address: Arc<str>,
    client: reqwest::Client,
    /// Makes a connection for each request, so that a balancer before several controllers chooses anew.
    anew: reqwest::Client,
    /// Ports of listeners, and what they are published as.
    published: Arc<[(u16, u16)]>,
    /// What opens it from another machine.
    token: Option<SharedToken>,
}

impl Admin {
    /// To the one with this admin address.
    pub(crate) fn new(address: &str) -> Result<Self, reqwest::Error> {
        let builder = || reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        let (client, anew) = (builder().build()?, builder().pool_max_idle_per_host(0).build()?);
        let address = address.trim_start_matches("http://").trim_end_matches('/').into();
        Ok(Self { address, client, anew, published: Arc::default(), token: None })
    }

    /// Of a gateway some of whose ports clients know by other numbers.
    pub(crate) fn publishing(self, ports: &[(u16, u16)]) -> Self {
        Self { published: ports.into(), ..self }
    }

    /// To one that is opened by this token, where it is on another machine.
    pub(crate) fn bearing(self, token: Option<SharedToken>) -> Self {
        Self { token, ..self }
    }

    /// The URL at the listener's port, where clients know that by another number.
    pub(crate) fn at_listener(&self, url: &str) -> String {
        at_listener(&self.published, url)
    }

    /// The URL at the port that clients know, of one at the listener's.
    pub(crate) fn for_clients(&self, url: &str) -> String {
        for_clients(&self.published, url)
    }

    /// A request for a path and query.
    pub(crate) fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// What is at a path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GatewayError> {
        let reply = self.send(self.request(path)).await?;
        self.read(reply).await
    }

    /// The answer to a question that is too long for a query.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, GatewayError> {
        let reply = self.send(self.question(path, question)).await?;
        self.read(reply).await
    }

    /// Whatever is answered to a question, also where that is a refusal.
    pub(crate) async fn relay(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<(StatusCode, Bytes), GatewayError> {
        self.relayed(self.question(path, question)).await
    }

    /// The same to one that may take so long to answer.
    pub(crate) async fn relay_within(
        &self,
        patience: Duration,
        path: &str,
        question: &impl Serialize,
    ) -> Result<(StatusCode, Bytes), GatewayError> {
        self.relayed(self.question(path, question).timeout(patience)).await
    }

    async fn relayed(&self, request: RequestBuilder) -> Result<(StatusCode, Bytes), GatewayError> {
        let reply = self.exchange(request).await?;
        let status = reply.status();
        Ok((status, reply.bytes().await.map_err(|error| self.failed(&error))?))
    }

    /// The answer to a question that asks for another protocol on its connection, which is nobody else's.
    pub(crate) async fn switch(
        &self,
        path: &str,
        question: &impl Serialize,
        protocol: &str,
    ) -> Result<Response, GatewayError> {
        let request = self.anew.post(self.url(path)).json(question);
        self.exchange(request.header(header::CONNECTION, "upgrade").header(header::UPGRADE, protocol)).await
    }

    /// An answer that is no error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, GatewayError> {
        let reply = self.exchange(request).await?;
        match reply.status() {
            StatusCode::NOT_MODIFIED => Ok(reply),
            status if status.is_success() => Ok(reply),
            status if status.is_client_error() => {
                let said = |name: &str| Some(reply.headers().get(name)?.to_str().ok()?.to_owned());
                let (reason, field) = (said(REASON).unwrap_or_default(), said(FIELD));
                let why = reply.text().await.map_err(|error| self.failed(&error))?;
                let why = if why.is_empty() { status.to_string() } else { why.trim_end().to_owned() };
                Err(GatewayError::Refused { reason, field, why })
            }
            status => Err(self.no_answer(format!("answers {status}"))),
        }
    }

    fn question(&self, path: &str, question: &impl Serialize) -> RequestBuilder {
        self.client.post(self.url(path)).json(question)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Whatever is answered, but for a refusal of the portal itself: what it shows to be one is not what whoever asked it did.
    async fn exchange(&self, request: RequestBuilder) -> Result<Response, GatewayError> {
        let token = self.token.as_ref().map(SharedToken::shown).transpose();
        let token = token.map_err(|why| self.no_answer(format!("cannot be asked: the token for it, {why}")))?;
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth::<Arc<str>>);
        let reply = request.send().await.map_err(|error| self.failed(&error))?;
        if reply.status() == StatusCode::UNAUTHORIZED && reply.headers().contains_key(header::WWW_AUTHENTICATE) {
            let why =
                "does not know this portal: give both the same token (--admin-token-file, NUNCIO_ADMIN_TOKEN_FILE)";
            return Err(self.no_answer(why.to_owned()));
        }
        Ok(reply)
    }

    /// What an answer says.
    pub(crate) async fn read<T: DeserializeOwned>(&self, reply: Response) -> Result<T, GatewayError> {
        reply.json().await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &reqwest::Error) -> GatewayError {
        let reason = match error {
            _ if error.is_timeout() => "does not answer in time".to_owned(),
            _ if error.is_connect() => "cannot be reached".to_owned(),
            _ if error.is_decode() => format!("answers what is not understood: {}", crate::fetch::causes(error)),
            _ => format!("does not answer: {}", crate::fetch::causes(error)),
        };
        self.no_answer(reason)
    }

    pub(super) fn no_answer(&self, reason: String) -> GatewayError {
        GatewayError::NoAnswer { address: Arc::clone(&self.address), reason }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_question_has_a_patience_of_its_own() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let admin = Admin::new(&listener.local_addr().unwrap().to_string()).unwrap();
        // Nobody answers. The usual patience would be longer than the test has.
        let asking = admin.relay_within(Duration::from_millis(20), "/", &());
        let told = tokio::time::timeout(TIMEOUT / 2, asking).await.unwrap();
        assert!(told.unwrap_err().to_string().ends_with("does not answer in time"));
    }
}
