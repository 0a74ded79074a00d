//! Processes that stand in for services by a connection to the gateway, on the page of a preview.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Preview, Service, moment};
use crate::texts::Texts;
use crate::web::words::Moment;

/// Who serves a service of a preview from a machine of his own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewServer)]
pub(crate) struct Server {
    /// What the gateway calls him.
    by: String,
    /// Since when, in seconds since 1970.
    since: u64,
}

/// A service that is for somebody to serve so.
pub(super) struct Tunnel<'a> {
    pub(super) service: &'a str,
    /// Who does.
    pub(super) by: Option<&'a str>,
    pub(super) since: Option<Moment>,
    /// Nobody does, as the gateway says.
    pub(super) is_lacking: bool,
}

/// Those that a preview says itself.
pub(super) fn tunnels<'a>(preview: &'a Preview, texts: &Texts) -> Vec<Tunnel<'a>> {
    let services = preview.services.iter().enumerate();
    let own = services.filter(|(_, service)| service.is_tunnel() && service.included.is_none());
    let tunnel = |(at, service): (usize, &'a Service)| {
        let server = service.served_by.as_ref();
        Tunnel {
            service: &service.baseline,
            by: server.map(|server| &*server.by),
            since: server.and_then(|server| moment(texts, server.since)),
            is_lacking: preview.lacks(at),
        }
    };
    own.map(tunnel).collect()
}
