//! `nuncio ratelimit`.

use crate::exit::Outcome;

/// Runs the rate limit service as the environment says, until it is told to stop.
pub(crate) fn run() -> Outcome {
    Ok(nuncio_ratelimit::main()?)
}
