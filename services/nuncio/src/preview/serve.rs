//! `nuncio preview serve`: a process of this machine stands in for a service of a preview.
//!
//! A connection is made to the gateway, and then used backwards: the gateway sends requests, which go to the process. Nothing
//! has to reach this machine. A connection that breaks is made again, for as long as the gateway does not say no.

mod dial;
mod local;
mod session;
mod show;

use std::sync::Arc;
use std::time::{Duration, Instant};

use nuncio_telemetry::shutdown_on_signal;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::dial::{Dial, NotConnected};
use self::local::Local;
use self::session::{End, Session};
use self::show::Show;
use crate::cli::PreviewServeArgs;
use crate::controller::runtime;
use crate::envoy::Backoff;
use crate::exit::{Failure, Outcome};

/// How long a gateway that is starting may not know who we are.
const STARTING: Duration = Duration::from_secs(10);

/// Serves until it is told to stop, or refused.
pub(super) fn run(args: &PreviewServeArgs) -> Outcome {
    runtime()?.block_on(serve(args))
}

async fn serve(args: &PreviewServeArgs) -> Outcome {
    let line = Line { dial: Arc::new(Dial::new(args)?), show: Show::new(args) };
    let local = Local::new(args, line.show.clone());
    let stop = shutdown_on_signal().map_err(Failure::new)?;
    let mut lines = JoinSet::new();
    lines.spawn(tell_of_the_end(local.clone(), stop.clone()));
    for _ in 0..args.gateways {
        lines.spawn(line.clone().keep(local.clone(), stop.clone()));
    }
    while let Some(ended) = lines.join_next().await {
        // What is said to one holds for all.
        ended.map_err(Failure::new)??;
    }
    Ok(())
}

/// Whoever stops it learns what it is still waiting for.
async fn tell_of_the_end(local: Local, stop: CancellationToken) -> Outcome {
    stop.cancelled().await;
    local.ends_at(Instant::now() + session::PATIENCE);
    Ok(())
}

/// A connection that is to be there: one for each gateway. At which gateway each comes out is for a load balancer to say; where
/// two come out at the same, the older one is told to try again, so that in the end each gateway has one.
#[derive(Clone)]
struct Line {
    dial: Arc<Dial>,
    show: Show,
}

impl Line {
    /// Serves until it is told to stop, or refused.
    async fn keep(self, local: Local, stop: CancellationToken) -> Outcome {
        let Self { dial, show } = self;
        let mut backoff = Backoff::new();
        let mut unknown_since: Option<Instant> = None;
        loop {
            let began = Instant::now();
            let connected = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                connected = dial.connect() => connected,
            };
            unknown_since = unknown_since.filter(|_| matches!(connected, Err(NotConnected::Unknown(_))));
            let lost = match connected {
                Ok(stream) => {
                    // It may be started later; who is refused need not start it.
                    if !show.was_connected() {
                        local.warn_if_silent().await;
                    }
                    match Session::new(stream, local.clone(), show.clone()).run(&stop).await {
                        // However it ended: nothing is tried again.
                        _ if stop.is_cancelled() => return Ok(()),
                        End::Stopped => return Ok(()),
                        End::Moved => {
                            show.moved();
                            None
                        }
                        End::Lost(why) => Some(why),
                    }
                }
                Err(NotConnected::Refused(why)) => return Err(Failure::new(why)),
                Err(NotConnected::Unknown(why)) if unknown_since.get_or_insert(began).elapsed() < STARTING => Some(why),
                Err(NotConnected::Unknown(why)) => {
                    let told = format!("{why} (it has said so for {} s)", STARTING.as_secs());
                    return Err(Failure::new(told));
                }
                // A mistake in the command line is told, and not tried for ever.
                Err(NotConnected::Failed(why)) if !show.was_connected() => return Err(Failure::new(why)),
                Err(NotConnected::Failed(why)) => Some(why),
            };
            let wait = backoff.after(began.elapsed());
            lost.iter().for_each(|why| show.lost(why, wait));
            // Several must not go on in step.
            if is_stopped(wait.mul_f64(0.5 + fastrand::f64() / 2.0), &stop).await {
                return Ok(());
            }
        }
    }
}

async fn is_stopped(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = sleep(wait) => false,
    }
}
