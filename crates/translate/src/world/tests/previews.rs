//! Previews: what their hosts answer, and what they leave alone.

mod allowed;
mod gate;
mod includes;
mod internal;
mod keys;
mod life;
mod logins;
mod refused;
mod room;
mod tunnels;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{Backend, Route, RouteAction};

use super::request::Request;
use super::{objects, world};
use crate::world::World;

const SITE: &str = "\
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
metadata: {name: cart}
spec: {hostname: shop.example, prefix: /cart/, service: cart}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: web}
spec: {hostname: shop.example, prefix: /, service: web}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart-42}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-42, labels: {kubernetes.io/service-name: cart-42}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.42], conditions: {ready: true}}]
ports: [{port: 80}]
---
";

const POLICY: &str = "\
apiVersion: nuncio.dev/v1alpha1
kind: PreviewPolicy
metadata: {name: previews}
spec: {domain: pre.example, namespaces: [default], hosts: ['shop.example'], access: [Public]}
---
";

const PREVIEW: &str = "\
apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata: {name: pr-42}
spec:
  services: [{baseline: cart, backend: cart-42}]
  entrypoints: [{name: web, host: shop.example}]
  access: {mode: Public}
---
";

fn of(texts: &[&str]) -> World {
    let mut world = world();
    apply(&mut world, &texts.concat());
    world
}

fn apply(world: &mut World, text: &str) -> nuncio_ir::Delta {
    world.apply(objects(text).into_iter().map(|object| (object.id.clone(), Some(object.into()))))
}

fn preview() -> ObjectId {
    ObjectId::new(Kind::Preview, "default", "pr-42")
}

fn host(world: &World) -> String {
    let [url] = &world.preview_urls(&preview())[..] else { panic!("one URL") };
    assert_eq!(url.entrypoint, "web");
    url.url.trim_start_matches("https://").trim_end_matches('/').to_owned()
}

/// The status, the reason or the cluster, without its digest.
fn answer(world: &World, host: &str, path: &str) -> String {
    let route = route(world, host, path);
    match &route.action {
        RouteAction::Respond(respond) => respond.status.to_string(),
        RouteAction::Redirect(redirect) => redirect.status.to_string(),
        RouteAction::Forward(forward) => match &forward.arms[0].backend {
            Backend::Cluster(name) => name.0.split('-').filter(|part| part.len() != 16).collect::<Vec<_>>().join("-"),
            Backend::Invalid { status, reason, .. } => format!("{status} {reason}"),
        },
    }
}

fn route<'w>(world: &'w World, host: &str, path: &str) -> &'w Route {
    Request::get(host, path).route(world.model(), "").unwrap_or_else(|| panic!("no route for {host}{path}"))
}

fn reasons(world: &World, id: &ObjectId) -> Vec<&'static str> {
    world.problems(id).iter().map(|problem| problem.reason).collect()
}

#[test]
fn only_the_replaced_service_is_another() {
    let world = of(&[SITE, POLICY, PREVIEW]);
    let host = host(&world);
    assert_eq!(answer(&world, "shop.example", "/cart/x"), "cart:80");
    assert_eq!(answer(&world, "shop.example", "/x"), "web:80");
    assert_eq!(answer(&world, &host, "/cart/x"), "cart-42:80");
    assert_eq!(answer(&world, &host, "/x"), "web:80");
    assert_eq!(world.problems(&preview()), []);
    let RouteAction::Forward(forward) = &route(&world, &host, "/cart/x").action else { panic!() };
    assert_eq!(
        forward.audiences().into_iter().collect::<Vec<_>>(),
        ["cart-42.default:80"],
        "words on who asks are for it"
    );
    let [own, baseline] = [&*host, "shop.example"].map(|host| route(&world, host, "/x"));
    assert!(std::ptr::eq(own, baseline), "shared, where it is the same");
    let by = |path| route(&world, &host, path).is_of_preview();
    assert_eq!((by("/cart/x"), by("/x")), (true, false));
}

#[test]
fn a_preview_changes_nothing_but_its_own_tables() {
    let mut world = of(&[SITE, POLICY]);
    let delta = apply(&mut world, PREVIEW);
    let tables: Vec<_> = delta.tables.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(tables, [host(&world)]);
    assert!(delta.listeners.is_empty() && delta.secrets.is_empty() && delta.extensions.is_empty());
    let delta = world.apply([(preview(), None)]);
    assert_eq!(delta.tables.len(), 1);
    assert!(delta.listeners.is_empty());
}

#[test]
fn the_routes_follow_the_baseline() {
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let host = host(&world);
    let text = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: new}\n\
                spec: {hostname: shop.example, prefix: /new/, service: new}\n";
    apply(&mut world, text);
    assert_eq!(answer(&world, &host, "/new/"), "new:80");
    // One for every host, which the baseline's own table leaves to the wildcards.
    apply(&mut world, &text.replace("shop.example", "'*'").replace("/new/", "/everywhere/"));
    assert_eq!(answer(&world, &host, "/everywhere/"), "new:80");
    assert_eq!(answer(&world, &host, "/new/"), "web:80");
}

#[test]
fn previews_that_only_follow_keep_no_route_of_the_baseline_waiting() {
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let own = host(&world);
    let ahead = |world: &mut World, text: &str| {
        let delta = world.apply_ahead(objects(text).into_iter().map(|object| (object.id.clone(), Some(object.into()))));
        delta.tables.into_iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    let text = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: new}\n\
                spec: {hostname: shop.example, prefix: /new/, service: new}\n---\n";
    assert_eq!(ahead(&mut world, text), ["shop.example"]);
    assert_eq!(
        (answer(&world, "shop.example", "/new/"), answer(&world, &own, "/new/")),
        ("new:80".into(), "web:80".into())
    );
    let tables: Vec<_> = world.follow().tables.into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(tables, [&*own]);
    assert_eq!(answer(&world, &own, "/new/"), "new:80");
    assert!(world.follow().is_empty(), "once");
    // One that says something else itself does not wait, and has all that is new then.
    let both = text.replace("/new/", "/newer/")
        + &PREVIEW.replace("backend: cart-42", "backend: cart-43, whenMissing: Baseline");
    assert_eq!(ahead(&mut world, &both).len(), 2);
    assert_eq!(answer(&world, &own, "/newer/"), "new:80");
    assert!(world.follow().is_empty());
    // Whatever else changes takes them along.
    ahead(&mut world, text);
    world.apply([]);
    assert_eq!(answer(&world, &own, "/new/"), "new:80");
}

#[test]
fn a_share_of_a_replaced_route_does_not_stay_with_another_version() {
    let canary = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: cart-canary}\n\
                  spec: {hostname: shop.example, prefix: /cart/, service: cart-v2, weight: 10}\n";
    let world = of(&[SITE, POLICY, PREVIEW, canary]);
    let RouteAction::Forward(forward) = &route(&world, &host(&world), "/cart/x").action else { panic!() };
    assert_eq!(forward.arms.len(), 1);
    let RouteAction::Forward(forward) = &route(&world, "shop.example", "/cart/x").action else { panic!() };
    assert_eq!(forward.arms.len(), 2);
}

#[test]
fn a_backend_that_is_not_there_is_never_the_baseline_unless_asked_for() {
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let host = host(&world);
    let slice = ObjectId::new(Kind::EndpointSlice, "default", "cart-42");
    world.apply([(slice, None)]);
    assert_eq!(
        answer(&world, &host, "/cart/"),
        "503 Preview default/pr-42: Service default/cart-42 has no ready endpoint"
    );
    assert_eq!(reasons(&world, &preview()), ["NoEndpoints"]);
    apply(&mut world, &PREVIEW.replace("backend: cart-42", "backend: cart-42, whenMissing: Baseline"));
    assert_eq!(answer(&world, &host, "/cart/"), "cart:80");
    world.apply([(ObjectId::new(Kind::Service, "default", "cart-42"), None)]);
    apply(&mut world, PREVIEW);
    assert!(answer(&world, &host, "/cart/").starts_with("503"), "DNS is not asked for a Service that may be anybody's");
}

#[test]
fn of_a_backend_that_is_most_likely_not_there_it_is_told() {
    let policy = POLICY.replace("[Public]", "[Public], backends: Any");
    let told = |texts: &[&str], backend: &str| {
        let preview = PREVIEW.replace("cart-42", backend);
        reasons(&of(&[texts, &[preview.as_str()]].concat()), &self::preview())
    };
    assert_eq!(told(&[SITE, policy.as_str()], "cart-7"), ["NoEndpoints"]);
    assert!(told(&[SITE, policy.as_str()], "cart-42").is_empty());
    assert!(told(&[SITE, policy.as_str()], "cart.elsewhere.example").is_empty(), "a name in DNS");
    let without = SITE.split("---\n").filter(|it| !it.contains("kind: Service\n")).collect::<Vec<_>>().join("---\n");
    assert!(
        told(&[without.as_str(), policy.as_str()], "cart-7").is_empty(),
        "nothing says that names are those of Services"
    );
}

#[test]
fn what_guards_the_baseline_guards_its_previews_and_so_does_their_own_host() {
    let redirecting = |host: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {{name: other}}\nspec: {{hostname: '{host}'}}\n---\n"
        )
    };
    for guarded in ["shop.example", "*.pre.example"] {
        let world = of(&[SITE, POLICY, PREVIEW, &redirecting(guarded)]);
        assert_eq!(answer(&world, &host(&world), "/cart/"), "301", "{guarded}");
    }
}

#[test]
fn a_preview_that_was_refused_says_so_and_the_baseline_stays() {
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let host = host(&world);
    world.quarantine(&preview(), "no");
    assert_eq!(answer(&world, &host, "/cart/"), "503");
    assert_eq!(answer(&world, "shop.example", "/cart/"), "cart:80");
    world.release(&preview());
    assert_eq!(answer(&world, &host, "/cart/"), "cart-42:80");
}

#[test]
fn requests_are_counted_by_where_they_go() {
    let falling = PREVIEW.replace("backend: cart-42", "backend: cart-42, whenMissing: Baseline");
    let mut world = of(&[SITE, POLICY, &falling]);
    let host = host(&world);
    let counted = |world: &World, host: &str, path: &str| {
        let table = world.model().tables.get(&nuncio_ir::TableName(host.into()))?;
        let of_table = || Some(&*table.preview.as_ref()?.counted);
        let name = table.counted(route(world, host, path)).or_else(of_table)?;
        nuncio_ir::PreviewWay::parse(name).map(|(selector, way)| (selector.to_owned(), way))
    };
    let selector = world.preview_selector(&preview()).unwrap().to_owned();
    let way = |way| Some((selector.clone(), way));
    assert_eq!(counted(&world, &host, "/cart/"), way(nuncio_ir::PreviewWay::Preview(0)));
    assert_eq!(counted(&world, &host, "/x"), way(nuncio_ir::PreviewWay::Any));
    assert_eq!(counted(&world, "shop.example", "/cart/"), None, "the baseline's are its own");
    world.apply([(ObjectId::new(Kind::EndpointSlice, "default", "cart-42"), None)]);
    assert_eq!(counted(&world, &host, "/cart/"), way(nuncio_ir::PreviewWay::Fallback(0)));
}

#[test]
fn who_replaces_nothing_is_told_what_he_may_have_meant() {
    let told = |baseline: &str, namespace: &str| {
        let policy = POLICY.replace("[default]", "[default, shpo]");
        let preview = PREVIEW.replace("baseline: cart,", &format!("baseline: '{baseline}',"));
        let preview = preview.replace("name: pr-42}", &format!("name: pr-42, namespace: {namespace}}}"));
        let problems = of(&[SITE, &policy, &preview]).problems(&ObjectId::new(Kind::Preview, namespace, "pr-42"));
        let nothing = problems.into_iter().find(|problem| problem.reason == "NothingReplaced");
        nothing.unwrap_or_else(|| panic!("{baseline} in {namespace}")).message
    };
    for (baseline, namespace, meant) in [
        ("carts", "default", "cart"),
        ("cart:81", "default", "cart:80"),
        ("carts.default", "default", "cart.default"),
        // Another namespace than that of the service.
        ("cart", "shpo", "cart.default"),
    ] {
        let message = told(baseline, namespace);
        assert!(message.ends_with(&format!("nothing is replaced: did you mean {meant}?")), "{baseline}: {message}");
    }
    assert!(told("zebra", "default").ends_with("nothing is replaced"), "there is none like it");
}

#[test]
fn who_replaces_a_service_by_itself_is_told_that_it_changes_nothing() {
    for (baseline, backend, is_told) in [
        ("cart", "cart", true),
        ("cart:80", "cart", true),
        ("cart", "cart.default:80", true),
        ("cart", "cart:81", false),
        ("cart", "http://cart", true),
        ("cart", "https://cart:80", false),
        ("cart", "cart-42", false),
    ] {
        let services = format!("baseline: '{baseline}', backend: '{backend}'");
        let preview_of = PREVIEW.replace("baseline: cart, backend: cart-42", &services);
        let problems = of(&[SITE, POLICY, &preview_of]).problems(&preview());
        let told = problems.iter().find(|problem| problem.reason == "NothingReplaced").map(|problem| &*problem.field);
        assert_eq!(told, is_told.then_some("spec.services[0].backend"), "{baseline} {backend}: {problems:?}");
    }
}

#[test]
fn a_preview_of_nothing_is_told() {
    let world = of(&[SITE, POLICY, &PREVIEW.replace("baseline: cart", "baseline: carts")]);
    assert_eq!(reasons(&world, &preview()), ["NothingReplaced"]);
    let policy = POLICY.replace("'shop.example'", "'*'");
    let nowhere = SITE.replace("hostname: '*'", "hostname: shop.example");
    let world = of(&[&nowhere, &policy, PREVIEW]);
    assert_eq!(reasons(&world, &preview()), ["NoMatchingHost"]);
}
