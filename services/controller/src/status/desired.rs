//! What is to be said of an object, from what is known of it. Pure: the same facts are the same status.

mod words;

use nuncio_api::{Kind, Problem, Severity};
use serde_json::Value;

use self::words::{attach, list, mend, shorten};
use super::condition::{Condition, ConditionType, Legacy, PreviewFacts, Status};
use super::reasons::{Concern, concern};
use super::rules::{self, Reach};

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    /// The `metadata.generation` that was taken in.
    pub(super) generation: i64,
    pub(super) problems: Vec<Problem>,
    pub(super) delivery: Delivery,
    /// Something of it, or of what it was before it broke, is in force.
    pub(super) in_force: bool,
    /// Of an Ingress: the status that says where it is reached, if that is known.
    pub(super) reached: Option<Value>,
    /// Of a policy: its rules.
    pub(super) rules: Vec<Reach>,
    pub(super) preview: PreviewFacts,
    /// It is for other instances too.
    pub(super) shared: bool,
}

/// How far an object has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// There is nobody to have it.
    Nobody,
    /// Some of them do not have it yet.
    Pending,
    /// Envoy refused something that it shares with others, and nobody is to blame: its words.
    Held(String),
    /// All of them have it.
    Everywhere,
}

/// Why an object is not, or not wholly, in force.
struct Fault {
    reason: &'static str,
    message: String,
    /// Whether it passes without a change of the object.
    passes: bool,
}

impl Facts {
    /// Whether it is only a matter of time, most often of milliseconds, until there is something better to say.
    pub(super) fn is_on_its_way(&self) -> bool {
        let passing = ["Pending", "NoEnvoy", "NoRateLimitService", "NoAuthenticationService"];
        self.fault().is_some_and(|fault| passing.contains(&fault.reason))
    }

    /// Who has to have it.
    fn audience(&self) -> &'static str {
        match self.kind {
            Kind::RateLimit => "rate limit service",
            kind if kind.is_filter() || kind.is_filter_policy() => "authentication service",
            _ => "Envoy",
        }
    }

    /// What is to be said.
    pub(super) fn status(&self) -> Status {
        let fault = self.fault();
        let mut conditions = vec![self.accepted(), self.resolved(), self.programmed(fault.as_ref())];
        conditions.extend(fault.as_ref().map(summary));
        Status {
            generation: self.generation,
            conditions,
            legacy: self.legacy(fault.as_ref()),
            legacy_only: false,
            // Where it waits for something, it may be in force elsewhere.
            shared: self.shared,
            yields: self.shared && fault.as_ref().is_some_and(|fault| fault.passes),
            ingress: self.reached.clone(),
            rules: rules::statuses(self),
            preview: self.preview.clone(),
        }
    }

    fn of(&self, wanted: Concern) -> impl Iterator<Item = &Problem> + Clone {
        self.problems.iter().filter(move |problem| concern(problem) == Some(wanted))
    }

    fn accepted(&self) -> Condition {
        if let Some(first) = self.of(Concern::Object).next() {
            let (wrong, meanwhile) = (list(self.of(Concern::Object)), self.meanwhile());
            let message = format!("{wrong}. Correct this and apply the {} again; {meanwhile}.", self.kind);
            return condition(ConditionType::Accepted, false, first.reason, message);
        }
        let warnings = self.problems.iter().filter(|problem| concern(problem).is_none());
        let message = match warnings.clone().next() {
            None => format!("The {} is valid.", self.kind),
            Some(_) => format!("The {} is valid, but part of it has no effect: {}.", self.kind, list(warnings)),
        };
        condition(ConditionType::Accepted, true, "Accepted", message)
    }

    /// What happens until what is wrong is right.
    fn meanwhile(&self) -> &'static str {
        match self.kind {
            _ if self.in_force => "what was valid before stays in force",
            kind if kind.is_filter() => "until then it lets nobody in",
            kind if kind.is_filter_policy() => "until then the requests that it is for are refused",
            _ => "until then it serves nothing",
        }
    }

    fn resolved(&self) -> Condition {
        let kind = ConditionType::ResolvedRefs;
        match self.of(Concern::Reference).next() {
            Some(first) => {
                let wrong = list(self.of(Concern::Reference));
                condition(kind, false, first.reason, format!("{wrong}. {}.", mend(first)))
            }
            None => condition(kind, true, "ResolvedRefs", "Everything that it names is there.".to_owned()),
        }
    }

    fn programmed(&self, fault: Option<&Fault>) -> Condition {
        let kind = ConditionType::Programmed;
        match fault {
            None => {
                condition(kind, true, "Programmed", format!("Every {} of the leading replica has it.", self.audience()))
            }
            Some(fault) => condition(kind, false, fault.reason, fault.message.clone()),
        }
    }

    fn fault(&self) -> Option<Fault> {
        let still = if self.in_force { " What was in force before stays." } else { self.until_then() };
        let fault = |reason, message, passes| Some(Fault { reason, message, passes });
        if let Some(problem) = self.of(Concern::Object).next() {
            return fault("Invalid", format!("It is not valid: {problem}.{still}"), false);
        }
        if let Some(problem) = self.of(Concern::Proxy).next() {
            let message = format!("{problem}. Change what Envoy complains about and apply the {} again.", self.kind);
            return fault("RefusedByProxy", message, false);
        }
        let broken = |problem: &&Problem| problem.severity == Severity::Error;
        if let Some(problem) = self.of(Concern::Reference).find(broken) {
            let until_then = self.until_then_of_what_it_names();
            let message = format!("Something that it names is missing or broken: {problem}.{until_then}");
            return fault("Invalid", message, true);
        }
        if let Some(problem) = self.of(Concern::Attachment).next() {
            return fault(problem.reason, format!("It {}. {}.", problem.message, attach(problem)), true);
        }
        match &self.delivery {
            Delivery::Everywhere => None,
            Delivery::Nobody => {
                let reason = match self.kind {
                    Kind::RateLimit => "NoRateLimitService",
                    kind if kind.is_filter() || kind.is_filter_policy() => "NoAuthenticationService",
                    _ => "NoEnvoy",
                };
                fault(
                    reason,
                    format!("No {} is connected to the leading replica that could have it.", self.audience()),
                    true,
                )
            }
            Delivery::Pending => fault(
                "Pending",
                format!("Not every {} of the leading replica has acknowledged it yet.", self.audience()),
                true,
            ),
            Delivery::Held(words) => {
                let message = format!(
                    "Envoy refused a change that it is part of, and no single object is to blame: {words}.{still}"
                );
                fault("RefusedByProxy", message, true)
            }
        }
    }

    /// What happens to what an object is for while it cannot be used.
    fn until_then(&self) -> &'static str {
        match self.kind {
            kind if kind.is_filter() => " Until then it lets nobody in.",
            kind if kind.is_filter_policy() => " Until then the requests that it is for are refused.",
            _ => "",
        }
    }

    /// The same while something cannot be used that it names: then nothing stays as it was.
    fn until_then_of_what_it_names(&self) -> &'static str {
        match self.kind {
            Kind::Mapping => " Until then its requests are answered 503.",
            _ => self.until_then(),
        }
    }

    fn legacy(&self, fault: Option<&Fault>) -> Option<Legacy> {
        let why = shorten(fault.map(|fault| fault.message.clone()).unwrap_or_default());
        let (field, state) = match (self.kind, fault) {
            (Kind::Mapping, None) => ("reason", "Running"),
            (Kind::Mapping, Some(_)) => ("reason", "Inactive"),
            (Kind::Host, None) => ("errorReason", "Ready"),
            (Kind::Host, Some(fault)) if matches!(fault.reason, "Pending" | "NoEnvoy") => ("errorReason", "Pending"),
            (Kind::Host, Some(_)) => ("errorReason", "Error"),
            _ => return None,
        };
        Some(Legacy { state, field, why })
    }
}

/// For kstatus: what waits for others is on its way, what has to be changed has failed.
fn summary(fault: &Fault) -> Condition {
    let kind = if fault.passes { ConditionType::Reconciling } else { ConditionType::Stalled };
    condition(kind, true, fault.reason, fault.message.clone())
}

fn condition(kind: ConditionType, holds: bool, reason: &'static str, message: String) -> Condition {
    Condition { kind, holds, reason, message: shorten(message) }
}

#[cfg(test)]
mod tests;
