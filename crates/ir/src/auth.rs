//! What the authentication service is told: sets of rules, and the filters that they name.
//!
//! Everything is resolved: a filter holds the contents of its Secrets, a reference the id of its filter. Each
//! [`RuleSet`] and each [`Filter`] is a resource of its own, so that one change is one small message; the two types are
//! sent as JSON in an `Any` of [`RULE_SET_TYPE`] or [`FILTER_TYPE`].
//!
//! A route tells the service its set in the check's context, under [`RULE_SET_KEY`]. Clients cannot write it, unlike the
//! `Host`, so the service never chooses a set by what a request says.

mod filter;
#[cfg(test)]
mod guide;
mod headers;
mod jwt;
mod oauth2;
mod rules;
mod sensitive;
mod trouble;

pub use nuncio_api::LOGIN_PARAMETERS;

pub use filter::{
    ApiKey, Basic, External, ExternalProtocol, Filter, FilterId, FilterKind, HttpClient, IncludeBody, Introspection,
    KeySecret, KeySource, ShareLink, UpstreamIdentity,
};
pub use headers::{ASSERTION_HEADER, REQUEST_HEADERS, RESPONSE_HEADERS, is_clients_own};
pub use jwt::{Audiences, ErrorResponse, InjectedHeader, Jwt, JwtAlgorithm, Presence};
pub use oauth2::{
    AccessTokenValidation, AuthorizationCode, ClientAuthentication, Grant, InheritedJwtFilter, JwtAssertion, OAuth2,
    ProtectedOrigin, SessionCookies,
};
pub use rules::{
    Arguments, FilterRef, HeaderCondition, HeaderValue, InsteadOfRedirect, OnAllow, OnDeny, Rule, RuleSet, RuleSetId,
    SameSite,
};
pub use sensitive::Sensitive;
pub use trouble::{TROUBLES_KEY, Trouble};

/// The type URL of a [`RuleSet`].
pub const RULE_SET_TYPE: &str = "type.googleapis.com/nuncio.auth.v1.RuleSet";
/// The type URL of a [`Filter`].
pub const FILTER_TYPE: &str = "type.googleapis.com/nuncio.auth.v1.Filter";
/// The key of the check's context (`context_extensions`) under which a route names its set.
pub const RULE_SET_KEY: &str = "nuncio.dev/rules";
/// The key of the check's context under which a route names those whom its requests may go to, with spaces between.
pub const AUDIENCE_KEY: &str = "nuncio.dev/audience";
/// The key of the check's context under which a route names what may lead its requests to others than those, with spaces
/// between: headers, in lower case, and parameters of the query behind a question mark.
pub const ROUTED_BY_KEY: &str = "nuncio.dev/routed-by";
/// Paths below this are the service's own on every protected host: a route to them must be checked, under any set or none.
pub const ENDPOINTS_PREFIX: &str = "/.ambassador/oauth2/";
/// The same for what the original does not have.
pub const OWN_ENDPOINTS_PREFIX: &str = "/.nuncio/";
/// What the names of sessions' cookies begin with, after the prefix that browsers know: the original's.
pub const SESSION_PREFIX: &str = "ambassador_session.";
/// The same of the cookies of logins that were begun.
pub const PENDING_PREFIX: &str = "nuncio_login.";
/// The same of the cookies that links to previews are exchanged for.
pub const SHARE_PREFIX: &str = "nuncio_share.";
/// The parameter of a URL that makes it a link to a preview.
pub const SHARE_PARAMETER: &str = "nuncio-share";
/// Holds inside the gateway what stood there.
pub const SHARE_HEADER: &str = "x-nuncio-share";
/// The beginnings of the names of all cookies that are for nobody but us.
pub const LOGIN_COOKIES: [&str; 3] = [SESSION_PREFIX, PENDING_PREFIX, SHARE_PREFIX];

/// Host and port of a URL or an origin, as they are written.
#[must_use]
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_and_do_not_show() {
        let key = KeySecret { owner: "ann".into(), secret: "s3cret".into() };
        let sent = serde_json::to_string(&key).unwrap();
        assert_eq!(sent, r#"{"owner":"ann","secret":"s3cret"}"#);
        assert_eq!(serde_json::from_str::<KeySecret>(&sent).unwrap(), key);
        assert!(!format!("{key:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_not_written_is_the_original_s_default() {
        let set = r#"{"id":"s","rules":[{"origin":"p.default#0","path":"*","filters":[{"filter":"f.default"}]}]}"#;
        let set: RuleSet = serde_json::from_str(set).unwrap();
        let used = &set.rules[0].filters[0];
        assert_eq!((used.on_deny, used.on_allow), (OnDeny::Break, OnAllow::Continue));
        let filter =
            r#"{"id":"f.default","kind":{"oauth2":{"issuer":"https://idp.test","grant":"client_credentials"}}}"#;
        let filter: Filter = serde_json::from_str(filter).unwrap();
        let FilterKind::OAuth2(oauth2) = filter.kind else { panic!("{filter:?}") };
        assert_eq!(oauth2.access_token_validation, AccessTokenValidation::Auto);
        assert_eq!(oauth2.client_authentication, ClientAuthentication::HeaderPassword);
        serde_json::from_str::<Filter>(r#"{"id":"f","kind":{"jwt":{"jwks_url":"misspelt"}}}"#).unwrap_err();
    }
}
