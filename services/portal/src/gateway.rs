//! The controller's admin API, as far as a portal asks it.

mod admin;
mod explain;
mod model;
mod operations;
mod portal;
mod previews;

use http::header;

pub(crate) use self::admin::{Admin, GatewayError};
pub(crate) use self::explain::{AskedRequest, Explanation, ObjectRef};
use self::model::Page;
pub(crate) use self::model::{Credential, DEV_PORTAL, Docs, Path, Rewrite, ServedApi, Upstream, UpstreamTls};
pub(crate) use self::operations::{
    AskedOperation, AskedOperations, HealthChecks, LimitTerm, OperationLimit, Retry, ToldOperation, ToldOperations,
    ToldRoute, UpstreamHealth,
};
#[cfg(test)]
pub(crate) use self::portal::SpecId;
pub(crate) use self::portal::{Naming, PortalSpec, Scope, StaticDocs};
pub(crate) use self::previews::{PreviewAddress, host_of};

/// More than there are.
const EVERYTHING: usize = 1_000_000;

/// What is served, and what of it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) apis: Vec<ServedApi>,
    pub(crate) portal: PortalSpec,
}

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
    pub(crate) async fn changed(&mut self) -> Result<Option<Told>, GatewayError> {
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
        // What changes between the two changes the tag as well.
        let portal = self.admin.get("/api/v1/portal").await?;
        self.tag = tag;
        Ok(Some(Told { apis: page.items, portal }))
    }
}
