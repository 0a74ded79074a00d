//! What the status of a FilterPolicy says of each of its rules, where the original says it.

use nuncio_api::{Object, Problem, Remains, Spec};
use serde_json::{Value, json};

use super::condition::{Condition, ConditionType};
use super::desired::Facts;
use super::reasons::{Concern, concern};

/// Rules beyond which none is told of: the original's definitions take no more.
const MOST: usize = 64;

/// The aspects that a rule has by itself.
const ASPECTS: [ConditionType; 3] = [ConditionType::Accepted, ConditionType::ResolvedRefs, ConditionType::Programmed];

/// Which requests a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    host: String,
    path: String,
}

/// What is to be said of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleStatus {
    index: usize,
    reach: Reach,
    conditions: Vec<Condition>,
}

/// The rules of a policy that is in force, or of what can be read of one.
pub(super) fn reaches(object: &Object) -> Vec<Reach> {
    let policy = match &object.spec {
        Spec::FilterPolicy(policy) | Spec::Invalid(Remains::Rules(policy)) => policy,
        _ => return Vec::new(),
    };
    let reach = |rule: &nuncio_api::FilterRule| Reach { host: rule.host().to_owned(), path: rule.path().to_owned() };
    policy.rules.iter().map(reach).collect()
}

/// What is to be said of each rule of a policy.
pub(super) fn statuses(policy: &Facts) -> Vec<RuleStatus> {
    // A text that is wrong somewhere is not taken at all; what is wrong with a rule's Filters is that rule's alone.
    let is_of_text = |problem: &Problem| concern(problem) == Some(Concern::Object) && problem.reason != "InvalidRule";
    let of_text: Vec<_> = policy.problems.iter().filter(|problem| is_of_text(problem)).cloned().collect();
    let one = |(index, reach): (usize, &Reach)| {
        let own = of_rule(policy, index);
        let mut conditions = own.status().conditions;
        if !of_text.is_empty() {
            let whole = Facts { problems: of_text.clone(), ..own }.status();
            conditions.retain(|condition| condition.kind != ConditionType::Programmed);
            conditions.extend(whole.condition(ConditionType::Programmed).cloned());
        }
        conditions.retain(|condition| ASPECTS.contains(&condition.kind));
        RuleStatus { index, reach: reach.clone(), conditions }
    };
    policy.rules.iter().take(MOST).enumerate().map(one).collect()
}

/// What is known of a policy, without what is wrong with other rules.
fn of_rule(policy: &Facts, index: usize) -> Facts {
    let own = format!("spec.rules[{index}]");
    let is_own = |field: &str| field.strip_prefix(&own).is_some_and(|below| below.is_empty() || below.starts_with('.'));
    let is_of_another = |problem: &&Problem| problem.field.starts_with("spec.rules[") && !is_own(&problem.field);
    let problems = policy.problems.iter().filter(|problem| !is_of_another(problem)).cloned().collect();
    Facts { problems, rules: Vec::new(), ..policy.clone() }
}

impl RuleStatus {
    /// As JSON, with each condition as it is rendered.
    pub(super) fn render(&self, condition: impl Fn(&Condition) -> Value) -> Value {
        let conditions: Vec<_> = self.conditions.iter().map(condition).collect();
        json!({ "index": self.index, "host": self.reach.host, "path": self.reach.path, "conditions": conditions })
    }
}

/// Gives each condition of `rules` the time that it had `before`, if its status is what it was.
pub(super) fn keep_times(rules: &mut Value, before: &Value) {
    for rule in rules.as_array_mut().into_iter().flatten() {
        let known = items(before).find(|known| known["index"] == rule["index"]).map(|known| &known["conditions"]);
        for condition in rule["conditions"].as_array_mut().into_iter().flatten() {
            let is_same = |known: &&Value| ["type", "status"].iter().all(|key| known[*key] == condition[*key]);
            if let Some(same) = known.and_then(|known| items(known).find(is_same)) {
                condition["lastTransitionTime"] = same["lastTransitionTime"].clone();
            }
        }
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::super::condition::PreviewFacts;
    use super::super::desired::Delivery;
    use super::*;

    fn policy(problems: Vec<Problem>) -> Vec<RuleStatus> {
        let reach = |path: &str| Reach { host: "*".to_owned(), path: path.to_owned() };
        let facts = Facts {
            kind: Kind::FilterPolicy,
            generation: 1,
            problems,
            delivery: Delivery::Everywhere,
            in_force: false,
            reached: None,
            rules: vec![reach("/a/*"), reach("/b/*")],
            preview: PreviewFacts::default(),
            shared: false,
        };
        facts.status().rules
    }

    fn words(rule: &RuleStatus) -> Vec<String> {
        rule.conditions.iter().map(|it| format!("{}={}/{}", it.kind.as_str(), it.holds, it.reason)).collect()
    }

    const FINE: [&str; 3] = ["Accepted=true/Accepted", "ResolvedRefs=true/ResolvedRefs", "Programmed=true/Programmed"];

    #[test]
    fn a_filter_that_is_missing_is_that_rules_matter() {
        let missing = Problem::error("FilterNotFound", "spec.rules[1].filters[0]", "there is no Filter x");
        let [first, second] = &policy(vec![missing])[..] else { panic!() };
        assert_eq!(words(first), FINE);
        assert_eq!(
            words(second),
            ["Accepted=true/Accepted", "ResolvedRefs=false/FilterNotFound", "Programmed=false/Invalid"]
        );
    }

    #[test]
    fn a_text_that_is_wrong_keeps_every_rule_back() {
        let wrong = Problem::error("InvalidValue", "spec.rules[0].path", "is no glob");
        let [first, second] = &policy(vec![wrong])[..] else { panic!() };
        assert_eq!(words(first)[0], "Accepted=false/InvalidValue");
        assert_eq!(words(second), [FINE[0], FINE[1], "Programmed=false/Invalid"]);
    }

    #[test]
    fn times_are_kept_by_rule() {
        let rules = |status: &str, time: u8| json!([{ "index": 1, "conditions": [{ "type": "Accepted", "status": status, "lastTransitionTime": time }] }]);
        let mut same = rules("True", 2);
        keep_times(&mut same, &rules("True", 1));
        assert_eq!(same, rules("True", 1));
        let mut other = rules("False", 2);
        keep_times(&mut other, &rules("True", 1));
        keep_times(&mut other, &Value::Null);
        assert_eq!(other, rules("False", 2));
    }
}
