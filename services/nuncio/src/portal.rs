//! `nuncio portal`: the developer portal, and questions about documents.

mod diff;

use crate::cli::{PortalCommand, PortalServiceArgs};
use crate::exit::Outcome;

/// Answers, or runs the portal until it is told to stop.
pub(crate) fn run(args: PortalServiceArgs) -> Outcome {
    match args.command {
        None => Ok(nuncio_portal::start(args.service)?),
        Some(PortalCommand::Diff(args)) => diff::run(&args),
    }
}
