//! Processes that stand in for services of Previews and connect to the gateway themselves: developers' own.
//!
//! ```text
//!  visitor ─► Envoy ─► a Unix socket ─► relay ══ HTTP/2 ══► portal ══► Envoy ══ TLS ══► nuncio preview serve ─► the process
//! ```
//!
//! The way was opened from the right end, by a request that switched protocols. The socket is in a directory that nobody else
//! may enter, and another for each connection, so that whoever reaches it is Envoy, with requests for that service alone.

mod carry;
mod held;
mod link;
mod record;
mod relay;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use nuncio_api::{Kind, ObjectId, Preview, PreviewedService, ServiceRef};
use nuncio_telemetry::{AuditLog, Health};
use nuncio_xds::Revision;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub(super) use self::carry::Carrier;
use super::{policy, rights, spec};
use crate::admin::{Caller, OpenTunnel, PreviewError};
use crate::clock;
use crate::engine::{Engine, TunnelChange, Turn};
use crate::event::Event;
use crate::leader;
use crate::run::Config;

/// Why a connection ends whose process has made another.
const AGAIN: &str = "it has connected again";

/// Connections at once whose process has not answered yet. One that comes to more is closed, and tries again.
const UNANSWERED: usize = 64;

/// Gives the revision by which the world knows.
type Told = oneshot::Receiver<Revision>;

/// What a process stands in for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    id: ObjectId,
    service: ServiceRef,
}

/// Who stands in.
#[derive(Debug)]
struct Holder {
    /// Of the connection.
    number: u64,
    /// Of the process, which may connect again before it is known that its connection is gone.
    session: String,
    by: String,
    since: Timestamp,
    /// Tells the connection why it ends.
    end: mpsc::UnboundedSender<String>,
}

impl Holder {
    /// Whether it is the process that calls itself so. One that does not say what it is called is none that is known.
    fn is_of(&self, session: &str) -> bool {
        !session.is_empty() && self.session == session
    }
}

/// Those that stand in now.
#[derive(Debug)]
pub(super) struct Tunnels {
    /// Where sockets are; none where no Envoy is beside us that could reach them.
    directory: Option<PathBuf>,
    changes: mpsc::UnboundedSender<TunnelChange>,
    holders: Mutex<BTreeMap<Place, Holder>>,
    count: AtomicU64,
    unanswered: Semaphore,
    health: Health,
    /// Where it is noted who served what.
    audit: Option<Arc<AuditLog>>,
    /// What this gateway is called there.
    gateway: String,
}

impl Tunnels {
    /// Of a controller with this configuration; what changes is told.
    pub(super) fn of(config: &Config) -> (Arc<Self>, mpsc::UnboundedReceiver<TunnelChange>) {
        let (changes, told) = mpsc::unbounded_channel();
        let tunnels = Self {
            directory: config.tunnels.clone(),
            changes,
            holders: Mutex::default(),
            count: AtomicU64::default(),
            unanswered: Semaphore::new(UNANSWERED),
            health: config.health.clone(),
            audit: config.audit.clone(),
            gateway: leader::machine(),
        };
        (Arc::new(tunnels), told)
    }

    /// Whether a process may stand in as it wants to. It may come to nothing all the same: it does not hold the place yet.
    pub(super) fn is_free(&self, engine: &Engine, wanted: &OpenTunnel) -> Result<(), PreviewError> {
        let place = permitted(engine, wanted)?;
        if self.directory.is_none() {
            let why = "this gateway's Envoys run elsewhere: tunnels need `nuncio up`";
            return Err(PreviewError::Conflict(why.to_owned()));
        }
        is_free(&self.holders(), &place, wanted)
    }

    /// Has a connection with this socket hold a place, and whoever held it before end.
    ///
    /// The world is told while nobody else can take or leave the place, so what it hears last of it is what holds.
    fn take(&self, place: &Place, holder: Holder, wanted: &OpenTunnel, socket: Arc<str>) -> Result<Told, PreviewError> {
        let mut holders = self.holders();
        is_free(&holders, place, wanted)?;
        let by = holder.by.clone();
        if let Some(old) = holders.insert(place.clone(), holder) {
            let why = if old.is_of(&wanted.session) { AGAIN.to_owned() } else { format!("{by} has taken over") };
            // One that is gone already needs no telling.
            _ = old.end.send(why);
        }
        let event = Event::TunnelOpened { preview: place.id.clone(), service: place.service.to_string(), by };
        Ok(self.tell(place, Turn::Came(socket), event))
    }

    /// Has a connection hold its place no longer, if it still does. The world is told as when it was taken.
    fn leave(&self, place: &Place, number: u64, event: Event) -> Told {
        let mut holders = self.holders();
        let is_own = holders.get(place).is_some_and(|holder| holder.number == number);
        if is_own {
            holders.remove(place);
        }
        self.tell(place, if is_own { Turn::Went } else { Turn::Gave }, event)
    }

    fn tell(&self, place: &Place, turn: Turn, event: Event) -> Told {
        let (done, told) = oneshot::channel();
        let Place { id, service } = place.clone();
        // A controller that is gone has nobody to tell.
        _ = self.changes.send(TunnelChange { id, service, turn, event, done });
        told
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn holders(&self) -> MutexGuard<'_, BTreeMap<Place, Holder>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another than the one that holds a place gets it only if he says that he wants just that.
fn is_free(holders: &BTreeMap<Place, Holder>, place: &Place, wanted: &OpenTunnel) -> Result<(), PreviewError> {
    let held = holders.get(place).filter(|holder| !holder.is_of(&wanted.session) && !wanted.replace);
    held.map_or(Ok(()), |holder| {
        let Place { id, service } = place;
        let why = format!("{} serves {service} of {id} since {:.0}: --replace takes it over", holder.by, holder.since);
        Err(PreviewError::Conflict(why))
    })
}

/// What a process may stand in for that wants to: whoever may change a Preview may serve it, where the policy has tunnels.
fn permitted(engine: &Engine, wanted: &OpenTunnel) -> Result<Place, PreviewError> {
    let OpenTunnel { namespace, name, service, by, .. } = wanted;
    let (_, policy) = policy(engine)?;
    let grant = rights::grant(policy, by.as_ref(), namespace)?;
    let id = ObjectId::new(Kind::Preview, namespace.as_str(), name.as_str());
    let spec = spec(engine, &id).ok_or_else(|| PreviewError::Missing(format!("{namespace}/{name}")))?;
    grant.covers(Some(&spec))?;
    if !policy.allows_tunnels() {
        return Err(PreviewError::Forbidden(
            "the PreviewPolicy allows no tunnels: it needs `tunnels: true`".to_owned(),
        ));
    }
    if engine.world.preview_expires(&id).is_some_and(|end| end <= clock::now()) {
        return Err(PreviewError::Conflict(format!("{id} has ended")));
    }
    let service = chosen(&id, &spec, service.as_deref())?;
    Ok(Place { id, service })
}

/// The service that is meant: as it is written, or else by its host; where none is named, the only one that is served so. One that
/// stands there several times is served by one process.
fn chosen(id: &ObjectId, spec: &Preview, named: Option<&str>) -> Result<ServiceRef, PreviewError> {
    let those = |is_meant: &dyn Fn(&PreviewedService) -> bool| -> Vec<&PreviewedService> {
        spec.services.iter().filter(|service| is_meant(service)).collect()
    };
    let mut found = match named {
        Some(name) => match those(&|service| service.baseline.to_string() == name) {
            exact if exact.is_empty() => those(&|service| service.baseline.host == name),
            exact => exact,
        },
        None => those(&PreviewedService::is_tunnel),
    };
    if found.iter().any(|service| service.is_tunnel()) {
        found.retain(|service| service.is_tunnel());
    }
    found.dedup_by(|one, other| one.is_tunnel() && one.baseline == other.baseline);
    let conflict = |why: String| Err(PreviewError::Conflict(why));
    match (&found[..], named) {
        ([only], _) if only.is_tunnel() => Ok(only.baseline.clone()),
        ([only], _) => conflict(format!(
            "{} of {id} is replaced by {}: `tunnel: true` in the place of `backend` has you serve it",
            only.baseline, only.backend
        )),
        ([], Some(name)) => {
            let replaced: Vec<_> = spec.services.iter().map(|service| service.baseline.to_string()).collect();
            Err(PreviewError::Missing(format!(
                "{}/{} with a service {name}: it replaces {}",
                id.namespace,
                id.name,
                replaced.join(", ")
            )))
        }
        ([], None) => conflict(format!("no service of {id} has `tunnel: true`")),
        _ => conflict(format!("several services of {id} are meant: name one by --service")),
    }
}

/// Whom a caller is called. What he is called is what his login says, so nothing in it is more than text.
fn called(by: Option<&Caller>) -> String {
    let Some(Caller { subject, issuer, .. }) = by else { return "the operator".to_owned() };
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    match issuer.is_empty() {
        true => plain(subject),
        false => format!("{} ({})", plain(subject), plain(issuer)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of a gateway without sockets; and what changes.
    pub(in crate::previews) fn tunnels() -> (Tunnels, mpsc::UnboundedReceiver<TunnelChange>) {
        let (changes, told) = mpsc::unbounded_channel();
        let tunnels = Tunnels {
            directory: None,
            changes,
            holders: Mutex::default(),
            count: AtomicU64::default(),
            unanswered: Semaphore::new(UNANSWERED),
            health: Health::default(),
            audit: None,
            gateway: String::new(),
        };
        (tunnels, told)
    }

    fn service(baseline: &str, is_tunnel: bool) -> PreviewedService {
        let backend = if is_tunnel { ServiceRef::default() } else { "other".parse().unwrap() };
        let baseline = baseline.parse().unwrap();
        PreviewedService { baseline, backend, tunnel: Some(is_tunnel), ..PreviewedService::default() }
    }

    #[test]
    fn the_service_is_the_one_that_is_named_or_the_only_one() {
        let id = ObjectId::new(Kind::Preview, "shop", "tax");
        let spec = |services: &[(&str, bool)]| Preview {
            services: services.iter().map(|(name, is_tunnel)| service(name, *is_tunnel)).collect(),
            ..Preview::default()
        };
        let both = spec(&[("cart:8080", true), ("web", false)]);
        for named in [None, Some("cart"), Some("cart:8080")] {
            assert_eq!(chosen(&id, &both, named).unwrap().to_string(), "cart:8080", "{named:?}");
        }
        for (services, named, why) in [
            (&both, Some("web"), "is replaced by other: `tunnel: true`"),
            (&both, Some("carts"), "with a service carts: it replaces cart:8080, web"),
            (&spec(&[("web", false)]), None, "no service of Preview shop/tax has `tunnel: true`"),
            (&spec(&[("cart", true), ("web", true)]), None, "name one by --service"),
            (&spec(&[("cart:1", true), ("cart:2", true)]), Some("cart"), "name one by --service"),
        ] {
            let told = chosen(&id, services, named).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_place_that_is_held_is_given_to_its_own_process_or_to_who_says_so() {
        let place = Place { id: ObjectId::new(Kind::Preview, "shop", "tax"), service: "cart".parse().unwrap() };
        let (end, mut ended) = mpsc::unbounded_channel();
        let holder = Holder { number: 1, session: "a".into(), by: "ann".into(), since: Timestamp::UNIX_EPOCH, end };
        let holders = BTreeMap::from([(place.clone(), holder)]);
        let wanted = |session: &str, replace| OpenTunnel { session: session.into(), replace, ..OpenTunnel::default() };
        is_free(&holders, &place, &wanted("a", false)).unwrap();
        is_free(&holders, &place, &wanted("b", true)).unwrap();
        let told = is_free(&holders, &place, &wanted("b", false)).unwrap_err().to_string();
        assert_eq!(told, "ann serves cart of Preview shop/tax since 1970-01-01T00:00:00Z: --replace takes it over");
        ended.try_recv().unwrap_err();
    }

    #[test]
    fn processes_that_do_not_say_what_they_are_called_are_not_the_same() {
        let place = Place { id: ObjectId::new(Kind::Preview, "shop", "tax"), service: "cart".parse().unwrap() };
        let (end, _ended) = mpsc::unbounded_channel();
        let holder = Holder { number: 1, session: String::new(), by: "ann".into(), since: Timestamp::UNIX_EPOCH, end };
        let holders = BTreeMap::from([(place.clone(), holder)]);
        is_free(&holders, &place, &OpenTunnel::default()).unwrap_err();
        is_free(&holders, &place, &OpenTunnel { replace: true, ..OpenTunnel::default() }).unwrap();
    }

    #[test]
    fn the_world_is_told_in_the_order_in_which_a_place_changes_hands() {
        let place = Place { id: ObjectId::new(Kind::Preview, "shop", "tax"), service: "cart".parse().unwrap() };
        let (tunnels, mut told) = tunnels();
        let wanted = OpenTunnel { session: "a".into(), ..OpenTunnel::default() };
        let come_and_go = || {
            let number = tunnels.next();
            let (by, since) = (number.to_string(), Timestamp::UNIX_EPOCH);
            let (end, _ended) = mpsc::unbounded_channel();
            let holder = Holder { number, session: "a".into(), by: by.clone(), since, end };
            tunnels.take(&place, holder, &wanted, by.as_str().into()).unwrap();
            let (preview, service) = (place.id.clone(), place.service.to_string());
            tunnels.leave(&place, number, Event::TunnelClosed { preview, service, by, since, reason: String::new() });
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|_| come_and_go()));
            }
        });
        // What the world holds has to be what holds the place, each time.
        let mut held: Option<Arc<str>> = None;
        for _ in 0..16_000 {
            let TunnelChange { turn, event, .. } = told.try_recv().unwrap();
            let closed = if let Event::TunnelClosed { by, .. } = event { by.into() } else { Arc::default() };
            match turn {
                Turn::Came(socket) => held = Some(socket),
                Turn::Went => assert_eq!(held.take(), Some(closed)),
                Turn::Gave => assert_ne!(held, Some(closed)),
            }
        }
        assert_eq!(held, None);
    }

    #[test]
    fn no_name_writes_a_line_of_its_own() {
        let by = Caller { subject: "ann\n2026 root".into(), ..Caller::default() };
        assert_eq!(called(Some(&by)), "ann2026 root");
        assert_eq!(called(None), "the operator");
    }
}
