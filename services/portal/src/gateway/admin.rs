//! The way to the controller's admin API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The header that says which refusal it is.
const REASON: &str = "x-nuncio-reason";

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
        why: String,
    },
}

/// A way to the controller.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    address: Arc<str>,
    client: reqwest::Client,
}

impl Admin {
    /// To the one with this admin address.
    pub(crate) fn new(address: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { address: address.trim_start_matches("http://").trim_end_matches('/').into(), client })
    }

    /// A request for a path and query.
    pub(crate) fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
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
        let request = self.client.post(format!("http://{}{path}", self.address)).json(question);
        let reply = self.send(request).await?;
        self.read(reply).await
    }

    /// Whatever is answered to a question, also where that is a refusal.
    pub(crate) async fn relay(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<(StatusCode, Bytes), GatewayError> {
        let request = self.client.post(format!("http://{}{path}", self.address)).json(question);
        let reply = request.send().await.map_err(|error| self.failed(&error))?;
        let status = reply.status();
        Ok((status, reply.bytes().await.map_err(|error| self.failed(&error))?))
    }

    /// The answer to a question that asks for another protocol on this connection.
    pub(crate) async fn switch(
        &self,
        path: &str,
        question: &impl Serialize,
        protocol: &str,
    ) -> Result<Response, GatewayError> {
        let request = self.client.post(format!("http://{}{path}", self.address)).json(question);
        let request = request.header(header::CONNECTION, "upgrade").header(header::UPGRADE, protocol);
        request.send().await.map_err(|error| self.failed(&error))
    }

    /// An answer that is no error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, GatewayError> {
        let reply = request.send().await.map_err(|error| self.failed(&error))?;
        match reply.status() {
            StatusCode::NOT_MODIFIED => Ok(reply),
            status if status.is_success() => Ok(reply),
            status if status.is_client_error() => {
                let reason = reply.headers().get(REASON).and_then(|reason| reason.to_str().ok());
                let reason = reason.unwrap_or_default().to_owned();
                let why = reply.text().await.map_err(|error| self.failed(&error))?;
                let why = if why.is_empty() { status.to_string() } else { why.trim_end().to_owned() };
                Err(GatewayError::Refused { reason, why })
            }
            status => Err(self.no_answer(format!("answers {status}"))),
        }
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
