//! `nuncio authz`.

use crate::exit::Outcome;

/// Runs the authentication service until it is told to stop, or asks one that runs.
pub(crate) fn run(arguments: nuncio_authz::Arguments) -> Outcome {
    Ok(nuncio_authz::start(arguments)?)
}
