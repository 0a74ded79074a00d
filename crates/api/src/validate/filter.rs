//! Filters.

mod external;
mod keys;
mod oauth2;

use nuncio_expr::told;

use super::expression::template;
use super::value::header_text;
use super::{header, invalid, missing, no_effect};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{Filter, FilterErrorResponse, InjectedHeader, JwtFilter, ServiceRef};

/// Algorithms that signatures are verified by.
const ALGORITHMS: [&str; 11] =
    ["none", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/// Algorithms that the original's schema names, and that nothing here verifies.
const OTHER_ALGORITHMS: [&str; 3] = ["HS256", "HS384", "HS512"];

/// Checks a Filter.
pub(crate) fn filter(filter: &mut Filter, path: &Path<'_>, issues: &mut Issues<'_>) {
    let kinds = [
        ("JWT", filter.jwt.is_some()),
        ("OAuth2", filter.oauth2.is_some()),
        ("APIKey", filter.api_key.is_some()),
        ("Basic", filter.basic.is_some()),
        ("External", filter.external.is_some()),
        ("Introspection", filter.introspection.is_some()),
        ("Plugin", filter.plugin.is_some()),
    ];
    let mut there = kinds.iter().filter(|(_, there)| *there).map(|(name, _)| *name);
    match (there.next(), there.next()) {
        (None, _) => {
            let names: Vec<_> = kinds.iter().map(|(name, _)| *name).take(6).collect();
            invalid(path, format!("a Filter needs one of {}", names.join(", ")), issues);
        }
        (Some(first), Some(second)) => {
            invalid(path, format!("a Filter is one thing: both {first} and {second}"), issues);
        }
        (Some(_), None) => {}
    }
    if let Some(filter) = &mut filter.jwt {
        jwt(filter, &path.key("JWT"), issues);
    }
    if let Some(filter) = &mut filter.oauth2 {
        oauth2::oauth2(filter, &path.key("OAuth2"), issues);
    }
    if let Some(filter) = &mut filter.api_key {
        keys::api_key(filter, &path.key("APIKey"), issues);
    }
    if let Some(filter) = &mut filter.basic {
        keys::basic(filter, &path.key("Basic"), issues);
    }
    if let Some(filter) = &mut filter.external {
        external::external(filter, &path.key("External"), issues);
    }
    if let Some(filter) = &filter.introspection {
        let path = path.key("Introspection");
        url(&filter.endpoint, &path.key("endpoint"), issues);
        needed(&[("clientID", &filter.client_id), ("secretName", &filter.secret_name)], &path, issues);
        injected(&filter.inject_request_headers, &told::INTROSPECTION, &path.key("injectRequestHeaders"), issues);
        answer(filter.error_response.as_ref(), &path, issues);
    }
    if filter.plugin.is_some() {
        let message = "plugins in Go cannot be run here: what it does can be done by an External filter, \
                       which asks a service of your own";
        issues.error(&path.key("Plugin"), "NotPortable", message);
    }
}

fn jwt(filter: &mut JwtFilter, path: &Path<'_>, issues: &mut Issues<'_>) {
    for text in [&mut filter.jwks_uri, &mut filter.audience, &mut filter.issuer] {
        text.take_if(|text| text.is_empty());
    }
    algorithms(&filter.valid_algorithms, &path.key("validAlgorithms"), issues);
    let none_alone = !filter.valid_algorithms.is_empty() && filter.valid_algorithms.iter().all(|name| name == "none");
    if none_alone && filter.jwks_uri.is_some() {
        let message = "validAlgorithms is `none` alone: tokens need no signature, and whoever writes one is let in";
        no_effect(&path.key("jwksURI"), message, issues);
    }
    match &filter.jwks_uri {
        Some(uri) => url(uri, &path.key("jwksURI"), issues),
        None if none_alone => {}
        None => missing(&path.key("jwksURI"), issues),
    }
    if filter.audience.is_some() && !filter.audiences.is_empty() {
        invalid(&path.key("audience"), "audience and audiences exclude each other", issues);
    }
    if filter.require_all_audiences == Some(true) && filter.audiences.is_empty() {
        no_effect(&path.key("requireAllAudiences"), "it is about audiences, of which there are none", issues);
    }
    injected(&filter.inject_request_headers, &told::JWT, &path.key("injectRequestHeaders"), issues);
    answer(filter.error_response.as_ref(), path, issues);
}

fn algorithms(names: &[String], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, name) in names.iter().enumerate() {
        let path = path.index(index);
        if OTHER_ALGORITHMS.contains(&name.as_str()) {
            no_effect(&path, format!("tokens signed by {name} are refused: nothing here verifies them"), issues);
        } else if !ALGORITHMS.contains(&name.as_str()) {
            let expected = ALGORITHMS.join(", ");
            invalid(&path, format!("expected one of {expected}, found \"{}\"", shorten(name)), issues);
        }
    }
    let of_none = names.iter().position(|name| name == "none").filter(|_| names.iter().any(|name| name != "none"));
    if let Some(index) = of_none {
        no_effect(&path.index(index), "tokens without a signature are accepted only where none stands alone", issues);
    }
    if !names.is_empty() && names.iter().all(|name| OTHER_ALGORITHMS.contains(&name.as_str())) {
        invalid(path, "none of these is verified here: no token would be good", issues);
    }
}

/// Headers of requests, written by templates that are told these fields.
fn injected(headers: &[InjectedHeader], told: &[&'static str], path: &Path<'_>, issues: &mut Issues<'_>) {
    written(headers, told, path, issues);
    for (index, one) in headers.iter().enumerate() {
        header::tell_of_word(&one.name, &path.index(index).key("name"), issues);
    }
}

/// Headers written by templates that are told these fields.
fn written(headers: &[InjectedHeader], told: &[&'static str], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, one) in headers.iter().enumerate() {
        let path = path.index(index);
        header::given_name(&one.name, &path.key("name"), issues);
        template(&one.value, told, &path.key("value"), issues);
    }
}

fn answer(response: Option<&FilterErrorResponse>, path: &Path<'_>, issues: &mut Issues<'_>) {
    let Some(response) = response else { return };
    let path = path.key("errorResponse");
    written(&response.headers, &told::DENIAL, &path.key("headers"), issues);
    header_text(response.realm.as_deref(), &path.key("realm"), issues);
    header_text(response.content_type.as_deref(), &path.key("contentType"), issues);
    for (field, text) in [("contentType", &response.content_type), ("bodyTemplate", &response.body_template)] {
        text.iter().for_each(|text| template(text, &told::DENIAL, &path.key(field), issues));
    }
}

/// Texts that must be there.
fn needed(fields: &[(&str, &String)], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (name, _) in fields.iter().filter(|(_, text)| text.is_empty()) {
        missing(&path.key(name), issues);
    }
}

/// A URL of HTTP with a host, without a login.
pub(super) fn url(text: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    if text.is_empty() {
        missing(path, issues);
    } else if authority.is_some_and(|authority| authority.contains('@')) {
        invalid(path, "has a login in it: write the URL without one", issues);
    } else if !authority.is_some_and(is_authority) || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        invalid(path, format!("expected a URL such as https://example.com/…, found {}", found(text)), issues);
    }
}

/// What was written instead of a URL, for people; a login that may be in it is for nobody.
pub(super) fn found(text: &str) -> String {
    if text.contains('@') { "one with a login in it".to_owned() } else { format!("\"{}\"", shorten(text)) }
}

/// Whether it is a host, perhaps with a port. Letters of any script are taken for what they are written as in DNS.
fn is_authority(text: &str) -> bool {
    let in_dns = |c: char| if c.is_alphanumeric() && !c.is_ascii() { 'x' } else { c };
    text.chars().map(in_dns).collect::<String>().parse::<ServiceRef>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_authority;

    #[test]
    fn a_host_is_told_from_other_texts() {
        for good in ["a", "a.b:443", "[::1]:8443", "b\u{fc}cher.example"] {
            assert!(is_authority(good), "{good}");
        }
        for bad in ["", "a b", "a:99999", "[::1", "*.a", "a:b", "me:word@a"] {
            assert!(!is_authority(bad), "{bad}");
        }
    }
}
