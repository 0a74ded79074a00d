//! What is said of objects, and in which words.

use super::words::LONGEST;
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
        preview: PreviewFacts::default(),
        shared: false,
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
    let why = facts.status().legacy.unwrap().why;
    assert!(why.ends_with("Until then its requests are answered 503."), "nothing stays as it was: {why}");
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
    assert_eq!(conditions, ["Accepted=true/Accepted", "ResolvedRefs=false/NoEndpoints", "Programmed=true/Programmed"]);
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
fn an_instance_that_only_waits_yields_to_the_others_that_an_object_is_for() {
    let unclaimed = Problem::warning("NoMatchingHost", "spec.hostname", "serves nothing: no Host takes it");
    let refused = Problem::error("RefusedByProxy", "", "Envoy refused it");
    let yields = |problem: Option<&Problem>, shared| {
        let problems = problem.cloned().into_iter().collect();
        Facts { shared, ..facts(problems, Delivery::Everywhere) }.status().yields
    };
    assert!(yields(Some(&unclaimed), true) && !yields(Some(&unclaimed), false));
    assert!(!yields(None, true) && !yields(Some(&refused), true));
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
    let state = |problems, delivery| Facts { kind: Kind::Host, ..facts(problems, delivery) }.status().legacy.unwrap();
    assert_eq!(state(Vec::new(), Delivery::Everywhere).state, "Ready");
    assert_eq!(state(Vec::new(), Delivery::Pending).state, "Pending");
    let error = state(vec![Problem::error("InvalidTLSSecret", "spec.tlsSecret", "is missing")], Delivery::Everywhere);
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
