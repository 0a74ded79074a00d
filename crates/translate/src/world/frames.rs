//! The frame: what is made anew as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Remains, Spec, TcpMapping};
use nuncio_ir::{Delta, Listener, put};

use super::{Dirty, World};
use crate::frame::{self, Frame};

/// The kinds that the frame is made of.
pub(super) const FRAME_KINDS: [Kind; 5] =
    [Kind::Host, Kind::Listener, Kind::TCPMapping, Kind::AuthService, Kind::RateLimitService];

impl World {
    /// Makes the frame anew; gives the old one.
    pub(super) fn rebuild_frame(&mut self, dirty: &mut Dirty, delta: &mut Delta) -> Frame {
        let is_out = |id: &ObjectId| self.is_quarantined(id);
        let objects: Vec<_> = FRAME_KINDS.into_iter().flat_map(|kind| self.of_kind(kind, is_out)).collect();
        let ingress_hosts: Vec<_> = self.ingress_hosts(is_out).collect();
        self.secrets.begin_frame();
        let mut frame = frame::build(objects.iter(), &ingress_hosts, &self.context());
        self.secrets.end();
        let wanted: BTreeMap<_, _> =
            frame.listeners.drain(..).map(|listener| (Arc::clone(&listener.name), listener)).collect();
        let gone: Vec<_> = self.model.listeners.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            put(&mut self.model.listeners, &mut delta.listeners, name, None);
        }
        let secrets: BTreeSet<_> = wanted.values().flat_map(Listener::secrets).cloned().collect();
        dirty.secrets.extend(secrets.symmetric_difference(&self.listener_secrets).cloned());
        self.listener_secrets = secrets;
        for (name, listener) in wanted {
            put(&mut self.model.listeners, &mut delta.listeners, name, Some(listener));
        }
        for extension in [&frame.auth.extension, &frame.filters, &frame.limit] {
            put(&mut self.model.extensions, &mut delta.extensions, extension.slot, Some(extension.clone()));
        }
        dirty.clusters.extend(self.clusters.change(&self.frame.upstream_names(), &frame.upstreams));
        std::mem::replace(&mut self.frame, frame)
    }

    /// Objects of a kind; one that is out, because the proxy refused it, counts as not valid.
    pub(super) fn of_kind<F: Fn(&ObjectId) -> bool>(
        &self,
        kind: Kind,
        is_out: F,
    ) -> impl Iterator<Item = Arc<Object>> + use<'_, F> {
        let first = ObjectId::new(kind, "", "");
        let objects = self.objects.range(first..).take_while(move |(id, _)| id.kind == kind);
        objects.map(move |(id, object)| match (&object.spec, is_out(id)) {
            (Spec::Host(host), true) => {
                let remains = Remains::Hostname(host.hostname.clone().unwrap_or_else(|| "*".to_owned()));
                Arc::new(Object { spec: Spec::Invalid(remains), ..(**object).clone() })
            }
            (Spec::TcpMapping(mapping), true) => {
                let (address, host) = (mapping.address.clone(), mapping.host.clone());
                let connections = TcpMapping { port: mapping.port, address, host, ..TcpMapping::default() };
                let remains = Remains::Connections(Box::new(connections));
                Arc::new(Object { spec: Spec::Invalid(remains), ..(**object).clone() })
            }
            (_, true) => Arc::new(Object { spec: Spec::Invalid(Remains::Nothing), ..(**object).clone() }),
            (_, false) => Arc::clone(object),
        })
    }
}
