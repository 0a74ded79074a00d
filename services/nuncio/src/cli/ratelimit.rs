//! What `nuncio ratelimit` is told.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

use super::{Format, to_ask_at};

const HELP: &str = "\
Examples:
  RUNTIME_ROOT=/etc/ratelimit REDIS_SOCKET_TYPE=tcp REDIS_URL=redis:6379 nuncio ratelimit
  nuncio ratelimit check /etc/ratelimit/config
  nuncio ratelimit explain shop user=ann --rules /etc/ratelimit/config
  nuncio ratelimit explain shop user=ann --server 127.0.0.1:6070      what is left, too

Without a command the service is run, set up by environment variables.";

/// What the service takes for true and false in its environment, where empty is as not set.
fn flag(text: &str) -> Result<bool, &'static str> {
    if text.is_empty() {
        return Ok(false);
    }
    nuncio_ratelimit::settings::parse_flag(text).ok_or("expected true or false")
}

/// The service, or a question about its rules.
#[derive(Debug, Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct RatelimitArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RatelimitCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RatelimitCommand {
    /// Say what is wrong with files of rules
    Check(RulesCheckArgs),
    /// Say which limit a request is held to, and what is left of it
    Explain(LimitExplainArgs),
}

/// What `nuncio ratelimit check` is told.
#[derive(Debug, Args)]
pub(crate) struct RulesCheckArgs {
    /// The directory of rules, or a file of them
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) dir: PathBuf,
    /// Several files may be for one domain
    #[arg(long, env = "MERGE_DOMAIN_CONFIG", value_parser = flag)]
    pub(crate) merge_domains: bool,
    /// Names that begin with a dot are left out, as in a ConfigMap's directory
    #[arg(long, env = "RUNTIME_IGNOREDOTFILES", value_parser = flag)]
    pub(crate) ignore_dot_files: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

/// Whose rules are looked at.
#[derive(Debug)]
pub(crate) enum RuleSource {
    /// Those of files.
    Files(PathBuf),
    /// Those of a running service.
    Server(String),
}

/// The same as options, of which there is one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct RuleSourceArgs {
    /// The directory of rules
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    rules: Option<PathBuf>,
    /// The debug port of a running service
    #[arg(long, value_name = "ADDR", value_parser = to_ask_at)]
    server: Option<String>,
}

impl FromArgMatches for RuleSource {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let RuleSourceArgs { rules, server } = RuleSourceArgs::from_arg_matches(matches)?;
        let source = rules.map(Self::Files).or(server.map(Self::Server));
        source.ok_or_else(|| clap::Error::new(ErrorKind::MissingRequiredArgument))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for RuleSource {
    fn augment_args(command: Command) -> Command {
        RuleSourceArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        RuleSourceArgs::augment_args_for_update(command)
    }
}

/// What `nuncio ratelimit explain` is told.
#[derive(Debug, Args)]
pub(crate) struct LimitExplainArgs {
    /// The domain of the request
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: String,
    /// The entries of its descriptor, in their order
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) entries: Vec<String>,
    #[command(flatten)]
    pub(crate) source: RuleSource,
    /// Several files of --rules may be for one domain
    #[arg(long, env = "MERGE_DOMAIN_CONFIG", value_parser = flag)]
    pub(crate) merge_domains: bool,
    /// Names of --rules that begin with a dot are left out, as in a ConfigMap's directory
    #[arg(long, env = "RUNTIME_IGNOREDOTFILES", value_parser = flag)]
    pub(crate) ignore_dot_files: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}
