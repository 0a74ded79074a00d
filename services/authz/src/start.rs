//! The process: flags, logs, signals; and the question of why a request is decided on as it is.

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use nuncio_telemetry::{Metrics, Traces};
use serde_json::{Value, json};

use crate::settings::Settings;

/// What `authz` and `nuncio authz` are told.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how a running service decides on a request, and which filter why
    Explain(Question),
}

/// A request.
#[derive(Args, Debug)]
struct Question {
    /// What is asked for: http(s)://HOST/PATH
    url: String,
    /// Under which rules: what the request's route names
    #[arg(long, value_name = "ID")]
    rules: String,
    /// The method
    #[arg(long, short = 'X', default_value = "GET")]
    method: String,
    /// A header of the request, such as `authorization: Bearer …` or a cookie. May be given many times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The page for operators of a running service
    #[arg(long, env = "NUNCIO_AUTHZ_ADMIN", default_value = "127.0.0.1:8501", value_name = "HOST:PORT")]
    admin: String,
}

/// Login and API protection for Envoy, nginx and Traefik.
#[derive(Debug, Parser)]
#[command(name = "authz", version)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

/// Does what the command line of this process says.
///
/// # Errors
/// When it cannot be done.
pub fn main() -> anyhow::Result<()> {
    start(Cli::parse().arguments)
}

/// Runs the service until it is told to stop, or asks one that runs.
///
/// # Errors
/// When the settings or the machine do not allow it.
pub fn start(arguments: Arguments) -> anyhow::Result<()> {
    // Fails only where one is in place already, which does as well.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        match arguments.command {
            Some(Command::Explain(question)) => explain(&question).await,
            None => serve(arguments.settings).await,
        }
    })
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let options = nuncio_telemetry::Options {
        service: "nuncio-authz",
        format: settings.log_format,
        filter: settings.log.clone(),
        traces: Traces::of_environment(),
    };
    let run = async |stop| Ok(crate::run(settings, Metrics::new("nuncio-authz"), stop).await?);
    nuncio_telemetry::serve(options, run).await
}

async fn explain(question: &Question) -> anyhow::Result<()> {
    let headers: Vec<(String, String)> = question
        .headers
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(':').with_context(|| format!("{line:?} is not NAME: VALUE"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect::<anyhow::Result<_>>()?;
    let body = json!({
        "rules": question.rules, "method": question.method, "url": question.url, "headers": headers,
    });
    let url = format!("http://{}/explain", question.admin);
    // In clear text: it has to work where there are no authorities.
    let client = reqwest::Client::builder().tls_certs_only([]).build()?;
    let answer = client.post(url).json(&body).send().await.context("the service cannot be asked")?;
    if !answer.status().is_success() {
        bail!("{}", answer.text().await?.trim());
    }
    println!("{}", in_words(&answer.json().await?));
    Ok(())
}

/// The explanation for people.
fn in_words(explained: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{} (status {})", text(explained, "decision"), explained["status"])];
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {name:<9}{value}"));
        }
    };
    add("Rule", text(explained, "rule"));
    add("Subject", text(explained, "subject"));
    add("Reason", text(explained, "reason"));
    add("Detail", text(explained, "detail"));
    for step in explained["steps"].as_array().into_iter().flatten() {
        let why = [text(step, "reason"), text(step, "detail")].into_iter().filter(|part| !part.is_empty());
        let why: String = why.map(|part| format!(", {part}")).collect();
        add("Filter", format!("{}: {}{why}", text(step, "filter"), text(step, "verdict")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        Cli::try_parse_from(["authz", "--rules", "f.json"]).unwrap();
        Cli::try_parse_from(["authz", "explain", "http://a/", "--rules", "s"]).unwrap();
        Cli::try_parse_from(["authz", "explain", "http://a/"]).unwrap_err();
    }

    #[test]
    fn explanations_are_in_words() {
        let explained = json!({ "decision": "deny", "status": 403, "rule": "p#0", "reason": "scope", "detail": "", "subject": null,
            "steps": [{ "filter": "f", "verdict": "deny", "reason": "scope", "detail": "x was not granted" }] });
        let words = "deny (status 403)\n  Rule     p#0\n  Reason   scope\n  Filter   f: deny, scope, x was not granted";
        assert_eq!(in_words(&explained), words);
    }
}
