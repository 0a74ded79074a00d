//! How somebody must have logged in (RFC 9470): in which way, and how long ago at most.

use std::sync::Arc;

use nuncio_ir::auth::Arguments;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What a rule wants of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strength {
    /// Classes of authentication, one of which it must be; any where empty.
    #[serde(default)]
    pub acr_values: Vec<Arc<str>>,
    /// How many seconds ago it may have been.
    #[serde(default)]
    pub max_age: Option<u64>,
}

impl Strength {
    /// The error of a challenge for another login.
    pub const INSUFFICIENT: &str = "insufficient_user_authentication";

    /// What these arguments want.
    #[must_use]
    pub fn of(arguments: &Arguments) -> Self {
        Self { acr_values: arguments.acr_values.clone(), max_age: arguments.max_age }
    }

    /// Whether any login will do.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the login that claims tell of was so. What they do not tell was not.
    #[must_use]
    pub fn holds(&self, claims: &Json, now: u64) -> bool {
        let acr = claims.get("acr").and_then(Json::as_str);
        let is_known = self.acr_values.is_empty() || self.acr_values.iter().any(|wanted| acr == Some(&**wanted));
        let login_at = claims.get("auth_time").and_then(Json::as_u64);
        is_known && self.max_age.is_none_or(|most| login_at.is_some_and(|at| now.saturating_sub(at) <= most))
    }

    /// As a provider is asked for it, and as challenges say.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let acr_values = (!self.acr_values.is_empty()).then(|| ("acr_values", self.acr_values.join(" ")));
        let max_age = self.max_age.map(|seconds| ("max_age", seconds.to_string()));
        acr_values.into_iter().chain(max_age).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_claims_do_not_tell_was_not() {
        let strength =
            |acr: &[&str], max_age| Strength { acr_values: acr.iter().map(|value| (*value).into()).collect(), max_age };
        let any = strength(&[], None);
        assert!(any.is_any() && any.holds(&json!({}), 100));
        let both = strength(&["gold", "silver"], Some(10));
        assert!(both.holds(&json!({ "acr": "silver", "auth_time": 90 }), 100));
        for claims in [
            json!({}),
            json!({ "acr": "silver" }),
            json!({ "auth_time": 90 }),
            json!({ "acr": "bronze", "auth_time": 90 }),
            json!({ "acr": "silver", "auth_time": 89 }),
            json!({ "acr": ["silver"], "auth_time": "90" }),
        ] {
            assert!(!both.holds(&claims, 100), "{claims}");
        }
        let said: Vec<_> = both.parameters().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(said, ["acr_values=gold silver", "max_age=10"]);
    }
}
