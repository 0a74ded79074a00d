//! What a replica does for the cluster that it reads, beside serving: it stands for election, writes statuses and looks after
//! previews while it leads, and serves the webhook.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::engine::Engine;
use crate::leader::{Candidate, Progress, Standing};
use crate::manifests::Opened;
use crate::previews::Lifecycle;
use crate::run::{Config, defaults, lock};
use crate::status::{self, Held};
use crate::webhook::{Keeper, Limits, Reviewer};

/// What runs.
pub(crate) struct Duties {
    /// Lets go of the lead at the end.
    candidate: AbortOnDropHandle<()>,
    /// Serves what was begun before it ends.
    webhook: Option<AbortOnDropHandle<()>>,
    /// Ends at once.
    _of_leader: JoinSet<()>,
    stop: CancellationToken,
}

impl Duties {
    /// Begins what is wanted, where there is a cluster.
    pub(crate) fn begin(
        config: &mut Config,
        source: &mut Opened,
        engine: &Arc<Mutex<Engine>>,
        previews: Option<Arc<Lifecycle>>,
        progress: watch::Receiver<Progress>,
        shutdown: &CancellationToken,
    ) -> Option<Self> {
        let client = source.cluster()?.client;
        let webhook = config.webhook.take();
        if config.status.is_none() && webhook.is_none() && previews.is_none() {
            return None;
        }
        let stop = shutdown.child_token();
        let standing = Standing::new(progress, config.lease.duration);
        let (candidate, leadership) =
            Candidate::new(client.clone(), &config.namespace, &config.ambassador_id, config.lease, standing.clone());
        let mut of_leader = JoinSet::new();
        if let Some(options) = &config.status {
            let held = Arc::new(Held::default());
            source.tell_statuses(Arc::clone(&held));
            let (options, namespace, engine) = (options.clone(), config.namespace.clone(), Arc::clone(engine));
            let (client, leadership) = (client.clone(), leadership.clone());
            of_leader.spawn(async move {
                status::write(options, &namespace, engine, held, client, leadership, standing).await;
            });
        }
        if let Some(previews) = previews {
            of_leader.spawn(previews.keep_as_leader(Arc::clone(engine), leadership.clone()));
        }
        let webhook = webhook.map(|options| {
            let reviewer = Reviewer {
                ambassador_id: config.ambassador_id.clone(),
                defaults: defaults(&config.namespace, config.expand_environment),
                limits: Limits::default(),
            };
            let metrics = lock(engine).metrics.clone();
            let keeper = Keeper::new(options, client, &config.namespace, reviewer, metrics, stop.clone());
            AbortOnDropHandle::new(tokio::spawn(keeper.run(leadership)))
        });
        let candidate = AbortOnDropHandle::new(tokio::spawn(candidate.run(stop.clone())));
        Some(Self { candidate, webhook, _of_leader: of_leader, stop })
    }

    /// Ends everything, and lets go of the lead.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        // They end within a moment, and have nothing to say.
        let _ = self.candidate.await;
        if let Some(webhook) = self.webhook {
            let _ = webhook.await;
        }
    }
}
