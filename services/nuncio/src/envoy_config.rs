//! `nuncio envoy-config`: what Envoy would be sent.

use crate::cli::EnvoyConfigArgs;
use crate::exit::{Failure, Outcome, print_json};
use crate::gateway::load;

/// Prints every resource, without private keys.
pub(crate) fn run(args: &EnvoyConfigArgs) -> Outcome {
    let offline = load(&args.place, &args.identity, args.zone.topology())?;
    print_json(&offline.envoy_configuration().map_err(Failure::new)?)
}
