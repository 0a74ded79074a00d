use nuncio_ir::Cors;
use nuncio_translate::Settings;

use super::*;
use crate::engine::fixture;
use crate::offline::{OfflineConfig, of_file};
use crate::run::defaults;

const MANIFESTS: &str = r"
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: public}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}, selector: {matchLabels: {network: public}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: internal}
spec: {port: 8081, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop, labels: {network: public}}
spec: {hostname: shop.example, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart}
spec: {hostname: shop.example, prefix: /carts/, service: 'http://127.0.0.1:9101'}
";

#[test]
fn a_name_that_two_kinds_of_listeners_serve_is_two_ways_in() {
    let config = OfflineConfig {
        ambassador_id: "default".into(),
        namespace: "default".into(),
        expand_environment: false,
        topology: nuncio_translate::Topology::default(),
    };
    let (_, engine) = of_file("a.yaml", MANIFESTS.as_bytes().to_vec(), &config).unwrap().into_parts();
    let query = TopologyQuery { name: Some("cart".into()), ..TopologyQuery::default() };
    let told = topology(&engine.world, &query);
    let ways: Vec<_> = told.routes.iter().map(|way| &told.hosts[way.entry].listeners[..]).collect();
    assert_eq!(ways, [["0.0.0.0:8081"], ["0.0.0.0:8080"]], "{told:?}");
}

#[test]
fn previews_that_are_left_out_are_counted() {
    let engine = fixture::engine_of(&fixture::previewed_shop());
    let told = |previews: bool, text: &str| {
        let text = Some(text.to_owned());
        let query = TopologyQuery { text, own: Some(false), previews: Some(previews), ..TopologyQuery::default() };
        let told = topology(&engine.world, &query);
        let of_previews = told.hosts.iter().filter(|host| host.hostname.ends_with(".pre.example")).count();
        (of_previews > 0, told.previews)
    };
    assert_eq!(told(false, "cart"), (false, 1));
    assert_eq!(told(true, "cart"), (true, 0));
    assert_eq!(told(false, "nothing"), (false, 0));
}

#[test]
fn what_is_counted_is_told_of_the_routes_that_there_are() {
    let parsed = nuncio_api::parse(MANIFESTS.as_bytes(), &"a.yaml".into(), &defaults("default", false));
    let mut world = World::new(Settings { route_stats: true, ..fixture::settings() });
    world.apply(parsed.objects.into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))));
    let cart = "vhost.shop.example.route.default_cart";
    let names = ["vhost.shop.example.route.default_gone", cart, "vhost.gone.example.route.default_cart"];
    let told = |limit: usize| {
        let (ways, total) = counted_routes(&world, &names.map(ToOwned::to_owned), limit);
        (ways.into_iter().map(|way| way.route.counted_as).collect::<Vec<_>>(), total)
    };
    assert_eq!(told(9), (vec![Some(cart.to_owned())], 1));
    assert_eq!(told(0), (Vec::new(), 1));
}

#[test]
fn whom_a_route_answers_of_other_origins_is_told_where_somebody_wrote_it() {
    let own = Cors { origins: vec!["http://localhost:8088".to_owned()], ..Cors::default() };
    let more = "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: open}\n\
        spec: {hostname: shop.example, prefix: /open/, service: 'http://127.0.0.1:9101', cors: {origins: ['https://a.example']}}\n";
    let text = MANIFESTS.to_owned() + more;
    let parsed = nuncio_api::parse(text.as_bytes(), &"a.yaml".into(), &defaults("default", false));
    let mut world = World::new(Settings { cors: Some(own), ..fixture::settings() });
    world.apply(parsed.objects.into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))));
    let policies = |name: &str| {
        let told = topology(&world, &TopologyQuery { name: Some(name.to_owned()), ..TopologyQuery::default() });
        assert!(!told.routes.is_empty());
        told.routes
            .into_iter()
            .flat_map(|way| way.policies)
            .filter(|words| words.starts_with("CORS"))
            .collect::<Vec<_>>()
    };
    assert_eq!(policies("cart"), Vec::<String>::new());
    assert_eq!(policies("open"), ["CORS for https://a.example"; 2]);
}

#[test]
fn who_is_asked_about_requests_is_told_from_who_gets_them() {
    let auth = "---\napiVersion: getambassador.io/v3alpha1\nkind: AuthService\nmetadata: {name: auth}\n\
        spec: {auth_service: 'auth:9000', proto: grpc, protocol_version: v3}\n";
    let told = |auth: &str, service: &str| {
        let counted = counted(fixture::engine_of(&format!("{MANIFESTS}{auth}")).world.model());
        let of_service = |one: &&Counted| one.services.iter().any(|name| name.contains(service));
        counted.values().filter(of_service).map(|one| one.is_asked).collect::<Vec<_>>()
    };
    assert_eq!((told(auth, "auth:9000"), told(auth, "9101")), (vec![true], vec![false]));
    // Its own page is asked for as well, and counted with what it is asked about.
    let page = "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: login}\n\
        spec: {hostname: shop.example, prefix: /login/, service: 'auth:9000', stats_name: logins}\n";
    let named = auth.replace("proto: grpc", "proto: grpc, stats_name: logins");
    assert_eq!(told(&named, "auth:9000"), [true]);
    assert_eq!(told(&format!("{named}{page}"), "auth:9000"), [false]);
}
