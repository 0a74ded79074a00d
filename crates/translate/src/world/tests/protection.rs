//! Rules on routes against the plain rule: of all rules for a host, in their order, the first whose path fits.

mod mistakes;

use nuncio_auth::{Match, Rules};
use nuncio_ir::auth::{FilterKind, RuleSetId};
use nuncio_ir::{RouteAction, Slot};
use proptest::prelude::*;

use super::request::Request;
use super::{objects, pick, steps, world};
use crate::coverage::SetKey;
use crate::world::World;

const HOSTS: [&str; 7] =
    ["a.example.com", "b.example.com", "A.Example.com", "c.example.com", "example.org", "c.org", "other.test"];

const PATHS: [&str; 10] =
    ["/", "/cart", "/cart/", "/cart/1", "/CART/1", "/cart/public/x", "/labelled/x", "/exact", "/exact/more", "/CASE/x"];

/// The rule that a request is held to: its name, `open`, or that it is refused for its path.
fn found(rules: &Rules, request: &Request) -> String {
    let asked = nuncio_auth::Request::new("GET", "http", &request.host, &request.path);
    match rules.find(&asked) {
        Match::Rule(rule) => rule.origin.to_string(),
        Match::Open => "open".to_owned(),
        Match::Ambiguous => "ambiguous".to_owned(),
    }
}

fn naive(world: &World, request: &Request) -> String {
    let coverage = &world.protection.coverage;
    let rules = coverage.of_name(&request.host.to_ascii_lowercase());
    let rules = rules.into_iter().map(|at| coverage.rules[at].origin.clone()).collect();
    let set = world.protection.set(RuleSetId("naive".into()), &SetKey { rules, whole: false, gate: None });
    found(&Rules::new(&set).unwrap(), request)
}

fn by_route(world: &World, request: &Request, class: &str) -> Option<String> {
    let route = request.route(world.model(), class)?;
    // What the gateway answers by itself is nobody's, and nobody is asked about a redirect.
    let is_redirect = matches!(route.action, RouteAction::Redirect(_));
    if is_redirect || route.origins.iter().all(|id| id.kind == nuncio_api::Kind::Host) {
        return None;
    }
    let Some(check) = &route.rules else { return Some("open".to_owned()) };
    let set = &world.model().rule_sets[&check.set];
    Some(found(&Rules::new(set).unwrap(), request))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_request_is_held_to_the_first_rule_for_it_whichever_route_it_gets(steps in steps()) {
        let mut world = world();
        world.apply(steps.iter().map(|(at, version)| pick(*at, *version)));
        for class in &world.frame.classes {
            for host in HOSTS {
                for path in PATHS {
                    let request = Request::get(host, path).with("x-forwarded-proto", "https");
                    if let Some(found) = by_route(&world, &request, &class.key) {
                        prop_assert_eq!(found, naive(&world, &request), "{} {}", host, path);
                    }
                }
            }
        }
    }
}

const EDGE: &str = "
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: http}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: any}
spec: {hostname: '*', requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: all}
spec: {hostname: '*', prefix: /, service: '127.0.0.1:1'}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: own}
spec: {hostname: a.example, prefix: /own/, service: '127.0.0.1:1'}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: open}
spec: {hostname: '*', prefix: /open/, service: '127.0.0.1:1', bypass_auth: true}
---
apiVersion: v1
kind: Secret
metadata: {name: api-keys}
stringData: {ann: key-1}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: keys}
spec: {APIKey: {keys: [{secretName: api-keys}]}}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: login}
spec: {OAuth2: {authorizationURL: 'https://idp.test', clientID: edge, secret: s, protectedOrigins: [{origin: 'https://a.example'}]}}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: asks}
spec: {External: {auth_service: '127.0.0.1:1', proto: grpc, failure_mode_allow: true, allowed_authorization_headers: [X-User, Accept]}}
";

fn policy(rules: &str) -> String {
    format!(
        "---\napiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {{name: p}}\nspec: {{rules: {rules}}}\n"
    )
}

fn apply(world: &mut World, text: &str) -> nuncio_ir::Delta {
    world.apply(objects(text).into_iter().map(|object| (object.id.clone(), Some(object.into()))))
}

fn rules(world: &World, host: &str, path: &str) -> Vec<(String, String)> {
    let route = Request::get(host, path).route(world.model(), "").unwrap();
    let set = route.rules.as_ref().map(|check| &world.model().rule_sets[&check.set]);
    let rules = set.into_iter().flat_map(|set| &set.rules);
    rules.map(|rule| (rule.origin.to_string(), rule.path.to_string())).collect()
}

#[test]
fn a_route_names_the_rules_that_can_apply_to_it_and_no_others() {
    let mut world = world();
    let text = policy(
        "[{host: a.example, path: '/own/*', filters: [{name: keys}]}, {host: '*', path: '/x/*', filters: [{name: keys}]}]",
    );
    apply(&mut world, &(EDGE.to_owned() + &text));
    let (own, x) = ("p.default#0".to_owned(), "p.default#1".to_owned());
    assert_eq!(
        rules(&world, "a.example", "/own/y"),
        [(own.clone(), "/own/*".to_owned())],
        "all of its paths are the rule's"
    );
    let whole: Vec<_> = world.model().rule_sets.values().filter(|set| set.whole).map(|set| set.rules.len()).collect();
    assert_eq!(whole, [1], "that one alone need not look at paths");
    assert_eq!(rules(&world, "b.example", "/x/y"), [(x.clone(), "/x/*".to_owned())]);
    let both = [(own, "/own/*".to_owned()), (x, "/x/*".to_owned())];
    assert_eq!(rules(&world, "a.example", "/z"), both, "by the table of the wildcards");
    assert_eq!(rules(&world, "A.example", "/z"), both, "case does not count");
    assert_eq!(rules(&world, "a.example", "/open/z"), [], "it bypasses whoever is asked");
    let redirect = "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: old}\nspec: {hostname: \
                    '*', prefix: /x/old/, service: c.example, host_redirect: true}\n";
    apply(&mut world, redirect);
    assert_eq!(rules(&world, "b.example", "/x/old/"), [], "it is redirected");
}

/// Nobody is asked about the first of these: what is behind it may read them otherwise than Envoy does.
#[test]
fn paths_in_disguise_are_refused_where_there_are_rules() {
    let mut world = world();
    let text = policy("[{host: a.example, path: '/own/*', filters: [{name: keys}]}]");
    apply(&mut world, &(EDGE.to_owned() + &text));
    let refused = |host: &str, path: &str| {
        let route = Request::get(host, path).route(world.model(), "").unwrap();
        matches!(&route.action, RouteAction::Respond(respond) if respond.status == 400)
    };
    for path in ["/open/%2e%2e;/own/x", "/open/%252e%252e/own/x", "/open/..%c0%afown/x", "/other/%00"] {
        assert!(refused("a.example", path), "{path}");
        assert!(!refused("b.example", path), "{path}: there are no rules");
    }
    for path in ["/open/x;a=b", "/own/100%25", "/open/%C3%A9"] {
        assert!(!refused("a.example", path), "{path}");
    }
}

#[test]
fn a_rule_is_for_the_names_of_its_host_and_no_others() {
    let mut world = world();
    let keys = |host: &str| format!("{{host: '{host}', filters: [{{name: keys}}]}}");
    let some: Vec<_> = (1..=20).map(|n| keys(&format!("*.t{n}.com"))).collect();
    let text = policy(&format!("[{{host: '*.zeta.com', filters: []}}, {}]", some.join(", ")));
    apply(&mut world, &(EDGE.to_owned() + &text));
    let origins = |world: &World, host: &str| {
        let rules = rules(world, host, "/x").into_iter();
        rules.map(|(origin, _)| origin).collect::<Vec<_>>()
    };
    assert_eq!(origins(&world, "x.t1.com"), ["p.default#1"]);
    assert_eq!(origins(&world, "x.T20.com"), ["p.default#20"]);
    assert_eq!(origins(&world, "x.zeta.com"), ["p.default#0"]);
    assert_eq!(origins(&world, "x.other.com"), [""; 0]);
    // Each of these may be for what any of the others is for: 512 sorts of names.
    let many: Vec<_> = (0..9).map(|n| keys(&format!("*{n}*"))).collect();
    apply(&mut world, &policy(&format!("[{}]", many.join(", "))));
    assert_eq!(origins(&world, "10.test"), ["p.default#0"], "the first of two");
    assert_eq!(origins(&world, "1.test"), ["p.default#1"]);
    assert_eq!(origins(&world, "x.test"), [""; 0]);
    let route = Request::get("8.test", "/x").route(world.model(), "").unwrap();
    let RouteAction::Respond(respond) = &route.action else { panic!("{route:?}") };
    assert_eq!(respond.status, 503);
    let id = nuncio_api::ObjectId::new(nuncio_api::Kind::FilterPolicy, "default", "p");
    let problems = world.problems(&id);
    assert_eq!((problems.len(), problems[0].reason, &*problems[0].field), (3, "TooManyHosts", "spec.rules[6].host"));
}

#[test]
fn a_session_goes_no_further_where_nobody_is_asked() {
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &policy("[{host: a.example, path: '/own/*', filters: [{name: login}]}]")));
    let taken = |host: &str, path: &str, cookie: &str| {
        let request = Request::get(host, path).with("cookie", cookie);
        let route = request.route(world.model(), "").unwrap();
        (route.rules.is_some(), route.hides_logins)
    };
    for name in ["a.example", "A.example"] {
        assert_eq!(taken(name, "/open/x", "a=1; __Host-ambassador_session.login.default=x"), (false, true), "{name}");
        assert_eq!(taken(name, "/open/x", "__Host-nuncio_login.01=z; a=1"), (false, true), "{name}: begun");
        assert_eq!(taken(name, "/open/x", "a=1; ambassador_xsrf.login.default=x"), (false, false), "{name}");
    }
    assert_eq!(
        taken("a.example", "/own/x", "ambassador_session.login.default=x"),
        (true, false),
        "who is asked hides it"
    );
    // Readers know one route where there are two.
    let hosts = || world.model().tables.values().flat_map(|table| &table.hosts);
    let bearing: Vec<_> = hosts().flat_map(|host| &host.routes).filter(|route| route.is_bearing()).collect();
    assert!(!bearing.is_empty());
    for route in bearing {
        assert_eq!(route.matches.headers.last().map(|header| &*header.name), Some("cookie"), "{route:?}");
        assert!(
            hosts().flat_map(|host| host.known_routes()).any(|known| *known.name == *route.known_name()),
            "{route:?}"
        );
    }
}

/// A warning, so that a directory is in order before the portal has run for the first time.
#[test]
fn the_secret_of_the_portals_keys_may_be_missing() {
    let mut world = world();
    let filter = |secret: &str| {
        format!(
            "---\napiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {{name: portal}}\nspec: {{APIKey: {{keys: \
             [{{secretName: {secret}}}]}}}}\n"
        )
    };
    let told = |world: &World| {
        let id = nuncio_api::ObjectId::new(nuncio_api::Kind::Filter, "default", "portal");
        world.problems(&id).iter().map(|problem| (problem.reason, problem.severity)).collect::<Vec<_>>()
    };
    let rules = policy("[{host: '*', path: '/x/*', filters: [{name: portal}]}]");
    apply(&mut world, &(EDGE.to_owned() + &rules + &filter("portal-keys")));
    assert_eq!(told(&world), [("InvalidSecret", nuncio_api::Severity::Warning)]);
    let kind = |world: &World| world.model().filters.values().map(|filter| filter.kind.clone()).collect::<Vec<_>>();
    assert!(matches!(&kind(&world)[..], [FilterKind::ApiKey(keys)] if keys.keys.is_empty()), "{:?}", kind(&world));
    apply(&mut world, &filter("others"));
    assert_eq!(told(&world), [("InvalidSecret", nuncio_api::Severity::Error)]);
    assert!(matches!(&kind(&world)[..], [FilterKind::Invalid { .. }]), "{:?}", kind(&world));
}

#[test]
fn who_is_asked_by_grpc_may_name_what_clients_may_not_say() {
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &policy("[{path: '/x/*', filters: [{name: asks}]}]")));
    assert!(world.protection.identity_headers.iter().eq(["x-user"]), "{:?}", world.protection.identity_headers);
}

#[test]
fn a_change_of_what_a_rule_asks_is_one_small_message() {
    let mut world = world();
    let one = |more: &str| policy(&format!("[{{host: '*', path: '/x/*', filters: [{{name: keys{more}}}]}}]"));
    apply(&mut world, &(EDGE.to_owned() + &one("")));
    assert_eq!(world.model().filters.len(), 1);
    let delta = apply(&mut world, &one(", onDeny: continue"));
    assert_eq!((delta.rule_sets.len(), delta.tables.len(), delta.listeners.len()), (1, 0, 0));
    let delta =
        apply(&mut world, "apiVersion: v1\nkind: Secret\nmetadata: {name: api-keys}\nstringData: {ann: key-2}\n");
    assert_eq!((delta.filters.len(), delta.rule_sets.len(), delta.tables.len(), delta.listeners.len()), (1, 0, 0, 0));
    let delta = world.apply([(nuncio_api::ObjectId::new(nuncio_api::Kind::FilterPolicy, "default", "p"), None)]);
    assert!(delta.listeners.is_empty(), "no listener changes by a policy");
    assert_eq!(world.model().extensions[&Slot::Filters].filter, nuncio_ir::SlotFilter::Idle);
    assert!(world.model().rule_sets.is_empty() && world.model().filters.is_empty());
}

/// What a rule of a policy does: the kinds of its filters.
fn denies(world: &World, host: &str, path: &str) -> Vec<String> {
    let route = Request::get(host, path).route(world.model(), "").unwrap();
    let set = route.rules.as_ref().map(|check| &world.model().rule_sets[&check.set]);
    let used = set.into_iter().flat_map(|set| &set.rules).flat_map(|rule| &rule.filters);
    used.map(|used| match world.model().filters.get(&used.filter).map(|filter| &filter.kind) {
        Some(nuncio_ir::auth::FilterKind::Invalid { reason }) => reason.to_string(),
        Some(_) => "decides".to_owned(),
        None => "is not there".to_owned(),
    })
    .collect()
}

#[test]
fn what_cannot_be_used_lets_nobody_in_where_it_is_for() {
    let problems = |world: &World| {
        let id = nuncio_api::ObjectId::new(nuncio_api::Kind::FilterPolicy, "default", "p");
        world.problems(&id).into_iter().map(|problem| problem.reason).collect::<Vec<_>>()
    };
    let cases = [
        ("[{path: '/x/*', filters: [{name: missing}]}]", "is not there", "FilterNotFound"),
        (
            "[{path: '/x/*', filters: [{name: keys, ifRequestHeader: {name: x, valueRegex: '('}}]}]",
            "does not compile",
            "",
        ),
        ("[{path: '/x/*', filters: [{name: keys, arguments: {require: '('}}]}]", "does not compile", ""),
        ("[{path: '/x/*', filters: [{name: keys, arguments: {maxAge: 5s}}]}]", "heeds neither", "InvalidRule"),
        ("[{path: '/x/*', filters: [{name: keys, onDeny: sometimes}]}]", "is not valid", ""),
        (
            "[{path: '/x/*', filters: [{name: keys, arguments: {insteadOfRedirect: {filters: [{name: login}]}}}]}]",
            "is a login",
            "InvalidRule",
        ),
    ];
    for (text, wanted, reason) in cases {
        let mut world = world();
        apply(&mut world, &(EDGE.to_owned() + &policy(text)));
        let found = denies(&world, "a.example", "/x/y");
        assert!(matches!(&found[..], [one] if one.contains(wanted)), "{text}: {found:?}");
        assert!(reason.is_empty() || problems(&world).contains(&reason), "{text}: {:?}", problems(&world));
        assert_eq!(denies(&world, "a.example", "/open/y"), [""; 0], "{text}");
    }
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &policy("[{path: '/x/*', filters: [{name: keys}]}]")));
    assert_eq!(denies(&world, "a.example", "/x/y"), ["decides"]);
    let secret = nuncio_api::ObjectId::new(nuncio_api::Kind::Secret, "default", "api-keys");
    world.apply([(secret, None)]);
    assert!(denies(&world, "a.example", "/x/y")[0].contains("there is no Secret default/api-keys"));
    assert!(problems(&world).contains(&"InvalidFilter"));
}

#[test]
fn a_policy_of_which_nothing_can_be_told_is_for_everything() {
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &policy("[{path: [1], filters: [{name: keys}]}]")));
    for (host, path) in [("a.example", "/own/x"), ("b.example", "/z")] {
        assert_eq!(denies(&world, host, path).len(), 1, "{host}{path}");
    }
}

/// As long as it cannot be read, nobody knows that the open one does not go before it.
#[test]
fn a_policy_whose_precedence_cannot_be_read_goes_before_all_others() {
    let open = policy("[{path: '*', filters: []}]").replace("name: p", "name: a-open");
    for broken in ["{path: [1], precedence: 10", "{path: '/own/*', priority: 10", "{path: '/own/*', precedence: high"] {
        let mut world = world();
        let strict = policy(&format!("[{broken}, filters: [{{name: keys}}]}}]"));
        apply(&mut world, &(EDGE.to_owned() + &open + &strict));
        let denied = denies(&world, "a.example", "/own/x");
        assert!(denied.first().is_some_and(|reason| reason.contains("FilterPolicy default/p")), "{broken}: {denied:?}");
    }
}

/// A Filter that wants a key, and a policy for `/new/`, of the newer group.
const NEWER: &str = "\
apiVersion: gateway.getambassador.io/v1alpha1
kind: Filter
metadata: {name: keys}
spec: {type: apikey, apikey: {keys: [{secretName: api-keys}]}}
---
apiVersion: gateway.getambassador.io/v1alpha1
kind: FilterPolicy
metadata: {name: p}
spec: {rules: [{path: '/new/*', filterRefs: [{name: keys}]}]}
---
";

#[test]
fn policies_of_one_name_in_both_groups_both_hold() {
    let mut world = world();
    let older = policy("[{path: '/old/*', filters: [{name: keys}]}]");
    apply(&mut world, &format!("{EDGE}---\n{NEWER}{older}"));
    let names = [("p.default#0", "/old/*"), ("gateway:p.default#0", "/new/*")];
    assert_eq!(rules(&world, "a.example", "/x"), names.map(|(name, path)| (name.to_owned(), path.to_owned())));
    assert_eq!(denies(&world, "a.example", "/x"), ["decides", "decides"]);
    assert_eq!(denies(&world, "a.example", "/open/x"), [""; 0]);
    // Which of two Filters was meant nobody can tell, once they say different things.
    apply(&mut world, &NEWER.replace("keys: [{", "httpHeader: X-Other, keys: [{"));
    let reasons = denies(&world, "a.example", "/x");
    assert!(reasons.iter().all(|reason| reason.contains("another Filter is called keys.default")), "{reasons:?}");
    for kind in [nuncio_api::Kind::Filter, nuncio_api::Kind::GatewayFilter] {
        let id = nuncio_api::ObjectId::new(kind, "default", "keys");
        assert!(world.problems(&id).iter().any(|problem| problem.reason == "AmbiguousFilter"), "{kind:?}");
    }
}

#[test]
fn a_secret_is_part_of_the_filters_that_name_it() {
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &policy("[{host: a.example, filters: [{name: keys}]}]")));
    let secret = nuncio_api::ObjectId::new(nuncio_api::Kind::Secret, "default", "api-keys");
    let filters =
        |world: &World| world.resources_of(&secret).filters.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(filters(&world), ["keys.default"]);
    apply(&mut world, &EDGE.replace("secretName: api-keys", "secretName: others"));
    assert!(filters(&world).is_empty(), "it names another");
}
