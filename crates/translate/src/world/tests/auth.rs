//! AuthServices: who is asked, about what, and what happens where nobody can be.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use nuncio_ir::{Authorization, AuthorizationProtocol, Check, Discovery, Handler, Slot, SlotFilter};

use super::*;

const EDGE: &str = concat!(
    include_str!("listener.yaml"),
    "apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: a}
spec: {hostname: a.example, requestPolicy: {insecure: {action: Redirect}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: shop}
spec: {hostname: a.example, prefix: /shop/, service: '127.0.0.1:9000'}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: open}
spec: {hostname: a.example, prefix: /open/, service: '127.0.0.1:9000', bypass_auth: true}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: old}
spec: {hostname: a.example, prefix: /old/, service: 'b.example', host_redirect: true}
"
);

fn auth(name: &str, spec: &str) -> String {
    format!("---\napiVersion: getambassador.io/v3alpha1\nkind: AuthService\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn apply(world: &mut World, text: &str) -> Delta {
    let parsed = parse(text.as_bytes(), &"auth.yaml".into(), &Defaults::default());
    world.apply(parsed.objects.into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))))
}

fn with(services: &[(&str, &str)]) -> World {
    let mut world = world();
    apply(&mut world, EDGE);
    apply(&mut world, &services.iter().map(|(name, spec)| auth(name, spec)).collect::<String>());
    world
}

fn filter(world: &World) -> &SlotFilter {
    &world.model().extensions[&Slot::Auth].filter
}

fn asked(world: &World) -> &Authorization {
    match filter(world) {
        SlotFilter::Authorize(authorization) => authorization,
        other => panic!("{other:?}"),
    }
}

fn checked(world: &World) -> BTreeSet<&str> {
    let routes = world.model().tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
    routes.filter(|route| matches!(route.auth, Check::On(_))).map(|route| &*route.name).collect()
}

#[test]
fn what_mappings_serve_is_asked_about_and_what_guards_answer_is_not() {
    assert_eq!(filter(&with(&[])), &SlotFilter::Idle);
    assert!(checked(&with(&[])).is_empty());
    let world = with(&[("auth", "{auth_service: '127.0.0.1:1'}")]);
    assert_eq!(checked(&world), BTreeSet::from(["default/shop"]), "neither is a redirect");
}

#[test]
fn a_change_of_the_service_changes_no_table_and_no_listener() {
    let mut world = with(&[("auth", "{auth_service: '127.0.0.1:1'}")]);
    let delta = apply(&mut world, &auth("auth", "{auth_service: '127.0.0.1:2', timeout_ms: 7}"));
    assert!(delta.tables.is_empty() && delta.listeners.is_empty(), "{delta:?}");
    assert_eq!((delta.extensions.len(), delta.clusters.len()), (1, 2));
    let delta = apply(&mut world, &auth("auth", "{auth_service: '127.0.0.1:2', proto: grpc}"));
    assert!(delta.tables.is_empty() && delta.listeners.is_empty(), "{delta:?}");
    assert!(matches!(filter(&world), SlotFilter::Refuse { status: 500, .. }));
}

#[test]
fn services_that_agree_are_asked_as_one() {
    let world = with(&[
        ("b", "{auth_service: '127.0.0.1:2', allowed_request_headers: [X-B]}"),
        ("a", "{auth_service: '127.0.0.1:1', timeout_ms: 5000, allowed_authorization_headers: [X-User, Content-Type]}"),
        ("c", "{auth_service: '127.0.0.1:3', proto: grpc, protocol_version: v3}"),
        ("d", "{auth_service: '127.0.0.1:4', proto: grpc}"),
    ]);
    let addresses: Vec<SocketAddr> = ["127.0.0.1:1", "127.0.0.1:2"].map(|address| address.parse().unwrap()).into();
    let cluster = &world.model().clusters[&asked(&world).cluster];
    assert_eq!(cluster.discovery, Discovery::Static(addresses));
    let AuthorizationProtocol::Http { request_headers, response_headers, .. } = &asked(&world).protocol else {
        panic!("{:?}", asked(&world))
    };
    assert!(request_headers.iter().any(|name| name == "x-b") && request_headers.iter().any(|name| name == "cookie"));
    assert!(response_headers.iter().any(|name| name == "x-user"));
    // The one with other settings is told so; what clients rightly send is not taken from them.
    let id = |name: &str| ObjectId::new(nuncio_api::Kind::AuthService, "default", name);
    assert_eq!(world.problems(&id("c"))[0].reason, "ConflictingAuthService");
    assert!(world.problems(&id("a")).is_empty());
    assert_eq!(removed(&world), ["x-user"]);
    let grpc = "{auth_service: '127.0.0.1:1', proto: grpc, protocol_version: v3, allowed_authorization_headers: [X-User, Accept]}";
    assert_eq!(removed(&with(&[("a", grpc)])), ["x-user"]);
}

/// What is taken out of every request, since clients do not say who they are.
fn removed(world: &World) -> &[String] {
    let mut listeners = world.model().listeners.values();
    let Handler::Http(http) = &listeners.next().unwrap().chains[0].handler else { panic!() };
    &http.identity_headers
}

#[test]
fn services_of_different_discovery_are_all_asked_of_dns() {
    let world = with(&[("a", "{auth_service: '127.0.0.1:1'}"), ("b", "{auth_service: 'auth.example:2'}")]);
    let cluster = &world.model().clusters[&asked(&world).cluster];
    let Discovery::Dns { hosts, .. } = &cluster.discovery else { panic!("{cluster:?}") };
    assert_eq!(hosts, &[("127.0.0.1".to_owned(), 1), ("auth.example".to_owned(), 2)]);
}

#[test]
fn a_bare_name_is_of_the_edge_s_namespace_or_else_of_the_object_s() {
    let mut world = world();
    let service = |namespace: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: who, namespace: {namespace}}}\nspec: {{ports: [{{port: \
             80}}]}}\n"
        )
    };
    let asks = auth("a", "{auth_service: who}").replace("{name: a}", "{name: a, namespace: team}");
    for (change, host, is_there) in
        [(asks, "who:80-", false), (service("team"), "who.team:80-", true), (service("default"), "who:80-", true)]
    {
        apply(&mut world, &change);
        let name = &asked(&world).cluster;
        assert!(name.0.starts_with(&format!("auth-{host}")), "{name:?}");
        assert_eq!(world.model().clusters[name].discovery == Discovery::Endpoints, is_there, "{name:?}");
    }
}

#[test]
fn nobody_to_ask_lets_nobody_in() {
    for (spec, why) in [
        ("{auth_service: a, tls: nowhere}", "no TLSContext called `nowhere`"),
        ("{auth_service: a, proto: grpc}", "protocol_version"),
        ("{auth_service: ''}", "auth_service"),
    ] {
        let world = with(&[("auth", spec)]);
        let SlotFilter::Refuse { status: 500, reason } = filter(&world) else { panic!("{spec}: {:?}", filter(&world)) };
        assert!(reason.contains(why), "{reason}");
        assert_eq!(checked(&world), BTreeSet::from(["default/shop"]), "{spec}");
    }
    let mut world = with(&[("auth", "{auth_service: '127.0.0.1:1'}")]);
    world.quarantine(&ObjectId::new(nuncio_api::Kind::AuthService, "default", "auth"), "no");
    assert!(matches!(filter(&world), SlotFilter::Refuse { .. }), "{:?}", filter(&world));
}

#[test]
fn of_mappings_with_the_same_conditions_one_may_ask_for_all_and_each_tells_its_own() {
    let mut world = with(&[("auth", "{auth_service: '127.0.0.1:1'}")]);
    let mapping = |name: &str, rest: &str| {
        format!(
            "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}}}\nspec: {{hostname: \
             a.example, prefix: /both/, service: '127.0.0.1:9', {rest}}}\n"
        )
    };
    apply(
        &mut world,
        &(mapping("one", "auth_context_extensions: {tier: gold}") + &mapping("two", "bypass_auth: true")),
    );
    let routes = world.model().tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
    let route = routes.clone().find(|route| &*route.name == "default/one").unwrap();
    let Check::On(context) = &route.auth else { panic!("{route:?}") };
    assert_eq!(context["tier"], "gold");
    let nuncio_ir::RouteAction::Forward(forward) = &route.action else { panic!("{route:?}") };
    let told: Vec<_> = forward.arms.iter().map(|arm| arm.auth_context.as_ref().map(|context| context.len())).collect();
    assert_eq!(told, [None, Some(0)]);
    let two = ObjectId::new(nuncio_api::Kind::Mapping, "default", "two");
    assert!(world.problems(&two).iter().any(|problem| problem.reason == "ConflictingAuth"));

    // What is not valid has no say.
    world.quarantine(&ObjectId::new(nuncio_api::Kind::Mapping, "default", "one"), "no");
    let routes = world.model().tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
    let both: Vec<_> = routes.filter(|route| ["default/one", "default/two"].contains(&&*route.name)).collect();
    assert!(!both.is_empty() && both.iter().all(|route| route.auth == Check::Bypassed), "{both:?}");
}

/// Envoy refuses what it cannot buffer before it has shown as much of it as is asked for.
#[test]
fn connections_buffer_as_much_of_a_body_as_is_shown_in_part() {
    let limit = |body: &str| {
        let world = with(&[("auth", &format!("{{auth_service: '127.0.0.1:9001', include_body: {body}}}"))]);
        world.model().listeners.values().next().unwrap().buffer_limit
    };
    assert_eq!(limit("{max_bytes: 4096, allow_partial: true}"), None);
    assert_eq!(limit("{max_bytes: 100000, allow_partial: true}"), Some(1 << 20));
    assert_eq!(limit("{max_bytes: 3000000, allow_partial: true}"), Some(3_000_000));
    assert_eq!(limit("{max_bytes: 3000000, allow_partial: false}"), None, "Envoy does so by itself");
}
