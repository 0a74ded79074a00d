//! Filters and FilterPolicies.

use super::check;

#[test]
fn bad_filters_are_refused() {
    for (spec, reason, field, at) in [
        ("{}", "InvalidValue", "spec", "{"),
        ("{JWT: {jwksURI: 'https://a'}, Basic: {secretName: s}}", "InvalidValue", "spec", "{JWT"),
        ("{Plugin: {name: p}}", "NotPortable", "spec.Plugin", "{name"),
        ("{JWT: {}}", "MissingField", "spec.JWT.jwksURI", "{}"),
        ("{JWT: {jwksURI: 'ftp://a'}}", "InvalidValue", "spec.JWT.jwksURI", "'ftp"),
        ("{JWT: {jwksURI: 'https://a:99999/keys'}}", "InvalidValue", "spec.JWT.jwksURI", "'https://a:9"),
        ("{JWT: {jwksURI: 'https://[::1/keys'}}", "InvalidValue", "spec.JWT.jwksURI", "'https://["),
        ("{JWT: {jwksURI: 'https://a', validAlgorithms: [RS1]}}", "InvalidValue", "spec.JWT.validAlgorithms[0]", "RS1"),
        ("{JWT: {jwksURI: 'https://a', validAlgorithms: [HS256]}}", "InvalidValue", "spec.JWT.validAlgorithms", "[HS"),
        ("{JWT: {jwksURI: 'https://a', audience: x1, audiences: [b]}}", "InvalidValue", "spec.JWT.audience", "x1"),
        (
            "{JWT: {jwksURI: 'https://a', leewayForExpiresAt: soon}}",
            "InvalidValue",
            "spec.JWT.leewayForExpiresAt",
            "soon",
        ),
        (
            "{JWT: {jwksURI: 'https://a', injectRequestHeaders: [{name: 'a b', value: v}]}}",
            "InvalidHeaderName",
            "spec.JWT.injectRequestHeaders[0].name",
            "'a b'",
        ),
        (
            "{JWT: {jwksURI: 'https://a', injectRequestHeaders: [{value: v}]}}",
            "MissingField",
            "spec.JWT.injectRequestHeaders[0].name",
            "{value",
        ),
        (
            "{JWT: {jwksURI: 'https://a', errorResponse: {realm: \"a\\nb\"}}}",
            "InvalidValue",
            "spec.JWT.errorResponse.realm",
            "\"a",
        ),
        ("{APIKey: {}}", "MissingField", "spec.APIKey.keys", "{}"),
        ("{APIKey: {keys: [{}]}}", "MissingField", "spec.APIKey.keys[0].secretName", "{}"),
        (
            "{APIKey: {keys: [{secretName: s}], sources: [{header: a, query: b}]}}",
            "InvalidValue",
            "spec.APIKey.sources[0]",
            "{header",
        ),
        (
            "{APIKey: {keys: [{secretName: s}], identityHeader: ':path'}}",
            "InvalidHeaderName",
            "spec.APIKey.identityHeader",
            "':path'",
        ),
        ("{Basic: {}}", "MissingField", "spec.Basic.secretName", "{}"),
        ("{External: {}}", "MissingField", "spec.External.auth_service", "{}"),
        ("{External: {auth_service: a, proto: soap}}", "InvalidValue", "spec.External.proto", "soap"),
        (
            "{External: {auth_service: a, include_body: {max_bytes: 0}}}",
            "InvalidValue",
            "spec.External.include_body.max_bytes",
            "0",
        ),
        (
            "{External: {auth_service: a, tlsConfig: {caCertificate: {fromSecret: {name: s}}}}}",
            "InvalidValue",
            "spec.External.tlsConfig.caCertificate",
            "{fromSecret",
        ),
        (
            "{Introspection: {endpoint: x1, clientID: c, secretName: s}}",
            "InvalidValue",
            "spec.Introspection.endpoint",
            "x1",
        ),
    ] {
        check(("Filter", spec, reason, field, at));
    }
}

#[test]
fn bad_logins_are_refused() {
    for (spec, reason, field, at) in [
        (
            "{OAuth2: {clientID: c, secretName: s, protectedOrigins: [{origin: 'https://b'}]}}",
            "MissingField",
            "spec.OAuth2.authorizationURL",
            "{clientID",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', secretName: s, protectedOrigins: [{origin: 'https://b'}]}}",
            "MissingField",
            "spec.OAuth2.clientID",
            "{authorizationURL",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', clientID: c, protectedOrigins: [{origin: 'https://b'}]}}",
            "MissingField",
            "spec.OAuth2.secretName",
            "{authorizationURL",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s}}",
            "MissingField",
            "spec.OAuth2.protectedOrigins",
            "{authorizationURL",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', grantType: Implicit}}",
            "InvalidValue",
            "spec.OAuth2.grantType",
            "Implicit",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', grantType: ClientCredentials, accessTokenValidation: userinfo, accessTokenJWTFilter: {name: f}}}",
            "InvalidValue",
            "spec.OAuth2.accessTokenJWTFilter",
            "{name",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', grantType: ClientCredentials, clientAuthentication: {method: Guess}}}",
            "InvalidValue",
            "spec.OAuth2.clientAuthentication.method",
            "Guess",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', grantType: Password, clientID: c, secretName: s, secret: t1}}",
            "InvalidValue",
            "spec.OAuth2.secret",
            "t1",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, clientURL: 'https://b', postLogoutRedirectURI: x1}}",
            "InvalidValue",
            "spec.OAuth2.postLogoutRedirectURI",
            "x1",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, clientURL: 'https://b', extraAuthorizationParameters: {state: x1}}}",
            "InvalidValue",
            "spec.OAuth2.extraAuthorizationParameters.state",
            "x1",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, clientURL: 'https://b', extraAuthorizationParameters: {code_challenge_method: x1}}}",
            "InvalidValue",
            "spec.OAuth2.extraAuthorizationParameters.code_challenge_method",
            "x1",
        ),
        (
            "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, clientURL: 'https://b', extraAuthorizationParameters: {response_mode: form_post}}}",
            "InvalidValue",
            "spec.OAuth2.extraAuthorizationParameters.response_mode",
            "form_post",
        ),
    ] {
        check(("Filter", spec, reason, field, at));
    }
}

#[test]
fn bad_policies_are_refused() {
    for (spec, reason, field, at) in [
        ("{rules: [{host: 'a/b', filters: [{name: f}]}]}", "InvalidValue", "spec.rules[0].host", "'a/b'"),
        ("{rules: [{path: x1, filters: [{name: f}]}]}", "InvalidValue", "spec.rules[0].path", "x1"),
        ("{rules: [{path: '/a#b', filters: [{name: f}]}]}", "InvalidValue", "spec.rules[0].path", "'/a#b'"),
        ("{rules: [{filters: [{}]}]}", "MissingField", "spec.rules[0].filters[0].name", "{}"),
        (
            "{rules: [{filters: [{name: f, onDeny: sometimes}]}]}",
            "InvalidValue",
            "spec.rules[0].filters[0].onDeny",
            "sometimes",
        ),
        (
            "{rules: [{filters: [{name: f, ifRequestHeader: {name: 'a b'}}]}]}",
            "InvalidHeaderName",
            "spec.rules[0].filters[0].ifRequestHeader.name",
            "'a b'",
        ),
        (
            "{rules: [{filters: [{name: f, ifRequestHeader: {name: h, value: x1, valueRegex: z}}]}]}",
            "InvalidValue",
            "spec.rules[0].filters[0].ifRequestHeader.value",
            "x1",
        ),
        (
            "{rules: [{filters: [{name: f, arguments: {insteadOfRedirect: {httpStatusCode: 999}}}]}]}",
            "InvalidValue",
            "spec.rules[0].filters[0].arguments.insteadOfRedirect.httpStatusCode",
            "999",
        ),
        (
            "{rules: [{filters: [{name: f, arguments: {sameSite: loose}}]}]}",
            "InvalidValue",
            "spec.rules[0].filters[0].arguments.sameSite",
            "loose",
        ),
        // A guard that is misspelt is no guard.
        ("{rules: [{host: a, filter: [{name: f}]}]}", "UnknownField", "spec.rules[0].filter", "filter"),
        ("{rule: [{host: a, filters: [{name: f}]}]}", "UnknownField", "spec.rule", "rule"),
        // Neither is one that is lost.
        ("{}", "MissingField", "spec.rules", "{}"),
        ("{rules: }", "MissingField", "spec.rules", "rules"),
    ] {
        check(("FilterPolicy", spec, reason, field, at));
    }
}

/// The beginning of a login; what follows is up to the case.
const LOGIN: &str = "{OAuth2: {authorizationURL: 'https://a', clientID: c, secretName: s, ";

#[test]
fn what_does_not_compile_is_refused() {
    let jwt = |rest: &str| format!("{{JWT: {{jwksURI: 'https://a', {rest}}}}}");
    let login = |rest: &str| format!("{LOGIN}clientURL: 'https://b', {rest}}}}}");
    let origin = |rest: &str| format!("{LOGIN}protectedOrigins: [{{{rest}}}]}}}}");
    for (spec, reason, field, at) in [
        (
            jwt("injectRequestHeaders: [{name: a, value: '{{ nope }}'}]"),
            "InvalidTemplate",
            "spec.JWT.injectRequestHeaders[0].value",
            "'{{ nope",
        ),
        (
            jwt("errorResponse: {bodyTemplate: '{{ if }}'}"),
            "InvalidTemplate",
            "spec.JWT.errorResponse.bodyTemplate",
            "'{{ if",
        ),
        (
            jwt("errorResponse: {headers: [{name: a, value: '{{ .a'}]}"),
            "InvalidTemplate",
            "spec.JWT.errorResponse.headers[0].value",
            "'{{ .a",
        ),
        (jwt("errorResponse: {contentType: '{{'}"), "InvalidTemplate", "spec.JWT.errorResponse.contentType", "'{{'"),
        (
            "{Introspection: {endpoint: 'https://a', clientID: c, secretName: s, errorResponse: {bodyTemplate: '{{'}}}"
                .to_owned(),
            "InvalidTemplate",
            "spec.Introspection.errorResponse.bodyTemplate",
            "'{{'",
        ),
        (
            login("injectRequestHeaders: [{name: a, value: '{{ end }}'}]"),
            "InvalidTemplate",
            "spec.OAuth2.injectRequestHeaders[0].value",
            "'{{ end",
        ),
        (
            login("useSessionCookies: {ifRequestHeader: {name: a, valueRegex: '('}}"),
            "InvalidRegex",
            "spec.OAuth2.useSessionCookies.ifRequestHeader.valueRegex",
            "'('",
        ),
        (origin("origin: 'https://*.b'"), "InvalidValue", "spec.OAuth2.protectedOrigins[0].origin", "'https://*"),
        (origin("origin: 'https://me@b'"), "InvalidValue", "spec.OAuth2.protectedOrigins[0].origin", "'https://me"),
        (
            origin("origin: 'https://b', internalOrigin: 'http://me@b'"),
            "InvalidValue",
            "spec.OAuth2.protectedOrigins[0].internalOrigin",
            "'http://me",
        ),
    ] {
        let spec: &'static str = spec.leak();
        check(("Filter", spec, reason, field, at));
    }
    for (spec, reason, field, at) in [
        (
            "{rules: [{filters: [{name: f, ifRequestHeader: {name: h, valueRegex: '[a'}}]}]}",
            "InvalidRegex",
            "spec.rules[0].filters[0].ifRequestHeader.valueRegex",
            "'[a'",
        ),
        (
            "{rules: [{filters: [{name: f, arguments: {require: 'claims.('}}]}]}",
            "InvalidExpression",
            "spec.rules[0].filters[0].arguments.require",
            "'claims",
        ),
        (
            "{rules: [{filters: [{name: f, arguments: {insteadOfRedirect: {filters: [{name: g, arguments: {require: '('}}]}}}]}]}",
            "InvalidExpression",
            "spec.rules[0].filters[0].arguments.insteadOfRedirect.filters[0].arguments.require",
            "'('",
        ),
    ] {
        check(("FilterPolicy", spec, reason, field, at));
    }
}
