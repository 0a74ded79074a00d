//! What `nuncio portal` is told.

use clap::{Args, Subcommand, ValueEnum};

use super::Format;

const HELP: &str = "\
Examples:
  nuncio portal --admin 127.0.0.1:8877
  nuncio portal diff released.yaml openapi.yaml
  curl -s http://127.0.0.1:8088/openapi/services/shop/cart/original | nuncio portal diff - openapi.json

Without a command the portal is run.";

const DIFF_HELP: &str = "\
Examples:
  nuncio portal diff released.yaml openapi.yaml
  nuncio portal diff released.yaml openapi.yaml --fail-on warning
  git show main:openapi.yaml | nuncio portal diff - openapi.yaml -o json | jq '.changes[] | select(.severity == \"breaking\")'

Exit code: 0 if no change is as bad as --fail-on says, 1 if one is, 2 if a document cannot be read.";

/// The portal, or a question about documents.
#[derive(Debug, Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct PortalServiceArgs {
    #[command(subcommand)]
    pub(crate) command: Option<PortalCommand>,
    #[command(flatten)]
    pub(crate) service: nuncio_portal::Arguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PortalCommand {
    /// Say what has changed from one OpenAPI document to another, and whom that breaks
    Diff(DiffArgs),
}

/// What `nuncio portal diff` is told.
#[derive(Debug, Args)]
#[command(after_help = DIFF_HELP)]
pub(crate) struct DiffArgs {
    /// The document before: a file, or - for standard input
    #[arg(value_name = "OLD", value_hint = clap::ValueHint::FilePath)]
    pub(crate) old: String,
    /// The document after
    #[arg(value_name = "NEW", value_hint = clap::ValueHint::FilePath)]
    pub(crate) new: String,
    /// The least that is a failure
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Breaking)]
    pub(crate) fail_on: FailOn,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

/// The least that is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// What breaks clients that use what has changed
    Breaking,
    /// What breaks clients that rely on more than they should, too
    Warning,
    /// Any change
    Any,
}
