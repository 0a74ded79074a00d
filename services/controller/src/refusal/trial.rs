//! Trials: parts of what was refused, under names and addresses that no request and no connection can reach. So
//! nothing is taken from what serves before somebody is found guilty.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use nuncio_api::ObjectId;
use nuncio_ir::{LimitRules, Listener, Scope, Table, TableName, VirtualHost};
use nuncio_translate::World;
use nuncio_xds::{Key, ResourceType, Update};

use super::search::Search;
use crate::resources;

/// Name of a resource on trial, and the host of its scope. No request can be for such a host.
pub(super) const TRIAL: &str = "nuncio/trial";

/// Of a listener that is bound to no port: an address for documentation (RFC 5737), which nothing else has.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 1);

/// What is tried in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Table(TableName),
    Listener(Arc<str>),
    /// The rules of a domain.
    Limits(Arc<str>),
}

impl Subject {
    /// The resource whose acceptance tells how a trial ended.
    pub(super) fn trial_key(&self) -> Key {
        let kind = match self {
            Self::Table(_) => ResourceType::Route,
            Self::Listener(_) => ResourceType::Listener,
            Self::Limits(_) => ResourceType::Limits,
        };
        Key::new(kind, TRIAL)
    }

    /// The next trial of a search. `None` where nothing would be left of the subject.
    pub(super) fn trial(&self, search: &Search, world: &World) -> Option<Update> {
        let model = world.model();
        match self {
            Self::Table(name) => {
                let table = model.tables.get(name)?;
                Some(resources::table(&only_of(table, search.tried()), model))
            }
            Self::Listener(name) => {
                let out: BTreeSet<ObjectId> = search.left_out().iter().cloned().collect();
                let listener = world.listener_without(name, &out)?;
                let listener = Listener { name: TRIAL.into(), address: NOWHERE, ..listener };
                Some(resources::unbound_listener(&listener, model))
            }
            Self::Limits(domain) => {
                let rules = LimitRules { domain: TRIAL.into(), ..world.rules_of(domain, search.tried())? };
                Some(resources::limits(&rules, model))
            }
        }
    }

    /// Ends the trials.
    pub(super) fn no_trial(&self) -> Update {
        let kinds: &[ResourceType] = match self {
            Self::Table(_) => &[ResourceType::ScopedRoute, ResourceType::Route],
            Self::Listener(_) => &[ResourceType::Listener],
            Self::Limits(_) => &[ResourceType::Limits],
        };
        Update { remove: kinds.iter().map(|kind| Key::new(*kind, TRIAL)).collect(), ..Update::default() }
    }

    /// What it is called for people, where an Envoy speaks of the trial.
    pub(super) fn unmask(&self, message: &str) -> String {
        let (Self::Table(TableName(name)) | Self::Listener(name) | Self::Limits(name)) = self;
        message.replace(TRIAL, name)
    }
}

/// The table with the routes of these objects alone.
fn only_of(table: &Table, origins: &[ObjectId]) -> Table {
    let origins: BTreeSet<&ObjectId> = origins.iter().collect();
    let hosts = table.hosts.iter().map(|host| VirtualHost {
        routes: host
            .routes
            .iter()
            .filter(|route| route.origins.iter().any(|origin| origins.contains(origin)))
            .cloned()
            .collect(),
        falls_through: true,
        name: Arc::clone(&host.name),
        domains: host.domains.clone(),
    });
    let scope = Scope { host: TRIAL.into(), ..table.scope.clone() };
    Table { name: TableName(TRIAL.into()), scope, hosts: hosts.collect(), ..table.clone() }
}
