//! The order of filters, and what their verdicts make of a request.

use std::sync::Arc;

use nuncio_ir::auth::{OnAllow, OnDeny};

use crate::{Denial, Identity, Reply, Request, Step, Verdict};

/// On the way through the filters of a rule: [`Walk::next`] says which one to ask, [`Walk::answer`] what it said.
#[derive(Debug)]
pub struct Walk {
    steps: Arc<[Step]>,
    at: usize,
    identity: Option<Identity>,
    /// Whether any filter has allowed the request.
    is_allowed: bool,
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    Allow,
    Deny(Denial),
    Answer(Reply),
}

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// Ask the filter of the step at this index.
    Ask(usize),
    /// It is decided.
    Done(Verdict),
    /// No filter has decided: each was skipped, or what it denied is discarded.
    Undecided,
}

impl Walk {
    /// At the beginning.
    #[must_use]
    pub fn new(steps: Arc<[Step]>) -> Self {
        Self { steps, at: 0, identity: None, is_allowed: false, end: None }
    }

    /// The step of an index.
    #[must_use]
    pub fn step(&self, index: usize) -> Option<&Step> {
        self.steps.get(index)
    }

    /// All steps.
    #[must_use]
    pub fn steps(&self) -> Arc<[Step]> {
        Arc::clone(&self.steps)
    }

    /// Skips filters whose condition does not hold of the request as it is now.
    pub fn next(&mut self, request: &Request) -> Next {
        match self.end.take() {
            Some(End::Allow) => return Next::Done(Verdict::Allow(self.identity.take())),
            Some(End::Deny(denial)) => return Next::Done(Verdict::Deny(denial)),
            Some(End::Answer(reply)) => return Next::Done(Verdict::Answer(reply)),
            None => {}
        }
        while let Some(step) = self.steps.get(self.at) {
            let at = self.at;
            self.at += 1;
            if step.condition.as_ref().is_none_or(|condition| condition.holds(request)) {
                return Next::Ask(at);
            }
        }
        if self.is_allowed { Next::Done(Verdict::Allow(self.identity.take())) } else { Next::Undecided }
    }

    /// Takes the verdict of the filter asked last.
    pub fn answer(&mut self, index: usize, verdict: Verdict) {
        let Some(step) = self.steps.get(index) else { return };
        match verdict {
            Verdict::Allow(identity) => {
                self.is_allowed = true;
                // The first who is known is who it is, as far as logs are concerned.
                self.identity = self.identity.take().or(identity);
                if step.on_allow == OnAllow::Break {
                    self.end = Some(End::Allow);
                }
            }
            Verdict::Deny(denial) if step.on_deny == OnDeny::Break => self.end = Some(End::Deny(denial)),
            Verdict::Answer(reply) if step.on_deny == OnDeny::Break => self.end = Some(End::Answer(reply)),
            Verdict::Deny(_) | Verdict::Answer(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Match, Rules};

    /// Walks through filters that say what their names say.
    fn outcome(filters: &Value) -> (String, Vec<String>) {
        let set = json!({ "id": "s", "rules": [{ "origin": "r", "path": "*", "filters": filters }] });
        let rules = Rules::new(&serde_json::from_value(set).unwrap()).unwrap();
        let mut request = Request::new("GET", "http", "a", "/");
        let Match::Rule(rule) = rules.find(&request) else { panic!() };
        let mut walk = Walk::new(rule.steps.clone());
        let mut asked = Vec::new();
        loop {
            match walk.next(&request) {
                Next::Ask(index) => {
                    let name = walk.step(index).unwrap().filter.to_string();
                    let verdict = match name.as_str() {
                        "allow" => Verdict::Allow(None),
                        "mark" => {
                            request.set_header(&http::HeaderName::from_static("mark"), "1".parse().unwrap());
                            Verdict::Allow(None)
                        }
                        _ => Verdict::Deny(Denial::new("no", "", Reply::new(StatusCode::FORBIDDEN))),
                    };
                    asked.push(name);
                    walk.answer(index, verdict);
                }
                Next::Done(Verdict::Allow(_)) => return ("allow".to_owned(), asked),
                Next::Done(_) => return ("deny".to_owned(), asked),
                Next::Undecided => return ("undecided".to_owned(), asked),
            }
        }
    }

    #[test]
    fn filters_follow_each_other_as_the_rule_says() {
        let filter = |name: &str| json!({ "filter": name });
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(outcome(&json!([])), ("undecided".to_owned(), vec![]));
        assert_eq!(
            outcome(&json!([filter("allow"), filter("deny"), filter("allow")])),
            ("deny".to_owned(), names(&["allow", "deny"]))
        );
        let discarded = json!([{ "filter": "deny", "on_deny": "continue" }, filter("allow")]);
        assert_eq!(outcome(&discarded).0, "allow");
        let discarded = json!([{ "filter": "deny", "on_deny": "continue" }]);
        assert_eq!(outcome(&discarded), ("undecided".to_owned(), names(&["deny"])));
        let enough = json!([{ "filter": "allow", "on_allow": "break" }, filter("deny")]);
        assert_eq!(outcome(&enough), ("allow".to_owned(), names(&["allow"])));
    }

    #[test]
    fn conditions_see_what_filters_before_changed() {
        let marked = json!({ "name": "mark" });
        let filters = json!([{ "filter": "deny", "if_request_header": marked }, { "filter": "mark" }]);
        assert_eq!(outcome(&filters).0, "allow");
        let filters = json!([{ "filter": "mark" }, { "filter": "deny", "if_request_header": marked }]);
        assert_eq!(outcome(&filters).0, "deny");
    }
}
