//! Slips in what shuts somebody out, and what of it is told to nobody.

use nuncio_api::Severity;

use crate::support::{is_invalid, of_kind, only};

/// A password in a URL is told in no message, nor is the line shown that it stands on.
#[test]
fn logins_in_urls_are_refused_and_not_told() {
    for spec in [
        "{JWT: {jwksURI: 'https://ann:hush@a/keys'}}",
        "{JWT: {jwksURI: 'ftp://ann:hush@a/keys'}}",
        "{JWT: {jwksURI: 'https://ann:hush@a/ keys'}}",
        "{Introspection: {endpoint: 'http://ann:hush@a', clientID: c, secretName: s}}",
        "{OAuth2: {authorizationURL: 'https://ann:hush@a', grantType: ClientCredentials}}",
        "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, clientURL: 'https://ann:hush@b'}}",
        "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, protectedOrigins: [{origin: 'https://b', internalOrigin: 'http://ann:hush@b'}]}}",
        "{External: {auth_service: 'https://ann:hush@a'}}",
        "{External: {auth_service: 'ann:hush@a'}}",
        "{External: {auth_service: 'ann:hu/sh@a'}}",
        "{External: {auth_service: 'https://ann:hu,sh@a'}}",
        "{External: {auth_service: 'ann:hu?sh@a'}}",
    ] {
        let text = of_kind("Filter", spec);
        let object = only(&text);
        assert!(is_invalid(&object), "{spec}");
        for (problem, location) in &object.problems {
            let told = format!("{problem} {}", nuncio_api::Text::new(text.as_bytes()).snippet(location));
            assert!(["hush", "\"hu", "sh@"].iter().all(|word| !told.contains(word)), "{told}");
        }
    }
}

#[test]
fn the_token_of_a_repository_is_not_told() {
    let text = of_kind(
        "DevPortal",
        "{content: {url: 'https://ann:hush@git.example/x'}, docs: [{service: a, url: 'ftp://ann:hush@a'}]}",
    );
    let object = only(&text);
    assert_eq!(object.problems.len(), 2);
    for (problem, location) in &object.problems {
        let told = format!("{problem} {}", nuncio_api::Text::new(text.as_bytes()).snippet(location));
        assert!(!told.contains("hush"), "{told}");
    }
}

/// What is at the top of an object in a slip, of a kind that shuts somebody out: a misspelt `spec`, or one that lost its line.
#[test]
fn a_misplaced_spec_empties_no_guard() {
    let rules = "rules: [{filters: [{name: f}]}]";
    for (kind, text, field) in [
        ("FilterPolicy", format!("sepc: {{{rules}}}"), "sepc"),
        ("FilterPolicy", format!("spec:\n{rules}"), "rules"),
        ("FilterPolicy", format!("{rules}\nspec: {{rules: []}}"), "rules"),
        ("Filter", "spec: {Basic: {secretName: s}}\nJWT: {jwksURI: 'https://a'}".to_owned(), "JWT"),
        ("AuthService", "spec: {auth_service: a}\nstatus_on_error: {code: 500}".to_owned(), "status_on_error"),
        ("Host", "hostname: a\nrequestPolicy: {}\nspec:".to_owned(), "hostname"),
        ("TLSContext", "sepc: {hosts: [a]}".to_owned(), "sepc"),
        ("Preview", "spec: {}\nbranch: x".to_owned(), "branch"),
        ("Module", "sepc: {config: {ip_allow: [{peer: 10.0.0.0/8}]}}".to_owned(), "sepc"),
    ] {
        let name = if kind == "Module" { "ambassador" } else { "m" };
        let version = if kind == "Preview" { "nuncio.dev/v1alpha1" } else { "getambassador.io/v3alpha1" };
        let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{text}\n");
        let object = only(&text);
        assert!(is_invalid(&object), "{text}");
        let told = object.problems.iter().find(|(problem, _)| problem.field == field);
        let (problem, location) = told.unwrap_or_else(|| panic!("{text}: {:?}", object.problems));
        assert_eq!((problem.reason, problem.severity), ("UnknownField", Severity::Error), "{text}");
        let line = text.lines().position(|line| line.starts_with(field)).unwrap() + 1;
        assert_eq!((location.line as usize, location.column), (line, 1), "{text}");
    }
    let empty = only(&of_kind("FilterPolicy", "{rules: []}"));
    assert!(!is_invalid(&empty), "it says that nothing is to be protected");
}
