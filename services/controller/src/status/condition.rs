//! A status as the API server stores it: conditions, and the words that the original had before there were conditions.

use k8s_openapi::jiff::Timestamp;
use nuncio_api::Kind;
use nuncio_translate::PreviewUrl;
use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3;

use super::rules::RuleStatus;
use crate::previews::usage::Used;

/// The conditions that an object may have.
///
/// The last two are kstatus': tools that know nothing of an object (Flux, `cli-utils`) call it failed where `Stalled` is true,
/// on its way where `Reconciling` is true, and done otherwise. They are there only while they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConditionType {
    /// The object is understood.
    Accepted,
    /// What it names is there.
    ResolvedRefs,
    /// Every Envoy of the leading replica has it.
    Programmed,
    /// It takes a change of the object to go on.
    Stalled,
    /// It goes on by itself, or when something else is there.
    Reconciling,
}

impl ConditionType {
    pub(super) const ALL: [Self; 5] =
        [Self::Accepted, Self::ResolvedRefs, Self::Programmed, Self::Stalled, Self::Reconciling];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::Programmed => "Programmed",
            Self::Stalled => "Stalled",
            Self::Reconciling => "Reconciling",
        }
    }
}

/// One condition, without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) kind: ConditionType,
    pub(super) holds: bool,
    /// A `CamelCase` word.
    pub(super) reason: &'static str,
    /// A sentence for people.
    pub(super) message: String,
}

impl Condition {
    fn render(&self, generation: i64, since: Timestamp) -> Value {
        json!({
            "type": self.kind.as_str(),
            "status": truth(self.holds),
            "reason": self.reason,
            "message": self.message,
            "observedGeneration": generation,
            "lastTransitionTime": seconds(since),
        })
    }
}

/// What the original says of an object, for whoever reads it still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Legacy {
    /// `Running` or `Inactive` of a Mapping; `Ready`, `Pending` or `Error` of a Host.
    pub(super) state: &'static str,
    /// The field for why.
    pub(super) field: &'static str,
    /// Why; empty where all is well. Written even so, or an older text of somebody else would stay.
    pub(super) why: String,
}

/// What is to be said of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Of which `metadata.generation`.
    pub(super) generation: i64,
    pub(super) conditions: Vec<Condition>,
    pub(super) legacy: Option<Legacy>,
    /// The definition has room for nothing else.
    pub(super) legacy_only: bool,
    /// The object is for other instances too.
    pub(super) shared: bool,
    /// What another of them says of it goes before.
    pub(super) yields: bool,
    /// The whole status of an Ingress, which has none of the others.
    pub(super) ingress: Option<Value>,
    /// Of a policy: each of its rules.
    pub(super) rules: Vec<RuleStatus>,
    pub(super) preview: PreviewFacts,
}

/// What is told of a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PreviewFacts {
    /// Where it can be seen.
    pub(super) urls: Vec<PreviewUrl>,
    /// When it ends, in seconds since 1970.
    pub(super) expires_at: Option<u64>,
    /// By which people tell its key from others.
    pub(super) key_fingerprint: Option<String>,
    /// How it is used.
    pub(super) traffic: Option<Used>,
}

impl PreviewFacts {
    fn render(&self, status: &mut Value) {
        if !self.urls.is_empty() {
            let urls = self.urls.iter().map(|it| json!({ "entrypoint": it.entrypoint, "url": it.url }));
            status["urls"] = urls.collect();
        }
        let end = self.expires_at.and_then(|end| Timestamp::from_second(i64::try_from(end).ok()?).ok());
        if let Some(end) = end {
            status["expiresAt"] = json!(end.to_string());
        }
        if let Some(fingerprint) = &self.key_fingerprint {
            status["keyFingerprint"] = json!(fingerprint);
        }
        if let Some(traffic) = &self.traffic {
            status["traffic"] = json!(traffic);
        }
    }
}

impl Status {
    /// As JSON. A condition whose status is what it was keeps its time.
    pub(super) fn render(&self, before: &Seen, now: Timestamp) -> Value {
        if let Some(status) = &self.ingress {
            return status.clone();
        }
        let mut status = json!({});
        if let Some(Legacy { state, field, why }) = &self.legacy {
            status["state"] = json!(state);
            status[*field] = json!(why);
        }
        if self.legacy_only {
            return status;
        }
        let since = |condition: &Condition| before.since(condition.kind, condition.holds).unwrap_or(now);
        let conditions: Vec<_> =
            self.conditions.iter().map(|condition| condition.render(self.generation, since(condition))).collect();
        status["observedGeneration"] = json!(self.generation);
        status["conditions"] = json!(conditions);
        if !self.rules.is_empty() {
            let rules = self.rules.iter().map(|rule| rule.render(|condition| condition.render(self.generation, now)));
            status["rules"] = rules.collect();
        }
        self.preview.render(&mut status);
        status
    }

    /// The condition of this type, if there is one.
    pub(super) fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}

fn truth(holds: bool) -> &'static str {
    if holds { "True" } else { "False" }
}

/// Whole seconds, as `metav1.Time` has them.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// What a condition says, its time aside.
const SAID: &[&str] = &["status", "reason", "message", "observedGeneration"];

/// What the API server has, as far as it matters here: enough to tell whether it is what is to be said, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Of all that is ours, times aside.
    digest: u64,
    /// Of which generation of the object, if it says that.
    generation: Option<i64>,
    /// Status of each condition, and since when, in seconds.
    since: [Option<(bool, i64)>; ConditionType::ALL.len()],
}

impl Seen {
    /// Reads a status. What others write into it does not count.
    pub(super) fn read(kind: Kind, status: &Value) -> Self {
        let conditions = status.get("conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut digest = Xxh3::new();
        let mut since = [None; ConditionType::ALL.len()];
        for (kind, since) in ConditionType::ALL.into_iter().zip(&mut since) {
            let is_this = |condition: &&Value| condition.get("type").and_then(Value::as_str) == Some(kind.as_str());
            let Some(condition) = conditions.iter().find(is_this) else { continue };
            digest.update(kind.as_str().as_bytes());
            feed(&mut digest, condition, SAID);
            *since = read_since(condition);
        }
        feed(&mut digest, status, &["observedGeneration"]);
        feed(&mut digest, status, other_fields(kind));
        for rule in status.get("rules").and_then(Value::as_array).into_iter().flatten() {
            feed(&mut digest, rule, &["index", "host", "path"]);
            for condition in rule.get("conditions").and_then(Value::as_array).into_iter().flatten() {
                feed(&mut digest, condition, &["type"]);
                feed(&mut digest, condition, SAID);
            }
        }
        let generation = status.get("observedGeneration").and_then(Value::as_i64);
        Self { digest: digest.digest(), generation, since }
    }

    /// Whether it is said of this generation of the object.
    pub(super) fn is_of(&self, generation: i64) -> bool {
        self.generation == Some(generation)
    }

    /// Whether two say the same, whenever they began to.
    pub(super) fn says(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    fn since(&self, kind: ConditionType, holds: bool) -> Option<Timestamp> {
        let at = ConditionType::ALL.into_iter().position(|other| other == kind)?;
        let (before, since) = (*self.since.get(at)?)?;
        Timestamp::from_second(since).ok().filter(|_| before == holds)
    }
}

fn read_since(condition: &Value) -> Option<(bool, i64)> {
    let holds = match condition.get("status")?.as_str()? {
        "True" => true,
        "False" => false,
        _ => return None,
    };
    let time: Timestamp = condition.get("lastTransitionTime")?.as_str()?.parse().ok()?;
    Some((holds, time.as_second()))
}

fn feed(digest: &mut Xxh3, object: &Value, fields: &[&str]) {
    for field in fields {
        if let Some(value) = object.get(*field) {
            digest.update(field.as_bytes());
            digest.update(value.to_string().as_bytes());
        }
        digest.update(b"\n");
    }
}

/// What there is of a kind besides conditions.
fn other_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Mapping => &["state", "reason"],
        Kind::Host => &["state", "errorReason"],
        Kind::Ingress => &["loadBalancer"],
        Kind::Preview => &["urls", "expiresAt", "keyFingerprint", "traffic"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
