//! Routes, each in its place.

use std::sync::Arc;

use nuncio_ir::{Model, Route, Table, VirtualHost};

use super::side::authorities;
use crate::admin::{EffectView, RouteEffect};
pub(super) use crate::view::clusters_of as clusters;
use crate::view::conditions;

/// A route is known by the listeners that see it, the host that it is shown for, and its name.
pub(super) type Key = (Arc<str>, String, Arc<str>);

/// A route in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'m> {
    pub(super) table: &'m Table,
    pub(super) host: &'m VirtualHost,
    pub(super) route: &'m Route,
}

impl Place<'_> {
    /// The host that it is shown for.
    pub(super) fn shown_for(&self) -> String {
        shown_for(self.table, self.host)
    }

    /// Parts of a host's names have routes of the same name.
    pub(super) fn key(&self) -> Key {
        let mut name = Arc::clone(&self.route.name);
        for names in authorities(self.route) {
            name = format!("{name} {:?}", names.value).into();
        }
        (Arc::clone(&self.table.scope.class), self.shown_for(), name)
    }

    /// Whether it is the same place of the same model.
    pub(super) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.host, other.host) && std::ptr::eq(self.route, other.route)
    }

    /// What becomes of it.
    pub(super) fn told(&self, effect: EffectView) -> RouteEffect {
        let in_preview = self.table.preview.is_some();
        RouteEffect { in_preview, host: self.shown_for(), matches: conditions(self.route), effect }
    }
}

/// The host by which a part of a table is shown: the first of its names.
pub(super) fn shown_for(table: &Table, host: &VirtualHost) -> String {
    let first = if *table.scope.host == *"*" { host.domains.first() } else { Some(&table.scope.host) };
    first.map(ToString::to_string).unwrap_or_default()
}

/// Every route that readers know. What becomes of a route becomes of what stands beside it for requests with a login.
pub(super) fn places(model: &Model) -> impl Iterator<Item = Place<'_>> {
    model.tables.values().flat_map(|table| places_of(table))
}

/// Those of a table. Where a preview has ended it is said that it has, whatever changes.
pub(super) fn places_of(table: &Table) -> impl Iterator<Item = Place<'_>> {
    let hosts = table.hosts.iter().filter(move |_| table.scope.is_by_host() && !table.has_ended);
    hosts.flat_map(move |host| host.known_routes().map(move |route| Place { table, host, route }))
}
