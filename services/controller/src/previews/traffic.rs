//! What previews get of requests, as the Envoy beside the controller counts them, and what other gateways have told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuncio_api::{Duration as Length, Object, ObjectId, Spec};
use nuncio_ir::PreviewWay;

use super::usage::{Usage, Used};
use super::{Lifecycle, seen};
use crate::admin::{AdminClient, Stats, Wanted};
use crate::clock;
use crate::engine::Engine;
use crate::run::lock;
use crate::view::counted_as;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(2);
/// Of every way of a preview that ever had a request: how many.
const WAYS: &str = r"^vhost\..+\.(route|vcluster)\.preview\..+\.upstream_rq_total$";
/// What stands before the counted name in those of a route, and in those of a host.
const KINDS: [&str; 2] = [".route.", ".vcluster."];
/// Of every service that has requests at the moment: how many. Streams and `WebSockets` are among them for as long as they last.
const OPEN: &str = r"^cluster\..+\.upstream_rq_active$";
/// How often other replicas are told that somebody asks for a preview: so many times in the time in which nobody may.
const TOLD: u64 = 4;

/// What Envoy counts for a preview: of each way, by the names of its counters.
type Told = BTreeMap<(PreviewWay, String), u64>;

/// The requests of one preview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    ways: BTreeMap<PreviewWay, u64>,
    /// What Envoy said last.
    told: Told,
    /// When there were more of them than before, in seconds since 1970.
    pub(crate) last: Option<u64>,
    /// Since when they are counted.
    pub(crate) since: u64,
}

impl Counts {
    /// How many went this way.
    pub(crate) fn of(&self, way: PreviewWay) -> u64 {
        self.ways.get(&way).copied().unwrap_or_default()
    }

    /// How many there were of any way.
    pub(crate) fn all(&self) -> u64 {
        self.of(PreviewWay::Any)
    }

    /// How many the baseline of a service got in its place.
    pub(crate) fn fallbacks(&self) -> u64 {
        self.ways.iter().filter(|(way, _)| matches!(way, PreviewWay::Fallback(_))).map(|(_, count)| count).sum()
    }

    /// All of them by now. A counter goes with its route, such as when a tunnel is disconnected, or with Envoy, and begins anew:
    /// what it has counted until then stays.
    fn with(before: Option<&Self>, told: &Told) -> BTreeMap<PreviewWay, u64> {
        let mut ways = before.map(|before| before.ways.clone()).unwrap_or_default();
        for (counter, count) in told {
            let known = before.and_then(|before| before.told.get(counter)).copied().unwrap_or_default();
            *ways.entry(counter.0).or_default() += count.checked_sub(known).unwrap_or(*count);
        }
        ways
    }

    /// As another gateway tells them.
    pub(super) fn named(ways: &BTreeMap<String, u64>, last: Option<u64>, since: u64) -> Self {
        let ways = ways.iter().filter_map(|(name, count)| Some((PreviewWay::parse(name)?.1, *count)));
        Self { ways: ways.collect(), told: Told::new(), last, since }
    }

    /// As another gateway is told them. Whose they are it knows.
    pub(super) fn names(&self) -> BTreeMap<String, u64> {
        self.ways.iter().map(|(way, count)| (way.counted(""), *count)).collect()
    }

    /// Those of two gateways.
    fn joined(mut self, other: &Self) -> Self {
        for (way, count) in &other.ways {
            *self.ways.entry(*way).or_default() += count;
        }
        Self { last: self.last.max(other.last), since: self.since.min(other.since), ..self }
    }

    fn used(&self) -> Used {
        Used {
            requests: self.all(),
            fallbacks: self.fallbacks(),
            last_used_at: self.last.map(clock::text),
            since: clock::text(self.since),
        }
    }
}

/// The requests of all previews.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    counts: BTreeMap<ObjectId, Counts>,
    /// Those that came by other gateways, by what these call themselves.
    others: BTreeMap<String, BTreeMap<ObjectId, Counts>>,
    /// As far as statuses tell it.
    usage: Usage,
    /// When the first of them was counted.
    began: u64,
}

impl Traffic {
    /// By whatever gateway they came.
    pub(crate) fn of(&self, id: &ObjectId) -> Option<Counts> {
        let mut all = self.own(id).into_iter().chain(self.others.values().filter_map(|counts| counts.get(id)));
        let first = all.next()?.clone();
        Some(all.fold(first, Counts::joined))
    }

    /// By this gateway.
    pub(super) fn own(&self, id: &ObjectId) -> Option<&Counts> {
        self.counts.get(id)
    }

    /// Takes in what another gateway counts.
    pub(super) fn take(&mut self, from: &str, id: ObjectId, counts: Counts) {
        self.others.entry(from.to_owned()).or_default().insert(id, counts);
    }

    /// Forgets what gateways have counted that are none of these.
    pub(super) fn keep(&mut self, gateways: &BTreeSet<&str>) {
        self.others.retain(|gateway, _| gateways.contains(gateway.as_str()));
    }

    /// Forgets what others have counted of one that went: another of its name may come.
    pub(super) fn forget(&mut self, id: &ObjectId) {
        self.others.values_mut().for_each(|counts| drop(counts.remove(id)));
    }

    /// What the status of one says of it.
    pub(crate) fn used(&self, id: &ObjectId) -> Option<&Used> {
        self.usage.of(id)
    }

    /// Has statuses say what is counted. Gives those that are others by it.
    fn tell(&mut self, now: u64) -> Vec<ObjectId> {
        let ids: BTreeSet<_> = self.counts.keys().chain(self.others.values().flat_map(BTreeMap::keys)).collect();
        let counted: Vec<_> = ids.into_iter().filter_map(|id| Some((id.clone(), self.of(id)?.used()))).collect();
        self.usage.take(counted.into_iter(), now)
    }
}

/// Looks again and again. Runs until it is dropped.
pub(crate) async fn follow(engine: Arc<Mutex<Engine>>, envoy: PathBuf, lifecycle: Arc<Lifecycle>) {
    let log = seen::log_beside(&envoy);
    let client = AdminClient::unix(envoy);
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        seen::limit(&log);
        let (is_any, may_end) = {
            let engine = lock(&engine);
            let mut previews = engine.world.all_previews().map(|object| idle(object).is_some()).peekable();
            (previews.peek().is_some(), previews.any(|it| it))
        };
        // An Envoy that does not answer, or not yet, tells later.
        let Some(told) = (if is_any { told(&client, WAYS).await } else { None }) else { continue };
        let open = if may_end { told_open(&client).await } else { BTreeSet::new() };
        let ways = ways(&told);
        let untold = note(&mut lock(&engine), ways, &open);
        for id in untold {
            let lifecycle = Arc::clone(&lifecycle);
            // It asks an API server.
            let done = tokio::task::spawn_blocking(move || lifecycle.store.tell_asked(&id, clock::now())).await;
            if let Ok(Err(error)) = done {
                tracing::warn!("other replicas do not learn that somebody asks for a preview: {error}");
            }
        }
    }
}

/// What Envoy counts; none where it does not tell.
async fn told(client: &AdminClient, filter: &str) -> Option<Stats> {
    Stats::ask(client, &Wanted::used(filter)).await.ok()
}

/// The services, as Envoy calls them, that have requests at the moment.
async fn told_open(client: &AdminClient) -> BTreeSet<String> {
    let stats = told(client, OPEN).await.unwrap_or_default();
    stats.values().filter(|(_, value)| *value > 0).filter_map(|(name, _)| service(name).map(str::to_owned)).collect()
}

fn service(stat: &str) -> Option<&str> {
    stat.strip_prefix("cluster.")?.strip_suffix(".upstream_rq_active")
}

/// Whether somebody has a request to who stands in for a service of a Preview. Of those to services that it leaves as they are
/// nobody knows whose they are.
fn is_open(engine: &Engine, id: &ObjectId, open: &BTreeSet<String>) -> bool {
    let clusters = &engine.world.model().clusters;
    let names = engine.world.preview_clusters(id).into_iter().filter_map(|name| clusters.get(name));
    !open.is_empty() && names.map(|cluster| counted_as(cluster)).any(|name| open.contains(&name))
}

/// Notes what was counted. Gives those of which others are to learn that somebody asks for them.
fn note(engine: &mut Engine, mut all: BTreeMap<String, Told>, open: &BTreeSet<String>) -> Vec<ObjectId> {
    engine.world.count_previews();
    let now = clock::now();
    let previews = engine.world.all_previews();
    let named: Vec<_> = previews
        .filter_map(|object| {
            let told = engine.world.preview_selector(&object.id).and_then(|selector| all.remove(selector));
            let is_counted = told.is_some() || engine.traffic.own(&object.id).is_some();
            is_counted.then(|| (Arc::clone(object), told.unwrap_or_default()))
        })
        .collect();
    let mut untold = Vec::new();
    let old = std::mem::take(&mut engine.traffic.counts);
    if engine.traffic.began == 0 {
        engine.traffic.began = now;
    }
    for (object, told) in named {
        let before = old.get(&object.id);
        let ways = Counts::with(before, &told);
        let is_new = before.is_none_or(|before| before.ways != ways);
        let is_asked = is_new || idle(&object).is_some() && is_open(engine, &object.id, open);
        let since = before.map_or(engine.traffic.began, |before| before.since);
        let last = if is_asked { Some(now) } else { before.and_then(|before| before.last) };
        if is_asked {
            // Who asks for it asks for what it includes.
            let members = engine.world.preview_members(&object.id).filter_map(|id| engine.world.object(id));
            for object in [&object].into_iter().chain(members).map(Arc::clone).collect::<Vec<_>>() {
                engine.world.note_preview_asked(&object.id);
                untold.extend(is_due(&object, now).then(|| object.id.clone()));
            }
        }
        engine.traffic.counts.insert(object.id.clone(), Counts { ways, told, last, since });
    }
    let told = engine.traffic.tell(now);
    engine.touched.alone(told);
    untold
}

/// The counters by selector.
fn ways(stats: &Stats) -> BTreeMap<String, Told> {
    let mut all: BTreeMap<String, Told> = BTreeMap::new();
    for (name, value) in stats.values() {
        // A host's name may hold anything that names do.
        let counted = KINDS.iter().find_map(|kind| name.rsplit_once(kind)?.1.strip_suffix(".upstream_rq_total"));
        if let Some((selector, way)) = counted.and_then(PreviewWay::parse) {
            all.entry(selector.to_owned()).or_default().insert((way, name.to_owned()), value);
        }
    }
    all
}

/// After how long without requests one ends, if it does.
fn idle(object: &Object) -> Option<Length> {
    let Spec::Preview(spec) = &object.spec else { return None };
    spec.lifetime.as_ref()?.idle
}

/// Whether the object does not say yet that somebody has asked for it of late, and it matters.
fn is_due(object: &Object, now: u64) -> bool {
    let Some(idle) = idle(object) else { return false };
    object.asked().is_none_or(|asked| now >= asked.saturating_add(idle.0.as_secs() / TOLD))
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn what_gateways_count_is_added_up() {
        let id = |name: &str| ObjectId::new(Kind::Preview, "shop", name);
        let counts = |any: u64, first: u64, last: u64, since: u64| Counts {
            ways: [(PreviewWay::Any, any), (PreviewWay::Preview(0), first)].into(),
            last: Some(last),
            since,
            told: Told::new(),
        };
        let mut traffic = Traffic::default();
        traffic.counts.insert(id("a"), counts(3, 2, 70, 20));
        // As it comes over the wire.
        let told = counts(4, 1, 90, 10);
        let told = Counts::named(&told.names(), told.last, told.since);
        // It may have two addresses.
        traffic.take("one", id("a"), told.clone());
        traffic.take("one", id("a"), told.clone());
        traffic.take("two", id("b"), told.clone());
        assert_eq!(traffic.of(&id("a")), Some(counts(7, 3, 90, 10)));
        assert_eq!(traffic.of(&id("b")), Some(told), "also where nobody came by this gateway");
        assert_eq!(traffic.of(&id("c")), None);
        assert_eq!(traffic.own(&id("a")), Some(&counts(3, 2, 70, 20)), "others are told what is of this one");
        assert_eq!(traffic.tell(100), [id("a"), id("b")]);
        assert_eq!(traffic.used(&id("a")).unwrap().requests, 7);
        traffic.keep(&["two"].into());
        assert_eq!(traffic.of(&id("a")), Some(counts(3, 2, 70, 20)), "one that is gone counts no more");
    }

    #[test]
    fn requests_are_counted_by_preview_and_way_at_every_host() {
        let told = r#"{"stats":[
            {"name":"vhost.web--pr-1-k3.preview.example.route.preview.pr-1-k3.preview.0.upstream_rq_total","value":3},
            {"name":"vhost.cart.internal.route.preview.pr-1-k3.preview.0.upstream_rq_total","value":2},
            {"name":"vhost.cart.internal.vcluster.preview.pr-1-k3.any.upstream_rq_total","value":7},
            {"name":"vhost.x.route.preview.y.route.preview.pr-1-k3.fallback.1.upstream_rq_total","value":1},
            {"name":"vhost.a.route.other.upstream_rq_total","value":9}]}"#;
        let ways = ways(&Stats::parse(told.as_bytes()).unwrap());
        let expected = [(PreviewWay::Any, 7), (PreviewWay::Preview(0), 5), (PreviewWay::Fallback(1), 1)];
        assert_eq!(ways.keys().collect::<Vec<_>>(), ["pr-1-k3"]);
        assert_eq!(Counts::with(None, &ways["pr-1-k3"]), expected.into());
    }

    #[test]
    fn what_was_counted_stays_when_its_counter_goes_and_begins_anew() {
        let told = |counters: &[(&str, u64)]| -> Told {
            counters.iter().map(|(name, count)| ((PreviewWay::Preview(0), (*name).to_owned()), *count)).collect()
        };
        let mut counts = Counts::default();
        let mut after = |counters: &[(&str, u64)]| {
            let told = told(counters);
            counts = Counts { ways: Counts::with(Some(&counts), &told), told, ..Counts::default() };
            counts.of(PreviewWay::Preview(0))
        };
        assert_eq!(after(&[("own", 3), ("internal", 2)]), 5);
        // Its tunnel is disconnected, where visitors come; then it is there again, and then Envoy is started anew.
        assert_eq!(after(&[("internal", 2)]), 5);
        assert_eq!(after(&[("own", 1), ("internal", 2)]), 6);
        assert_eq!(after(&[]), 6);
        assert_eq!(after(&[("own", 1)]), 7);
        assert_eq!(after(&[("own", 1)]), 7);
    }
}
