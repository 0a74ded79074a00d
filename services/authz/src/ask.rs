//! What operators ask a service that runs, and have it do.

mod shown;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use nuncio_telemetry::SharedToken;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use self::shown::Shown;
use crate::engine::NO_RULE;
use crate::settings::{ADMIN_VARIABLE, Address, DEFAULT_ADMIN};

/// How long an answer may take: an identity provider may have to be asked first, twice.
const PATIENCE: Duration = Duration::from_secs(15);

/// A service that runs.
#[derive(Args, Debug)]
struct Running {
    /// Where it answers operators: HOST:PORT, or the path of a Unix socket
    #[arg(long, env = ADMIN_VARIABLE, default_value = DEFAULT_ADMIN, value_name = "ADDRESS")]
    admin: Address,
}

impl Running {
    async fn post(&self, page: &str, body: &Value) -> anyhow::Result<Value> {
        post(&self.admin, None, page, body, "authentication service", "--admin, NUNCIO_AUTHZ_ADMIN").await
    }
}

/// Asks somebody who runs, and is shown the token, at an address that is said by what is named last.
async fn post(
    at: &Address,
    token: Option<Arc<str>>,
    page: &str,
    body: &Value,
    who: &str,
    said_by: &str,
) -> anyhow::Result<Value> {
    // In clear text, and past any proxy: it has to work where there are no authorities.
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().timeout(PATIENCE);
    let (client, host) = match at {
        Address::Tcp(host) => (client, host.as_str()),
        Address::Unix(path) => (client.unix_socket(path.as_path()), "localhost"),
    };
    let request = client.build()?.post(format!("http://{host}{page}")).json(body);
    let asked = token.into_iter().fold(request, RequestBuilder::bearer_auth::<Arc<str>>).send();
    let answer = asked.await.with_context(|| format!("no {who} answers at {at} ({said_by})"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.json().await?);
    }
    match answer.text().await?.trim() {
        "" => bail!("{at} answers {status}: no {who} has its page for operators there ({said_by})"),
        reason => bail!("{reason}"),
    }
}

/// A request.
#[derive(Args, Debug)]
pub(crate) struct Question {
    /// What is asked for: http(s)://HOST/PATH
    url: String,
    /// Under which rules: the name of the rule that is for it (POLICY.NAMESPACE#INDEX), or the id of what its route names
    /// [default: the gateway is asked what the route names]
    #[arg(long, value_name = "RULE")]
    rules: Option<String>,
    /// Where the diagnostics of the gateway are that is asked so
    #[arg(long, env = "NUNCIO_ADMIN", default_value = "127.0.0.1:8877", value_name = "ADDRESS")]
    gateway: Address,
    /// The method
    #[arg(long, short = 'X', default_value = "GET")]
    method: String,
    /// A header of the request, such as `authorization: Bearer …` or a cookie. May be given many times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    service: Running,
}

impl Question {
    /// Says how the request is decided on, and why.
    pub(crate) async fn ask(&self) -> anyhow::Result<()> {
        let header = |line: &String| {
            let (name, value) = line.split_once(':').with_context(|| format!("{line:?} is not NAME: VALUE"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        };
        let headers: Vec<(String, String)> = self.headers.iter().map(header).collect::<anyhow::Result<_>>()?;
        let (rules, url, hidden) = match &self.rules {
            Some(rules) => (rules.clone(), self.url.clone(), String::new()),
            None => {
                let shown = shown::request(&self.url, &headers);
                let hidden = hidden_in_words(&shown.hidden);
                match self.rules_of_route(&shown).await? {
                    Ok((rules, url)) => (rules, url, hidden),
                    Err(unasked) => {
                        println!("{unasked}{hidden}");
                        return Ok(());
                    }
                }
            }
        };
        let body = json!({ "rules": rules, "method": self.method, "url": url, "headers": headers });
        println!("{}{hidden}", in_words(&self.service.post("/explain", &body).await?));
        Ok(())
    }

    /// The id of the rules that the route of the request names, and the URL as the gateway reads it; or that nobody is asked,
    /// and what becomes of the request.
    async fn rules_of_route(&self, shown: &Shown) -> anyhow::Result<Result<(String, String), String>> {
        let header = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        let headers: Vec<_> = shown.headers.iter().map(header).collect();
        let body = json!({ "method": self.method, "url": shown.url, "headers": headers });
        let token = SharedToken::of_environment().map(|token| token.shown()).transpose().map_err(anyhow::Error::msg)?;
        let explained =
            post(&self.gateway, token, "/api/v1/explain", &body, "gateway", "--gateway, NUNCIO_ADMIN").await;
        let explained = explained.context("which rules are for the request is not known: name them (--rules)")?;
        Ok(match explained["rule_set"].as_str() {
            Some(rules) => Ok((rules.to_owned(), with_path(&self.url, explained["path"].as_str()))),
            None => Err(format!("no rule: not asked\n  {}", explained["outcome"].as_str().unwrap_or_default())),
        })
    }
}

/// A user, all of whose sessions are to end.
#[derive(Args, Debug)]
pub(crate) struct User {
    /// The identity provider, as its tokens name it (`iss`)
    issuer: String,
    /// The user, as the provider's tokens name him (`sub`)
    subject: String,
    #[command(flatten)]
    service: Running,
}

impl User {
    /// Ends the user's sessions, and says how many there were.
    pub(crate) async fn end_sessions(&self) -> anyhow::Result<()> {
        let body = json!({ "issuer": self.issuer, "subject": self.subject });
        let answer = self.service.post("/sessions/end", &body).await?;
        println!("sessions ended: {}", answer["ended"]);
        Ok(())
    }
}

/// The URL with another path, where there is one.
fn with_path(url: &str, path: Option<&str>) -> String {
    let Some((path, (scheme, rest))) = path.zip(url.split_once("://")) else { return url.to_owned() };
    let rest = rest.split('#').next().unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let query = rest.find('?').map_or("", |at| &rest[at..]);
    format!("{scheme}://{authority}{path}{query}")
}

/// By what no route was looked for.
fn hidden_in_words(hidden: &[String]) -> String {
    if hidden.is_empty() { String::new() } else { format!("\n  Hidden from the gateway: {}", hidden.join(", ")) }
}

/// The explanation for people.
fn in_words(explained: &Value) -> String {
    if (explained["rule"].as_str(), explained["decision"].as_str()) == (Some(NO_RULE), Some("allow")) {
        return "no rule: let through".to_owned();
    }
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
    use super::*;

    #[test]
    fn the_path_that_the_gateway_reads_is_the_one_that_is_asked_about() {
        assert_eq!(with_path("http://a/x/..;/y?q=/1#f", Some("/y")), "http://a/y?q=/1");
        assert_eq!(with_path("http://a", Some("/")), "http://a/");
        assert_eq!(with_path("http://a/x?q", None), "http://a/x?q");
    }

    #[test]
    fn explanations_are_in_words() {
        let explained = json!({ "decision": "deny", "status": 403, "rule": "p#0", "reason": "scope", "detail": "", "subject": null,
            "steps": [{ "filter": "f", "verdict": "deny", "reason": "scope", "detail": "x was not granted" }] });
        let words = "deny (status 403)\n  Rule     p#0\n  Reason   scope\n  Filter   f: deny, scope, x was not granted";
        assert_eq!(in_words(&explained), words);
    }
}
