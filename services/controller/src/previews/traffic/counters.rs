//! What the Envoy beside the controller counts of previews, looked at again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuncio_api::{Duration as Length, Object, ObjectId, Spec};
use nuncio_ir::PreviewWay;

use super::{Counts, Told};
use crate::admin::{AdminClient, Stats, Wanted};
use crate::clock;
use crate::engine::Engine;
use crate::previews::{Lifecycle, seen};
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
            // Who asks for it asks for what it includes, and brings none of that back which has ended.
            let is_there = |id: &&ObjectId| !engine.world.preview_has_ended(id, false);
            let members = engine.world.preview_members(&object.id).filter(is_there);
            let members = members.filter_map(|id| engine.world.object(id));
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
    use super::*;

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
}
