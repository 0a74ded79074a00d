//! Rules and logins that are for nobody, and what is there but no good.

use nuncio_api::{Kind, ObjectId, Severity};
use nuncio_auth::login::Origins;

use super::*;

fn told(world: &World, kind: Kind, name: &str) -> Vec<String> {
    let problems = world.problems(&ObjectId::new(kind, "default", name)).into_iter();
    problems.map(|problem| format!("{} {}", problem.reason, problem.field)).collect()
}

fn host(name: &str) -> String {
    format!(
        "---\napiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {{name: any}}\n\
         spec: {{hostname: '{name}', requestPolicy: {{insecure: {{action: Route}}}}}}\n"
    )
}

fn mapping(hostname: &str) -> String {
    format!(
        "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: more}}\n\
         spec: {{hostname: '{hostname}', prefix: /, service: '127.0.0.1:1'}}\n"
    )
}

#[test]
fn a_rule_that_is_for_no_request_is_told_of_as_long_as_it_is() {
    let mut world = world();
    let rules =
        "[{host: b.example, filters: [{name: keys}]}, {host: A.example., path: /own/*, filters: [{name: keys}]},
                 {host: '*.example', path: '/x/*', filters: [{name: keys}]}]";
    let id = ObjectId::new(Kind::FilterPolicy, "default", "p");
    let alone = EDGE.replace("hostname: '*', prefix: /, ", "hostname: a.example, prefix: /, ");
    apply(&mut world, &(alone + &host("a.example") + &policy(rules)));
    let why = |world: &World| world.problems(&id).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(why(&world), ["spec.rules[0].host: protects nothing: no Host that a Listener binds takes b.example"]);
    world.take_turned();
    apply(&mut world, &host("*"));
    // The Mapping for every host that bypasses is asked about by nobody.
    assert_eq!(why(&world)[0].split(": ").nth(1), Some("protects nothing"), "{:?}", why(&world));
    apply(&mut world, &mapping("b.example"));
    assert_eq!(why(&world), [""; 0]);
    assert!(world.take_turned().contains(&id), "it is to be looked at again");
    assert!(rules_of(&world, "b.example", "/x").contains(&"p.default#0".to_owned()));
    world.apply([(ObjectId::new(Kind::Mapping, "default", "more"), None)]);
    assert_eq!(told(&world, Kind::FilterPolicy, "p"), ["NoMatchingRoute spec.rules[0]"]);
    assert!(world.take_turned().contains(&id));
}

#[test]
fn a_host_that_cannot_be_used_is_told_of_alone() {
    let mut world = world();
    let broken = host("*").replace("{hostname", "{tlsSecret: {name: missing}, hostname");
    apply(&mut world, &(EDGE.to_owned() + &broken + &policy("[{host: a.example, filters: [{name: keys}]}]")));
    assert_eq!(told(&world, Kind::FilterPolicy, "p"), [""; 0]);
}

fn rules_of(world: &World, host: &str, path: &str) -> Vec<String> {
    rules(world, host, path).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn rules_behind_others_and_for_other_paths_are_for_no_request() {
    let mut world = world();
    let rules =
        "[{host: a.example, filters: [{name: keys}]}, {host: a.example, path: '/own/*', filters: [{name: asks}]},
                 {host: '*', path: '/x/*', filters: [{name: keys}]}]";
    apply(&mut world, &(EDGE.to_owned() + &policy(rules)));
    assert_eq!(told(&world, Kind::FilterPolicy, "p"), ["NoMatchingRoute spec.rules[1]"]);
    let mut nothing = super::world();
    apply(&mut nothing, &policy("[{host: a.example, filters: []}]"));
    assert_eq!(told(&nothing, Kind::FilterPolicy, "p"), [""; 0], "there is nothing to be protected");
}

#[test]
fn of_two_rules_for_the_same_the_second_is_told_that_it_never_counts() {
    let mut world = world();
    let rule = |name: &str, path: &str| {
        let rules = format!("[{{host: A.example, path: '{path}', filters: [{{name: keys}}]}}]");
        policy(&rules).replace("name: p}", &format!("name: {name}}}"))
    };
    apply(&mut world, &(EDGE.to_owned() + &rule("p", "/own/x/*") + "---\n" + &rule("q", "/own/x/*")));
    assert_eq!(told(&world, Kind::FilterPolicy, "p"), [""; 0]);
    assert_eq!(told(&world, Kind::FilterPolicy, "q"), ["NoMatchingRoute spec.rules[0]"]);
    world.take_turned();
    apply(&mut world, &rule("p", "/own/y/*"));
    assert!(world.take_turned().contains(&ObjectId::new(Kind::FilterPolicy, "default", "q")), "looked at again");
    assert_eq!(told(&world, Kind::FilterPolicy, "q"), [""; 0]);
}

#[test]
fn a_policy_that_cannot_be_read_is_told_of_alone() {
    let mut world = world();
    let healthy = policy("[{host: a.example, path: '/own/*', filters: [{name: keys}]}]");
    let broken =
        "---\napiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: broken}\nspec: {rulse: []}\n";
    apply(&mut world, &(EDGE.to_owned() + &healthy + broken));
    assert_eq!(told(&world, Kind::FilterPolicy, "p"), [""; 0]);
}

#[test]
fn scopes_of_a_filter_that_knows_none_and_keys_that_are_none_are_told_of() {
    let mut world = world();
    let scoped = policy("[{host: a.example, filters: [{name: keys, arguments: {scope: [a]}}]}]");
    let keys = EDGE.replace("{ann: key-1}", "{ann: key-1, bob: '', eve: 'sha256:no'}");
    apply(&mut world, &(keys + &scoped));
    assert_eq!(told(&world, Kind::FilterPolicy, "p"), ["NoEffect spec.rules[0].filters[0].arguments.scope"]);
    let told_of_key = "InvalidSecret spec.APIKey.keys[0].secretName";
    assert_eq!(told(&world, Kind::Filter, "keys"), [told_of_key, told_of_key]);
    assert_eq!(denies(&world, "a.example", "/own/x"), ["decides"], "the other key is good");
    apply(&mut world, &EDGE.replace("stringData: {ann: key-1}", "stringData: {}"));
    assert_eq!(told(&world, Kind::Filter, "keys"), ["InvalidSecret spec.APIKey.keys"]);
}

#[test]
fn an_origin_without_a_rule_and_a_rule_without_an_origin_are_told_of() {
    // Behind a proxy that ends TLS.
    let edge = EDGE.replace("securityModel: XFP,", "securityModel: XFP, l7Depth: 1,");
    let login = |origins: &str| edge.replace("[{origin: 'https://a.example'}]", origins);
    let own = "[{host: a.example, filters: [{name: login}]}]";
    for (origins, rules, filter, policy_told) in [
        ("[{origin: 'https://a.example:8443/x'}]", own, "", ""),
        (
            "[{origin: 'https://a.exmaple'}]",
            own,
            "NoMatchingRule spec.OAuth2.protectedOrigins[0].origin",
            "NoMatchingOrigin spec.rules[0].host",
        ),
        // The first may be there for the provider alone.
        ("[{origin: 'https://login.test'}, {origin: 'https://a.example'}]", own, "", ""),
        (
            "[{origin: 'https://a.example'}, {origin: 'https://b.test'}]",
            own,
            "NoMatchingRule spec.OAuth2.protectedOrigins[1].origin",
            "",
        ),
        ("[{origin: 'https://example', includeSubdomains: true}]", own, "", ""),
        ("[{origin: 'https://a.example'}]", "[{host: '*', filters: [{name: login}]}]", "", ""),
        ("[{origin: 'https://b.test', internalOrigin: '*://*'}]", "[{filters: [{name: login}]}]", "", ""),
        ("[{origin: 'https://b.test'}]", "[{filters: [{name: keys}]}]", "", ""),
    ] {
        let mut world = world();
        apply(&mut world, &(login(origins) + &policy(rules)));
        let one = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(told(&world, Kind::Filter, "login"), one(filter), "{origins} {rules}");
        assert_eq!(told(&world, Kind::FilterPolicy, "p"), one(policy_told), "{origins} {rules}");
    }
}

#[test]
fn an_origin_by_whose_scheme_nobody_comes_is_told_of() {
    let told_by = |change: &dyn Fn(String) -> String| {
        let mut world = world();
        apply(&mut world, &change(EDGE.to_owned() + &policy("[{host: a.example, filters: [{name: login}]}]")));
        told(&world, Kind::Filter, "login")
    };
    let unspoken = ["NoMatchingOrigin spec.OAuth2.protectedOrigins[0].origin"];
    assert_eq!(told_by(&|text| text), unspoken, "https alone, and there is no TLS");
    for (old, new) in [
        ("'https://a.example'", "'http://a.example:18080'"),
        ("'https://a.example'", "'https://a.example', internalOrigin: '*://*'"),
        ("securityModel: XFP,", "securityModel: XFP, l7Depth: 1,"),
        // Of these nobody comes in at all, or it is not known how.
        ("action: Route", "action: Reject"),
        ("protocol: HTTP,", "protocol: TCP,"),
    ] {
        assert_eq!(told_by(&|text| text.replace(old, new)), [""; 0], "{new}");
    }
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &policy("[{host: a.example, filters: [{name: login}]}]")));
    world.take_turned();
    apply(&mut world, EDGE.split("---").next().unwrap().replace("XFP,", "XFP, l7Depth: 1,").as_str());
    assert!(world.take_turned().contains(&ObjectId::new(Kind::Filter, "default", "login")), "looked at again");
    assert_eq!(told(&world, Kind::Filter, "login"), [""; 0]);
}

/// Whatever the objects take for an origin, the service takes too; and they take those that are some.
#[test]
fn an_origin_that_the_service_cannot_use_is_refused_where_it_is_read() {
    let origins = [
        ("https://a", true),
        ("https://A.b:8443/x?y", true),
        ("http://[::1]:80", true),
        ("https://*.b", false),
        ("https://a@b", false),
        ("https:///x", false),
        ("https://a\\b", false),
    ];
    let internals =
        [("*://*", true), ("http://10.0.0.1:80", true), ("x://y@z", false), ("http://a b", false), ("*://", false)];
    for (origin, is_origin) in origins {
        for (internal, is_internal) in internals {
            let text = EDGE.replace(
                "[{origin: 'https://a.example'}]",
                &format!("[{{origin: '{origin}', internalOrigin: '{internal}'}}]"),
            );
            let mut world = world();
            apply(&mut world, &(text + &policy("[{filters: [{name: login}]}]")));
            let filter = world.model().filters.values().find(|filter| *filter.id.0 == *"login.default").unwrap();
            let taken = match &filter.kind {
                nuncio_ir::auth::FilterKind::OAuth2(oauth2) => Some(oauth2),
                _ => None,
            };
            assert_eq!(taken.is_some(), is_origin && is_internal, "{origin} {internal}: {:?}", filter.kind);
            let Some(oauth2) = taken else { continue };
            let nuncio_ir::auth::Grant::AuthorizationCode(code) = &oauth2.grant else { panic!() };
            Origins::new(&code.protected_origins).unwrap_or_else(|error| panic!("{origin} {internal}: {error}"));
        }
    }
}

#[test]
fn a_secret_that_is_no_good_is_there_all_the_same() {
    let mut world = world();
    let bad = EDGE.replace("stringData: {ann: key-1}", "data: {ann: '%'}");
    apply(&mut world, &(bad + &policy("[{filters: [{name: keys}]}]")));
    let expected = "Secret default/api-keys is not valid: data.ann: expected base64";
    let id = ObjectId::new(Kind::Filter, "default", "keys");
    let found: Vec<_> = world.problems(&id).into_iter().map(|problem| (problem.severity, problem.message)).collect();
    assert_eq!(found, [(Severity::Error, expected.to_owned())]);
    assert!(denies(&world, "a.example", "/x")[0].contains(expected), "and nobody is let in");
    apply(&mut world, EDGE);
    assert_eq!(told(&world, Kind::Filter, "keys"), [""; 0]);
    assert_eq!(denies(&world, "a.example", "/x"), ["decides"]);
}
