//! Logins, and tokens for machines.

use nuncio_expr::told;

use super::super::{filter_policy, invalid, missing, no_effect};
use super::{found, injected, needed, url};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{AccessTokenValidation, ClientAuthentication, GrantType, LOGIN_PARAMETERS, OAuth2Filter, ProtectedOrigin};

/// Algorithms of assertions.
const SIGNING: [&str; 13] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384", "HS512", "ES512",
];

pub(super) fn oauth2(filter: &mut OAuth2Filter, path: &Path<'_>, issues: &mut Issues<'_>) {
    let texts = [
        &mut filter.client_id,
        &mut filter.secret_name,
        &mut filter.secret_namespace,
        &mut filter.client_url,
        &mut filter.post_logout_redirect_uri,
        &mut filter.audience,
    ];
    for text in texts {
        text.take_if(|text| text.is_empty());
    }
    url(&filter.authorization_url, &path.key("authorizationURL"), issues);
    if filter.authorization_url.contains("/.well-known/") {
        let message = "expected the provider's issuer: its description is looked for below it, at /.well-known/…";
        issues.warning(&path.key("authorizationURL"), "InvalidValue", message);
    }
    match filter.grant_type.unwrap_or_default() {
        GrantType::AuthorizationCode => {
            client(filter, path, issues);
            login(filter, path, issues);
        }
        GrantType::Password => {
            client(filter, path, issues);
            if filter.client_session_max_idle.is_some() {
                no_effect(
                    &path.key("clientSessionMaxIdle"),
                    "there is no session: tokens are used until they expire",
                    issues,
                );
            }
        }
        GrantType::ClientCredentials => {}
    }
    if let Some(authentication) = &filter.client_authentication {
        client_authentication(authentication, &path.key("clientAuthentication"), issues);
    }
    if let Some(jwt) = &filter.access_token_jwt_filter {
        let path = path.key("accessTokenJWTFilter");
        needed(&[("name", &jwt.name)], &path, issues);
        if filter.access_token_validation == Some(AccessTokenValidation::UserInfo) {
            invalid(&path, "excludes accessTokenValidation: userinfo", issues);
        }
    }
    if filter.state_ttl.is_some() {
        no_effect(&path.key("stateTTL"), "the original passes over it, too", issues);
    }
    injected(&filter.inject_request_headers, &told::LOGIN, &path.key("injectRequestHeaders"), issues);
}

fn client(filter: &OAuth2Filter, path: &Path<'_>, issues: &mut Issues<'_>) {
    if filter.client_id.is_none() {
        missing(&path.key("clientID"), issues);
    }
    let written = filter.secret.as_ref().is_some_and(|secret| !secret.expose().is_empty());
    match (written, &filter.secret_name) {
        (true, Some(_)) => invalid(&path.key("secret"), "secret and secretName exclude each other", issues),
        (false, None) => missing(&path.key("secretName"), issues),
        _ => {}
    }
}

fn login(filter: &OAuth2Filter, path: &Path<'_>, issues: &mut Issues<'_>) {
    let origins = path.key("protectedOrigins");
    match (&filter.client_url, filter.protected_origins.is_empty()) {
        (None, true) => missing(&origins, issues),
        (Some(client_url), true) => browsers_origin(client_url, &path.key("clientURL"), issues),
        (Some(_), false) => no_effect(&path.key("clientURL"), "protectedOrigins say it", issues),
        (None, false) => {}
    }
    for (index, one) in filter.protected_origins.iter().enumerate() {
        origin(one, &origins.index(index), issues);
    }
    let parameters = path.key("extraAuthorizationParameters");
    for (name, value) in &filter.extra_authorization_parameters {
        if LOGIN_PARAMETERS.contains(&name.as_str()) {
            invalid(&parameters.key(name), "the login writes this one itself", issues);
        } else if name == "response_mode" && value != "query" {
            invalid(&parameters.key(name), "what comes back is looked for in the query alone", issues);
        }
    }
    if let Some(uri) = &filter.post_logout_redirect_uri {
        url(uri, &path.key("postLogoutRedirectURI"), issues);
    }
    if let Some(condition) = filter.use_session_cookies.as_ref().and_then(|it| it.if_request_header.as_ref()) {
        filter_policy::condition(condition, &path.key("useSessionCookies").key("ifRequestHeader"), issues);
    }
}

fn origin(origin: &ProtectedOrigin, path: &Path<'_>, issues: &mut Issues<'_>) {
    browsers_origin(&origin.origin, &path.key("origin"), issues);
    let internal = origin.internal_origin.iter().map(|text| (text, path.key("internalOrigin")));
    for (text, path) in internal {
        internal_origin(text, &path, issues);
    }
    let allowed = path.key("allowedInternalOrigins");
    for (index, text) in origin.allowed_internal_origins.iter().enumerate() {
        internal_origin(text, &allowed.index(index), issues);
    }
}

/// An origin as browsers see it; a path behind it does not count.
fn browsers_origin(text: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    let before = issues.errors();
    url(text, path, issues);
    if issues.errors() == before && authority(text).contains(['*', '\\']) {
        invalid(path, format!("expected an origin such as https://example.com, found {}", found(text)), issues);
    }
}

fn authority(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn internal_origin(text: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    let is_origin = |(scheme, rest): (&str, &str)| !scheme.is_empty() && !rest.is_empty();
    if !text.split_once("://").is_some_and(is_origin) || authority(text).contains(['@', '\\', ' ']) {
        invalid(path, format!("expected an origin such as http://host or *://*, found {}", found(text)), issues);
    }
}

fn client_authentication(authentication: &ClientAuthentication, path: &Path<'_>, issues: &mut Issues<'_>) {
    let method = authentication.method.as_deref().unwrap_or_default();
    if !matches!(method, "" | "HeaderPassword" | "BodyPassword" | "JWTAssertion") {
        let message = format!("expected HeaderPassword, BodyPassword or JWTAssertion, found \"{}\"", shorten(method));
        invalid(&path.key("method"), message, issues);
    }
    let Some(assertion) = &authentication.jwt_assertion else { return };
    let path = path.key("jwtAssertion");
    if method != "JWTAssertion" {
        no_effect(&path, "the method is another", issues);
    }
    let signing = assertion.signing_method.as_deref().filter(|method| !SIGNING.contains(method));
    if let Some(signing) = signing {
        let message = format!("expected RS256, ES256, HS256 or the like, found \"{}\"", shorten(signing));
        invalid(&path.key("signingMethod"), message, issues);
    }
}
