//! The diagnostics of a gateway.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::{Client, DEADLINE, eventually, get, within};

/// Asks the admin server.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// The one at this address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { client: Client::http(address) }
    }

    /// The status that a path answers.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self, path: &str) -> Result<u16, String> {
        let reply = self.client.send(&get("localhost", path)).await;
        reply.map(|reply| reply.status).map_err(|error| error.to_string())
    }

    /// Whether the gateway should get traffic.
    ///
    /// # Errors
    /// When not: why.
    pub async fn ready(&self) -> Result<(), String> {
        let reply = self.client.send(&get("localhost", "/ambassador/v0/check_ready")).await;
        let reply = reply.map_err(|error| error.to_string())?;
        if reply.status == 200 { Ok(()) } else { Err(reply.text()) }
    }

    /// The text at a path.
    ///
    /// # Panics
    /// If there is none.
    pub async fn text(&self, path: &str) -> String {
        let reply = self.client.send(&get("localhost", path)).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }

    /// The JSON at a path.
    ///
    /// # Panics
    /// If there is none.
    pub async fn json(&self, path: &str) -> Value {
        let text = self.text(path).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// The items of a list: `objects`, or with a query `objects?kind=Mapping`.
    ///
    /// # Panics
    /// If there is no such list.
    pub async fn list(&self, list: &str) -> Vec<Value> {
        let page = self.json(&format!("/api/v1/{list}")).await;
        page["items"].as_array().unwrap_or_else(|| panic!("{list}: {page}")).clone()
    }

    /// An object by kind and name, in whatever namespace.
    ///
    /// # Panics
    /// If the list cannot be had.
    pub async fn object(&self, kind: &str, name: &str) -> Option<Value> {
        self.list(&format!("objects?kind={kind}&name={name}")).await.into_iter().next()
    }

    /// The newest revision that there is, as the first connected Envoy's entry says.
    ///
    /// # Panics
    /// If no Envoy is connected.
    pub async fn revision(&self) -> u64 {
        let envoys = self.list("envoys").await;
        envoys.first().and_then(|envoy| envoy["newest_revision"].as_u64()).expect("a connected Envoy")
    }

    /// Waits for a problem whose JSON holds every one of `parts` somewhere.
    ///
    /// # Panics
    /// If none comes.
    pub async fn problem(&self, parts: &[&str]) -> Value {
        self.problem_within(DEADLINE, parts).await
    }

    /// The same of what may take another time.
    ///
    /// # Panics
    /// If none comes.
    pub async fn problem_within(&self, deadline: Duration, parts: &[&str]) -> Value {
        within(deadline, &format!("a problem with {parts:?}"), async || {
            let problems = self.list("problems").await;
            let fits = |problem: &&Value| {
                let text = problem.to_string();
                parts.iter().all(|part| text.contains(part))
            };
            problems.iter().find(fits).cloned().ok_or_else(|| format!("{problems:#?}"))
        })
        .await
    }

    /// Waits until no problem is left that holds every one of `parts`.
    ///
    /// # Panics
    /// If one stays.
    pub async fn no_problem(&self, parts: &[&str]) {
        eventually(&format!("no problem with {parts:?}"), async || {
            let problems: Vec<String> = self.list("problems").await.iter().map(Value::to_string).collect();
            match problems.into_iter().find(|text| parts.iter().all(|part| text.contains(part))) {
                None => Ok(()),
                Some(problem) => Err(problem),
            }
        })
        .await;
    }

    /// Waits until an object has come as far as `state` says.
    ///
    /// # Panics
    /// If it does not.
    pub async fn state(&self, kind: &str, name: &str, state: &str) -> Value {
        eventually(&format!("{kind} {name} is {state}"), async || {
            let object = self.object(kind, name).await.ok_or_else(|| "it is not there".to_owned())?;
            if object["state"] == state { Ok(object) } else { Err(object.to_string()) }
        })
        .await
    }
}
