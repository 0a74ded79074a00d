//! What gateways see of previews. Each asks the others again and again for what is new, so that whichever is asked tells the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use nuncio_api::{Kind, ObjectId};
use tokio::time::{MissedTickBehavior, interval};

use super::Lifecycle;
use super::peers::Told;
use super::traffic::Counts;
use crate::admin::{SightingView, SightingsQuery, SightingsView};
use crate::clock;
use crate::engine::Engine;
use crate::run::lock;

/// How often they are asked.
const LOOK: Duration = Duration::from_secs(2);
/// How much later the same object may arrive at one than at another, in seconds: what is asked for reaches back as far.
const LATE: u64 = 30;

/// Who answered at each address, and when he told last of what he has seen, by his own clock: others may be far apart from it.
#[derive(Debug, Default)]
struct Heard(BTreeMap<SocketAddr, (String, u64)>);

impl Heard {
    /// Since when who is there is to tell.
    fn since(&self, address: &SocketAddr) -> u64 {
        self.0.get(address).map_or(0, |(_, told)| told.saturating_sub(LATE))
    }

    /// Notes who has told. One that is in the place of another was not asked for all that he has.
    fn note(&mut self, address: SocketAddr, gateway: String, told: u64) {
        let is_other = self.0.get(&address).is_some_and(|(before, _)| *before != gateway);
        self.0.insert(address, (gateway, if is_other { 0 } else { told }));
    }

    /// What those call themselves that answered at these addresses.
    fn gateways(&self) -> BTreeSet<&str> {
        self.0.values().map(|(gateway, _)| gateway.as_str()).collect()
    }
}

/// Asks again and again. Runs until it is dropped, where there is anybody to ask.
pub(crate) async fn follow(engine: Arc<Mutex<Engine>>, lifecycle: Arc<Lifecycle>) {
    let peers = &lifecycle.peers;
    if !peers.are_named() {
        return;
    }
    let mut heard = Heard::default();
    let mut tick = interval(LOOK);
    // Who is silent holds a round, for which no other is to follow at once.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // Before manifests are read there is nothing that what is told could be about.
        if lock(&engine).events.is_empty() {
            continue;
        }
        let (addresses, unknown) = peers.addresses().await;
        if unknown.is_empty() {
            heard.0.retain(|address, _| addresses.contains(address));
        }
        let told = addresses.iter().copied().map(|address| {
            let since = heard.since(&address).to_string();
            let path = peers.asking("/api/v1/preview-sightings", &[("since", since.as_str())]);
            async move { (address, peers.ask(address, Method::GET, &path).await) }
        });
        let told: Vec<(SocketAddr, Told<SightingsView>)> = join_all(told).await;
        for (address, told) in told {
            match told {
                Ok(SightingsView { gateway, .. }) if peers.is_own(&gateway) => drop(heard.0.remove(&address)),
                Ok(SightingsView { gateway, now, previews }) => {
                    take(&mut lock(&engine), &gateway, previews);
                    heard.note(address, gateway, now);
                }
                // It is asked for the same again.
                Err(why) => tracing::debug!("another gateway does not tell what it sees of previews: {why}"),
            }
        }
        lock(&engine).traffic.keep(&heard.gateways());
    }
}

/// Takes in what another gateway has seen.
fn take(engine: &mut Engine, from: &str, previews: Vec<SightingView>) {
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
    let (gateway, now) = (lifecycle.peers.own().to_owned(), clock::now());
    if lifecycle.peers.is_own(&query.by) {
        return SightingsView { gateway, now, previews: Vec::new() };
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
    SightingsView { gateway, now, previews: seen.collect() }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::engine::fixture;
    use crate::source::{Content, FileChange};

    #[test]
    fn what_others_have_counted_of_one_that_went_does_not_count_for_another_of_its_name() {
        let mut engine = fixture::engine();
        let preview = r#"{"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": "tax"},
            "spec": {"services": [{"baseline": "cart", "backend": "cart-2"}], "access": {"mode": "Public"},
                "entrypoints": [{"name": "web", "host": "shop.example"}]}}"#;
        let read = |engine: &mut Engine, content: Content| {
            engine.ingest(vec![FileChange { file: "tax.yaml".into(), content }], Instant::now());
        };
        let written = || Content::Bytes(preview.into());
        let told = || SightingView {
            namespace: "default".into(),
            name: "tax".into(),
            ways: [("preview..any".into(), 3)].into(),
            last: Some(5),
            counted_since: Some(1),
            events: Vec::new(),
        };
        let id = ObjectId::new(Kind::Preview, "default", "tax");
        read(&mut engine, written());
        take(&mut engine, "one", vec![told()]);
        assert_eq!(engine.traffic.of(&id).map(|counts| counts.all()), Some(3));
        // No Envoy beside this controller has to tell anything for it.
        read(&mut engine, Content::Gone);
        take(&mut engine, "one", vec![told()]);
        read(&mut engine, written());
        assert_eq!(engine.traffic.of(&id), None);
        take(&mut engine, "one", vec![told()]);
        assert_eq!(engine.traffic.of(&id).map(|counts| counts.all()), Some(3), "what is told anew counts");
    }

    #[test]
    fn each_is_asked_by_its_own_clock_and_one_in_the_place_of_another_for_everything() {
        let [one, two] = [1, 2].map(|host| SocketAddr::from(([10, 0, 0, host], 8877)));
        let mut heard = Heard::default();
        assert_eq!(heard.since(&one), 0);
        // Their clocks are far apart, and from that of who asks.
        heard.note(one, "a".into(), 1_000);
        heard.note(two, "b".into(), 5_000);
        assert_eq!((heard.since(&one), heard.since(&two)), (1_000 - LATE, 5_000 - LATE));
        heard.note(one, "a".into(), 1_002);
        assert_eq!(heard.since(&one), 1_002 - LATE);
        // The first was started anew, and then both addresses lead to it.
        heard.note(one, "c".into(), 1_004);
        assert_eq!((heard.since(&one), heard.gateways()), (0, BTreeSet::from(["b", "c"])));
        heard.note(one, "c".into(), 1_006);
        heard.note(two, "c".into(), 1_006);
        assert_eq!((heard.since(&one), heard.gateways()), (1_006 - LATE, BTreeSet::from(["c"])));
    }
}
