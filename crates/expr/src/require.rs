//! Conditions on claims, in the Common Expression Language.

mod shape;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::{Context, Program, Value};
use serde_json::Value as Json;

/// The longest expression in bytes; its depth follows from it.
const LONGEST: usize = 4_096;
/// How deep parentheses and the like may go: the parser calls itself for each.
const DEEPEST: usize = 32;
/// How many loops over lists there may be: what each does may be multiplied by what the others do.
const MOST_LOOPS: usize = 3;

/// A compiled condition.
pub struct Requirement {
    source: String,
    program: Program,
}

/// An expression that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequirement {
    /// It is larger than any that is meant.
    #[error(
        "the expression is longer than {LONGEST} bytes, deeper than {DEEPEST} levels or has more than {MOST_LOOPS} loops"
    )]
    TooLarge,
    /// It does not compile.
    #[error("the expression does not compile: {0}")]
    Syntax(String),
}

impl std::fmt::Debug for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Requirement").field(&self.source).finish()
    }
}

impl Requirement {
    /// Compiles an expression over `claims`.
    ///
    /// # Errors
    /// When it is too large or does not compile.
    pub fn new(source: &str) -> Result<Self, InvalidRequirement> {
        if source.len() > LONGEST || shape::depth(source) > DEEPEST || shape::loops(source) > MOST_LOOPS {
            return Err(InvalidRequirement::TooLarge);
        }
        let compiled = catch_unwind(|| Program::compile(source).map_err(|error| in_a_line(&error.to_string())));
        let program =
            compiled.unwrap_or_else(|_| Err("the parser gave up".to_owned())).map_err(InvalidRequirement::Syntax)?;
        Ok(Self { source: source.to_owned(), program })
    }

    /// What it asks for instead of `claims`, which is all that there is.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        let asked = self.program.references();
        // Beside it there may be the variables of loops.
        let first = asked.variables().into_iter().filter(|_| !asked.has_variable("claims")).min();
        first.map(str::to_owned)
    }

    /// Whether it is true of the claims. Anything else, errors included, is no.
    ///
    /// # Errors
    /// With a sentence for `explain` when it is not true.
    pub fn holds(&self, claims: &Json) -> Result<(), String> {
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context::default();
            context.add_variable("claims", claims).map_err(|error| error.to_string())?;
            self.program.execute(&context).map_err(|error| error.to_string())
        }));
        match evaluated.unwrap_or_else(|_| Err("the evaluation gave up".to_owned())) {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(Value::Bool(false)) => Err(format!("{} is false", self.source)),
            Ok(_) => Err(format!("{} is neither true nor false", self.source)),
            Err(error) => Err(format!("{}: {error}", self.source)),
        }
    }
}

/// The place and the reason, without the lines that show the place.
fn in_a_line(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    first.strip_prefix("ERROR: <input>:").unwrap_or(first).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_true_is_true() {
        let claims = json!({ "groups": ["dev", "ops"], "email": "ann@corp.test", "n": 1 });
        let holds = |source| Requirement::new(source).unwrap().holds(&claims);
        assert_eq!(holds("'ops' in claims.groups && claims.email.endsWith('@corp.test')"), Ok(()));
        assert!(holds("'admin' in claims.groups").unwrap_err().ends_with("is false"));
        assert!(holds("claims.absent == 'x'").is_err());
        assert!(holds("claims.n").unwrap_err().ends_with("neither true nor false"));
    }

    /// As the gate of previews asks.
    #[test]
    fn members_are_in_a_list_of_groups() {
        let is_member = |groups: Json| {
            let members = Requirement::new(r#"(claims["groups"] + []).exists(group, group in ["bank"])"#).unwrap();
            members.holds(&json!({ "groups": groups })).is_ok()
        };
        assert!(is_member(json!(["staff", "bank"])) && is_member(json!([1, {"a": 1}, "bank"])));
        for none in
            [json!({"bank": 1}), json!({"bank": "bank"}), json!("bank"), json!(["banker"]), json!([]), json!(null)]
        {
            assert!(!is_member(none.clone()), "{none}");
        }
    }

    /// Case 47, by the condition that the guide recommends.
    #[test]
    fn an_address_counts_only_where_it_is_verified_and_wholly_of_the_domain() {
        let guide = include_str!("../../../docs/security.md");
        let (_, rest) = guide.split_once("require: >-\n").unwrap();
        let condition = Requirement::new(rest.split("```").next().unwrap().trim()).unwrap();
        let holds = |email: &str, verified: Json| {
            condition.holds(&json!({ "email": email, "email_verified": verified })).is_ok()
        };
        assert!(holds("ann@corp.example", json!(true)) && holds("Ann.B+c@corp.example", json!(true)));
        for email in [
            "a@evil.example@corp.example",
            "a@corp.example@evil.example",
            "a@notcorp.example",
            "a@corp.example.evil.example",
            "a@corpXexample",
            "a@CORP.EXAMPLE",
            "a@corp.example\n",
            "@corp.example",
            "",
        ] {
            assert!(!holds(email, json!(true)), "{email:?}");
        }
        for verified in [json!(false), json!("true"), json!(1), Json::Null] {
            assert!(!holds("ann@corp.example", verified.clone()), "{verified}");
        }
    }

    #[test]
    fn who_asks_for_other_than_claims_is_told() {
        let unknown = |source| Requirement::new(source).unwrap().unknown();
        assert_eq!(unknown("claim.groups == 'a'").as_deref(), Some("claim"));
        for source in ["claims.groups.exists(g, g == 'a')", "claims['a'] == 1", "true"] {
            assert_eq!(unknown(source), None, "{source}");
        }
    }

    #[test]
    fn what_does_not_compile_or_is_too_large_is_an_error() {
        let syntax = Requirement::new("claims.(").unwrap_err().to_string();
        assert!(syntax.starts_with("the expression does not compile: 1:8: ") && !syntax.contains('\n'), "{syntax}");
        assert_eq!(Requirement::new(&"(".repeat(100)).unwrap_err(), InvalidRequirement::TooLarge);
        assert_eq!(Requirement::new(&"a".repeat(5_000)).unwrap_err(), InvalidRequirement::TooLarge);
        let nested = "claims.a.all(a, claims.a.all(b, claims.a.all(c, claims.a.all(d, a == d))))";
        assert_eq!(Requirement::new(nested).unwrap_err(), InvalidRequirement::TooLarge);
    }
}
