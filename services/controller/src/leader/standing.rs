//! Whether a replica has something to say of objects: it has read them, and an Envoy has them.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// How far a replica is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has not read the state yet.
    #[default]
    Reading,
    /// It has, and no Envoy has it.
    Alone,
    /// Some Envoy has it.
    Serving,
}

/// What comes of that.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    progress: watch::Receiver<Progress>,
    /// How long another replica has to take the lead from one that is alone, before that one says so of every object.
    patience: Duration,
}

impl Standing {
    pub(crate) fn new(progress: watch::Receiver<Progress>, patience: Duration) -> Self {
        Self { progress, patience }
    }

    /// Whether it serves: it may lead before all that do not.
    pub(super) fn serves(&mut self) -> bool {
        *self.progress.borrow_and_update() == Progress::Serving
    }

    /// Waits until that may be otherwise.
    pub(super) async fn changed(&mut self) {
        if self.progress.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until there is something to say: at once if it serves, and in a while if nobody does it better.
    pub(crate) async fn speaks(&mut self) {
        loop {
            let progress = *self.progress.borrow_and_update();
            let patience = self.patience;
            tokio::select! {
                () = std::future::ready(()), if progress == Progress::Serving => return,
                () = sleep(patience), if progress == Progress::Alone => return,
                () = self.changed() => {}
            }
        }
    }

    /// Waits until its last Envoy is gone.
    pub(crate) async fn is_left(&mut self) {
        loop {
            self.changed().await;
            if !self.serves() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_replica_without_an_envoy_says_so_when_nobody_else_took_the_lead() {
        let progress = watch::Sender::new(Progress::Reading);
        let patience = Duration::from_millis(100);
        let mut standing = Standing::new(progress.subscribe(), patience);
        assert!(standing.speaks().now_or_never().is_none(), "it knows of no object");
        progress.send_replace(Progress::Alone);
        let begun = std::time::Instant::now();
        standing.speaks().await;
        assert!(begun.elapsed() >= patience);

        progress.send_replace(Progress::Serving);
        assert!(standing.speaks().now_or_never().is_some());
        assert!(standing.is_left().now_or_never().is_none());
        progress.send_replace(Progress::Alone);
        assert!(standing.is_left().now_or_never().is_some());
    }
}
