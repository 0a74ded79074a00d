//! Connected Envoys, and how far each has come.

use nuncio_xds::{Protocol, ResourceType};

use crate::admin::{EnvoyView, ListQuery, Page};
use crate::engine::Engine;

pub(super) fn envoys(engine: &Engine, query: &ListQuery) -> Page<EnvoyView> {
    let newest_revision = engine.revision.0;
    let envoys = engine
        .server
        .streams()
        .into_iter()
        .filter(|stream| !stream.asks.is_some_and(ResourceType::is_for_services))
        .filter(|stream| query.wants_name(&stream.node.id));
    Page::of(query, envoys, |stream| EnvoyView {
        node: stream.node.id.clone(),
        cluster: stream.node.cluster.clone(),
        version: stream.node.agent.clone(),
        protocol: match stream.protocol {
            Protocol::Delta => "delta".to_owned(),
            Protocol::StateOfTheWorld => "state-of-the-world".to_owned(),
        },
        connected_for_ms: u64::try_from(stream.connected.elapsed().as_millis()).unwrap_or(u64::MAX),
        synced_revision: stream.acked.map(|revision| revision.0),
        newest_revision,
        responses: stream.responses,
        nacks: stream.nacks,
    })
}
