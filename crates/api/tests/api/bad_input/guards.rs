//! Slips in what shuts somebody out, and what of it is told to nobody.

use nuncio_api::{Kind, Severity};

use crate::support::{is_invalid, of_kind, only, read};

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

/// However far a word is from those that there are: it may have kept somebody out.
#[test]
fn a_field_that_nothing_knows_opens_no_guard() {
    for (kind, spec, field) in [
        ("FilterPolicy", "{rules: [{filterRefs: [{name: f}]}]}", "spec.rules[0].filterRefs"),
        ("FilterPolicy", "{rules: [{authFilters: [{name: f}], filters: []}]}", "spec.rules[0].authFilters"),
        ("FilterPolicy", "{rules: [{filters: [{name: f, args: {scope: [a]}}]}]}", "spec.rules[0].filters[0].args"),
        (
            "FilterPolicy",
            "{rules: [{filters: [{name: f, arguments: {acr: x}}]}]}",
            "spec.rules[0].filters[0].arguments.acr",
        ),
        ("Filter", "{JWT: {jwksURI: 'https://a', algorithms: [RS256]}}", "spec.JWT.algorithms"),
        ("Filter", "{JWT: {jwksURI: 'https://a', aud: b}}", "spec.JWT.aud"),
    ] {
        let object = only(&of_kind(kind, spec));
        assert!(is_invalid(&object), "{spec}");
        let told = object.problems.iter().any(|(problem, _)| {
            (problem.reason, problem.severity, &*problem.field) == ("UnknownField", Severity::Error, field)
        });
        assert!(told, "{spec}: {:?}", object.problems);
    }
}

#[test]
fn a_rule_without_filters_is_told_to_let_everybody_through() {
    let read = |rule: &str| {
        let object = only(&of_kind("FilterPolicy", &format!("{{rules: [{rule}]}}")));
        let told: Vec<_> = object.problems.iter().map(|(problem, _)| (problem.reason, &*problem.field)).collect();
        (is_invalid(&object), format!("{told:?}"))
    };
    assert_eq!(read("{path: /a}"), (false, r#"[("MissingField", "spec.rules[0].filters")]"#.to_owned()));
    assert_eq!(read("{path: /a, filters: null}"), (false, "[]".to_owned()));
    assert_eq!(read("{path: /a, filters: []}"), (false, "[]".to_owned()));
}

/// What the original keeps requests out by, and Nuncio does not know, is no FilterPolicy that cannot be read.
#[test]
fn kinds_that_keep_requests_out_elsewhere_are_told_and_close_nothing() {
    for (group, kind) in [
        ("getambassador.io/v3alpha1", "EnvoyFilterPolicy"),
        ("getambassador.io/v3alpha1", "EnvoyFilter"),
        ("gateway.getambassador.io/v1alpha1", "WebApplicationFirewallPolicy"),
    ] {
        let text = format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: m}}\nspec: {{rules: [{{}}]}}\n");
        let parsed = read(&text);
        assert!(parsed.objects.is_empty(), "{kind}");
        let told: Vec<_> = parsed.problems.iter().map(|found| (found.problem.reason, found.problem.severity)).collect();
        assert_eq!(told, [("NotYetSupported", Severity::Error)], "{kind}");
    }
}

/// A kind of either group that is a slip of the pen away from one that shuts somebody out stands for it.
#[test]
fn a_slip_in_the_kind_of_a_guard_is_found_in_both_groups() {
    let (older, newer) = ("getambassador.io/v3alpha1", "gateway.getambassador.io/v1alpha1");
    for (group, kind, field, meant) in [
        (older, "FilterPolcy", "rules", Kind::FilterPolicy),
        (newer, "FilterPolcy", "rules", Kind::FilterPolicy),
        // Far from any kind, but with what no other kind has.
        (older, "FiltersPolicies", "rules", Kind::FilterPolicy),
        (older, "AuthSvc", "auth_service", Kind::AuthService),
    ] {
        let text = format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: m}}\nspec: {{{field}: [{{}}]}}\n");
        let parsed = read(&text);
        assert_eq!(parsed.problems.len(), 1, "{kind}");
        assert!(parsed.problems[0].id.as_ref().is_some_and(|id| id.kind == meant), "{kind}: {:?}", parsed.problems);
    }
}

#[test]
fn a_preview_chooses_no_requests_by_what_the_gateway_writes() {
    let preview = |header: &str| {
        format!(
            "apiVersion: nuncio.dev/v1alpha1\nkind: Preview\nmetadata: {{name: p}}\nspec: {{services: [{{baseline: a, backend: b, \
             match: {{headers: {{{header}: x}}}}}}], entrypoints: [{{name: web, host: a.example}}], access: {{mode: Public}}}}\n"
        )
    };
    for header in ["X-Nuncio-Assertion", "x-forwarded-user", "x-envoy-original-path", "Cookie"] {
        let object = only(&preview(header));
        let told: Vec<_> = object.problems.iter().map(|(problem, _)| (problem.reason, &*problem.field)).collect();
        assert_eq!(told, [("NotAllowed", &*format!("spec.services[0].match.headers.{header}"))]);
    }
    assert!(!is_invalid(&only(&preview("x-tenant"))));
}

#[test]
fn the_document_of_a_preview_is_at_a_path_of_its_backend() {
    let preview = |service: &str| {
        format!(
            "apiVersion: nuncio.dev/v1alpha1\nkind: Preview\nmetadata: {{name: p}}\nspec: {{services: [{{baseline: a, {service}}}], \
             entrypoints: [{{name: web, host: a.example}}], access: {{mode: Public}}}}\n"
        )
    };
    let told = |service: &str| -> Vec<_> {
        let problems = only(&preview(service)).problems;
        problems.into_iter().map(|(problem, _)| (problem.reason, problem.field)).collect()
    };
    let at = |reason| vec![(reason, "spec.services[0].docs.path".to_owned())];
    for path in ["openapi.json", "''", "'http://b/openapi.json'", "//b /x", "'/a#b'", "\"/a\\nb\"", "\"/a\\tb\"", "/ä"]
    {
        assert_eq!(told(&format!("backend: b, docs: {{path: {path}}}")), at("InvalidValue"), "{path}");
    }
    for good in [
        "backend: b, docs: {path: '/v2/openapi.json?full=1'}",
        "backend: b, docs: {ignored: true}",
        "tunnel: true, docs: {ignored: true}",
    ] {
        assert!(told(good).is_empty(), "{good}: {:?}", told(good));
    }
    for idle in ["tunnel: true, docs: {path: /x}", "backend: b, docs: {path: /x, ignored: true}"] {
        assert_eq!(told(idle), at("NoEffect"), "{idle}");
    }
    assert_eq!(told("backend: b, docs: /x")[0].1, "spec.services[0].docs");
}
