//! Services whose endpoints come and go.

use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::Delta;
use nuncio_ir::auth::{FilterId, FilterKind};

use super::{objects, world, world_at};
use crate::Topology;
use crate::world::World;

const EDGE: &str = concat!(
    include_str!("listener.yaml"),
    "apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart}
spec: {hostname: '*', prefix: /cart/, service: cart}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
"
);

fn apply(world: &mut World, text: &str) -> Delta {
    world.apply(objects(text).into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))))
}

/// A slice of `cart` with these addresses.
fn slice(addresses: &[&str]) -> String {
    let endpoints: String = addresses.iter().map(|address| format!("{{addresses: [{address}]}},")).collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: cart-1, labels: {{kubernetes.io/service-name: cart}}}}\n\
         endpoints: [{endpoints}]\nports: [{{port: 8080}}]\n"
    )
}

#[test]
fn churn_changes_load_assignments_and_nothing_else() {
    let mut world = world();
    apply(&mut world, EDGE);
    for addresses in [&["10.0.0.1"][..], &["10.0.0.1", "10.0.0.2"], &["10.0.0.2"], &[]] {
        let delta = apply(&mut world, &slice(addresses));
        assert_eq!(delta.endpoints.len(), 1, "{addresses:?}");
        assert_eq!(delta.endpoints[0].1.as_ref().unwrap().endpoints.len(), addresses.len());
        assert!(delta.tables.is_empty() && delta.clusters.is_empty() && delta.listeners.is_empty(), "{delta:?}");
    }
    let delta = apply(&mut world, &slice(&[]));
    assert!(delta.is_empty(), "{delta:?}");
}

#[test]
fn the_first_endpoint_and_the_last_are_news_for_those_who_name_the_service() {
    let mut world = world();
    apply(&mut world, EDGE);
    let cart = ObjectId::new(Kind::Mapping, "default", "cart");
    assert!(world.take_turned().is_empty());
    for (addresses, turned) in
        [(&["10.0.0.1"][..], true), (&["10.0.0.1", "10.0.0.2"], false), (&[], true), (&[], false)]
    {
        apply(&mut world, &slice(addresses));
        assert_eq!(world.take_turned().contains(&cart), turned, "{addresses:?}");
        let without = world.problems(&cart).iter().any(|problem| problem.reason == "NoEndpoints");
        assert_eq!(without, addresses.is_empty());
    }
}

#[test]
fn a_service_that_is_not_there_is_told_where_there_are_others_beside_it() {
    let mapping = |name: &str, service: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}}}\n\
             spec: {{hostname: '*', prefix: /{name}/, service: '{service}'}}\n---\n"
        )
    };
    let all = mapping("misspelt", "carts")
        + &mapping("away", "cart.away:8080")
        + &mapping("named", "www.example.com")
        + &mapping("addressed", "10.0.0.1:80");
    let told = |world: &World, name: &str| -> Vec<String> {
        let problems = world.problems(&ObjectId::new(Kind::Mapping, "default", name));
        problems.iter().map(|problem| format!("{} {}: {}", problem.field, problem.reason, problem.message)).collect()
    };
    let mut world = world();
    apply(&mut world, &(include_str!("listener.yaml").to_owned() + &all));
    assert_eq!(told(&world, "misspelt"), [""; 0], "whoever has no Services names what DNS knows");
    world.take_turned();
    apply(&mut world, EDGE);
    let turned = world.take_turned();
    assert!(turned.contains(&ObjectId::new(Kind::Mapping, "default", "misspelt")), "its status says so: {turned:?}");
    let expected = "spec.service NoEndpoints: there is no Service default/carts: unless DNS knows the name, requests are answered 503";
    assert_eq!(told(&world, "misspelt"), [expected]);
    for name in ["away", "named", "addressed"] {
        assert_eq!(told(&world, name), [""; 0], "{name}");
    }
    apply(
        &mut world,
        "apiVersion: v1\nkind: Service\nmetadata: {name: carts}\nspec: {type: ExternalName, externalName: carts.example.com}\n",
    );
    assert_eq!(told(&world, "misspelt"), [""; 0]);
}

/// A Filter that asks this service.
fn asking(service: &str) -> String {
    format!(
        "apiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {{name: ask}}\nspec: {{External: {{auth_service: '{service}'}}}}\n\
         ---\napiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {{name: p}}\n\
         spec: {{rules: [{{host: '*', path: '*', filters: [{{name: ask}}]}}]}}\n"
    )
}

/// Whom it asks: its URL, and where that is, if it is known.
fn asked(world: &World) -> (String, Option<String>) {
    let FilterKind::External(external) = &world.model().filters[&FilterId("ask.default".into())].kind else {
        panic!("{:?}", world.model().filters);
    };
    let rank = |rank: &Vec<SocketAddr>| rank.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let addresses = external.addresses.as_ref();
    let addresses = addresses.map(|ranks| ranks.iter().map(rank).collect::<Vec<_>>().join(", then "));
    (external.url.to_string(), addresses)
}

#[test]
fn a_filter_asks_the_endpoints_of_the_service_that_it_names() {
    let id = ObjectId::new(Kind::Filter, "default", "ask");
    let told = |world: &World| world.problems(&id).iter().map(ToString::to_string).collect::<Vec<_>>();
    let known = |addresses: &str| ("http://cart.default:80".to_owned(), Some(addresses.to_owned()));
    let mut world = world();
    apply(&mut world, &format!("{EDGE}---\n{}", asking("cart")));
    assert_eq!(asked(&world), known(""));
    assert_eq!(told(&world), ["spec.External.auth_service: Service default/cart has no ready endpoint"]);
    world.take_turned();
    apply(&mut world, &slice(&["10.0.0.1", "10.0.0.2"]));
    assert_eq!(asked(&world), known("10.0.0.1:8080 10.0.0.2:8080"));
    assert_eq!(told(&world), [""; 0]);
    assert!(world.take_turned().contains(&id), "what is said of it is to be taken back");

    apply(&mut world, &asking("cart:81"));
    assert_eq!(told(&world), ["spec.External.auth_service: Service default/cart has no port 81; it has 80"]);
    apply(&mut world, &asking("carts"));
    assert_eq!(asked(&world), ("http://carts:80".to_owned(), None));
    assert_eq!(
        told(&world),
        [
            "spec.External.auth_service: there is no Service default/carts: unless DNS knows the name, it cannot be asked"
        ]
    );
    for elsewhere in ["auth.example.com:8080", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        apply(&mut world, &asking(elsewhere));
        assert_eq!(asked(&world), (format!("http://{elsewhere}"), None));
        assert_eq!(told(&world), [""; 0], "{elsewhere}");
    }
}

#[test]
fn a_filter_s_service_is_found_by_the_resolver_of_the_module() {
    let module = |resolver: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {{name: ambassador}}\n\
             spec: {{config: {{resolver: {resolver}}}}}\n"
        )
    };
    let mut world = world();
    apply(&mut world, &format!("{EDGE}---\n{}---\n{}", asking("carts"), module("kubernetes-service")));
    assert_eq!(asked(&world), ("http://carts:80".to_owned(), None));
    apply(&mut world, &module("kubernetes-endpoint"));
    assert_eq!(asked(&world), ("http://carts.default:80".to_owned(), Some(String::new())), "DNS is not asked");
    let problems = world.problems(&ObjectId::new(Kind::Filter, "default", "ask"));
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["spec.External.auth_service: there is no Service default/carts"]);
}

#[test]
fn a_filter_asks_endpoints_elsewhere_after_those_of_its_zone() {
    let mut world = world_at(&Topology::Zone("a".into()));
    apply(&mut world, &format!("{EDGE}---\n{}", asking("cart")));
    apply(
        &mut world,
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: cart-1, labels: {kubernetes.io/service-name: cart}}\n\
         endpoints: [{addresses: [10.0.0.1], zone: b}, {addresses: [10.0.0.2], zone: a}, {addresses: [10.0.0.3], zone: a}]\n\
         ports: [{port: 8080}]\n",
    );
    let near_and_far = "10.0.0.2:8080 10.0.0.3:8080, then 10.0.0.1:8080";
    assert_eq!(asked(&world), ("http://cart.default:80".to_owned(), Some(near_and_far.to_owned())));
}
