//! Rule sets, compiled; which rule a request falls under.

use std::sync::Arc;

use nuncio_ir::auth::{Arguments, FilterId, FilterRef, OnAllow, OnDeny, RuleSet};

use crate::{Condition, Glob, InvalidCondition, Request, Requirement, path};

/// A compiled rule set.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// Where it stands, for people.
    pub origin: Arc<str>,
    /// As written.
    pub pattern: Arc<str>,
    path: Glob,
    /// The same where the pattern is decoded, as a liberal reading is.
    decoded: Glob,
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
        let compile = |rule: &nuncio_ir::auth::Rule| {
            let invalid = |reason: String| InvalidRule { origin: rule.origin.clone(), reason };
            Ok(Rule {
                origin: rule.origin.clone(),
                pattern: rule.path.clone(),
                path: Glob::new(&rule.path),
                decoded: Glob::new(&path::decode(&rule.path).unwrap_or_else(|| rule.path.as_ref().to_owned())),
                steps: steps(&rule.filters).map_err(invalid)?,
            })
        };
        Ok(Self { rules: set.rules.iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// The first rule that the path falls under.
    ///
    /// Where the path as the most liberal server would read it falls under another one, neither is chosen. A path that
    /// falls under none falls under the first that it would match if upper and lower case were the same: a server that
    /// does not distinguish them must not be reached around the rules.
    #[must_use]
    pub fn find(&self, request: &Request) -> Match<'_> {
        let plain = self.first(|rule| rule.path.matches(request.path()));
        let Some(liberal) = path::liberal(request.path()) else { return Match::Ambiguous };
        if liberal != request.path() {
            let other = self.first(|rule| rule.path.matches(&liberal) || rule.decoded.matches(&liberal));
            if other.map(|(index, _)| index) != plain.map(|(index, _)| index) {
                return Match::Ambiguous;
            }
        }
        let folded = || self.first(|rule| rule.path.matches_in_any_case(request.path()));
        plain.or_else(folded).map_or(Match::Open, |(_, rule)| Match::Rule(rule))
    }

    fn first(&self, matches: impl Fn(&Rule) -> bool) -> Option<(usize, &Rule)> {
        self.rules.iter().enumerate().find(|(_, rule)| matches(rule))
    }

    /// Every filter that is named.
    pub fn filters(&self) -> impl Iterator<Item = &FilterId> {
        self.rules.iter().flat_map(|rule| rule.steps.iter()).map(|step| &step.filter)
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

    fn rules(paths: &[&str]) -> Rules {
        let rules: Vec<_> = paths.iter().map(|path| json!({ "origin": path, "path": path })).collect();
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

    /// Cases 11, 12, 14 and 15.
    #[test]
    fn no_spelling_leads_around_a_rule() {
        let rules = rules(&["/public/*", "/admin*", "*.css"]);
        assert_eq!(found(&rules, "/admin?x=/public/"), "/admin*");
        assert_eq!(found(&rules, "/x?y.css"), "open");
        assert_eq!(found(&rules, "/admin;x=1"), "/admin*");
        assert_eq!(found(&rules, "/ADMIN"), "/admin*");
        assert_eq!(found(&rules, "/x;/admin.css"), "*.css");
        for target in ["/public/..;/admin", "/%61dmin", "/public/%2e%2e/admin", "/x%2f..%2fadmin"] {
            assert_eq!(found(&rules, target), "ambiguous", "{target}");
        }
    }
}
