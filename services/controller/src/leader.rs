//! Which replica leads: the one that holds a Lease (`coordination.k8s.io/v1`) in the gateway's own namespace.
//!
//! The rules are client-go's, so that clocks apart do not matter: what another replica writes into the Lease is never compared
//! with a clock of this one. A Lease counts as held for as long as it changes within its duration, by the time that passes here;
//! and this replica leads for a shorter time after it last asked to renew than others wait before they take over.
//!
//! One thing is not client-go's: a holder without an Envoy says so in the Lease, and gives way to any replica that has one. It
//! learns of that when it next renews; whatever both write meanwhile, the one that took over puts right.

mod election;
mod standing;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::election::{Election, Now, Step};
pub(crate) use self::standing::{Progress, Standing};

/// How long a replica that ends at least waits for its Lease to be let go.
const LETTING_GO: Duration = Duration::from_secs(2);

/// How long a Lease lasts, and what follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Others may take over when it was not renewed for so long. Whole seconds, at least 1. Default 15 s.
    pub duration: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self { duration: Duration::from_secs(15) }
    }
}

impl LeaseTimes {
    /// Without a renewal for so long, a leader stops: 10 s by default.
    fn renew(self) -> Duration {
        self.duration * 2 / 3
    }

    /// Time between tries: 2 s by default.
    fn retry(self) -> Duration {
        self.duration * 2 / 15
    }
}

/// Whether this replica leads.
#[derive(Clone, Debug)]
pub(crate) struct Leadership {
    identity: String,
    /// Until when.
    until: watch::Receiver<Option<Instant>>,
}

impl Leadership {
    /// Who this replica is: unique among all, and over restarts.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether it leads at this moment.
    pub(crate) fn leads(&self) -> bool {
        self.until.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Waits until it leads.
    pub(crate) async fn gained(&mut self) {
        loop {
            if self.until.borrow_and_update().is_some_and(|until| Instant::now() < until) {
                return;
            }
            if self.until.changed().await.is_err() {
                // The election has ended, and with it every hope.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until it no longer leads. To be waited for beside whatever a leader does, and to end it.
    pub(crate) async fn lost(&mut self) {
        loop {
            let Some(until) = *self.until.borrow_and_update() else { return };
            tokio::select! {
                () = sleep_until(until.into()) => return,
                changed = self.until.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Takes part in elections.
pub(crate) struct Candidate {
    leases: Api<Lease>,
    name: String,
    times: LeaseTimes,
    election: Election,
    standing: Standing,
    until: watch::Sender<Option<Instant>>,
    /// That the API server does not answer was said.
    failing: bool,
}

impl Candidate {
    /// A replica that would lead those of the same `ambassador_id` in `namespace`.
    pub(crate) fn new(
        client: Client,
        namespace: &str,
        ambassador_id: &str,
        times: LeaseTimes,
        standing: Standing,
    ) -> (Self, Leadership) {
        let identity = identity();
        let (until, receiver) = watch::channel(None);
        let candidate = Self {
            leases: Api::namespaced(client, namespace),
            name: lease_name(ambassador_id),
            times,
            election: Election::new(identity.clone(), times.duration),
            standing,
            until,
            failing: false,
        };
        (candidate, Leadership { identity, until: receiver })
    }

    /// Stands for election until `shutdown`, and then lets go.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let patience = self.times.retry();
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = self.turn() => {}
                // What was sent is waited for: only the Lease that comes back of it can be let go of.
                () = async { shutdown.cancelled().await; tokio::time::sleep(patience).await } => {}
            }
            shutdown.run_until_cancelled(self.pause()).await;
        }
        self.until.send_replace(None);
        if let Some(lease) = self.election.release() {
            // Others wait for the end of the Lease otherwise. A write may take its time, however short the Lease is.
            let patience = self.times.retry().max(LETTING_GO);
            let _ = timeout(patience, self.replace(&lease)).await;
        }
    }

    /// Tries to get or to keep the Lease.
    async fn turn(&mut self) {
        let begun = Instant::now();
        match timeout(self.times.renew(), self.try_to_hold()).await {
            Ok(Ok(holds)) => {
                self.say(holds, begun);
                self.failing = false;
            }
            // What was held is held until it runs out.
            Ok(Err(error)) => self.complain(&error.to_string()),
            Err(_) => self.complain("no answer"),
        }
    }

    /// Waits for the next time.
    async fn pause(&mut self) {
        // Jitter, so that replicas that start together do not stay together.
        let retry = self.times.retry().mul_f64(1.0 + fastrand::f64() / 5.0);
        tokio::select! {
            () = tokio::time::sleep(retry) => {}
            () = self.standing.changed() => {}
        }
    }

    fn say(&self, holds: bool, begun: Instant) {
        let until = holds.then(|| begun + self.times.renew());
        let before = self.until.send_replace(until);
        let led = before.is_some_and(|until| Instant::now() < until);
        if holds != led {
            tracing::info!("this replica {} (Lease {})", if holds { "leads" } else { "no longer leads" }, self.name);
        }
    }

    fn complain(&mut self, error: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!("cannot read or renew the Lease {}: {error}", self.name);
        }
    }

    async fn try_to_hold(&mut self) -> Result<bool, kube::Error> {
        // What this replica wrote last is read again only if somebody else has written since.
        let lease = match self.election.held() {
            Some(lease) => Some(lease),
            None => self.leases.get_opt(&self.name).await?,
        };
        let now = Now { instant: Instant::now(), time: Timestamp::now(), serves: self.standing.serves() };
        let lease = match self.election.step(lease, &self.name, now) {
            Step::Follow => return Ok(false),
            Step::Create(lease) => self.leases.create(&PostParams::default(), &lease).await,
            Step::Replace(lease) => self.replace(&lease).await,
        };
        match lease {
            Ok(lease) => {
                self.election.holds(lease, Instant::now());
                Ok(true)
            }
            // Another was faster.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
                self.election.forget();
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, kube::Error> {
        self.leases.replace(&self.name, &PostParams::default(), lease).await
    }
}

/// `nuncio-default`. What a name may not hold is a dash.
pub(crate) fn lease_name(ambassador_id: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let id: String = ambassador_id.chars().map(allowed).collect();
    format!("nuncio-{}", id.trim_matches('-'))
}

/// The name of the pod, or of the machine.
pub(crate) fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// The name of the pod, and something that tells this process from the one before it.
fn identity() -> String {
    let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
    format!("{}_{random}", machine())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_client_go() {
        let times = LeaseTimes::default();
        assert_eq!((times.renew(), times.retry()), (Duration::from_secs(10), Duration::from_secs(2)));
    }

    #[test]
    fn a_name_is_one_that_the_api_server_takes() {
        assert_eq!(lease_name("default"), "nuncio-default");
        assert_eq!(lease_name("Edge_2."), "nuncio-edge-2");
    }

    #[tokio::test]
    async fn a_lead_runs_out_by_itself() {
        let (sender, receiver) = watch::channel(None);
        let mut leadership = Leadership { identity: "one".to_owned(), until: receiver };
        // Long enough to be seen, also by who is not let run for a while.
        sender.send_replace(Some(Instant::now() + Duration::from_secs(5)));
        leadership.gained().await;
        leadership.lost().await;
        sender.send_replace(Some(Instant::now() + Duration::from_secs(3600)));
        leadership.gained().await;
        sender.send_replace(None);
        leadership.lost().await;
    }
}
