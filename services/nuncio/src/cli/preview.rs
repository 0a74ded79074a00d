//! What `nuncio preview` is told.

use clap::{Args, Subcommand};

use super::{Format, Identity, Origin};

const HELP: &str = "\
Examples:
  nuncio preview list manifests
  nuncio preview list --admin 127.0.0.1:8877
  open $(nuncio preview url shop/cart-pr-42 --admin 127.0.0.1:8877)";

/// Questions about previews.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PreviewArgs {
    #[command(subcommand)]
    pub(crate) command: PreviewCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PreviewCommand {
    /// List previews and where they can be seen
    List(PreviewListArgs),
    /// Print the URLs of a preview, a line each; exit code 1 if it has none
    Url(PreviewUrlArgs),
}

/// What `nuncio preview list` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewListArgs {
    #[command(flatten)]
    pub(crate) origin: Origin,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

/// What `nuncio preview url` is told.
#[derive(Debug, Args)]
pub(crate) struct PreviewUrlArgs {
    /// The Preview, as NAME or NAMESPACE/NAME
    #[arg(value_name = "PREVIEW")]
    pub(crate) preview: String,
    #[command(flatten)]
    pub(crate) origin: Origin,
    #[command(flatten)]
    pub(crate) identity: Identity,
}
