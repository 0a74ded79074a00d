//! The controller's admin API, as far as a portal asks it.

mod admin;
mod explain;
mod model;
mod previews;

use http::header;

pub(crate) use self::admin::{Admin, GatewayError};
pub(crate) use self::explain::{AskedRequest, Explanation};
#[cfg(test)]
pub(crate) use self::model::Docs;
use self::model::Page;
pub(crate) use self::model::{Path, Rewrite, ServedApi, Upstream, UpstreamTls};
pub(crate) use self::previews::Preview;

/// More than there are.
const EVERYTHING: usize = 1_000_000;

/// What is served, as the controller tells; it remembers what it was told last.
#[derive(Debug)]
pub(crate) struct Gateway {
    admin: Admin,
    tag: Option<http::HeaderValue>,
}

impl Gateway {
    /// As the controller there tells.
    pub(crate) fn new(admin: Admin) -> Self {
        Self { admin, tag: None }
    }

    /// What is served; none if that is what was told last.
    pub(crate) async fn changed(&mut self) -> Result<Option<Vec<ServedApi>>, GatewayError> {
        let mut request = self.admin.request(&format!("/api/v1/apis?limit={EVERYTHING}"));
        if let Some(tag) = &self.tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let reply = self.admin.send(request).await?;
        if reply.status() == http::StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let tag = reply.headers().get(header::ETAG).cloned();
        let page: Page = self.admin.read(reply).await?;
        self.tag = tag;
        Ok(Some(page.items))
    }
}
