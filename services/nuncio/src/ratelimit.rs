//! `nuncio ratelimit`: the rate limit service, and questions about its rules.

mod check;
mod explain;

use crate::cli::{RatelimitArgs, RatelimitCommand};
use crate::exit::Outcome;

/// Answers, or runs the service as the environment says until it is told to stop.
pub(crate) fn run(args: &RatelimitArgs) -> Outcome {
    match &args.command {
        None => Ok(nuncio_ratelimit::main()?),
        Some(RatelimitCommand::Check(args)) => check::run(args),
        Some(RatelimitCommand::Explain(args)) => explain::run(args),
    }
}
