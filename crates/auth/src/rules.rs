//! Rule sets, compiled; which rule a request falls under.

use std::borrow::Cow;
use std::sync::Arc;

use nuncio_expr::Requirement;
use nuncio_ir::auth::{Arguments, FilterId, FilterRef, OnAllow, OnDeny, RuleSet};

use crate::{Condition, Glob, InvalidCondition, Request, path};

/// A compiled rule set.
#[derive(Debug)]
pub struct Rules {
    gate: Arc<[Step]>,
    rules: Vec<Rule>,
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// Its place in the set.
    pub index: usize,
    /// Where it stands, for people.
    pub origin: Arc<str>,
    /// As written.
    pub pattern: Arc<str>,
    path: Glob,
    /// The same where the pattern is decoded, as a liberal reading is.
    decoded: Glob,
    /// And without its case.
    folded: Glob,
    /// The first rule with the same filters.
    alike: usize,
    /// What a request passes.
    pub steps: Arc<[Step]>,
}

/// A filter with how a rule uses it, compiled.
#[derive(Debug)]
pub struct Step {
    /// Which.
    pub filter: FilterId,
    /// Skip it unless this holds.
    pub condition: Option<Condition>,
    /// What follows a denial.
    pub on_deny: OnDeny,
    /// What follows an approval.
    pub on_allow: OnAllow,
    /// What it is told.
    pub arguments: Arguments,
    /// `arguments.require`, compiled.
    pub require: Option<Requirement>,
    /// `arguments.instead_of_redirect`, compiled.
    pub instead: Option<Instead>,
}

/// When a login is not begun, and what decides then.
#[derive(Debug)]
pub struct Instead {
    /// Requests for which this holds; all where absent.
    pub condition: Option<Condition>,
    /// The answer's status.
    pub status: u16,
    /// What decides instead, unless empty.
    pub steps: Arc<[Step]>,
}

impl Instead {
    /// Whether that is so for a request.
    #[must_use]
    pub fn applies(&self, request: &Request) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(request))
    }
}

/// Why a rule set cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: {reason}")]
pub struct InvalidRule {
    /// Which rule.
    pub origin: Arc<str>,
    /// What is wrong.
    pub reason: String,
}

/// Which rule a request falls under.
#[derive(Debug)]
pub enum Match<'a> {
    /// This.
    Rule(&'a Rule),
    /// None: it is let through.
    Open,
    /// It depends on how the path is read: it is refused.
    Ambiguous,
}

impl Rules {
    /// Compiles a set.
    ///
    /// # Errors
    /// When a condition or an expression does not compile.
    pub fn new(set: &RuleSet) -> Result<Self, InvalidRule> {
        let compile = |(index, rule): (usize, &nuncio_ir::auth::Rule)| {
            let invalid = |reason: String| InvalidRule { origin: rule.origin.clone(), reason };
            let path = if set.whole { "*" } else { &*rule.path };
            let decoded = path::decode(path).unwrap_or(Cow::Borrowed(path));
            Ok(Rule {
                index,
                origin: rule.origin.clone(),
                pattern: rule.path.clone(),
                path: Glob::new(path),
                folded: Glob::new(&decoded.to_lowercase()),
                decoded: Glob::new(&decoded),
                alike: set.rules.iter().position(|other| other.filters == rule.filters).unwrap_or_default(),
                steps: steps(&rule.filters).map_err(invalid)?,
            })
        };
        let gate = steps(&set.gate).map_err(|reason| InvalidRule { origin: "gate".into(), reason })?;
        Ok(Self { gate, rules: set.rules.iter().enumerate().map(compile).collect::<Result<_, _>>()? })
    }

    /// What every request passes before any rule.
    #[must_use]
    pub fn gate(&self) -> &Arc<[Step]> {
        &self.gate
    }

    /// The first rule that the path falls under.
    ///
    /// Where the path as the most liberal server would read it falls under another one, neither is chosen. Upper and lower
    /// case are told apart, yet a server that does not distinguish them must not be reached around the rules: where the path
    /// without its case falls under another rule, the one of both that lets nobody through unasked counts; and neither, where
    /// both ask, and not for the same.
    #[must_use]
    pub fn find(&self, request: &Request) -> Match<'_> {
        let plain = self.first(|rule| rule.path.matches(request.path()));
        let Some(liberal) = path::liberal(request.path()) else { return Match::Ambiguous };
        if liberal != request.path() {
            let other = self.first(|rule| rule.path.matches(&liberal) || rule.decoded.matches(&liberal));
            if other.map(|rule| rule.index) != plain.map(|rule| rule.index) {
                return Match::Ambiguous;
            }
        }
        let lower = liberal.to_lowercase();
        let folded = self.first(|rule| rule.folded.matches(&lower)).filter(|rule| rule.asks());
        match (plain, folded) {
            (Some(plain), Some(folded)) if plain.asks() && plain.alike != folded.alike => Match::Ambiguous,
            (Some(plain), _) if plain.asks() => Match::Rule(plain),
            (plain, folded) => folded.or(plain).map_or(Match::Open, Match::Rule),
        }
    }

    fn first(&self, matches: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        self.rules.iter().find(|rule| matches(rule))
    }

    /// Every filter that is named.
    pub fn filters(&self) -> impl Iterator<Item = &FilterId> {
        let of_rules = self.rules.iter().flat_map(|rule| rule.steps.iter());
        self.gate.iter().chain(of_rules).map(|step| &step.filter)
    }
}

impl Rule {
    /// Whether the path is one that the rule was written for, wherever that is looked at.
    #[must_use]
    pub fn is_for(&self, path: &str) -> bool {
        Glob::new(&self.pattern).matches(path)
    }

    /// Whether it lets nobody through unasked.
    fn asks(&self) -> bool {
        !self.steps.is_empty()
    }
}

fn steps(filters: &[FilterRef]) -> Result<Arc<[Step]>, String> {
    filters.iter().map(step).collect()
}

fn step(used: &FilterRef) -> Result<Step, String> {
    let condition = |condition: &Option<_>| condition.as_ref().map(Condition::new).transpose();
    let name = |error: InvalidCondition| format!("{}: {error}", used.filter);
    let arguments = &used.arguments;
    let instead = |instead: &nuncio_ir::auth::InsteadOfRedirect| {
        Ok::<_, String>(Instead {
            condition: condition(&instead.if_request_header).map_err(name)?,
            status: instead.status,
            steps: steps(&instead.filters)?,
        })
    };
    Ok(Step {
        filter: used.filter.clone(),
        condition: condition(&used.if_request_header).map_err(name)?,
        on_deny: used.on_deny,
        on_allow: used.on_allow,
        require: arguments
            .require
            .as_deref()
            .map(Requirement::new)
            .transpose()
            .map_err(|error| format!("{}: {error}", used.filter))?,
        instead: arguments.instead_of_redirect.as_ref().map(instead).transpose()?,
        arguments: arguments.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Rules for these paths. What follows a space is the filter that a rule asks.
    fn rules(rules: &[&str]) -> Rules {
        let rules = rules.iter().map(|rule| {
            let (path, filter) = rule.split_once(' ').unwrap_or((rule, ""));
            let filters: Vec<_> = (!filter.is_empty()).then(|| json!({ "filter": filter })).into_iter().collect();
            json!({ "origin": path, "path": path, "filters": filters })
        });
        let rules: Vec<_> = rules.collect();
        Rules::new(&serde_json::from_value(json!({ "id": "s", "rules": rules })).unwrap()).unwrap()
    }

    fn found(rules: &Rules, target: &str) -> String {
        match rules.find(&Request::new("GET", "https", "a", target)) {
            Match::Rule(rule) => rule.origin.as_ref().to_owned(),
            Match::Open => "open".to_owned(),
            Match::Ambiguous => "ambiguous".to_owned(),
        }
    }

    #[test]
    fn the_first_that_matches_decides() {
        let rules = rules(&["/public/*", "/admin*"]);
        assert_eq!(found(&rules, "/public/x"), "/public/*");
        assert_eq!(found(&rules, "/x"), "open");
    }

    #[test]
    fn patterns_may_be_encoded() {
        let rules = rules(&["/a%20b/*", "*"]);
        assert_eq!(found(&rules, "/a%20b/c%20d"), "/a%20b/*");
        assert_eq!(found(&rules, "/c%20d"), "*");
    }

    #[test]
    fn where_all_paths_are_the_rules_none_is_looked_at() {
        let set = json!({ "id": "s", "whole": true, "rules": [{ "origin": "p", "path": "/admin/*" }] });
        let rules = Rules::new(&serde_json::from_value(set).unwrap()).unwrap();
        let Match::Rule(rule) = rules.find(&Request::new("GET", "https", "a", "/x")) else { panic!() };
        assert!(rule.is_for("/admin/x") && !rule.is_for("/x"));
    }

    /// Cases 11, 12, 14 and 15.
    #[test]
    fn no_spelling_leads_around_a_rule() {
        let rules = rules(&["/public/*", "/admin* keys", "*.css"]);
        assert_eq!(found(&rules, "/admin?x=/public/"), "/admin*");
        assert_eq!(found(&rules, "/x?y.css"), "open");
        assert_eq!(found(&rules, "/admin;x=1"), "/admin*");
        assert_eq!(found(&rules, "/x;/admin.css"), "*.css");
        for target in ["/public/..;/admin", "/%61dmin", "/public/%2e%2e/admin", "/x%2f..%2fadmin"] {
            assert_eq!(found(&rules, target), "ambiguous", "{target}");
        }
    }

    /// Case 12.
    #[test]
    fn no_case_leads_around_a_rule() {
        let alone = rules(&["/public/*", "/admin* keys"]);
        let before_all = rules(&["/public/*", "/admin* keys", "*"]);
        for target in ["/ADMIN", "/Admin/x", "/%41dmin", "/a%44min"] {
            assert_eq!(found(&alone, target), "/admin*", "{target}");
            assert_eq!(found(&before_all, target), "/admin*", "{target}");
        }
        assert_eq!(found(&before_all, "/x"), "*");
        // What is let through is let through as it is written.
        let exempt = rules(&["/public/*", "* keys"]);
        assert_eq!(
            (found(&exempt, "/PUBLIC/x"), found(&exempt, "/public/X")),
            ("*".to_owned(), "/public/*".to_owned())
        );
        assert_eq!(
            found(&rules(&["/admin* keys", "* login"]), "/ADMIN"),
            "ambiguous",
            "who has a key need not be logged in"
        );
        assert_eq!(found(&rules(&["/admin* login", "* login"]), "/ADMIN"), "*", "both ask for the same");
    }
}
