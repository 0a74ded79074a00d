//! Names that cannot be resolved.
//!
//! An Envoy does not tell: it waits for addresses, and a service without any is down. Of one that is asked about every request
//! that is worth a word. What is looked up here counts as what the Envoy beside us finds.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use nuncio_api::{ObjectId, Problem};
use tokio::net::lookup_host;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Engine;
use crate::event::Event;
use crate::run::{emit, lock};

/// How often names are looked up.
const AGAIN: Duration = Duration::from_secs(5);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A name that has no address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unresolved {
    host: String,
    objects: Vec<ObjectId>,
    field: &'static str,
    why: String,
}

/// Looks up what services are called that Envoy asks about requests, again and again.
pub(crate) async fn follow_names(engine: &Mutex<Engine>, events: &mpsc::Sender<Event>) {
    loop {
        let names = lock(engine).world.asked_names();
        let unresolved = look_up(names).await;
        let told = lock(engine).note_unresolved(unresolved);
        emit(events, told).await;
        tokio::time::sleep(AGAIN).await;
    }
}

/// Looks these up; gives those that have no address.
async fn look_up(names: Vec<(String, u16, Vec<ObjectId>, &'static str)>) -> Vec<Unresolved> {
    let mut unresolved = Vec::new();
    for (host, port, objects, field) in names {
        let found = timeout(PATIENCE, lookup_host((host.as_str(), port))).await;
        let why = match found.map(|found| found.map(|mut addresses| addresses.next())) {
            Ok(Ok(Some(_))) => continue,
            Ok(Ok(None)) => "it has no address".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        unresolved.push(Unresolved { host, objects, field, why });
    }
    unresolved
}

impl Engine {
    /// Knows these names to have no address from now on, and no others.
    fn note_unresolved(&mut self, unresolved: Vec<Unresolved>) -> Vec<Event> {
        if unresolved == self.unresolved {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.unresolved, unresolved);
        let concerned: BTreeSet<_> =
            before.iter().chain(&self.unresolved).flat_map(|name| &name.objects).cloned().collect();
        let concerned: Vec<_> = concerned.into_iter().collect();
        let mut events = self.new_problems(&[], &concerned);
        events.extend(self.mended());
        events
    }

    /// What an object names that has no address.
    pub(super) fn unresolved_of(&self, id: &ObjectId) -> impl Iterator<Item = Problem> {
        let names = self.unresolved.iter().filter(|name| name.objects.contains(id));
        names.map(|Unresolved { host, field, why, .. }| {
            let message = format!("{host} cannot be resolved ({why}): the service counts as down");
            Problem::warning("NotResolved", *field, message)
        })
    }
}
