//! The webhook of a running replica: served as soon as there is a certificate, which is kept fresh.
//!
//! ```text
//!  Secret ──► every replica shows its certificate        (whoever comes first makes it)
//!    ▲              │ the leader:
//!    └── renewed ◄──┴──► caBundle of definitions and of the ValidatingWebhookConfiguration
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::publish::Publisher;
use super::rotation::Credentials;
use super::store::{Shared, Store};
use super::{Certificates, Reviewer, router, serve};
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::source::kubernetes::Selection;
use crate::source::kubernetes::backoff::Backoff;
use crate::source::kubernetes::notice::Notice;
use crate::source::kubernetes::resources::{CONFIGURATION, DEFINITION, WHOLE_SECRET};

/// What changes comes in bursts, as the definitions of all kinds: they are looked at together.
const SETTLE: Duration = Duration::from_millis(200);

/// How long what is done at once may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest time until the clock is looked at again.
const LOOK: Duration = Duration::from_secs(3600);

/// How to serve the webhook of a gateway in a cluster.
#[derive(Debug)]
pub struct WebhookOptions {
    /// The bound socket.
    pub listener: TcpListener,
    /// Name of its Service in the gateway's namespace, and of the Secret with its certificates.
    pub service: String,
    /// Name of the `ValidatingWebhookConfiguration` whose `caBundle` is kept.
    pub configuration: Option<String>,
}

/// Keeps the certificate.
pub(crate) struct Keeper {
    client: Client,
    namespace: String,
    service: String,
    configuration: Option<String>,
    store: Store,
    publisher: Publisher,
    server: Server,
    metrics: Metrics,
    wake: Arc<Notify>,
    /// What was last said to be wrong.
    complaint: Option<String>,
}

/// The server, before and after there is something to show.
struct Server {
    listener: Option<(TcpListener, Reviewer)>,
    shown: Option<(Certificates, Credentials)>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Keeper {
    pub(crate) fn new(
        options: WebhookOptions,
        client: Client,
        namespace: &str,
        reviewer: Reviewer,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Self {
        let WebhookOptions { listener, service, configuration } = options;
        Self {
            store: Store::new(client.clone(), namespace, &service),
            publisher: Publisher::new(&client, namespace, &service, configuration.clone()),
            client,
            namespace: namespace.to_owned(),
            service,
            configuration,
            server: Server { listener: Some((listener, reviewer)), shown: None, shutdown, tasks: TaskTracker::new() },
            metrics,
            wake: Arc::default(),
            complaint: None,
        }
    }

    /// Serves until shutdown; what a leader does, while it leads.
    pub(crate) async fn run(mut self, mut leadership: Leadership) {
        let shutdown = self.server.shutdown.clone();
        let _secret = self.notice_secret();
        let (mut trusting, mut backoff) = (None, Backoff::default());
        loop {
            let leads = leadership.leads();
            trusting = leads.then(|| trusting.take().unwrap_or_else(|| self.notice_trusting()));
            let round = tokio::select! {
                () = shutdown.cancelled() => break,
                round = tokio::time::timeout(PATIENCE, self.round(leads)) => round,
            };
            let wait = match round.unwrap_or_else(|_| Err("the API server does not answer".into())) {
                Ok(wait) => {
                    backoff.reset();
                    self.complaint = None;
                    wait
                }
                Err(error) => {
                    self.complain(error.to_string());
                    backoff.next()
                }
            };
            let turn = async { if leads { leadership.lost().await } else { leadership.gained().await } };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.wake.notified() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(wait) => {}
                () = turn => {}
            }
        }
        self.server.tasks.close();
        self.server.tasks.wait().await;
    }

    /// Brings everything up to date; gives the longest time until that is to be done again.
    async fn round(&mut self, leads: bool) -> Result<Duration, BoxError> {
        let mut shared = self.store.read(SystemTime::now()).await?;
        self.show(&shared.credentials)?;
        if leads {
            shared = self.lead(shared).await?;
        }
        let due = shared.credentials.due_at().duration_since(SystemTime::now()).unwrap_or_default();
        Ok(due.clamp(Duration::from_secs(60), LOOK))
    }

    /// Has the API server trust what is shown, and renews what is due: one thing at a time, each with what the API server trusts
    /// by then.
    async fn lead(&mut self, mut shared: Shared) -> Result<Shared, BoxError> {
        loop {
            self.publisher.publish(&shared.credentials.bundle()).await?;
            let now = SystemTime::now();
            if shared.credentials.due(now).is_none() {
                return Ok(shared);
            }
            shared = match self.store.renew(&shared, now).await? {
                Some(renewed) => renewed,
                None => self.store.read(now).await?,
            };
            self.show(&shared.credentials)?;
        }
    }

    fn show(&mut self, credentials: &Credentials) -> Result<(), BoxError> {
        self.server.show(credentials)?;
        self.metrics.webhook_shows(credentials.serving.0.not_after);
        Ok(())
    }

    /// Says what is wrong, once.
    fn complain(&mut self, error: String) {
        if self.complaint.as_ref() != Some(&error) {
            tracing::warn!("the webhook is not wholly set up: {error}");
        }
        self.complaint = Some(error);
    }

    fn notice_secret(&self) -> Notice {
        let selection = Selection { namespace: Some(self.namespace.clone()), ..by_name(&self.service) };
        Notice::of(&self.client, WHOLE_SECRET, selection, |_| true, Arc::clone(&self.wake))
    }

    /// Whatever holds a `caBundle`: somebody may write it anew, without one.
    fn notice_trusting(&self) -> Vec<Notice> {
        let ours = |name: &str| name.ends_with(".getambassador.io");
        let definitions = Notice::of(&self.client, DEFINITION, Selection::default(), ours, Arc::clone(&self.wake));
        let configuration = self
            .configuration
            .iter()
            .map(|name| Notice::of(&self.client, CONFIGURATION, by_name(name), |_| true, Arc::clone(&self.wake)));
        configuration.chain([definitions]).collect()
    }
}

fn by_name(name: &str) -> Selection {
    Selection { fields: Some(format!("metadata.name={name}")), ..Selection::default() }
}

impl Server {
    /// Shows the certificate from now on; with the first the server begins.
    fn show(&mut self, credentials: &Credentials) -> Result<(), BoxError> {
        match &mut self.shown {
            Some((certificates, shown)) => {
                if shown.serving != credentials.serving {
                    certificates.replace(&credentials.serving)?;
                    tracing::info!("the webhook shows a new certificate");
                }
                *shown = credentials.clone();
            }
            None => {
                let certificates = Certificates::new(&credentials.serving)?;
                self.shown = Some((certificates.clone(), credentials.clone()));
                if let Some((listener, reviewer)) = self.listener.take() {
                    let server = serve(listener, certificates, router(reviewer), self.shutdown.clone());
                    self.tasks.spawn(async {
                        if let Err(error) = server.await {
                            tracing::error!("the webhook cannot be served: {error}");
                        }
                    });
                }
            }
        }
        Ok(())
    }
}
