//! `nuncio version`.

use crate::envoy::ENVOY_VERSION;
use crate::exit::Outcome;

/// Prints the version, and the Envoy that it is made for.
pub(crate) fn run() -> Outcome {
    println!("nuncio {} (for Envoy {ENVOY_VERSION})", env!("CARGO_PKG_VERSION"));
    Ok(())
}
