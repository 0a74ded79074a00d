//! The command line: what can be asked for, and who does it.

mod args;
mod manifests;
mod mistake;
mod portal;
mod preview;
mod ratelimit;
mod status;
mod webhook;
mod zone;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

pub(crate) use self::args::{
    CheckArgs, Cli, Command, ControllerArgs, DoctorArgs, Drain, EnvoyChildArgs, EnvoyConfigArgs, ExplainArgs, Format,
    Identity, Limits, Logs, Origin, OriginArgs, PortalArgs, RoutesArgs, TableFormat, UpArgs, portal_at, to_ask_at,
};
pub(crate) use self::manifests::{ClusterArgs, Place};
pub(crate) use self::portal::{DiffArgs, FailOn, PortalCommand, PortalServiceArgs};
pub(crate) use self::preview::{
    PreviewArgs, PreviewCommand, PreviewCreateArgs, PreviewDoctorArgs, PreviewExtendArgs, PreviewListArgs,
    PreviewLogsArgs, PreviewNamedArgs, PreviewPlace, PreviewServeArgs, PreviewShareArgs,
};
pub(crate) use self::ratelimit::{LimitExplainArgs, RatelimitArgs, RatelimitCommand, RuleSource, RulesCheckArgs};
pub(crate) use self::status::StatusArgs;
pub(crate) use self::webhook::WebhookArgs;
pub(crate) use self::zone::ZoneArgs;
use crate::exit::{Failure, Outcome, print_text};
use crate::{authz, check, controller, crds, doctor, environment, envoy, envoy_config, explain, routes, up, version};

/// Reads the arguments of the process. Help and the like are printed and end the process here.
pub(crate) fn parse() -> Result<Cli, Failure> {
    let command = environment::defaults(Cli::command());
    let matches = command.clone().try_get_matches();
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            error.exit()
        }
        _ => {
            let words = std::env::args_os().skip(1);
            Failure::usage(mistake::told(&error, &mistake::asked(&command, words)))
        }
    })
}

/// Does what was asked for.
pub(crate) fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Up(args) => up::run(*args),
        Command::Controller(args) => controller::run(*args),
        Command::Check(args) => check::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Routes(args) => routes::run(&args),
        Command::EnvoyConfig(args) => envoy_config::run(&args),
        Command::Crds(args) => crds::run(*args),
        Command::Ratelimit(args) => crate::ratelimit::run(&args),
        Command::Authz(arguments) => authz::run(*arguments),
        Command::Preview(args) => crate::preview::run(&args),
        Command::Portal(args) => crate::portal::run(*args),
        Command::Completions { shell } => completions(shell),
        Command::Version => version::run(),
        Command::EnvoyChild(args) => Err(Failure::new(envoy::become_envoy(&args))),
    }
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nuncio", &mut script);
    print_text(&String::from_utf8_lossy(&script));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_namespace_is_one_that_can_be() {
        let parse = |name: &str| Cli::try_parse_from(["nuncio", "check", "d", &format!("--namespace={name}")]);
        for namespace in ["default", "a", "team-1", "0", "", &"x".repeat(63)] {
            assert!(parse(namespace).is_ok(), "{namespace}");
        }
        for namespace in ["A b", "Shop", "a.b", "a_b", "a/b", "-a", "a-", "\u{e9}", &"x".repeat(64)] {
            let error = parse(namespace).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("no namespace can be called so"), "{namespace}: {error}");
        }
    }

    #[test]
    fn the_path_of_the_original_in_a_compose_file_is_the_service() {
        let cli = Cli::try_parse_from(["nuncio", "/bin/ratelimit"]).unwrap();
        assert!(matches!(cli.command, Command::Ratelimit(RatelimitArgs { command: None })));
    }

    #[test]
    fn explain_needs_one_place_to_look() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["nuncio", "explain", "http://a/"], args].concat());
        assert!(parse(&["dir"]).is_ok() && parse(&["--admin", "127.0.0.1:8877"]).is_ok());
        assert!(parse(&[]).is_err() && parse(&["dir", "--admin", "127.0.0.1:8877"]).is_err());
    }
}
