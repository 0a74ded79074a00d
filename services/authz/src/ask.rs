//! What operators ask a service that runs, and have it do.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

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
        // In clear text, and past any proxy: it has to work where there are no authorities.
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().timeout(PATIENCE);
        let (client, host) = match &self.admin {
            Address::Tcp(host) => (client, host.as_str()),
            Address::Unix(path) => (client.unix_socket(path.as_path()), "localhost"),
        };
        let asked = client.build()?.post(format!("http://{host}{page}")).json(body).send();
        let nobody = || format!("no service answers at {} (--admin, NUNCIO_AUTHZ_ADMIN)", self.admin);
        let answer = asked.await.with_context(nobody)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.json().await?);
        }
        match answer.text().await?.trim() {
            "" => bail!("{} answers {status}: no authentication service has its page for operators there", self.admin),
            reason => bail!("{reason}"),
        }
    }
}

/// A request.
#[derive(Args, Debug)]
pub(crate) struct Question {
    /// What is asked for: http(s)://HOST/PATH
    url: String,
    /// Under which rules: the name of the rule that is for it (POLICY.NAMESPACE#INDEX), or the id of what its route names
    #[arg(long, value_name = "RULE")]
    rules: String,
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
        let headers: Vec<_> = self.headers.iter().map(header).collect::<anyhow::Result<_>>()?;
        let body = json!({ "rules": self.rules, "method": self.method, "url": self.url, "headers": headers });
        println!("{}", in_words(&self.service.post("/explain", &body).await?));
        Ok(())
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
    use super::*;

    #[test]
    fn explanations_are_in_words() {
        let explained = json!({ "decision": "deny", "status": 403, "rule": "p#0", "reason": "scope", "detail": "", "subject": null,
            "steps": [{ "filter": "f", "verdict": "deny", "reason": "scope", "detail": "x was not granted" }] });
        let words = "deny (status 403)\n  Rule     p#0\n  Reason   scope\n  Filter   f: deny, scope, x was not granted";
        assert_eq!(in_words(&explained), words);
    }
}
