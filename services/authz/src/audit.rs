//! One line for each decision: who, what, under which rule, why. Never a credential.

use std::path::Path;

use nuncio_auth::Request;
use nuncio_telemetry::AuditLog;
use serde::Serialize;
use serde_json::json;

use crate::clock::now;
use crate::engine::{Decision, Outcome};

/// Where lines go.
#[derive(Debug)]
pub(crate) struct Audit(AuditLog);

/// What the audit log says of a request: no header, no query.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) origin: String,
    pub(crate) path: String,
}

impl Facts {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            id: request.id.clone(),
            client: request.client.clone(),
            method: request.method.clone(),
            origin: request.origin(),
            path: request.path().to_owned(),
        }
    }
}

/// A line.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    time: u64,
    request: &'a str,
    client: &'a str,
    method: &'a str,
    origin: &'a str,
    path: &'a str,
    rules: &'a str,
    rule: &'a str,
    decision: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer: &'a str,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(facts: &'a Facts, set: Option<&'a str>, decision: &'a Decision) -> Self {
        let (word, reason) = decision.in_words();
        let identity = match &decision.outcome {
            Outcome::Allow(_, identity) => identity.as_ref(),
            Outcome::Deny(_) | Outcome::Answer(_) => decision.identity.as_ref(),
        };
        Self {
            time: now(),
            request: &facts.id,
            client: &facts.client,
            method: &facts.method,
            origin: &facts.origin,
            path: &facts.path,
            rules: set.unwrap_or_default(),
            rule: &decision.rule,
            decision: word,
            reason,
            subject: identity.map_or("", |identity| &identity.subject),
            issuer: identity.map_or("", |identity| &identity.issuer),
        }
    }
}

impl Audit {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        AuditLog::open(path).map(Self)
    }

    /// Writes that an operator has ended all sessions of a user.
    pub(crate) fn ended(&self, issuer: &str, subject: &str, count: usize) {
        self.write(&json!({
            "time": now(), "decision": "end_sessions", "issuer": issuer, "subject": subject, "ended": count,
        }));
    }

    /// Writes a line.
    pub(crate) fn write(&self, entry: &impl Serialize) {
        let Ok(line) = serde_json::to_string(entry) else { return };
        self.0.write(&line);
    }
}
