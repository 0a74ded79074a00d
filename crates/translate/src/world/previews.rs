//! Previews, and the policy that they are under: their tables are copies, made after those that they are copies of.

mod base;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, PreviewPolicy, Problem, Spec};
use nuncio_ir::{Delta, TableName};

use self::base::Bases;
use super::{Dirty, World};
use crate::policy::{Class, guards};
use crate::preview::{self, Compiled, Entrance, Shadow};
use crate::service::ServiceKey;
use crate::table::{Built, Wilds, table_name};

pub use report::PreviewUrl;

/// Every Preview of this gateway, and what finds those that a change touches.
#[derive(Debug, Default)]
pub(super) struct Previews {
    policy: Option<(ObjectId, Arc<PreviewPolicy>)>,
    compiled: BTreeMap<ObjectId, Compiled>,
    /// Those that are one too many in their namespace.
    beyond: BTreeSet<ObjectId>,
    /// By the hosts whose routes they have.
    baselines: BTreeMap<Arc<str>, BTreeSet<ObjectId>>,
    services: BTreeMap<ServiceKey, BTreeSet<ObjectId>>,
    tables: BTreeMap<ObjectId, Vec<TableName>>,
    /// That show where a Preview meets other objects.
    problems: BTreeMap<ObjectId, Vec<Problem>>,
}

impl Previews {
    /// The domain below which all names are for previews.
    pub(super) fn domain(&self) -> Option<&str> {
        self.policy.as_ref().map(|(_, policy)| &*policy.domain)
    }

    /// Whether a name is for previews alone.
    pub(super) fn reserves(&self, name: &str) -> bool {
        self.domain().is_some_and(|domain| preview::is_below(domain, name))
    }

    /// The tables of a Preview.
    pub(super) fn tables_of(&self, id: &ObjectId) -> Vec<TableName> {
        self.tables.get(id).cloned().unwrap_or_default()
    }

    fn learn(&mut self, compiled: Compiled) {
        let id = compiled.id.clone();
        for entrance in &compiled.entrances {
            self.baselines.entry(Arc::clone(&entrance.baseline)).or_default().insert(id.clone());
        }
        for service in compiled.services() {
            self.services.entry(service).or_default().insert(id.clone());
        }
        self.compiled.insert(id, compiled);
    }

    fn unlearn(&mut self, id: &ObjectId) {
        let Some(old) = self.compiled.remove(id) else { return };
        for entrance in &old.entrances {
            remove(&mut self.baselines, &entrance.baseline, id);
        }
        for service in old.services() {
            remove(&mut self.services, &service, id);
        }
    }
}

fn remove<K: Ord>(index: &mut BTreeMap<K, BTreeSet<ObjectId>>, key: &K, id: &ObjectId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

impl World {
    /// Finds the policy that is in force. Where others names are for previews than before, all previews go, to come again.
    pub(super) fn settle_preview_policy(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        if !dirty.preview_policy {
            return;
        }
        let policy = self.chosen_preview_policy();
        dirty.previews.extend(self.ids_of(Kind::Preview).cloned());
        let domain = policy.as_ref().map(|(_, policy)| &*policy.domain);
        if domain != self.previews.domain() {
            dirty.preview_domain = true;
            let all: Vec<_> = self.previews.tables.keys().cloned().collect();
            all.iter().for_each(|id| self.put_preview_tables(id, BTreeMap::new(), dirty, delta));
        }
        self.previews.policy = policy;
    }

    /// The first by name in the gateway's own namespace: whoever may write there says what previews may do.
    pub(super) fn chosen_preview_policy(&self) -> Option<(ObjectId, Arc<PreviewPolicy>)> {
        let own = |id: &&ObjectId| id.namespace == self.settings.namespace && !self.is_quarantined(id);
        self.ids_of(Kind::PreviewPolicy).filter(own).find_map(|id| match &self.objects.get(id)?.spec {
            Spec::PreviewPolicy(policy) => Some((id.clone(), Arc::new((**policy).clone()))),
            _ => None,
        })
    }

    /// Brings previews in step with what they say and with what they are copies of.
    pub(super) fn settle_previews(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        for id in self.touched_previews(dirty, delta) {
            let old = self.preview_problems(&id);
            self.compile_preview(&id);
            if old != self.preview_problems(&id) {
                self.stirred.insert(id.clone());
            }
            dirty.previews.insert(id);
        }
        if dirty.previews.is_empty() {
            return;
        }
        let wild: Vec<_> = self.wild().cloned().collect();
        let mut bases = Bases::new(Wilds::new(&wild));
        for id in std::mem::take(&mut dirty.previews) {
            let tables = self.preview_tables(&id, &mut bases);
            self.put_preview_tables(&id, tables, dirty, delta);
        }
    }

    /// Those that say something else, and those for which something else holds.
    fn touched_previews(&mut self, dirty: &mut Dirty, delta: &Delta) -> BTreeSet<ObjectId> {
        let mut touched = std::mem::take(&mut dirty.previews);
        if !touched.is_empty() {
            let beyond = self.previews_beyond();
            touched.extend(beyond.symmetric_difference(&self.previews.beyond).cloned());
            self.previews.beyond = beyond;
        }
        let hosts = delta.tables.iter().map(|(name, _)| name.0.split('@').next().unwrap_or_default());
        touched.extend(hosts.filter_map(|host| self.previews.baselines.get(host)).flatten().cloned());
        touched.extend(dirty.endpoints.iter().filter_map(|key| self.previews.services.get(key)).flatten().cloned());
        // What wildcards serve stands in no table of the host's own.
        let others = dirty.frame || dirty.module || dirty.preview_gate;
        if others || !dirty.wild.is_empty() || dirty.old_coverage.is_some() {
            touched.extend(self.ids_of(Kind::Preview).cloned());
        }
        touched
    }

    /// Those that are one too many in their namespace.
    fn previews_beyond(&self) -> BTreeSet<ObjectId> {
        let Some((_, policy)) = &self.previews.policy else { return BTreeSet::new() };
        let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let is_beyond = |id: &&ObjectId| {
            let count = counts.entry(Arc::clone(&id.namespace)).or_default();
            *count += 1;
            *count > policy.max_previews()
        };
        self.ids_of(Kind::Preview).filter(is_beyond).cloned().collect()
    }

    fn compile_preview(&mut self, id: &ObjectId) {
        self.previews.unlearn(id);
        let Some((_, policy)) = self.previews.policy.clone() else { return };
        let Some(object) = self.objects.get(id).cloned() else { return };
        if let (Spec::Preview(spec), false) = (&object.spec, self.previews.beyond.contains(id)) {
            let compiled = preview::compile(id, spec, &policy, &self.context());
            self.previews.learn(compiled);
        }
    }

    /// The tables of a Preview as they should be.
    fn preview_tables(&mut self, id: &ObjectId, bases: &mut Bases<'_>) -> BTreeMap<TableName, Built> {
        let mut tables = BTreeMap::new();
        let mut problems = Vec::new();
        if let Some(compiled) = self.previews.compiled.get(id) {
            let mut replaced = vec![false; compiled.replacements.len()];
            for entrance in &compiled.entrances {
                let before = tables.len();
                for class in &self.frame.classes {
                    let name = table_name(&class.key, &entrance.name);
                    let built = self.preview_table(compiled, entrance, class, &name, bases, &mut replaced);
                    tables.extend(built.map(|built| (name, built)));
                }
                problems.extend((tables.len() == before).then(|| self.unattached_entrance(entrance)));
            }
            let unused = replaced.iter().enumerate().filter(|(_, replaced)| !tables.is_empty() && !**replaced);
            problems.extend(unused.map(|(index, _)| nothing_replaced(index)));
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

    fn preview_table(
        &self,
        compiled: &Compiled,
        entrance: &Entrance,
        class: &Class,
        name: &TableName,
        bases: &mut Bases<'_>,
        replaced: &mut [bool],
    ) -> Option<Built> {
        let own = class.governing(&entrance.name)?;
        let host = class.governing(&entrance.baseline)?;
        let base = bases.of(self, class, host, &entrance.baseline);
        let guards = if own.id == host.id { Vec::new() } else { guards(own, class.security) };
        let context = self.context();
        let shadow = Shadow { preview: compiled, entrance, context: &context, base };
        let is_out = own.invalid || self.is_quarantined(&compiled.id);
        let routes = if is_out { &[preview::out_of_service()][..] } else { base.routes() };
        let (mut table, copied) = shadow.table(name.clone(), &class.key, guards, routes);
        for (replaced, here) in replaced.iter_mut().zip(copied.replaced) {
            *replaced |= here || is_out;
        }
        crate::table::number_names(&mut table);
        // What is wrong with a route shows on its own objects, where the baseline has it.
        let upstreams = copied.upstreams.into_values().collect();
        Some(Built { table, upstreams, problems: Vec::new(), sets: copied.sets })
    }

    fn put_preview_tables(
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

fn nothing_replaced(index: usize) -> Problem {
    let message = "no route of an entrypoint goes to this service, so nothing is replaced";
    Problem::warning("NothingReplaced", format!("spec.services[{index}].baseline"), message)
}
