//! What is to be said of an object, from what is known of it. Pure: the same facts are the same status.

use nuncio_api::{Kind, Problem, Severity};

use serde_json::Value;

use super::condition::{Condition, ConditionType, Legacy, Status};
use super::reasons::{Concern, concern};
use super::rules::{self, Reach};

/// Longest message, in bytes. The schema allows 32 KiB; nobody reads that.
const LONGEST: usize = 4096;

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
            ingress: self.reached.clone(),
            rules: rules::statuses(self),
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
            None => condition(kind, true, "Programmed", format!("Every connected {} has it.", self.audience())),
            Some(fault) => condition(kind, false, fault.reason, fault.message.clone()),
        }
    }

    fn fault(&self) -> Option<Fault> {
        let still = match self.kind {
            _ if self.in_force => " What was in force before stays.",
            kind if kind.is_filter() => " Until then it lets nobody in.",
            kind if kind.is_filter_policy() => " Until then the requests that it is for are refused.",
            _ => "",
        };
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
            return fault("Invalid", format!("Something that it names is missing or broken: {problem}.{still}"), true);
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
                fault(reason, format!("No {} is connected that could have it.", self.audience()), true)
            }
            Delivery::Pending => {
                fault("Pending", format!("Not every connected {} has acknowledged it yet.", self.audience()), true)
            }
            Delivery::Held(words) => {
                let message = format!(
                    "Envoy refused a change that it is part of, and no single object is to blame: {words}.{still}"
                );
                fault("RefusedByProxy", message, true)
            }
        }
    }

    fn legacy(&self, fault: Option<&Fault>) -> Option<Legacy> {
        let why = fault.map(|fault| fault.message.clone()).unwrap_or_default();
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

/// What to do where something that an object names is of no use.
fn mend(problem: &Problem) -> &'static str {
    match problem.reason {
        "InvalidFilter" => "Correct that Filter: its own status says how",
        _ => "Create what is missing or correct the name",
    }
}

/// What to do where nothing leads to an object.
fn attach(problem: &Problem) -> &'static str {
    match problem.reason {
        "HostNotUsable" => "Correct that Host",
        "NoAuthenticationService" => {
            "Run `nuncio up`, which decides by itself, or name the service that does (--authz)"
        }
        "NoHosts" => "Create a Host that its hostBinding selects, or widen hostBinding",
        _ => "Create what it lacks, or correct its hostname or labels",
    }
}

fn condition(kind: ConditionType, holds: bool, reason: &'static str, message: String) -> Condition {
    Condition { kind, holds, reason, message: shorten(message) }
}

/// Every problem, each with its field.
fn list<'a>(problems: impl Iterator<Item = &'a Problem>) -> String {
    let mut text = String::new();
    for problem in problems {
        if text.len() > LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&problem.to_string());
    }
    text
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(problems: Vec<Problem>, delivery: Delivery) -> Facts {
        Facts {
            kind: Kind::Mapping,
            generation: 7,
            problems,
            delivery,
            in_force: true,
            reached: None,
            rules: Vec::new(),
        }
    }

    /// `Accepted=True/Accepted …`, and the state.
    fn words(facts: &Facts) -> (Vec<String>, &'static str) {
        let status = facts.status();
        let word = |it: &Condition| format!("{}={}/{}", it.kind.as_str(), it.holds, it.reason);
        (status.conditions.iter().map(word).collect(), status.legacy.unwrap().state)
    }

    #[test]
    fn an_object_without_problems_is_programmed_once_every_envoy_has_it() {
        let everywhere = words(&facts(Vec::new(), Delivery::Everywhere));
        assert_eq!(
            everywhere,
            (
                vec![
                    "Accepted=true/Accepted".into(),
                    "ResolvedRefs=true/ResolvedRefs".into(),
                    "Programmed=true/Programmed".into()
                ],
                "Running"
            )
        );
        for (delivery, reason) in [(Delivery::Pending, "Pending"), (Delivery::Nobody, "NoEnvoy")] {
            let facts = facts(Vec::new(), delivery);
            assert!(facts.is_on_its_way());
            let (conditions, state) = words(&facts);
            assert_eq!(conditions[2..], [format!("Programmed=false/{reason}"), format!("Reconciling=true/{reason}")]);
            assert_eq!(state, "Inactive");
        }
    }

    #[test]
    fn an_invalid_object_says_what_to_change_and_what_is_in_force_meanwhile() {
        let problem = Problem::error("InvalidPrefix", "spec.prefix", "has to begin with /");
        let mut facts = facts(vec![problem], Delivery::Everywhere);
        let (conditions, state) = words(&facts);
        assert_eq!(
            conditions,
            [
                "Accepted=false/InvalidPrefix",
                "ResolvedRefs=true/ResolvedRefs",
                "Programmed=false/Invalid",
                "Stalled=true/Invalid"
            ]
        );
        assert_eq!(state, "Inactive");
        let message = |facts: &Facts| facts.status().conditions[0].message.clone();
        assert_eq!(
            message(&facts),
            "spec.prefix: has to begin with /. Correct this and apply the Mapping again; what was valid before stays in force."
        );
        facts.in_force = false;
        assert!(message(&facts).ends_with("until then it serves nothing."));
    }

    #[test]
    fn what_is_missing_is_waited_for() {
        let problem = Problem::error("ResolverNotFound", "spec.resolver", "there is no resolver called `x`");
        let facts = facts(vec![problem], Delivery::Everywhere);
        assert!(!facts.is_on_its_way(), "that may take long: it is said at once");
        assert_eq!(
            words(&facts).0,
            [
                "Accepted=true/Accepted",
                "ResolvedRefs=false/ResolverNotFound",
                "Programmed=false/Invalid",
                "Reconciling=true/Invalid"
            ]
        );
    }

    #[test]
    fn a_service_without_endpoints_is_programmed_all_the_same() {
        let problem = Problem::warning("NoEndpoints", "spec.service", "the Service x has no endpoints");
        let (conditions, state) = words(&facts(vec![problem], Delivery::Everywhere));
        assert_eq!(
            conditions,
            ["Accepted=true/Accepted", "ResolvedRefs=false/NoEndpoints", "Programmed=true/Programmed"]
        );
        assert_eq!(state, "Running");
    }

    #[test]
    fn a_mapping_that_no_host_takes_is_valid_and_serves_nothing() {
        let problem = Problem::warning("NoMatchingHost", "spec.hostname", "serves nothing: no Host takes it");
        let (conditions, state) = words(&facts(vec![problem], Delivery::Everywhere));
        assert_eq!(conditions[0], "Accepted=true/Accepted");
        assert_eq!(conditions[2..], ["Programmed=false/NoMatchingHost", "Reconciling=true/NoMatchingHost"]);
        assert_eq!(state, "Inactive");
    }

    #[test]
    fn the_words_of_envoy_are_told() {
        let problem = Problem::error("RefusedByProxy", "", "Envoy refused it: no argument for repetition operator: *");
        let status = facts(vec![problem], Delivery::Everywhere).status();
        let programmed = status.condition(ConditionType::Programmed).unwrap();
        assert_eq!((programmed.holds, programmed.reason), (false, "RefusedByProxy"));
        assert!(programmed.message.contains("no argument for repetition operator"));
        assert!(status.condition(ConditionType::Accepted).unwrap().holds);
        assert!(status.condition(ConditionType::Stalled).is_some());
    }

    #[test]
    fn warnings_are_told_without_harm() {
        let problem = Problem::warning("UnknownField", "spec.prefx", "is not known");
        let status = facts(vec![problem], Delivery::Everywhere).status();
        let accepted = status.condition(ConditionType::Accepted).unwrap();
        assert!(accepted.holds && accepted.message.contains("spec.prefx"), "{}", accepted.message);
    }

    #[test]
    fn a_host_has_the_states_of_the_original() {
        let state =
            |problems, delivery| Facts { kind: Kind::Host, ..facts(problems, delivery) }.status().legacy.unwrap();
        assert_eq!(state(Vec::new(), Delivery::Everywhere).state, "Ready");
        assert_eq!(state(Vec::new(), Delivery::Pending).state, "Pending");
        let error =
            state(vec![Problem::error("InvalidTLSSecret", "spec.tlsSecret", "is missing")], Delivery::Everywhere);
        assert_eq!((error.state, error.field), ("Error", "errorReason"));
        assert!(error.why.contains("spec.tlsSecret"));
    }

    #[test]
    fn messages_are_bounded() {
        let problems = (0..1000).map(|n| Problem::error("InvalidValue", format!("spec.é{n}"), "is wrong")).collect();
        for condition in facts(problems, Delivery::Everywhere).status().conditions {
            assert!(condition.message.len() <= LONGEST + '…'.len_utf8());
        }
    }
}
