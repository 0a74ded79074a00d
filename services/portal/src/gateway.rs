//! The controller's admin API, as far as a portal asks it.

mod model;

use std::time::Duration;

#[cfg(test)]
pub(crate) use self::model::Docs;
use self::model::Page;
pub(crate) use self::model::{Path, Rewrite, ServedApi, Upstream, UpstreamTls};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// More than there are.
const EVERYTHING: usize = 1_000_000;

/// The controller cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's controller at {address} {reason}")]
pub(crate) struct GatewayError {
    address: String,
    reason: String,
}

/// A way to the controller, which remembers what it was told last.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: String,
    client: reqwest::Client,
    tag: Option<http::HeaderValue>,
}

impl Gateway {
    /// The one with this admin address.
    pub(crate) fn new(address: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(Self { address, client, tag: None })
    }

    /// What is served; none if that is what was told last.
    pub(crate) async fn changed(&mut self) -> Result<Option<Vec<ServedApi>>, GatewayError> {
        let url = format!("http://{}/api/v1/apis?limit={EVERYTHING}", self.address);
        let mut request = self.client.get(url);
        if let Some(tag) = &self.tag {
            request = request.header(http::header::IF_NONE_MATCH, tag);
        }
        let reply = request.send().await.map_err(|error| self.failed(&error))?;
        if reply.status() == http::StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        if !reply.status().is_success() {
            return Err(self.error(format!("answers {}", reply.status())));
        }
        let tag = reply.headers().get(http::header::ETAG).cloned();
        let page: Page = reply.json().await.map_err(|error| self.failed(&error))?;
        self.tag = tag;
        Ok(Some(page.items))
    }

    fn failed(&self, error: &reqwest::Error) -> GatewayError {
        let reason = match error {
            _ if error.is_timeout() => "does not answer in time".to_owned(),
            _ if error.is_connect() => "cannot be reached".to_owned(),
            _ if error.is_decode() => format!("answers what is not understood: {}", crate::fetch::causes(error)),
            _ => format!("does not answer: {}", crate::fetch::causes(error)),
        };
        self.error(reason)
    }

    fn error(&self, reason: String) -> GatewayError {
        GatewayError { address: self.address.clone(), reason }
    }
}
