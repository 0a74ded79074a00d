use nuncio_api::parse;
use nuncio_translate::{Settings, World};

use crate::admin::TopologyQuery;
use crate::engine::fixture;
use crate::run::defaults;
use crate::view::topology::topology;

const FRAME: &str = "
Listener http {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
Listener other {port: 8081, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: SELECTOR}, selector: {matchLabels: {a: b}}}}
Host shop {hostname: shop.example, requestPolicy: {insecure: {action: Route}}}
Host away {hostname: away.example, requestPolicy: {insecure: {action: Route}}}
Mapping cart {hostname: shop.example, prefix: /cart/, service: cart, labels: {ambassador: [{group: [{generic_key: {value: cart}}]}]}}
Mapping open {hostname: shop.example, prefix: /open/, service: 'https://open', tls: ctx, bypass_auth: true}
Mapping away {hostname: away.example, prefix: /away/, service: away, resolver: ends}";

/// The paths of the routes that an object reaches, beside these others.
fn reached(others: &str, kind: &str, name: &str) -> Vec<String> {
    let lines = format!("{FRAME}\n{others}");
    let documents = lines.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let [kind, name, spec] = line.trim().splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let head = "apiVersion: getambassador.io/v3alpha1\nkind:";
        match kind {
            "Secret" => format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {spec}\n---\n"),
            _ => format!("{head} {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"),
        }
    });
    let text: String = documents.collect();
    let parsed = parse(text.as_bytes(), &"all.yaml".into(), &defaults("default", false));
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let mut world = World::new(Settings {
        limit_socket: Some("limits".into()),
        authz: Some(nuncio_ir::Discovery::Unix("authz".into())),
        ..fixture::settings()
    });
    world.apply(parsed.objects.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    let [kind, namespace, name] = [kind, "default", name].map(|text| Some(text.to_owned()));
    let query = TopologyQuery { kind, namespace, name, own: Some(false), ..TopologyQuery::default() };
    let told = topology(&world, &query);
    assert_eq!(told.total, told.routes.len());
    let mut paths: Vec<_> =
        told.routes.iter().map(|way| way.route.matches.trim_start_matches("prefix ").to_owned()).collect();
    paths.sort();
    paths
}

const ALL: [&str; 3] = ["/away/", "/cart/", "/open/"];
const KEY: &str = "
Filter key {APIKey: {httpHeader: x-key, keys: [{secretName: keys}]}}
Filter spare {APIKey: {httpHeader: x-key, keys: [{secretName: keys}]}}
Secret keys {ann: k-1}
FilterPolicy carts {rules: [{host: shop.example, path: /cart/*, filters: [{name: key}]}]}";

#[test]
fn who_is_there_for_hosts_reaches_what_they_serve() {
    assert_eq!(reached("", "Host", "shop"), ["/cart/", "/open/"]);
    assert_eq!(reached("", "Listener", "http"), ALL);
    assert_eq!(reached("", "Listener", "other"), [""; 0], "no Host has its label");
    assert_eq!(reached("Module ambassador {config: {xff_num_trusted_hops: 1}}", "Module", "ambassador"), ALL);
    assert_eq!(reached("", "Mapping", "cart"), ["/cart/"]);
    assert_eq!(reached("", "Nothing", "cart"), [""; 0]);
}

#[test]
fn who_is_asked_reaches_the_routes_that_have_him_asked() {
    for (kind, name) in [("Filter", "key"), ("FilterPolicy", "carts"), ("Secret", "keys")] {
        assert_eq!(reached(KEY, kind, name), ["/cart/"], "{kind} {name}");
    }
    assert_eq!(reached(KEY, "Filter", "spare"), [""; 0], "no policy names it");
    let auth = "AuthService auth {auth_service: auth}";
    assert_eq!(reached(auth, "AuthService", "auth"), ["/away/", "/cart/"], "one bypasses it");
}

#[test]
fn limits_reach_the_routes_with_their_labels() {
    let limits = "
        RateLimit cart {domain: ambassador, limits: [{pattern: [{generic_key: cart}], rate: 5, unit: minute}]}
        RateLimit other {domain: ambassador, limits: [{pattern: [{generic_key: other}], rate: 5, unit: minute}]}";
    assert_eq!(reached(limits, "RateLimit", "cart"), ["/cart/"]);
    assert_eq!(reached(limits, "RateLimit", "other"), [""; 0]);
    let service = "RateLimitService counts {service: counts, protocol_version: v3}";
    assert_eq!(reached(service, "RateLimitService", "counts"), ["/cart/"]);
}

#[test]
fn what_others_name_reaches_what_those_do() {
    let named = "
        TLSContext ctx {alpn_protocols: h2}
        KubernetesEndpointResolver ends {}";
    assert_eq!(reached(named, "TLSContext", "ctx"), ["/open/"]);
    assert_eq!(reached(named, "KubernetesEndpointResolver", "ends"), ["/away/"]);
}
