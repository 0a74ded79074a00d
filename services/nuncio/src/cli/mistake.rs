//! What is wrong with a command line, in one line.

use std::ffi::OsString;

use clap::Command;

/// What `clap` says, without the usage that it adds, and where to read how `command` is called.
pub(super) fn told(error: &clap::Error, command: &str) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let what: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let what = what.join(" ");
    // What else it advises is about `--`.
    let tips = lines.filter_map(|line| line.strip_prefix("tip: ")).filter(|tip| tip.contains("similar"));
    let tips = tips.map(|tip| format!("{tip}; "));
    format!("{} ({}see {command} --help)", what.trim_start_matches("error: "), tips.collect::<String>())
}

/// The command that these words ask for: `nuncio ratelimit explain`.
pub(super) fn asked(command: &Command, words: impl Iterator<Item = OsString>) -> String {
    let mut path = command.get_name().to_owned();
    let mut command = command;
    for word in words {
        if let Some(below) = command.find_subcommand(word) {
            command = below;
            path = format!("{path} {}", command.get_name());
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    fn error(args: &[&str]) -> String {
        let words = args.iter().map(OsString::from);
        let error = Cli::try_parse_from(["nuncio"].iter().chain(args)).unwrap_err();
        told(&error, &asked(&Cli::command(), words))
    }

    #[test]
    fn mistakes_are_one_line_and_name_the_help_of_the_command() {
        assert_eq!(error(&["up", "d", "--qqqq"]), "unexpected argument '--qqqq' found (see nuncio up --help)");
        assert_eq!(
            error(&["up"]),
            "the following required arguments were not provided: <DIR|--kubernetes> (see nuncio up --help)"
        );
        assert_eq!(
            error(&["ratelimit", "explain", "d", "k=v"]),
            "the following required arguments were not provided: <--rules <DIR>|--server <ADDR>> \
             (see nuncio ratelimit explain --help)"
        );
    }

    #[test]
    fn what_was_probably_meant_is_told() {
        assert_eq!(
            error(&["up", "d", "--rediss", "x"]),
            "unexpected argument '--rediss' found (a similar argument exists: '--redis'; see nuncio up --help)"
        );
        assert_eq!(
            error(&["exlain"]),
            "unrecognized subcommand 'exlain' (a similar subcommand exists: 'explain'; see nuncio --help)"
        );
    }

    #[test]
    fn a_portal_is_at_a_url() {
        for url in ["https://portal.example.com", "http://shop.localhost:8080/", "https://[::1]:1/gateway"] {
            let parsed = Cli::try_parse_from(["nuncio", "preview", "list", "--server", url]);
            assert!(parsed.is_ok(), "{url}");
        }
        let unlike = ["shop.localhost:8080", "portal", "//portal", "ftp://portal", "https://", "https://portal/?a=b"];
        let lenient = ["http:portal", " https://portal", "https://portal\n", "https://por\ttal"];
        for url in unlike.into_iter().chain(lenient) {
            for command in [&["preview", "list"][..], &["preview", "serve", "tax", "--port", "1"]] {
                let error = error(&[command, &["--server", url]].concat());
                assert!(error.contains("expected a URL such as https://"), "{url}: {error}");
            }
        }
    }

    #[test]
    fn addresses_to_ask_at_have_a_port_and_plain_http() {
        for address in ["127.0.0.1:6070", "http://rls.edge:6070/", "[::1]:6070", "localhost:1"] {
            let parsed = Cli::try_parse_from(["nuncio", "ratelimit", "explain", "d", "k=v", "--server", address]);
            assert!(parsed.is_ok(), "{address}");
        }
        for address in ["localhost", "https://a:1", "a:", "a:70000", ":80", "a b:1", "http://u@a:1", "a:1/x"] {
            let error = error(&["ratelimit", "explain", "d", "k=v", "--server", address]);
            assert!(error.contains("expected HOST:PORT"), "{address}: {error}");
        }
    }
}
