//! Previews, and the policy that they are under: their tables are copies, made after those that they are copies of.

mod base;
mod behind;
mod idle;
mod includes;
mod meant;
mod mesh;
mod report;
mod rules;
mod senders;
mod tables;
mod time;
mod tunnels;
mod turns;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, PreviewPolicy, Problem, Spec};
use nuncio_ir::auth::Filter;
use nuncio_ir::{CookieChoice, Delta, PreviewEntry, TableName, put};

use self::base::Bases;
use self::rules::InForce;
use self::senders::Senders;
use self::time::Time;
use self::turns::Turns;
use super::{Dirty, World};
use crate::pattern::HostPattern;
use crate::preview::{self, Compiled, Life, Phase, Rules, Sockets};
use crate::service::ServiceKey;
use crate::table::Wilds;
use crate::upstream::Location;

pub use includes::PreviewReplacement;
pub use mesh::{MeshRule, MeshService, PreviewMesh};
pub use report::{PreviewProbe, PreviewUrl};
pub use rules::PREVIEW_KEYS;
pub use time::{GonePreview, PreviewTimes};

/// Every Preview of this gateway, and what finds those that a change touches.
#[derive(Debug, Default)]
pub(super) struct Previews {
    in_force: Option<InForce>,
    /// The domain of a policy that cannot be used, where none is in force: its names are nobody else's meanwhile.
    shut: Option<String>,
    /// What listeners know while none is in force.
    closed: PreviewEntry,
    compiled: BTreeMap<ObjectId, Compiled>,
    /// Those that are one too many in their namespace.
    beyond: BTreeSet<ObjectId>,
    /// By the hosts whose routes they have.
    baselines: BTreeMap<Arc<str>, BTreeSet<ObjectId>>,
    services: BTreeMap<ServiceKey, BTreeSet<ObjectId>>,
    /// By what they replace.
    locations: BTreeMap<Location, BTreeSet<ObjectId>>,
    /// Those that include it, straight or by others.
    includers: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    senders: Senders,
    tables: BTreeMap<ObjectId, Vec<TableName>>,
    time: Time,
    /// When they become something else by that alone.
    turns: Turns,
    /// Those that do not have the routes of their baselines as these are now.
    late: BTreeSet<ObjectId>,
    /// Those of which something may be other than when that was last asked.
    settled: BTreeSet<ObjectId>,
    /// Processes that stand in for services.
    sockets: BTreeMap<ObjectId, Sockets>,
    /// Of what answers for previews that there are not, in each class.
    unknown: BTreeSet<TableName>,
    /// That show where a Preview meets other objects.
    problems: BTreeMap<ObjectId, Vec<Problem>>,
}

impl Previews {
    /// What is in force.
    pub(super) fn policy(&self) -> Option<&PreviewPolicy> {
        self.rules().map(|rules| &*rules.policy)
    }

    fn rules(&self) -> Option<&Rules> {
        self.in_force.as_ref().map(|it| &it.rules)
    }

    /// How listeners know requests of previews.
    pub(super) fn entry(&self) -> &PreviewEntry {
        self.in_force.as_ref().map_or(&self.closed, |it| &it.entry)
    }

    /// Whether some do not have the routes of their baselines yet.
    pub(super) fn has_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// The domain below which all names are for previews.
    pub(super) fn domain(&self) -> Option<&str> {
        self.policy().map(|policy| &*policy.domain).or(self.shut.as_deref())
    }

    /// Whether a name is for previews alone.
    pub(super) fn reserves(&self, name: &str) -> bool {
        self.domain().is_some_and(|domain| preview::is_below(domain, name))
    }

    /// Whether, and where, a cookie chooses previews of a host.
    pub(super) fn by_cookie_at(&self, host: &str) -> Option<CookieChoice> {
        let hosts = self.policy()?.hosts.iter().filter_map(|host| HostPattern::parse(host));
        self.entry().by_cookie.filter(|_| hosts.into_iter().any(|pattern| pattern.takes(host)))
    }

    /// The tables of a Preview.
    pub(super) fn tables_of(&self, id: &ObjectId) -> Vec<TableName> {
        self.tables.get(id).cloned().unwrap_or_default()
    }

    /// The filter that wants a link to a Preview, where that is its gate.
    pub(super) fn share_filter(&self, id: &ObjectId) -> Option<&Arc<Filter>> {
        self.compiled.get(id)?.share.as_ref()
    }

    fn learn(&mut self, compiled: Compiled) {
        let id = compiled.id.clone();
        for entrance in &compiled.entrances {
            self.baselines.entry(Arc::clone(&entrance.baseline)).or_default().insert(id.clone());
        }
        for service in compiled.services() {
            self.services.entry(service).or_default().insert(id.clone());
        }
        for replacement in &compiled.replacements {
            self.locations.entry(replacement.location.clone()).or_default().insert(id.clone());
        }
        for member in &compiled.members {
            self.includers.entry(member.clone()).or_default().insert(id.clone());
        }
        self.turns.put(&id, compiled.life.next_turn(self.time.now()));
        self.compiled.insert(id, compiled);
    }

    fn unlearn(&mut self, id: &ObjectId) -> Option<Compiled> {
        let old = self.compiled.remove(id)?;
        self.turns.put(id, None);
        for entrance in &old.entrances {
            remove(&mut self.baselines, &entrance.baseline, id);
        }
        for service in old.services() {
            remove(&mut self.services, &service, id);
        }
        for replacement in &old.replacements {
            remove(&mut self.locations, &replacement.location, id);
        }
        for member in &old.members {
            remove(&mut self.includers, member, id);
        }
        Some(old)
    }
}

/// Those of these, in order, for which there is no room.
fn beyond<'a>(policy: &PreviewPolicy, all: impl Iterator<Item = &'a ObjectId>) -> BTreeSet<ObjectId> {
    let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut total = 0;
    let is_beyond = |id: &&ObjectId| {
        let count = counts.entry(Arc::clone(&id.namespace)).or_default();
        let has_room = *count < policy.max_previews() && policy.max_previews_total.is_none_or(|most| total < most);
        *count += usize::from(has_room);
        total += u32::from(has_room);
        !has_room
    };
    all.filter(is_beyond).cloned().collect()
}

fn remove<K: Ord, V: Ord>(index: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}

impl World {
    /// The policy that is in force.
    #[must_use]
    pub fn preview_policy(&self) -> Option<(&ObjectId, &PreviewPolicy)> {
        self.previews.in_force.as_ref().map(|it| (&it.id, &*it.rules.policy))
    }

    /// The Previews of which something may be other than when this was last asked, those among them that went.
    pub fn take_settled_previews(&mut self) -> BTreeSet<ObjectId> {
        std::mem::take(&mut self.previews.settled)
    }

    /// Brings previews in step with what they say and with what they are copies of.
    pub(super) fn settle_previews(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        self.settle_unknown(dirty, delta);
        self.note_followers(dirty, delta);
        for id in self.touched_previews(dirty) {
            let old = self.preview_problems(&id);
            self.compile_preview(&id, delta);
            if old != self.preview_problems(&id) {
                self.stirred.insert(id.clone());
            }
            self.previews.settled.insert(id.clone());
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

    /// Notes those that have, or show to services, routes that changed.
    fn note_followers(&mut self, dirty: &Dirty, delta: &Delta) {
        let mut late = self.note_senders(dirty, delta);
        let hosts = delta.tables.iter().map(|(name, _)| name.0.split('@').next().unwrap_or_default());
        late.extend(hosts.filter_map(|host| self.previews.baselines.get(host)).flatten().cloned());
        // What wildcards serve stands in no table of the host's own.
        if !dirty.wild.is_empty() {
            late.extend(self.ids_of(Kind::Preview).cloned());
        }
        self.previews.late.append(&mut late);
    }

    /// Those that say something else, and those for which something else holds.
    fn touched_previews(&mut self, dirty: &mut Dirty) -> BTreeSet<ObjectId> {
        let mut touched = std::mem::take(&mut dirty.previews);
        touched.append(&mut self.previews.time.due);
        if !touched.is_empty() {
            let beyond = self.previews_beyond();
            touched.extend(beyond.symmetric_difference(&self.previews.beyond).cloned());
            self.previews.beyond = beyond;
        }
        touched.extend(dirty.endpoints.iter().filter_map(|key| self.previews.services.get(key)).flatten().cloned());
        touched.extend(dirty.mapped.iter().filter_map(|key| self.previews.services.get(key)).flatten().cloned());
        // What FilterPolicies protect nowhere waits for the rest.
        if dirty.frame || dirty.module || dirty.preview_gate || dirty.old_coverage.is_some() {
            touched.extend(self.ids_of(Kind::Preview).cloned());
        }
        // A listener that looks into other tables than before finds those of previews there.
        if !dirty.previews_follow || dirty.frame {
            touched.append(&mut self.previews.late);
        }
        let includers = touched.iter().filter_map(|id| self.previews.includers.get(id)).flatten();
        let includers: Vec<_> = includers.cloned().collect();
        touched.extend(includers);
        self.previews.late.retain(|id| !touched.contains(id));
        touched
    }

    /// Those that are one too many, in their namespace or in all: of those that are shown, and of those that have ended.
    fn previews_beyond(&self) -> BTreeSet<ObjectId> {
        let Some(policy) = self.previews.policy() else { return BTreeSet::new() };
        let now = self.previews.time.now();
        let all = self.ids_of(Kind::Preview).filter_map(|id| Some((self.life_by(policy, id)?, id)));
        let (mut ended, mut shown): (Vec<_>, Vec<_>) = all
            .filter(|(life, _)| life.phase(now) != Phase::Forgotten)
            .partition(|(life, _)| life.phase(now) == Phase::Ended);
        // Whoever comes to a full namespace takes nobody's place, whatever he is called.
        shown.sort_by_key(|(life, id)| (life.created, *id));
        // Of what has ended it is told of what did so last.
        ended.sort_by_key(|(life, id)| (Reverse(life.expires), *id));
        let beyond = |all: Vec<(Life, &ObjectId)>| beyond(policy, all.into_iter().map(|(_, id)| id));
        let mut beyond_all = beyond(shown);
        beyond_all.append(&mut beyond(ended));
        beyond_all
    }

    /// What is shown of a Preview, whether there is room for it or not; none where it is not valid.
    fn phase_by(&self, policy: &PreviewPolicy, id: &ObjectId) -> Option<Phase> {
        self.life_by(policy, id).map(|life| life.phase(self.previews.time.now()))
    }

    fn life_by(&self, policy: &PreviewPolicy, id: &ObjectId) -> Option<Life> {
        self.life_of(policy, self.objects.get(id)?)
    }

    /// How long a Preview would be shown that this object is.
    fn life_of(&self, policy: &PreviewPolicy, object: &Object) -> Option<Life> {
        let Spec::Preview(spec) = &object.spec else { return None };
        Some(Life::new(spec, policy, self.previews.time.begun(object)))
    }

    fn compile_preview(&mut self, id: &ObjectId, delta: &mut Delta) {
        let old = self.previews.unlearn(id);
        let old_share = old.as_ref().and_then(|old| old.share.clone());
        self.learn_preview(id, old);
        let share = self.previews.share_filter(id).cloned();
        for filter in old_share.iter().filter(|old| share.as_ref().is_none_or(|new| new.id != old.id)) {
            put(&mut self.model.filters, &mut delta.filters, filter.id.clone(), None);
        }
        if let Some(filter) = share {
            put(&mut self.model.filters, &mut delta.filters, filter.id.clone(), Some((*filter).clone()));
        }
    }

    fn learn_preview(&mut self, id: &ObjectId, old: Option<Compiled>) {
        let Some(rules) = self.previews.rules().cloned() else { return };
        let Some(object) = self.objects.get(id).cloned() else {
            return self.previews.remember(id, old, rules.policy.max_previews());
        };
        if let (Spec::Preview(spec), false) = (&object.spec, self.previews.beyond.contains(id)) {
            self.previews.time.is_back(id);
            let times = (self.previews.time.begun(&object), self.previews.time.now());
            let group = preview::group(id, spec, &rules.policy, |part| self.to_include(part, spec, &rules.policy));
            let sockets = |id: &ObjectId| self.previews.sockets.get(id);
            let mut compiled = preview::compile(&object, spec, &rules, times, group, sockets, &self.context());
            self.hold_against_rules(&mut compiled);
            self.previews.time.note_missing(&mut compiled);
            self.previews.learn(compiled);
        }
    }
}
