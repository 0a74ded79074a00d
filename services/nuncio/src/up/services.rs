//! The services beside the gateway: each runs from when something asks it.

use nuncio_controller::Limited;
use nuncio_controller::admin::LimitedView;
use nuncio_ratelimit::settings::Settings;
use nuncio_ratelimit::stats::{Exposition, prometheus};
use nuncio_ratelimit::{Observed, Often, RunError};
use nuncio_telemetry::Metrics;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the rate limit service counts; it has metrics once it is wanted.
pub(super) fn limited(observed: &Observed, wanted: watch::Receiver<bool>) -> Limited {
    let view = |often| {
        let Often { domain, labels, rule, over } = often;
        LimitedView { domain, labels, name: rule, over }
    };
    let Observed { top, stats, outage: _ } = observed.clone();
    let metrics = move || match *wanted.borrow() {
        true => prometheus(&stats, &Exposition::default()),
        false => String::new(),
    };
    Limited::new(move || top.list().into_iter().map(view).collect(), metrics)
}

/// Runs the rate limit service from the moment when something asks it.
pub(super) async fn limit(
    settings: Settings,
    observed: Observed,
    wanted: watch::Receiver<bool>,
    stop: CancellationToken,
) -> Result<(), RunError> {
    match is_wanted(wanted, &stop).await {
        true => nuncio_ratelimit::run(settings, observed, stop).await,
        false => Ok(()),
    }
}

/// Runs the authentication service from the moment when something asks it; where operators can, from the start.
pub(super) async fn decide(
    service: nuncio_authz::Service,
    metrics: Metrics,
    wanted: watch::Receiver<bool>,
    stop: CancellationToken,
) -> Result<(), nuncio_authz::RunError> {
    match service.answers_operators() || is_wanted(wanted, &stop).await {
        true => service.run(metrics, stop).await,
        false => Ok(()),
    }
}

/// Waits until a service is wanted; false if it is not until everything ends.
async fn is_wanted(mut wanted: watch::Receiver<bool>, stop: &CancellationToken) -> bool {
    let asked = async {
        // A controller that is gone wants nothing any more.
        if wanted.wait_for(|wanted| *wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => false,
        () = asked => true,
    }
}
