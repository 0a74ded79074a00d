//! A browser of few words: it keeps cookies by host.

use std::collections::BTreeMap;

use http::header::{LOCATION, SET_COOKIE};
use nuncio_auth::{Reply, Request};
use serde_json::json;

use super::Rig;
use crate::engine::Outcome;

/// What a browser keeps.
#[derive(Default)]
pub(super) struct Browser {
    /// By host, then by name.
    jar: BTreeMap<String, BTreeMap<String, String>>,
    keeps_none: bool,
}

impl Browser {
    pub(super) fn without_cookies() -> Self {
        Self { keeps_none: true, ..Self::default() }
    }

    /// One with the session of the rig at these hosts.
    pub(super) fn of(rig: &Rig, hosts: &[&str]) -> Self {
        let mut browser = Self::default();
        for host in hosts {
            let jar = browser.jar.entry((*host).to_owned()).or_default();
            jar.insert("__Host-ambassador_session.login".to_owned(), rig.id.clone());
        }
        browser
    }

    /// Has a cookie that somebody else has put there.
    pub(super) fn plant(&mut self, host: &str, name: &str, value: &str) {
        self.jar.entry(host.to_owned()).or_default().insert(name.to_owned(), value.to_owned());
    }

    /// What it keeps of a host under names that begin so, by name.
    pub(super) fn kept(&self, host: &str, beginning: &str) -> Vec<(String, String)> {
        let jar = self.jar.get(host).into_iter().flatten();
        jar.filter(|(name, _)| name.starts_with(beginning)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Loses the session that it has at a host.
    pub(super) fn forget(&mut self, host: &str) {
        self.jar.entry(host.to_owned()).or_default().remove("__Host-ambassador_session.login");
    }

    /// Asks for a page; `None` where it is let through.
    pub(super) async fn get(&mut self, rig: &Rig, url: &str) -> Option<Reply> {
        let (host, target) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
        let mut request = Request::new("GET", "https", host, &format!("/{target}"));
        request.add_header("accept", b"text/html");
        let jar = self.jar.entry(host.to_owned()).or_default();
        let line = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        request.add_header("cookie", line.as_bytes());
        let reply = match rig.engine.decide(Some("s"), request).await.outcome {
            Outcome::Allow(..) => return None,
            Outcome::Deny(denial) => *denial.reply,
            Outcome::Answer(reply) => reply,
        };
        for (_, value) in reply.headers.iter().filter(|(name, _)| name == SET_COOKIE && !self.keeps_none) {
            let (pair, attributes) = value.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match attributes.contains("Max-Age=0") {
                true => _ = jar.remove(name),
                false => _ = jar.insert(name.to_owned(), value.to_owned()),
            }
        }
        Some(reply)
    }

    /// Asks for a page; where that leads.
    pub(super) async fn led(&mut self, rig: &Rig, url: &str) -> String {
        location(&self.get(rig, url).await.expect("it is let through"))
    }

    /// Logs in at the provider, and comes back from there.
    pub(super) async fn come_back(&mut self, rig: &Rig, authorize: &str) -> Reply {
        let parameter = |wanted: &str| parameter(authorize, wanted);
        let id_token = rig.provider.id_token(&json!({ "nonce": parameter("nonce") }));
        rig.provider.add(json!({ "id_token": id_token }));
        let callback = format!("{}?code=c&state={}", parameter("redirect_uri"), parameter("state"));
        self.get(rig, &callback).await.unwrap()
    }
}

/// Where an answer leads; its status where it leads nowhere.
pub(super) fn location(reply: &Reply) -> String {
    let found = reply.headers.iter().find(|(name, _)| name == LOCATION);
    found.map_or_else(|| reply.status.to_string(), |(_, value)| value.to_str().unwrap().to_owned())
}

pub(super) fn parameter(url: &str, wanted: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
    found.next().unwrap().1.into_owned()
}
