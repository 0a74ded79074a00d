//! Previews: what their hosts answer, and what they leave alone.

mod gate;
mod includes;
mod internal;
mod life;
mod refused;
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
fn names_below_the_domain_are_for_previews_alone() {
    let taking = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: taking}\n\
                  spec: {hostname: '*', prefix: /, service: web}\n---\n";
    let exact = taking.replace("'*'", "x.pre.example").replace("taking", "exact");
    let pattern = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: pre}\n\
                   spec: {hostname: '*.pre.example', requestPolicy: {insecure: {action: Route}}}\n---\n";
    let mut world = of(&[SITE, POLICY, taking, &exact, pattern, PREVIEW]);
    for host in ["x.pre.example", "web--pr-43-aaaaaaaaaaaaaaaa.pre.example"] {
        assert_eq!(answer(&world, host, "/"), "404", "{host}");
    }
    assert_eq!(
        reasons(&world, &ObjectId::new(Kind::Mapping, "default", "exact")),
        ["NoEndpoints", "ReservedForPreviews"]
    );
    assert_eq!(answer(&world, "other.example", "/"), "web:80");
    // Without the policy they are as any others.
    world.apply([(ObjectId::new(Kind::PreviewPolicy, "default", "previews"), None)]);
    assert_eq!(answer(&world, "x.pre.example", "/"), "web:80");
    assert_eq!(reasons(&world, &preview()), ["NoPreviewPolicy"]);
    assert_eq!(world.model(), of(&[SITE, taking, &exact, pattern]).model());
}

#[test]
fn a_domain_that_would_take_a_name_from_the_baseline_takes_none() {
    for domain in ["example", "EXAMPLE"] {
        let slip = POLICY.replace("pre.example", domain);
        let world = of(&[SITE, &slip, PREVIEW]);
        assert_eq!(answer(&world, "shop.example", "/cart/x"), "cart:80", "{domain}");
        let found = world.problems(&preview()).remove(0).message;
        assert!(found.contains("spec.domain: would take shop.example from its services"), "{found}");
    }
    // Two labels below it is what no preview is called.
    let world = of(&[SITE, &POLICY.replace("pre.example", "example").replace("'shop.example'", "'a.shop.example'")]);
    assert_eq!(reasons(&world, &ObjectId::new(Kind::PreviewPolicy, "default", "previews")), Vec::<String>::new());
}

#[test]
fn a_policy_that_is_not_valid_is_not_called_missing() {
    let told =
        |world: &World| world.problems(&preview()).into_iter().map(|problem| problem.message).collect::<Vec<_>>();
    let missing = "serves nothing: there is no PreviewPolicy in the namespace default";
    assert_eq!(told(&of(&[SITE, PREVIEW])), [missing]);
    let bad = POLICY.replace("access: [Public]", "access: [Public], filters: [{name: f, arguments: {require: '('}}]");
    let found = told(&of(&[SITE, &bad, PREVIEW]));
    let why = "serves nothing: PreviewPolicy default/previews is not valid: spec.filters[0].arguments.require: ";
    assert!(found[0].starts_with(why), "{found:?}");
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
fn the_policy_says_what_may_be() {
    let table = [
        ("namespaces: [default]", "namespaces: [team]", "NotAllowed"),
        ("hosts: ['shop.example']", "hosts: ['*.shop.example']", "NotAllowed"),
        ("metadata: {name: previews}", "metadata: {name: previews, namespace: team}", "NoPreviewPolicy"),
        ("access: [Public]", "access: [Public], maxPreviews: 0", "TooManyPreviews"),
    ];
    for (allowed, changed, reason) in table {
        let world = of(&[SITE, &POLICY.replace(allowed, changed), PREVIEW]);
        assert_eq!(reasons(&world, &preview()), [reason], "{changed}");
        assert_eq!(world.preview_urls(&preview()), [], "{changed}");
        assert!(world.model().tables.keys().all(|name| !name.0.starts_with("web--")), "{changed}");
    }
    for backend in ["cart.team", "10.0.0.1:80", "metadata.internal.example"] {
        let preview = PREVIEW.replace("cart-42", backend).replace("}]\n  entry", ", whenMissing: Baseline}]\n  entry");
        let world = of(&[SITE, POLICY, &preview]);
        assert!(answer(&world, &host(&world), "/cart/").starts_with("503"), "{backend}");
        assert_eq!(reasons(&world, &self::preview()), ["NotAllowed"], "{backend}");
        let world = of(&[SITE, &POLICY.replace("[Public]", "[Public], backends: Any"), &preview]);
        assert!(answer(&world, &host(&world), "/cart/").starts_with(backend.split(':').next().unwrap()), "{backend}");
    }
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
fn what_is_not_allowed_is_never_the_baseline() {
    let inside = "apiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: inside}\n\
                  spec: {port: 8081, protocol: HTTP, securityModel: XFP, internal: true, hostBinding: {namespace: {from: ALL}}}\n---\n";
    let everything = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: all}\n\
                      spec: {hostname: '*', prefix: /, service: web}\n---\n";
    let policy = POLICY.replace("[Public]", "[Public], selectors: [Header]");
    let sound = of(&[SITE, inside, everything, &policy, PREVIEW]);
    let own = host(&sound);
    let led = |world: &World, preview: &dyn Fn(&str) -> bool| {
        world.model().tables.values().filter(|table| preview(&table.scope.preview)).count()
    };
    let is_named = |said: &str| said.starts_with('=') || said.starts_with("npk");
    assert!(led(&sound, &is_named) > 2, "{:?}", sound.model().tables.keys());
    for (allowed, changed, reason) in [
        ("namespaces: [default]", "namespaces: [team]", "NotAllowed"),
        ("hosts: ['shop.example']", "hosts: ['other.example']", "NotAllowed"),
        ("access: [Public]", "access: [Authenticated], filters: [{name: f}]", "NotAllowed"),
        ("access: [Public]", "access: [Public], maxPreviews: 0", "TooManyPreviews"),
        ("access: [Public]", "access: [Publik]", "NoPreviewPolicy"),
        ("access: [Public]", "access: [Public], maxTTL: 0s", "Expired"),
    ] {
        let world = of(&[SITE, inside, everything, &policy.replace(allowed, changed), PREVIEW]);
        assert_eq!(reasons(&world, &preview()), [reason], "{changed}");
        let expected = if reason == "Expired" { "410" } else { "404" };
        assert_eq!(answer(&world, &own, "/cart/"), expected, "{changed}");
        assert_eq!(led(&world, &is_named), 0, "{changed}: nobody is led there by a name or a key");
    }
}

#[test]
fn a_preview_that_has_ended_leaves_its_place_to_another() {
    let few = POLICY.replace("[Public]", "[Public], maxPreviews: 1");
    let short = PREVIEW.replace("  services", "  lifetime: {ttl: 1h}\n  services");
    let second = ObjectId::new(Kind::Preview, "default", "pr-43");
    let mut world = of(&[SITE, &few, &short, &PREVIEW.replace("pr-42", "pr-43")]);
    assert_eq!(reasons(&world, &second), ["TooManyPreviews"]);
    assert_eq!(world.previews_that_count().count(), 2);
    let own = host(&world);
    assert!(world.set_time(3600));
    world.apply([]);
    assert_eq!((reasons(&world, &preview()), reasons(&world, &second)), (vec!["Expired"], vec![]));
    assert_eq!((world.previews_that_count().count(), &*answer(&world, &own, "/")), (1, "410"));
    assert!(world.preview_has_ended(&preview(), false) && !world.preview_has_ended(&preview(), true));
    assert!(world.set_time(25 * 3600));
    world.apply([]);
    assert!(world.preview_has_ended(&preview(), true));
}

#[test]
fn a_newcomer_takes_nobodys_place() {
    let few = POLICY.replace("[Public]", "[Public], maxPreviews: 1");
    let named = |name: &str, time: &str| PREVIEW.replace("name: pr-42", &format!("name: {name}{time}"));
    let first = ObjectId::new(Kind::Preview, "default", "aa");
    for (old, new) in [
        (", creationTimestamp: '1970-01-02T00:00:00Z'", ", creationTimestamp: '1970-01-03T00:00:00Z'"),
        ("", ", creationTimestamp: '1970-01-09T00:00:00Z'"),
        ("", ""),
    ] {
        let mut world = of(&[SITE, &few]);
        world.set_time(3 * 86_400);
        apply(&mut world, &named("pr-42", old));
        world.set_time(3 * 86_400 + 1);
        apply(&mut world, &named("aa", new));
        assert_eq!((reasons(&world, &preview()), reasons(&world, &first)), (vec![], vec!["TooManyPreviews"]), "{new}");
    }
    // Of those that came at once the first by name is there.
    let world = of(&[SITE, &few, PREVIEW, &named("aa", "")]);
    assert_eq!((reasons(&world, &preview()), reasons(&world, &first)), (vec!["TooManyPreviews"], vec![]));
}

/// Whoever knows the names of objects, which branches tell, knows no URL.
#[test]
fn nobody_computes_where_a_preview_is_without_the_secret() {
    let secret = |key: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: nuncio-preview-keys}}\nstringData: {{key: {key}}}\n---\n"
        )
    };
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let plain = host(&world);
    apply(&mut world, &secret("sixteen-or-more-bytes"));
    let own = host(&world);
    assert_ne!(own, plain);
    assert_eq!(
        (answer(&world, &plain, "/cart/x"), answer(&world, &own, "/cart/x")),
        ("404".into(), "cart-42:80".into())
    );
    // It is the same for the same secret, whatever becomes of the object.
    world.apply([(preview(), None)]);
    apply(&mut world, &PREVIEW.replace("name: pr-42", "name: pr-42, uid: another"));
    assert_eq!(host(&world), own);
    apply(&mut world, &secret("another-one-of-them"));
    assert_ne!(host(&world), own);
    assert_eq!(
        world.model(),
        of(&[
            SITE,
            POLICY,
            &PREVIEW.replace("name: pr-42", "name: pr-42, uid: another"),
            &secret("another-one-of-them")
        ])
        .model()
    );
    // Where there should be a secret the names are nobody's either.
    let named = POLICY.replace("access: [Public]", "access: [Public], secretName: keys");
    assert_ne!(host(&of(&[SITE, &named, PREVIEW])), plain);
}

/// What was handed on by services is worth nothing once it is withdrawn, or the object another.
#[test]
fn the_key_of_a_preview_is_changed_by_its_generation_and_with_its_object() {
    let policy = POLICY.replace("[Public]", "[Public, ShareLink]");
    let shared = PREVIEW.replace("mode: Public", "mode: ShareLink");
    let fingerprint = |world: &World| world.preview_fingerprint(&preview()).unwrap();
    let mut world = of(&[SITE, &policy, &shared]);
    let (first, place) = (fingerprint(&world), host(&world));
    apply(&mut world, &shared.replace("mode: ShareLink", "mode: ShareLink, generation: 1"));
    let second = fingerprint(&world);
    assert_ne!(first, second);
    assert_eq!(host(&world), place, "the URL stays");
    let objects = ["one", "two"].map(|uid| shared.replace("name: pr-42", &format!("name: pr-42, uid: {uid}")));
    let [one, two] = objects.map(|text| {
        apply(&mut world, &text);
        fingerprint(&world)
    });
    assert!(one != two && one != first, "{one} {two}");
}

#[test]
fn a_policy_of_a_cluster_without_a_secret_says_what_comes_of_it() {
    let id = ObjectId::new(Kind::PreviewPolicy, "default", "previews");
    let of_cluster = POLICY.replace("name: previews", "name: previews, uid: u");
    assert_eq!(reasons(&of(&[SITE, &of_cluster]), &id), ["KeysNotShared"]);
    assert_eq!(reasons(&of(&[SITE, POLICY]), &id), [""; 0]);
    let mut lacking = of(&[SITE, &of_cluster]);
    assert_eq!(lacking.lacks_preview_keys().as_deref(), Some("default"));
    let wanted = lacking.newly_wanted_secrets().unwrap();
    assert!(wanted.iter().any(|(_, name)| **name == *"nuncio-preview-keys"), "{wanted:?}");
    let shared = |key: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: nuncio-preview-keys}}\nstringData: {{key: {key}}}\n---\n"
        )
    };
    apply(&mut lacking, &shared("sixteen-or-more-bytes"));
    assert_eq!((reasons(&lacking, &id), lacking.lacks_preview_keys()), (vec![], None));
    apply(&mut lacking, &shared("short"));
    assert_eq!(
        (reasons(&lacking, &id), lacking.lacks_preview_keys()),
        (vec!["InvalidSecret"], None),
        "it is somebody's"
    );
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {key: sixteen-or-more-bytes}\n---\n";
    let named = of_cluster.replace("access: [Public]", "access: [Public], secretName: keys");
    assert_eq!(reasons(&of(&[SITE, secret, &named]), &id), [""; 0]);
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
fn a_preview_of_nothing_is_told() {
    let world = of(&[SITE, POLICY, &PREVIEW.replace("baseline: cart", "baseline: carts")]);
    assert_eq!(reasons(&world, &preview()), ["NothingReplaced"]);
    let policy = POLICY.replace("'shop.example'", "'*'");
    let nowhere = SITE.replace("hostname: '*'", "hostname: shop.example");
    let world = of(&[&nowhere, &policy, PREVIEW]);
    assert_eq!(reasons(&world, &preview()), ["NoMatchingHost"]);
}

/// Who makes and ends one after the other has none of the others forgotten before its time.
#[test]
fn of_those_that_have_ended_the_last_are_told_of() {
    let few = POLICY.replace("access: [Public]", "access: [Public], maxPreviews: 1");
    let until = |name: &str, end: &str| {
        PREVIEW.replace("pr-42", name).replace("  services", &format!("  lifetime: {{expiresAt: '{end}'}}\n  services"))
    };
    let (first, last) = (until("a", "1970-01-01T01:00:00Z"), until("b", "1970-01-01T02:00:00Z"));
    let shown = |world: &World, name: &str| {
        let own = world.model().tables.keys().filter(|table| table.0.starts_with(&format!("web--{name}-"))).count();
        (own, reasons(world, &ObjectId::new(Kind::Preview, "default", name)).contains(&"TooManyPreviews"))
    };
    let mut world = of(&[SITE, &few, &first]);
    assert_eq!(shown(&world, "a"), (1, false));
    world.set_time(3 * 3600);
    apply(&mut world, &last);
    assert_eq!((shown(&world, "a"), shown(&world, "b")), ((0, true), (1, false)));
}

#[test]
fn there_may_be_a_bound_for_all_namespaces() {
    let policy = POLICY.replace("namespaces: [default]", "namespaces: ['*'], backends: Any, maxPreviewsTotal: 2");
    let of_team = PREVIEW.replace("name: pr-42", "name: zz, namespace: team");
    let (one, two) = (PREVIEW.replace("pr-42", "one"), PREVIEW.replace("pr-42", "two"));
    let world = of(&[SITE, &policy, &one, &two, &of_team]);
    let team = ObjectId::new(Kind::Preview, "team", "zz");
    assert!(reasons(&world, &team).contains(&"TooManyPreviews"));
    let all = policy.replace("Total: 2", "Total: 3");
    assert!(!reasons(&of(&[SITE, &all, &one, &two, &of_team]), &team).contains(&"TooManyPreviews"));
}

#[test]
fn ten_thousand_previews_of_one_namespace_are_not_served() {
    let mut world = of(&[SITE, &POLICY.replace("access: [Public]", "access: [Public], maxPreviews: 3")]);
    let tables = |world: &World| world.model().tables.values().filter(|table| table.preview.is_some()).count();
    let many: Vec<_> = (0..10_000).map(|at| PREVIEW.replace("pr-42", &format!("pr-{at:05}"))).collect();
    apply(&mut world, &many.concat());
    assert_eq!(tables(&world), 3);
    let beyond = ObjectId::new(Kind::Preview, "default", "pr-09999");
    assert_eq!(reasons(&world, &beyond), ["TooManyPreviews"]);
    // Those that went are remembered, and not more of them than may be there.
    let gone = (0..10_000).map(|at| (ObjectId::new(Kind::Preview, "default", format!("pr-{at:05}")), None));
    world.apply(gone);
    assert_eq!(tables(&world), 0);
    assert!(world.model().tables.keys().filter(|name| name.0.starts_with("web--")).count() <= 3);
}
