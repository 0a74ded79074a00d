//! What becomes of a request, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, GatewayError};

/// A request that somebody sends.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedRequest {
    /// The whole URL.
    pub(crate) url: String,
    pub(crate) method: String,
    /// Without the values of credentials: nobody needs them here.
    #[serde(default)]
    pub(crate) headers: Vec<AskedHeader>,
}

/// A header of it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedHeader {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// In a sentence.
    pub(crate) outcome: String,
    /// The route that it gets.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    pub(crate) route: Option<ExplainedRoute>,
    /// Who is asked about it before it goes on, in this order.
    pub(crate) protection: Vec<Protection>,
    /// What it is held to.
    pub(crate) limits: Vec<Limit>,
    /// By what it may fail all the same.
    #[serde(default)]
    pub(crate) failures: Vec<Failure>,
}

/// Something for which the gateway answers instead of the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[schema(as = ExplainedFailure)]
pub(crate) struct Failure {
    /// With which status.
    status: u16,
    /// What happens then.
    why: String,
    /// How often that was, where anybody counts it.
    count: Option<u64>,
}

/// A route, as far as it matters to whom it may be explained.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ExplainedRoute {
    pub(crate) origin: Vec<ObjectRef>,
}

/// An object that something is made of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ObjectRef {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Somebody who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Protection {
    /// The rule of a FilterPolicy, as `policy.namespace#3`; or the AuthServices. Empty for who is no operator.
    by: String,
    /// What the request passes. Empty for who is no operator.
    filters: Vec<String>,
    /// Whether it is one of those that it is for.
    #[serde(skip_serializing)]
    applies: bool,
    /// What comes of it.
    outcome: String,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Limit {
    /// What is told of the request: `user=ann`.
    labels: String,
    /// The part of that which the request says itself.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    of_request: String,
    /// `60 per minute`.
    limit: Option<String>,
    /// What comes of it.
    outcome: String,
}

impl Explanation {
    /// Whether the request is refused for what it is, wherever it would have led: nothing of the gateway's routes is told with that.
    pub(crate) fn is_of_the_request(&self) -> bool {
        self.outcome.starts_with("answered 400:") && self.route.as_ref().is_none_or(|route| route.origin.is_empty())
    }

    /// What of it is for who is no operator: names of rules, Filters, clusters and services are left out.
    pub(crate) fn for_readers(self) -> Self {
        if let Some((asked, rest)) = asked(&self.outcome) {
            // Whose rules ask is said by that, as is an AuthService that is asked alone. What else may refuse it is not.
            let is_of_service = asked.starts_with("if the AuthService ");
            let is_told = |one: &Protection| one.is_of_module() || (one.is_of_service() && !is_of_service);
            let protection = self.protection.into_iter().filter(is_told).collect();
            let rest = Self { outcome: rest, protection, ..self }.for_readers();
            return Self { outcome: format!("{asked}: {}", rest.outcome), ..rest };
        }
        let outcome = match &self.outcome {
            outcome if outcome.starts_with("forwarded") => "forwarded to the service",
            outcome if outcome.starts_with("answered 400: servers may read") => {
                "answered 400: servers may read this path in two ways, perhaps because it is encoded twice"
            }
            outcome if self.is_of_the_request() => outcome.as_str(),
            outcome if outcome.starts_with("redirected (307)") && outcome.contains("slashes are not escaped") => {
                "redirected: an escaped slash (%2F) in a path is a slash to the gateway, so a value with a slash in it is two parts"
            }
            _ => "answered by the gateway, whose operators can see why",
        };
        Self {
            outcome: outcome.to_owned(),
            route: None,
            protection: self.protection.into_iter().map(Protection::for_readers).collect(),
            limits: self.limits.into_iter().filter(|limit| limit.limit.is_some()).map(Limit::for_readers).collect(),
            failures: self.failures,
        }
    }
}

/// What is asked of a request first, one after the other, and what becomes of it then.
fn asked(outcome: &str) -> Option<(String, String)> {
    let (first, then) = outcome.split_once(": ")?;
    let is_asked = ["needs ", "if "].iter().any(|word| first.starts_with(word));
    is_asked.then(|| match asked(then) {
        Some((next, then)) => (format!("{first}: {next}"), then),
        None => (first.to_owned(), then.to_owned()),
    })
}

impl Protection {
    fn for_readers(self) -> Self {
        let outcome = if self.is_of_addresses() {
            "it may pass only from certain addresses"
        } else {
            "the gateway asks whether it may pass"
        };
        Self { by: String::new(), filters: Vec::new(), applies: self.applies, outcome: outcome.to_owned() }
    }

    /// Whether the Module has every request pass it. No rule or AuthService is called so.
    fn is_of_module(&self) -> bool {
        self.by.ends_with(" of the Module")
    }

    /// Whether it is an AuthService that is asked.
    fn is_of_service(&self) -> bool {
        self.outcome.starts_with("asked at ")
    }

    /// Whether it is an access list of the Module, by which nobody is asked. No rule or AuthService is called so.
    fn is_of_addresses(&self) -> bool {
        ["ip_allow of the Module", "ip_deny of the Module"].contains(&self.by.as_str())
    }
}

impl Limit {
    fn for_readers(self) -> Self {
        // Other labels are what an operator has written; what comes after "beyond that" is who counts.
        let labels = self.of_request;
        let outcome = match self.outcome.split_once(" beyond that") {
            Some((what, _)) => format!("{what} beyond that"),
            None => "counted by the gateway".to_owned(),
        };
        Self { labels, of_request: String::new(), limit: self.limit, outcome }
    }
}

impl Admin {
    /// Why a request is answered as it is.
    pub(crate) async fn explain(&self, asked: &AskedRequest) -> Result<Explanation, GatewayError> {
        let asked = AskedRequest { url: self.at_listener(&asked.url), ..asked.clone() };
        let mut explanation: Explanation = self.ask("/api/v1/explain", &asked).await?;
        explanation.protection.retain(|protection| protection.applies);
        Ok(explanation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_told_of_addresses_that_nobody_is_asked_about_them() {
        let addresses = "it may pass only from certain addresses";
        for (by, outcome, told) in [
            ("ip_allow of the Module", "only peer 10.0.0.0/8 may pass", addresses),
            ("ip_deny of the Module", "remote 192.0.2.7/32 may not pass", addresses),
            (
                "lua_scripts of the Module",
                "sees the request, and may answer it",
                "the gateway asks whether it may pass",
            ),
            ("orders.shop#0", "decided by the authentication service", "the gateway asks whether it may pass"),
        ] {
            let protection = serde_json::json!({ "by": by, "filters": ["a"], "applies": true, "outcome": outcome });
            let seen = serde_json::from_value::<Protection>(protection).unwrap().for_readers();
            let expected =
                Protection { by: String::new(), filters: Vec::new(), applies: true, outcome: told.to_owned() };
            assert_eq!(seen, expected, "{by}");
        }
    }

    #[test]
    fn readers_are_not_told_twice_that_somebody_asks() {
        let readers = |outcome: &str| {
            let by = |by: &str| serde_json::json!({ "by": by, "filters": ["a"], "applies": true, "outcome": "asked" });
            let protection = [by("orders.shop#0"), by("ip_allow of the Module")];
            let explanation = serde_json::json!({ "outcome": outcome, "protection": protection, "limits": [] });
            let told = serde_json::from_value::<Explanation>(explanation).unwrap().for_readers().protection;
            told.into_iter().map(|protection| protection.outcome).collect::<Vec<_>>()
        };
        let addresses = "it may pass only from certain addresses";
        assert_eq!(readers("needs a login; without one answered 401; with one: forwarded to orders:80"), [addresses]);
        assert_eq!(readers("forwarded to orders:80"), ["the gateway asks whether it may pass", addresses]);
    }

    #[test]
    fn readers_are_told_that_somebody_may_refuse_it_beside_what_it_needs() {
        let service =
            serde_json::json!({ "by": "auth.default", "filters": [], "applies": true, "outcome": "asked at auth" });
        let lua = serde_json::json!({ "by": "lua_scripts of the Module", "filters": [], "applies": true,
            "outcome": "sees the request, and may answer it" });
        let rule = serde_json::json!({ "by": "orders.shop#0", "filters": ["a"], "applies": true,
            "outcome": "decided by the authentication service" });
        let readers = |outcome: &str, protection: &[&serde_json::Value]| {
            let explanation = serde_json::json!({ "outcome": outcome, "protection": protection, "limits": [] });
            let told = serde_json::from_value::<Explanation>(explanation).unwrap().for_readers().protection;
            told.into_iter().map(|protection| protection.outcome).collect::<Vec<_>>()
        };
        let somebody = "the gateway asks whether it may pass";
        let needed = "needs a login; without one answered 401; with one: if the AuthService lets it through: forwarded";
        assert_eq!(readers(needed, &[&service, &rule]), [somebody]);
        let needed = "needs a login; without one answered 401; with one: forwarded to orders:80";
        assert_eq!(readers(needed, &[&rule, &lua]), [somebody]);
        assert_eq!(readers("if the AuthService lets it through: forwarded", &[&service]), Vec::<String>::new());
    }

    #[test]
    fn readers_are_told_what_a_request_needs_and_not_where_it_goes() {
        let readers = |outcome: &str| {
            let explanation = serde_json::json!({ "outcome": outcome, "protection": [], "limits": [] });
            serde_json::from_value::<Explanation>(explanation).unwrap().for_readers().outcome
        };
        assert_eq!(
            readers("needs a login; without one answered 401; with one: forwarded to orders:80 as /orders"),
            "needs a login; without one answered 401; with one: forwarded to the service"
        );
        assert_eq!(
            readers(
                "if its token is valid (if not, answered 401): if the AuthService lets it through: answered 503: cart has no endpoints"
            ),
            "if its token is valid (if not, answered 401): if the AuthService lets it through: answered by the gateway, whose operators can see why"
        );
    }
}
