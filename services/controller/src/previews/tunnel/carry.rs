//! The life of one tunnel, from when its connection is there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::link::{Link, Word};
use super::record::Record;
use super::relay::Relay;
use super::{AGAIN, Holder, Place, Told, Tunnels, called, permitted};
use crate::admin::OpenTunnel;
use crate::engine::Engine;
use crate::event::Event;
use crate::run::lock;
use crate::view::preview_view;

/// How long the protocol may take to be another.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether the process may still stand in.
const LOOK: Duration = Duration::from_secs(1);
/// How long Envoys may take to know, and how often it is looked.
const SETTLE: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(10);
/// How long what has begun may take to finish, and requests that Envoy sends still are answered.
const LINGER: Duration = Duration::from_secs(10);

/// A connection that asks for a place.
pub(in crate::previews) struct Carrier {
    pub(in crate::previews) tunnels: Arc<Tunnels>,
    pub(in crate::previews) engine: Arc<Mutex<Engine>>,
    pub(in crate::previews) wanted: OpenTunnel,
}

impl Carrier {
    /// Serves until the process goes, or has to.
    pub(in crate::previews) async fn run(self, upgrade: OnUpgrade) {
        if let Err(why) = self.serve(upgrade).await {
            tracing::info!("a tunnel to {}/{} did not come about: {why}", self.wanted.namespace, self.wanted.name);
        }
    }

    /// Greets the process, one of few that have not answered yet: what it may do is looked at again after that.
    async fn greet(&self, upgrade: OnUpgrade) -> Result<Link, String> {
        let many = |_| "too many connections have not answered yet".to_owned();
        let _unanswered = self.tunnels.unanswered.try_acquire().map_err(many)?;
        let switched =
            timeout(PATIENCE, upgrade).await.map_err(|_| "it did not switch protocols in time".to_owned())?;
        Link::open(switched.map_err(|error| error.to_string())?).await
    }

    async fn serve(&self, upgrade: OnUpgrade) -> Result<(), String> {
        let mut link = self.greet(upgrade).await?;
        let number = self.tunnels.next();
        let (end, mut ended) = mpsc::unbounded_channel();
        let opened = self.open(number, end);
        let (place, relay, told) = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                link.say(&Word::Closed { reason: reason.clone() }).await;
                // What is said must have left before the connection goes.
                _ = timeout(LOOK, link.over()).await;
                return Err(reason);
            }
        };
        let (by, since) = (called(self.wanted.by.as_ref()), Timestamp::now());
        let Tunnels { audit, gateway, .. } = &*self.tunnels;
        let record = Record::begin(audit.clone(), &place, self.wanted.by.as_ref(), gateway);
        let requests = Arc::clone(&record.requests);
        let relay = AbortOnDropHandle::new(tokio::spawn(relay.run(link.sender.clone(), requests)));
        self.settle(told).await;
        link.say(&self.connected(&place)).await;

        let reason = self.watch(&place, &mut link, &mut ended).await;
        record.end(&reason);
        let service = place.service.to_string();
        let over = Event::TunnelClosed { preview: place.id.clone(), service, by, since, reason: reason.clone() };
        self.settle(self.tunnels.leave(&place, number, over)).await;
        link.say(&if reason == AGAIN { Word::Moved } else { Word::Closed { reason } }).await;
        sleep(LINGER).await;
        drop(relay);
        Ok(())
    }

    /// Takes the place.
    fn open(&self, number: u64, end: mpsc::UnboundedSender<String>) -> Result<(Place, Relay, Told), String> {
        let place = permitted(&lock(&self.engine), &self.wanted).map_err(|error| error.to_string())?;
        let directory = self.tunnels.directory.as_ref().ok_or("there is no Envoy beside the gateway")?;
        let relay = Relay::bind(directory.join(format!("tunnel-{number}.sock"))).map_err(|error| error.to_string())?;
        let session = self.wanted.session.clone();
        let holder = Holder { number, session, by: called(self.wanted.by.as_ref()), since: Timestamp::now(), end };
        let socket = relay.path().to_string_lossy().into();
        let told = self.tunnels.take(&place, holder, &self.wanted, socket).map_err(|error| error.to_string())?;
        Ok((place, relay, told))
    }

    fn connected(&self, place: &Place) -> Word {
        let engine = lock(&self.engine);
        let view = engine.files.object(&place.id).map(|object| preview_view(&engine, object));
        let (urls, problems) = view.map(|view| (view.urls, view.problems)).unwrap_or_default();
        Word::Connected {
            urls: urls.into_iter().map(|url| url.url).collect(),
            problems: problems.into_iter().map(|problem| problem.message).collect(),
        }
    }

    /// Waits for the end: why it came.
    async fn watch(&self, place: &Place, link: &mut Link, ended: &mut mpsc::UnboundedReceiver<String>) -> String {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                why = link.over() => return why.to_owned(),
                Some(why) = ended.recv() => return why,
                _ = look.tick() => {
                    if self.tunnels.health.is_draining() {
                        return "the gateway is stopping".to_owned();
                    }
                    match permitted(&lock(&self.engine), &self.wanted) {
                        Ok(now) if now == *place => {}
                        Ok(now) => return format!("{} has another service served: {}", now.id, now.service),
                        Err(error) => return error.to_string(),
                    }
                }
            }
        }
    }

    /// Waits until Envoys know what the world was told: what they send until then still is served as before.
    async fn settle(&self, told: Told) {
        let Ok(revision) = told.await else { return };
        let begun = Instant::now();
        while begun.elapsed() < SETTLE && !lock(&self.engine).is_everywhere(revision) {
            sleep(STEP).await;
        }
    }
}
