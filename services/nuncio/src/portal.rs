//! `nuncio portal`.

use crate::exit::Outcome;

/// Runs the developer portal until it is told to stop.
pub(crate) fn run(arguments: nuncio_portal::Arguments) -> Outcome {
    Ok(nuncio_portal::start(arguments)?)
}
