//! What gateways see of previews. Each asks the others again and again for what is new, so that whichever is asked tells the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use nuncio_api::{Kind, ObjectId};

use super::Lifecycle;
use super::peers::Told;
use super::traffic::Counts;
use crate::admin::{SightingView, SightingsQuery, SightingsView};
use crate::clock;
use crate::engine::Engine;
use crate::run::lock;

/// How often they are asked.
const LOOK: Duration = Duration::from_secs(2);
/// How far clocks may be apart, and the same object arrive at one later than at another, in seconds: what is asked for reaches
/// back as far.
const APART: u64 = 30;

/// Asks again and again. Runs until it is dropped, where there is anybody to ask.
pub(crate) async fn follow(engine: Arc<Mutex<Engine>>, lifecycle: Arc<Lifecycle>) {
    let peers = &lifecycle.peers;
    if !peers.are_named() {
        return;
    }
    let mut asked: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        // Before manifests are read there is nothing that what is told could be about.
        if lock(&engine).events.is_empty() {
            continue;
        }
        let (addresses, unknown) = peers.addresses().await;
        if unknown.is_empty() {
            lock(&engine).traffic.keep(&addresses);
            asked.retain(|address, _| addresses.contains(address));
        }
        let now = clock::now();
        let told = addresses.iter().copied().map(|address| {
            let since = asked.get(&address).map_or(0, |at| at.saturating_sub(APART)).to_string();
            let path = peers.asking("/api/v1/preview-sightings", &[("since", since.as_str())]);
            async move { (address, peers.ask(address, Method::GET, &path).await) }
        });
        let told: Vec<(SocketAddr, Told<SightingsView>)> = join_all(told).await;
        for (address, told) in told {
            match told {
                Ok(SightingsView { is_self: true, .. }) => {}
                Ok(SightingsView { previews, .. }) => {
                    asked.insert(address, now);
                    take(&mut lock(&engine), address, previews);
                }
                // It is asked for the same again.
                Err(why) => tracing::debug!("another gateway does not tell what it sees of previews: {why}"),
            }
        }
    }
}

/// Takes in what another gateway has seen.
fn take(engine: &mut Engine, from: SocketAddr, previews: Vec<SightingView>) {
    for SightingView { namespace, name, ways, last, counted_since, events } in previews {
        let id = ObjectId::new(Kind::Preview, namespace, name);
        if engine.world.object(&id).is_none() {
            continue;
        }
        engine.events.take(&id, events);
        if let Some(since) = counted_since {
            engine.traffic.take(from, id, Counts::named(&ways, last, since));
        }
    }
}

/// What this gateway has seen that is new since then.
pub(crate) fn sightings(engine: &Engine, lifecycle: &Lifecycle, query: &SightingsQuery) -> SightingsView {
    if lifecycle.peers.is_own(&query.by) {
        return SightingsView { is_self: true, previews: Vec::new() };
    }
    let seen = engine.world.all_previews().filter_map(|object| {
        let id = &object.id;
        let counts = engine.traffic.own(id).filter(|counts| counts.last >= Some(query.since));
        let events: Vec<_> = engine.events.of(id).filter(|event| event.at >= query.since).cloned().collect();
        let is_any = counts.is_some() || !events.is_empty();
        is_any.then(|| SightingView {
            namespace: id.namespace.to_string(),
            name: id.name.to_string(),
            ways: counts.map(Counts::names).unwrap_or_default(),
            last: counts.and_then(|counts| counts.last),
            counted_since: counts.map(|counts| counts.since),
            events,
        })
    });
    SightingsView { is_self: false, previews: seen.collect() }
}
