//! The tables of previews.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::ObjectId;
use nuncio_ir::{Delta, Table, TableName};

use super::super::{Dirty, World};
use super::base::Bases;
use crate::policy::{Class, guards};
use crate::preview::{self, Compiled, Copied, Entrance, Face, Phase, Replacement, Shadow};
use crate::table::Built;

/// What there is to put, and which of the replaced services it has something of.
struct Made {
    tables: BTreeMap<TableName, Built>,
    replaced: Vec<bool>,
}

impl Made {
    fn put(&mut self, table: Table, copied: Copied, counts_as_all: bool) {
        for (replaced, here) in self.replaced.iter_mut().zip(copied.replaced) {
            *replaced |= here || counts_as_all;
        }
        // What is wrong with a route shows on its own objects, where the baseline has it.
        let upstreams = copied.upstreams.into_values().collect();
        let built = Built { upstreams, problems: Vec::new(), sets: copied.sets, table };
        self.tables.insert(built.table.name.clone(), built);
    }

    fn put_plain(&mut self, table: Table) {
        self.put(table, Copied::default(), false);
    }
}

/// A table that sends to nobody.
fn plain(table: Table) -> Built {
    Built { upstreams: Vec::new(), problems: Vec::new(), sets: BTreeMap::new(), table }
}

impl World {
    /// Makes what answers for previews that there are not: one for each class of listeners that may be asked for them.
    pub(super) fn settle_unknown(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        if !dirty.frame && !dirty.preview_policy {
            return;
        }
        let is_asked = self.previews.policy().is_some();
        let by_cookie = self.previews.entry().by_cookie.is_some();
        let classes = self.frame.classes.iter().filter(|_| is_asked);
        let tables: Vec<_> = classes.map(|class| preview::unknown_table(&class.key, by_cookie)).collect();
        let names = tables.iter().map(|table| table.name.clone()).collect();
        let old = std::mem::replace(&mut self.previews.unknown, names);
        let gone: Vec<_> = old.difference(&self.previews.unknown).cloned().collect();
        gone.into_iter().for_each(|name| self.put_table(name, None, dirty, delta));
        for table in tables {
            self.put_table(table.name.clone(), Some(plain(table)), dirty, delta);
        }
    }

    /// The tables of a Preview as they should be.
    pub(super) fn preview_tables(&mut self, id: &ObjectId, bases: &mut Bases<'_>) -> BTreeMap<TableName, Built> {
        if self.waits_for_preview_keys() {
            self.stirred.extend(self.previews.problems.remove(id).map(|_| id.clone()));
            return BTreeMap::new();
        }
        let mut problems = Vec::new();
        let mut tables = BTreeMap::new();
        let (ended, is_deleted) = self.ended_entrances(id);
        for entrance in ended {
            let classes = self.frame.classes.iter();
            let ended = classes.filter_map(|class| {
                let own = class.governing(&entrance.name)?;
                Some(preview::tombstone(entrance, guards(own, class.security), &class.key, is_deleted))
            });
            tables.extend(ended.map(|table| (table.name.clone(), plain(table))));
        }
        let is_shown = |it: &&Compiled| matches!(it.phase, Phase::Shown | Phase::EndsSoon);
        if let Some(compiled) = self.previews.compiled.get(id).filter(is_shown) {
            let mut made = Made { tables, replaced: vec![false; compiled.replacements.len()] };
            for entrance in &compiled.entrances {
                let before = made.tables.len();
                self.frame
                    .classes
                    .iter()
                    .for_each(|class| self.own_tables(compiled, entrance, class, bases, &mut made));
                problems.extend((made.tables.len() == before).then(|| self.unattached_entrance(entrance)));
            }
            if !made.tables.is_empty() {
                let internal = self.frame.classes.iter().filter(|class| class.internal);
                internal.for_each(|class| self.internal_tables(compiled, class, bases, &mut made));
                problems.extend(self.idle_services(compiled, &made.replaced, bases));
            }
            tables = made.tables;
        }
        if self.previews.problems.get(id).map_or(&[][..], |known| known) != problems {
            self.stirred.insert(id.clone());
        }
        match problems.is_empty() {
            true => drop(self.previews.problems.remove(id)),
            false => drop(self.previews.problems.insert(id.clone(), problems)),
        }
        tables
    }

    /// The hosts of a preview that say that it has ended, and whether that is because somebody deleted it.
    fn ended_entrances(&self, id: &ObjectId) -> (&[Entrance], bool) {
        match self.previews.compiled.get(id) {
            Some(compiled) if compiled.phase == Phase::Ended => (&compiled.entrances[..], compiled.life.is_deleted),
            Some(_) => (&[][..], false),
            None => self.previews.time.entrances_of_gone(id),
        }
    }

    /// What visitors see, at a host of its own and where they name it at the baseline's.
    fn own_tables(
        &self,
        compiled: &Compiled,
        entrance: &Entrance,
        class: &Class,
        bases: &mut Bases<'_>,
        made: &mut Made,
    ) {
        let (Some(own), Some(host)) = (class.governing(&entrance.name), class.governing(&entrance.baseline)) else {
            return;
        };
        let Some(base) = bases.of(self, class, &entrance.baseline) else { return };
        let guards = if own.id == host.id { Vec::new() } else { guards(own, class.security) };
        let is_out = own.invalid || self.is_out_of_service(compiled);
        let context = self.context();
        let shadow = Shadow { preview: compiled, face: Face::Own(entrance), context: &context, base, is_out };
        let (table, copied) = shadow.table(&class.key, &guards);
        made.put(table, copied, is_out);
        if self.previews.policy().is_some_and(|policy| !policy.selectors.is_empty()) {
            made.put_plain(preview::pointer(compiled, entrance, &class.key));
        }
    }

    /// What services see which hand on its key: whatever leads to a replaced service, and a mark for the rest.
    fn internal_tables(&self, compiled: &Compiled, class: &Class, bases: &mut Bases<'_>, made: &mut Made) {
        let context = self.context();
        let is_out = self.is_out_of_service(compiled);
        let mut shown = Vec::new();
        for host in self.calling_hosts(&compiled.replacements, class) {
            let Some(base) = bases.of(self, class, &host) else { continue };
            let shadow = Shadow { preview: compiled, face: Face::Internal, context: &context, base, is_out };
            let (table, copied) = shadow.table(&class.key, &[]);
            if is_out || copied.replaced.contains(&true) {
                made.put(table, copied, is_out);
                shown.push(host);
            }
        }
        made.put_plain(preview::mark(compiled, &shown, &class.key));
    }

    /// The hosts of a class by which services call some of these.
    pub(super) fn calling_hosts(&self, services: &[Replacement], class: &Class) -> BTreeSet<Arc<str>> {
        let of_class = |name: &TableName| self.model.tables.get(name).filter(|it| it.scope.class == class.key);
        let senders = services.iter().flat_map(|it| self.previews.senders.of(&it.location));
        senders.filter_map(|name| Some(Arc::clone(&of_class(name)?.scope.host))).collect()
    }

    fn is_out_of_service(&self, compiled: &Compiled) -> bool {
        compiled.is_broken || self.is_quarantined(&compiled.id)
    }

    pub(super) fn put_preview_tables(
        &mut self,
        id: &ObjectId,
        tables: BTreeMap<TableName, Built>,
        dirty: &mut Dirty,
        delta: &mut Delta,
    ) {
        let old = self.previews.tables.remove(id).unwrap_or_default();
        for name in old.into_iter().filter(|name| !tables.contains_key(name)) {
            self.put_table(name, None, dirty, delta);
        }
        if !tables.is_empty() {
            self.previews.tables.insert(id.clone(), tables.keys().cloned().collect());
        }
        for (name, built) in tables {
            self.put_table(name, Some(built), dirty, delta);
        }
    }
}
