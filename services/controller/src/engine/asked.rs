//! Services that cannot be asked: their names cannot be resolved, or nobody is there.
//!
//! An Envoy does not tell: it waits for addresses, and a service without any is down. Of one that is asked about every request
//! that is worth a word. What is found here counts as what the Envoy beside us finds.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use nuncio_api::{ObjectId, Problem};
use nuncio_translate::AskedPlace;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Engine;
use crate::event::Event;
use crate::run::{emit, lock};

/// How often it is looked.
const AGAIN: Duration = Duration::from_secs(5);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A service that cannot be asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unasked {
    objects: Vec<ObjectId>,
    problem: Problem,
}

/// Looks up what services are called that Envoy asks about requests, and whether they are there, again and again.
pub(crate) async fn follow_asked(engine: &Mutex<Engine>, events: &mpsc::Sender<Event>) {
    loop {
        let places = lock(engine).world.asked_places();
        let found = join_all(places.iter().map(look)).await;
        let unasked = found.into_iter().zip(places).filter_map(|(problem, place)| {
            let AskedPlace { objects, .. } = place;
            problem.map(|problem| Unasked { objects, problem })
        });
        let unasked = unasked.collect();
        let told = lock(engine).note_unasked(unasked);
        emit(events, told).await;
        tokio::time::sleep(AGAIN).await;
    }
}

/// What is wrong with a place.
async fn look(AskedPlace { host, port, field, objects: _ }: &AskedPlace) -> Option<Problem> {
    let addresses = match look_up(host, *port).await {
        Ok(addresses) => addresses,
        Err(why) => {
            let message = format!("{host} cannot be resolved ({why}): the service counts as down");
            return Some(Problem::warning("NotResolved", *field, message));
        }
    };
    let why = connect(&addresses).await.err()?;
    let meanwhile = match *field {
        "spec.auth_service" => {
            "what it is asked about is answered `status_on_error` (403) meanwhile, unless `failure_mode_allow` lets it pass"
        }
        _ => "nothing is counted meanwhile, and requests pass, unless `failure_mode_deny` has them answered 500",
    };
    let message = format!("no connection to {host}:{port} ({why}): {meanwhile}");
    Some(Problem::warning("NotReached", *field, message))
}

/// The addresses of a name: one at least.
async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let Ok(found) = timeout(PATIENCE, lookup_host((host, port))).await else { return Err(no_answer()) };
    let addresses: Vec<_> = found.map_err(|error| error.to_string())?.collect();
    if addresses.is_empty() { Err("it has no address".to_owned()) } else { Ok(addresses) }
}

/// Whether one of these takes connections. Nothing is sent.
async fn connect(addresses: &[SocketAddr]) -> Result<(), String> {
    match timeout(PATIENCE, TcpStream::connect(addresses)).await {
        Ok(connected) => connected.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err(no_answer()),
    }
}

fn no_answer() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}

impl Engine {
    /// Knows that these services cannot be asked from now on, and no others.
    fn note_unasked(&mut self, unasked: Vec<Unasked>) -> Vec<Event> {
        if unasked == self.unasked {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.unasked, unasked);
        let concerned: BTreeSet<_> = before.iter().chain(&self.unasked).flat_map(|one| &one.objects).cloned().collect();
        let concerned: Vec<_> = concerned.into_iter().collect();
        let mut events = self.new_problems(&[], &concerned);
        events.extend(self.mended());
        events
    }

    /// What an object names that cannot be asked.
    pub(super) fn unasked_of(&self, id: &ObjectId) -> impl Iterator<Item = Problem> {
        self.unasked.iter().filter(|one| one.objects.contains(id)).map(|one| one.problem.clone())
    }
}
