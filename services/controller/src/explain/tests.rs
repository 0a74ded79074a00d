use std::time::Instant;

use super::*;
use crate::engine::fixture;
use crate::source::{Content, FileChange};

const SHOP: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: http}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop}
spec: {hostname: shop.example, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart}
spec:
  hostname: shop.example
  prefix: /cart/
  service: cart
  timeout_ms: 700
  connect_timeout_ms: 250
  circuit_breakers: [{max_requests: 7}]
  labels: {ambassador: [{group: [{generic_key: {value: hidden}}, {user: {header: x-user}}]}]}
---
apiVersion: getambassador.io/v3alpha1
kind: RateLimit
metadata: {name: rate}
spec: {domain: ambassador, limits: [{pattern: [{generic_key: hidden}, {user: '*'}], rate: 5, unit: minute}]}
---
apiVersion: getambassador.io/v3alpha1
kind: RateLimitService
metadata: {name: counts}
spec: {service: counts, protocol_version: v3}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: key}
spec: {APIKey: {keys: [{secretName: keys}]}}
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: policy}
spec: {rules: [{host: shop.example, path: /cart/mine/*, filters: [{name: key}]}]}
";

fn told(path: &str) -> Explanation {
    told_of(SHOP, path)
}

fn told_of(manifests: &str, path: &str) -> Explanation {
    let mut engine = fixture::engine();
    let file = FileChange { file: "all.yaml".into(), content: Content::Bytes(manifests.into()) };
    engine.ingest(vec![file], Instant::now());
    let request = ExplainRequest::parse(&format!("http://shop.example:8080{path}"), "GET", ["x-user: ann"]).unwrap();
    explain(&engine.world, None, &request)
}

#[test]
fn a_path_that_is_encoded_twice_is_refused_where_that_matters() {
    for path in ["/cart/%6dine/x", "/cart/%252e%252e/x"] {
        let outcome = told(path).outcome;
        assert!(outcome.starts_with("answered 400: servers may read this path in two ways"), "{path}: {outcome}");
    }
    let outcome = told("/cart/100%2525").outcome;
    assert!(outcome.starts_with("forwarded to cart:80"), "{outcome}");
}

#[test]
fn a_shadow_is_told_of() {
    let shadow = |weight: &str| {
        format!(
            "{SHOP}---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: shadow}}\n\
             spec: {{hostname: shop.example, prefix: /cart/, service: 'shadow:81', shadow: true{weight}}}\n"
        )
    };
    for (weight, of) in [("", "each request"), (", weight: 10", "10 % of the requests")] {
        let outcome = told_of(&shadow(weight), "/cart/x").outcome;
        let expected = format!("; a copy of {of} goes to shadow:81, whose answer nobody waits for");
        assert!(outcome.starts_with("forwarded to cart:80") && outcome.contains(&expected), "{outcome}");
    }
    assert!(!told("/cart/x").outcome.contains("copy"));
}

#[test]
fn where_no_rule_is_for_a_path_the_policies_are_named_that_have_some() {
    let asked = |path: &str| {
        let protection = told(path).protection;
        protection.into_iter().map(|one| (one.by, one.path, one.applies)).collect::<Vec<_>>()
    };
    let [none, mine] = ["/cart/other", "/cart/mine/x"].map(asked);
    assert_eq!(none, [("policy.default".to_owned(), String::new(), false)]);
    assert_eq!(mine, [("policy.default#0".to_owned(), "/cart/mine/*".to_owned(), true)]);
}

#[test]
fn a_path_with_escaped_slashes_is_another() {
    let told = told("/cart/a%2Fb");
    assert_eq!(told.path.as_deref(), Some("/cart/a/b"));
    assert!(
        told.outcome
            .starts_with("redirected (307) to /cart/a/b, since slashes are not escaped in paths; there: forwarded"),
        "{}",
        told.outcome
    );
    assert!(told.route.is_some());
}

#[test]
fn what_envoy_answers_in_place_of_the_service_is_told() {
    let failures = told("/cart/x").failures;
    let found = |status: u16, part: &str| {
        let failure = failures.iter().find(|failure| failure.status == status && failure.why.contains(part));
        failure.unwrap_or_else(|| panic!("{part} in {failures:#?}")).counters.join(" ")
    };
    assert!(found(503, "no endpoint").ends_with(".upstream_cx_none_healthy"));
    assert!(found(503, "within 250 ms").ends_with(".upstream_cx_connect_fail"));
    assert!(found(503, "more than 7 requests").ends_with(".upstream_rq_pending_overflow"));
    assert!(found(504, "within 700 ms").ends_with(".upstream_rq_timeout"));
}

#[test]
fn of_labels_that_are_counted_it_is_told_which_the_request_says() {
    let limits = told("/cart/x").limits;
    let labels: Vec<_> = limits.iter().map(|limit| (limit.labels.as_str(), limit.of_request.as_str())).collect();
    assert_eq!(labels, [("generic_key=hidden, user=ann", "user=ann")], "{limits:#?}");
}

const LOGIN: &str = "\
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: login}
spec:
  OAuth2: {authorizationURL: 'https://idp.example', clientID: shop, secret: unused, protectedOrigins: [{origin: 'http://shop.example:8080'}]}
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: customers}
spec:
  rules:
  - host: shop.example
    path: /cart/orders*
    filters:
    - {name: token, ifRequestHeader: {name: Authorization}, onAllow: break}
    - {name: login}
  - {host: shop.example, path: /cart/maybe, filters: [{name: login, onDeny: continue}]}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: token}
spec: {JWT: {jwksURI: 'https://idp.example/jwks'}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {ann: k-1}
";

fn outcome(path: &str, headers: &[&str]) -> String {
    let mut engine = fixture::engine();
    let file = FileChange { file: "all.yaml".into(), content: Content::Bytes(format!("{SHOP}{LOGIN}").into()) };
    engine.ingest(vec![file], Instant::now());
    let url = format!("http://shop.example:8080{path}");
    let request = ExplainRequest::parse(&url, "GET", headers.iter().copied()).unwrap();
    explain(&engine.world, None, &request).outcome
}

#[test]
fn what_a_request_needs_is_said_before_where_it_goes() {
    let (browser, program) = ("accept: text/html", "accept: application/json");
    let needs = "needs a login or a token; without one";
    let rows: [(&str, &[&str], String); 8] = [
        (
            "/cart/orders",
            &[program],
            format!("{needs} answered 401 (browsers are redirected to log in); with one: forwarded to cart:80"),
        ),
        (
            "/cart/orders",
            &[browser],
            format!("{needs} redirected to log in (programs get 401); with one: forwarded to cart:80"),
        ),
        (
            "/cart/orders",
            &["authorization: Bearer x"],
            "if its token is valid (if not, answered 401): forwarded to cart:80".to_owned(),
        ),
        (
            "/cart/orders",
            &[browser, "cookie: a=b"],
            "if the login in its cookie is valid (if not, redirected to log in (programs get 401)): forwarded"
                .to_owned(),
        ),
        ("/cart/mine/x", &[], "needs an API key; without one answered 401; with one: forwarded to cart:80".to_owned()),
        (
            "/cart/mine/x",
            &["x-api-key: 1"],
            "if its API key is known (if not, answered 401): forwarded to cart:80".to_owned(),
        ),
        ("/cart/maybe", &[], "forwarded to cart:80".to_owned()),
        ("/cart/x", &[], "forwarded to cart:80".to_owned()),
    ];
    for (path, headers, expected) in rows {
        let told = outcome(path, headers);
        assert!(told.starts_with(&expected), "{path} {headers:?}: {told}");
    }
}

#[test]
fn where_nobody_takes_a_connection_it_is_said_where_they_do() {
    let object = |kind: &str, name: &str, spec: &str| {
        format!(
            "---\napiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    };
    let more = [
        object(
            "Listener",
            "other",
            "port: 8081, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}",
        ),
        object("TCPMapping", "db", "port: 5432, service: 'db:5432'"),
        object("TCPMapping", "db-too", "port: 5433, service: 'db:5432'"),
        // Without a certificate its connections are closed.
        object("TCPMapping", "none", "port: 5432, host: none.example, service: 'db:5432'"),
    ];
    let mut engine = fixture::engine();
    let all = format!("{SHOP}{}", more.concat());
    let file = FileChange { file: "all.yaml".into(), content: Content::Bytes(all.into()) };
    engine.ingest(vec![file], Instant::now());
    let http = ["http://shop.example:8080/cart/?a=b", "http://shop.example:8081/cart/?a=b"];
    let tcp = ["tcp://shop.example:5432", "tcp://shop.example:5433"];
    for (url, expected) in [
        ("shop.example/cart/?a=b", &http[..]),
        ("http://shop.example:9999/cart/?a=b", &http),
        ("https://shop.example/cart/?a=b", &http),
        // There is a Listener, and it speaks no TLS.
        ("https://shop.example:8081/cart/?a=b", &http),
        ("tcp://shop.example:1", &tcp),
        // Something else is spoken there, or nothing.
        ("tcp://shop.example:8080", &tcp),
        ("http://shop.example:5432/cart/?a=b", &http),
        ("tls://none.example:5432", &["tls://none.example:5433"]),
        ("http://shop.example:8080/nowhere", &[]),
        ("tcp://shop.example:5432", &[]),
    ] {
        let request = ExplainRequest::parse(url, "GET", []).unwrap();
        let told = explain(&engine.world, None, &request);
        assert_eq!(told.elsewhere, expected, "{url}: {}", told.outcome);
    }
}
