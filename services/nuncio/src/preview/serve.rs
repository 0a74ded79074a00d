//! `nuncio preview serve`: a process of this machine stands in for a service of a preview.
//!
//! A connection is made to the gateway, and then used backwards: the gateway sends requests, which go to the process. Nothing
//! has to reach this machine. A connection that breaks is made again, for as long as the gateway does not say no.

mod dial;
mod local;
mod session;
mod show;

use std::time::{Duration, Instant};

use nuncio_telemetry::shutdown_on_signal;
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

/// Serves until it is told to stop, or refused.
pub(super) fn run(args: &PreviewServeArgs) -> Outcome {
    runtime()?.block_on(serve(args))
}

async fn serve(args: &PreviewServeArgs) -> Outcome {
    let dial = Dial::new(args)?;
    let show = Show::new(args);
    let local = Local::new(args.port, args.http2, show.clone());
    let stop = shutdown_on_signal().map_err(Failure::new)?;
    let (mut backoff, mut was_connected) = (Backoff::new(), false);
    loop {
        let began = Instant::now();
        let connected = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            connected = dial.connect() => connected,
        };
        let why = match connected {
            Ok(stream) => match Session::new(stream, local.clone(), show.clone()).run(&stop).await {
                End::Stopped => return Ok(()),
                End::Lost { why, was_live } => {
                    was_connected |= was_live;
                    why
                }
            },
            Err(NotConnected::Refused(why)) => return Err(Failure::new(why)),
            // A mistake in the command line is told, and not tried for ever.
            Err(NotConnected::Failed(why)) if !was_connected => return Err(Failure::new(why)),
            Err(NotConnected::Failed(why)) => why,
        };
        let wait = backoff.after(began.elapsed());
        show.lost(&why, wait);
        if is_stopped(wait, &stop).await {
            return Ok(());
        }
    }
}

async fn is_stopped(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = sleep(wait) => false,
    }
}
