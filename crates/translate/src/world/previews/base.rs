//! What previews are copies of.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_ir::Table;

use crate::policy::Class;
use crate::preview::Base;
use crate::table::{self, Built, Wilds, table_name};
use crate::world::World;

/// Those that are needed, each made once.
pub(super) struct Bases<'a> {
    wilds: Wilds<'a>,
    made: BTreeMap<(Arc<str>, Arc<str>), Option<Base>>,
}

impl<'a> Bases<'a> {
    pub(super) fn new(wilds: Wilds<'a>) -> Self {
        Self { wilds, made: BTreeMap::new() }
    }

    /// That of a host in a class, or of the wildcards; none where no Host speaks for it.
    pub(super) fn of(&mut self, world: &World, class: &Class, host: &Arc<str>) -> Option<&Base> {
        let Self { wilds, made } = self;
        let key = (Arc::clone(&class.key), Arc::clone(host));
        made.entry(key).or_insert_with(|| world.preview_base(class, host, wilds)).as_ref()
    }
}

impl World {
    /// The table of the host as it is; where it leaves requests to the wildcards, which know the host by its own name alone,
    /// one with all that would take them.
    fn preview_base(&self, class: &Class, host: &Arc<str>, wilds: &mut Wilds<'_>) -> Option<Base> {
        let table = self.model.tables.get(&table_name(&class.key, host));
        if let Some(table) = table.filter(|table| table.hosts.iter().all(|host| !host.falls_through)) {
            return Some(self.base_of(table));
        }
        let policy = class.governing(host)?;
        let own = self.own(host).filter(|mapping| policy.takes(mapping));
        let Built { table, upstreams, sets, .. } =
            table::whole(self.around(class), policy, host, own, wilds.of(policy));
        let upstreams = upstreams.into_iter().map(|upstream| (upstream.name().clone(), upstream)).collect();
        Some(Base { table: Arc::new(table), upstreams, sets })
    }

    fn base_of(&self, table: &Arc<Table>) -> Base {
        let clusters = table.clusters().into_iter();
        let upstreams = clusters.filter_map(|name| Some((name.clone(), Arc::clone(self.clusters.get(&name)?))));
        let sets = table.rule_sets().into_iter();
        let sets = sets.filter_map(|id| Some((id.clone(), self.rule_sets.key(&id)?.clone())));
        Base { table: Arc::clone(table), upstreams: upstreams.collect(), sets: sets.collect() }
    }
}
