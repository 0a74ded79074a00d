//! Which tables a change touches, and what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{LabelSelector, ObjectId};
use nuncio_ir::{Delta, TableName, put};

use super::{Dirty, World};
use crate::compiled::Compiled;
use crate::coverage::Coverage;
use crate::frame::Frame;
use crate::pattern::HostPattern;
use crate::policy::Class;
use crate::preview::{self, Trust};
use crate::table::{self, Around, Built, Guard, Protected, Shared, Wilds, table_name};

impl World {
    /// Makes the tables anew that something touched. `old` is the frame as it was before, where it is another.
    pub(super) fn rebuild_tables(&mut self, dirty: &mut Dirty, old: Option<&Frame>, delta: &mut Delta) {
        let old_classes = || old.into_iter().flat_map(|frame| &frame.classes);
        let gone: Vec<_> = old_classes()
            .filter(|old| !self.frame.classes.iter().any(|class| class.key == old.key))
            .map(|class| Arc::clone(&class.key))
            .collect();
        for key in gone {
            let names: Vec<_> = self.names_of_tables(&key).collect();
            for name in names.into_iter().chain([Arc::from("*")]) {
                self.put_table(table_name(&key, &name), None, dirty, delta);
            }
        }
        for at in 0..self.frame.classes.len() {
            let changed = old.is_some().then(|| old_classes().find(|old| old.key == self.frame.classes[at].key));
            self.rebuild_class(at, changed, dirty, delta);
        }
    }

    fn names_of_tables(&self, class: &str) -> impl Iterator<Item = Arc<str>> {
        let tables = self.model.tables.values();
        let tables = tables.filter(move |table| table.scope.is_by_host() && *table.scope.class == *class);
        tables.map(|table| Arc::clone(&table.scope.host)).filter(|host| **host != *"*")
    }

    /// `changed` is the class as it was before the frame was made anew.
    fn rebuild_class(&mut self, at: usize, changed: Option<Option<&Class>>, dirty: &mut Dirty, delta: &mut Delta) {
        let mut names: BTreeSet<Arc<str>> = dirty.names.clone();
        let changed = changed.filter(|old| *old != Some(&self.frame.classes[at]));
        if let Some(old) = changed {
            names.extend(self.renamed(&self.frame.classes[at], old));
        }
        let turned_internal = changed.flatten().is_some_and(|old| old.internal != self.frame.classes[at].internal);
        if let Some(old) = &dirty.old_coverage {
            names.extend(self.covered_otherwise(&self.frame.classes[at], old));
        }
        if dirty.preview_domain || dirty.preview_choice || dirty.preview_trust || turned_internal {
            names.extend(self.names.exact().chain(self.frame.classes[at].exact.keys()).cloned());
        }
        let may_rewild = changed.is_some()
            || !dirty.wild.is_empty()
            || dirty.old_coverage.is_some()
            || dirty.preview_domain
            || dirty.preview_trust;
        if names.is_empty() && !may_rewild {
            return;
        }
        let wild: Vec<_> = self.wild().cloned().collect();
        let mut wilds = Wilds::new(&wild);
        if !dirty.wild.is_empty() {
            names.extend(self.reached_by_wild(&self.frame.classes[at], &dirty.wild, &wild, &mut wilds));
        }
        let mut rewild = may_rewild;
        // The tables of previews are made after those that they are copies of.
        names.retain(|name| dirty.preview_domain || !self.previews.reserves(name));
        for name in names {
            let mut built = self.build_exact(&self.frame.classes[at], &name, &mut wilds);
            if let Some(built) = &mut built {
                built.table.by_cookie = self.previews.by_cookie_at(&name);
                self.note_strangers(&self.frame.classes[at], built);
            }
            let key = table_name(&self.frame.classes[at].key, &name);
            let falls = |table: &nuncio_ir::Table| table.hosts.iter().any(|host| host.falls_through);
            let fell = self.model.tables.get(&key).is_some_and(|table| falls(table));
            rewild |= fell != built.as_ref().is_some_and(|built| falls(&built.table));
            self.put_table(key, built, dirty, delta);
        }
        if rewild {
            let built = self.build_wildcard(&self.frame.classes[at], &wild);
            let key = table_name(&self.frame.classes[at].key, "*");
            self.put_table(key, Some(built), dirty, delta);
        }
    }

    /// Names whose Host is another than before, or all if there is an AuthService now and was none, or the other way.
    fn renamed(&self, class: &Class, old: Option<&Class>) -> Vec<Arc<str>> {
        let known: BTreeSet<_> = self
            .names
            .exact()
            .chain(class.exact.keys())
            .chain(old.into_iter().flat_map(|old| old.exact.keys()))
            .cloned()
            .collect();
        let is_other = |old: &Class, name: &str| old.auth != class.auth || old.governing(name) != class.governing(name);
        known.into_iter().filter(|name| old.is_none_or(|old| is_other(old, name))).collect()
    }

    /// Names for which the rules of FilterPolicies are others than before.
    fn covered_otherwise(&self, class: &Class, old: &Coverage) -> Vec<Arc<str>> {
        let known: BTreeSet<_> = self.names.exact().chain(class.exact.keys()).collect();
        let differs = |name: &&Arc<str>| self.protection.coverage.differs_for(old, name);
        known.into_iter().filter(differs).cloned().collect()
    }

    /// Names whose tables hold, or should hold, something else because of these `changed` Mappings for many names.
    fn reached_by_wild(
        &self,
        class: &Class,
        changed: &[Arc<Compiled>],
        wild: &[Arc<Compiled>],
        wilds: &mut Wilds<'_>,
    ) -> Vec<Arc<str>> {
        let influence = table::influence(changed, wild);
        let tables = self.names_of_tables(&class.key).filter(|name| !self.previews.reserves(name));
        tables.filter(|name| self.reaches(class, name, changed, &influence, wilds)).collect()
    }

    fn reaches(
        &self,
        class: &Class,
        name: &Arc<str>,
        changed: &[Arc<Compiled>],
        influence: &[&Compiled],
        wilds: &mut Wilds<'_>,
    ) -> bool {
        let Some(host) = class.governing(name) else { return false };
        let joins = |wild: &Compiled| host.takes(wild) && wild.host.may_take(name);
        if !changed.iter().any(|wild| joins(wild)) {
            return false;
        }
        if changed.iter().any(|wild| table::is_acme(wild) && joins(wild)) {
            return true;
        }
        let own: Vec<_> = self.own(name).filter(|own| host.takes(own)).collect();
        // Such a table has all of them.
        let (around, rules) = (self.around(class), self.protection.coverage.of_name(name));
        if own.iter().any(|own| around.chooses_again(&own.matches, &rules)) {
            return true;
        }
        let last = own.iter().copied().max_by(|a, b| a.order(b));
        let goes_before_own = |wild: &Compiled| last.is_some_and(|own| wild.order(own).is_lt());
        let is_beside = |wild: &Compiled| {
            joins(wild) && own.iter().any(|own| wild.order(own).is_lt() && wild.matches.may_overlap(&own.matches))
        };
        if influence.iter().take_while(|wild| goes_before_own(wild)).any(|wild| is_beside(wild)) {
            return true;
        }
        // Whether a miss goes on to the wildcards changes with the first and the last that it may find. One behind all
        // of the name's own is not copied.
        let table = self.model.tables.get(&table_name(&class.key, name));
        match table.and_then(|table| table.hosts.first()) {
            Some(table) if table.falls_through => wilds.of(host).last(name).is_none_or(goes_before_own),
            Some(table) => table.routes.last().is_none_or(|last| last.origins.is_empty()),
            None => true,
        }
    }

    /// The Mappings for this name alone.
    pub(super) fn own(&self, name: &str) -> impl Iterator<Item = &Compiled> {
        self.names.of(name).filter_map(|id| self.mappings.get(id)).map(|compiled| &**compiled)
    }

    /// The Mappings for more than one name.
    pub(super) fn wild(&self) -> impl Iterator<Item = &Arc<Compiled>> {
        self.names.wild().filter_map(|id| self.mappings.get(id))
    }

    fn build_exact(&self, class: &Class, name: &Arc<str>, wilds: &mut Wilds<'_>) -> Option<Built> {
        let host = class.governing(name).filter(|_| !self.previews.reserves(name))?;
        table::exact(
            self.around(class),
            host,
            name,
            self.own(name).filter(|mapping| host.takes(mapping)),
            wilds.of(host),
        )
    }

    fn build_wildcard(&self, class: &Class, wild: &[Arc<Compiled>]) -> Built {
        let wild: Vec<_> = wild.iter().map(|mapping| &**mapping).collect();
        let mut built = table::wildcard(self.around(class), &wild, self.shared(class, &wild));
        if let Some(domain) = self.previews.domain() {
            preview::shield(&mut built.table, domain);
        }
        self.note_strangers(class, &mut built);
        built
    }

    /// Notes who is not told the key of a preview that services hand on to the baseline.
    fn note_strangers(&self, class: &Class, built: &mut Built) {
        if let Some(policy) = self.previews.policy().filter(|_| class.internal) {
            built.table.strangers = Trust(policy).strangers(built.upstreams.iter());
        }
    }

    pub(super) fn around<'c>(&'c self, class: &'c Class) -> Around<'c> {
        Around { class, coverage: &self.protection.coverage, route_stats: self.settings.route_stats }
    }

    /// Exact Hosts whose requests go on to the wildcards, by the Mappings that they see there; and those that ask more of
    /// requests than the Host to which they would be left if Envoy did not have their table. Most wildcards look at the
    /// labels alone: they are sought out once for each selector, and only the others for each name.
    fn shared<'a>(&self, class: &'a Class, wild: &[&'a Compiled]) -> Vec<Shared<'a>> {
        let (any, some): (Vec<&Compiled>, Vec<&Compiled>) = wild.iter().partition(|mapping| mapping.host.is_any_name());
        type Seen<'a> = (Guard, Protected, Option<&'a LabelSelector>, Vec<&'a ObjectId>);
        let coverage = &self.protection.coverage;
        let mut seen: BTreeMap<Seen<'a>, Shared<'a>> = BTreeMap::new();
        for (name, host) in class.exact.iter().filter(|(name, host)| !host.invalid && !self.previews.reserves(name)) {
            let table = self.model.tables.get(&table_name(&class.key, name));
            let falls_through = table.is_some_and(|table| table.hosts.iter().any(|host| host.falls_through));
            if !falls_through && !class.asks_more(name, host) {
                continue;
            }
            let some = some.iter().filter(|mapping| mapping.host.may_take(name) && host.takes(mapping));
            let ids = some.clone().map(|mapping| &mapping.id).collect();
            let endpoints = coverage.has_endpoints(&HostPattern::Exact(Arc::clone(name)));
            let protected = (coverage.of_name(name), endpoints);
            let key = (Shared::guard(host), protected.clone(), host.selector.as_ref(), ids);
            let share = seen.entry(key).or_insert_with(|| {
                let any = any.iter().filter(|mapping| host.takes(mapping));
                Shared { hosts: BTreeMap::new(), mappings: any.chain(some).copied().collect(), protected }
            });
            share.hosts.insert(name, host);
        }
        // Selectors that select the same are one.
        let mut shared: BTreeMap<(Guard, Protected, BTreeSet<&ObjectId>), Shared<'a>> = BTreeMap::new();
        for ((guard, ..), Shared { hosts, mappings, protected }) in seen {
            let ids = mappings.iter().map(|mapping| &mapping.id).collect();
            let key = (guard, protected.clone(), ids);
            let share = shared.entry(key).or_insert_with(|| Shared { hosts: BTreeMap::new(), mappings, protected });
            share.hosts.extend(hosts);
        }
        shared.into_values().collect()
    }

    pub(super) fn put_table(&mut self, name: TableName, built: Option<Built>, dirty: &mut Dirty, delta: &mut Delta) {
        let old = self.table_clusters.remove(&name).unwrap_or_default();
        self.wild_origins.remove(&name);
        let Some(Built { table, upstreams, problems, sets }) = built else {
            self.table_problems.put(&name, Vec::new());
            dirty.rule_sets.extend(self.rule_sets.change(&name, BTreeMap::new()));
            dirty.clusters.extend(self.clusters.change(&old, &[]));
            put(&mut self.model.tables, &mut delta.tables, name, None);
            return;
        };
        dirty.clusters.extend(self.clusters.change(&old, &upstreams));
        dirty.rule_sets.extend(self.rule_sets.change(&name, sets));
        let clusters = upstreams.iter().map(|upstream| upstream.name().clone()).collect();
        self.table_clusters.insert(name.clone(), clusters);
        self.table_problems.put(&name, problems);
        if *table.scope.host == *"*" {
            self.wild_origins.insert(name.clone(), table.origins());
        }
        put(&mut self.model.tables, &mut delta.tables, name, Some(table));
    }
}
