//! What a policy does not let be, and what is written in vain beside previews.

use nuncio_api::{Kind, ObjectId, Spec};
use nuncio_ir::{AccessLogFormat, Handler, RouteAction};

use super::{POLICY, PREVIEW, SITE, answer, apply, host, objects, of, preview, reasons, route};
use crate::world::World;

#[test]
fn another_name_for_anything_is_no_service_of_the_namespace() {
    let external = "apiVersion: v1\nkind: Service\nmetadata: {name: cart-42}\n\
                    spec: {type: ExternalName, externalName: metadata.example, ports: [{port: 80}]}\n---\n";
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let host = host(&world);
    apply(&mut world, external);
    assert!(answer(&world, &host, "/cart/").starts_with("503"), "{}", answer(&world, &host, "/cart/"));
    assert_eq!(reasons(&world, &preview()), ["NotAllowed"]);
    apply(&mut world, &POLICY.replace("[Public]", "[Public], backends: Any"));
    assert_eq!((answer(&world, &host, "/cart/").as_str(), reasons(&world, &preview())), ("cart-42:80", vec![]));
}

#[test]
fn what_filters_say_of_a_request_leads_it_nowhere_in_a_preview() {
    let narrow = |name: &str| {
        PREVIEW.replace("backend: cart-42", &format!("backend: cart-42, match: {{headers: {{{name}: ann}}}}"))
    };
    let filter = "apiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {name: who}\n\
                  spec: {JWT: {jwksURI: https://idp.example/keys, injectRequestHeaders: [{name: x-customer, value: a}, \
                  {name: x-tenant, value: b, keepClientValue: true}]}}\n---\n\
                  apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: rules}\n\
                  spec: {rules: [{host: shop.example, filters: [{name: who}]}]}\n---\n";
    let service = "apiVersion: getambassador.io/v3alpha1\nkind: AuthService\nmetadata: {name: asks}\n\
                   spec: {auth_service: 'asks:80', allowed_authorization_headers: [X-Tenant]}\n---\n";
    let mut world = of(&[SITE, POLICY, &narrow("X-Customer")]);
    assert_eq!((reasons(&world, &preview()), world.preview_clusters(&preview()).len()), (vec![], 1));
    apply(&mut world, filter);
    assert_eq!((reasons(&world, &preview()), world.preview_clusters(&preview()).len()), (vec!["NotAllowed"], 0));
    assert_eq!(world.problems(&preview())[0].field, "spec.services[0].match.headers.X-Customer");
    world.apply([(ObjectId::new(Kind::FilterPolicy, "default", "rules"), None)]);
    assert_eq!((reasons(&world, &preview()), world.preview_clusters(&preview()).len()), (vec![], 1), "nothing uses it");
    apply(&mut world, &narrow("x-tenant"));
    assert_eq!(reasons(&world, &preview()), [""; 0]);
    apply(&mut world, service);
    assert_eq!(reasons(&world, &preview()), ["NotAllowed"]);
}

const PAYROLL: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: payroll}
spec: {hostname: shop.example, prefix: /payroll/, service: cart-42}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: keys}
spec: {APIKey: {keys: [{secretName: keys}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {ann: key-1}
---
";

/// The rules of a policy for these paths.
fn rules(paths: &[&str]) -> String {
    let rule = |path: &&str| format!("{{host: shop.example, path: '{path}', filters: [{{name: keys}}]}}");
    let rules = paths.iter().map(rule).collect::<Vec<_>>().join(", ");
    format!(
        "apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {{name: rules}}\nspec: {{rules: [{rules}]}}\n---\n"
    )
}

#[test]
fn a_service_behind_rules_of_its_own_stands_in_for_no_other() {
    let mut world = of(&[SITE, POLICY, PREVIEW, PAYROLL]);
    let host = host(&world);
    let told = |world: &World| (answer(world, &host, "/cart/x"), reasons(world, &preview()));
    let shown = || ("cart-42:80".to_owned(), vec![]);
    assert_eq!(told(&world), shown(), "nobody is asked about either");
    for (paths, is_shown) in [
        (&["/payroll/*"][..], false),
        (&["*"], true),
        (&["/payroll/*", "/cart/*"], true),
        (&["/payroll/*", "/cart/public/*"], false),
        (&["/cart/*"], true),
    ] {
        apply(&mut world, &rules(paths));
        let (answer, reasons) = told(&world);
        let is_refused = answer.starts_with("503") && answer.contains("is behind") && reasons == ["NotAllowed"];
        assert_eq!((answer == "cart-42:80", is_refused), (is_shown, !is_shown), "{paths:?}: {answer} {reasons:?}");
    }
    // A Mapping that comes later closes it, too, and what the operator says opens it.
    world.apply([(ObjectId::new(Kind::Mapping, "default", "payroll"), None)]);
    apply(&mut world, &rules(&["/payroll/*", "/hr/*"]));
    assert_eq!(told(&world), shown(), "no Mapping leads there");
    let elsewhere = PAYROLL.replace("shop.example", "hr.example").replace("name: payroll", "name: hr");
    apply(&mut world, &rules(&["/payroll/*"]).replace("host: shop.example", "host: hr.example"));
    assert_eq!(told(&world), shown());
    apply(&mut world, &elsewhere);
    assert_eq!(told(&world).1, ["NotAllowed"]);
    apply(&mut world, &POLICY.replace("[Public]", "[Public], backends: Any"));
    assert_eq!(told(&world), shown());
}

#[test]
fn rules_hold_by_whatever_port_and_whatever_is_replaced() {
    let mapping = |name: &str, prefix: &str, service: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}}}\n\
             spec: {{hostname: shop.example, prefix: {prefix}, service: '{service}'}}\n---\n"
        )
    };
    let replaced = |baseline: &str, backend: &str| {
        PREVIEW
            .replace("{baseline: cart, backend: cart-42}", &format!("{{baseline: '{baseline}', backend: '{backend}'}}"))
    };
    let ready = SITE[SITE.find("apiVersion: discovery").unwrap()..].replace("cart-42", "cart");
    let told = |site: &str, baseline: &str, backend: &str, path: &str| {
        let (rules, replaced) = (rules(&["/payroll/*", "/admin/*"]), replaced(baseline, backend));
        let world = of(&[SITE, &ready, POLICY, site, PAYROLL, &rules, &replaced]);
        (answer(&world, &host(&world), path), reasons(&world, &preview()).contains(&"NotAllowed"))
    };
    // Another port of the same Service.
    let admin = mapping("admin", "/admin/", "cart:9090");
    let (answered, is_refused) = told(&admin, "cart:80", "cart:9090", "/cart/x");
    assert!(answered.contains("is behind") && is_refused, "{answered}");
    let (answered, is_refused) = told(&admin, "cart:9090", "cart:80", "/admin/x");
    assert!(answered == "cart:80" && !is_refused, "whoever comes there is asked already: {answered}");
    let (answered, is_refused) = told(&admin, "cart:80", "cart:80", "/cart/x");
    assert!(answered == "cart:80" && !is_refused, "it is the same: {answered}");
    let (answered, is_refused) = told(&admin, "cart", "cart", "/cart/x");
    assert!(answered.contains("is behind") && is_refused, "one of them is any port: {answered}");
    // In the place of what is no Service, for one host and for all.
    for (host, baseline) in [("shop.example", "legacy.example.com"), ("'*'", "10.0.0.9")] {
        let old = mapping("old", "/old/", baseline).replace("shop.example", host);
        let (answered, is_refused) = told(&old, baseline, "cart-42", "/old/x");
        assert!(answered.contains("is behind") && is_refused, "{host}: {answered}");
    }
}

#[test]
fn a_bare_name_is_a_service_of_the_previews_own_namespace() {
    let module = "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador}\n\
                  spec: {config: {use_ambassador_namespace_for_service_resolution: true}}\n---\n";
    let shop = "namespace: shop";
    let policy = POLICY.replace("[default]", "[shop]");
    let of_shop = PREVIEW.replace("metadata: {name: pr-42}", &format!("metadata: {{name: pr-42, {shop}}}"));
    let of_shop = of_shop.replace("baseline: cart,", "baseline: cart.default,");
    let id = ObjectId::new(Kind::Preview, "shop", "pr-42");
    let mut world = of(&[SITE, module, &policy, &of_shop]);
    let route = |world: &World| {
        let [url] = &world.preview_urls(&id)[..] else { panic!("one URL") };
        answer(world, url.url.trim_start_matches("https://").trim_end_matches('/'), "/cart/x")
    };
    assert!(route(&world).starts_with("503"), "the edge's own cart-42 is not meant: {}", route(&world));
    // What comes later is seen.
    let from = SITE.find("apiVersion: v1\nkind: Service\nmetadata: {name: cart-42}").unwrap();
    let own = SITE[from..].replace("metadata: {name: cart-42", &format!("metadata: {{{shop}, name: cart-42"));
    apply(&mut world, &own);
    assert_eq!(route(&world), "cart-42.shop:80");
}

#[test]
fn that_a_service_is_behind_rules_of_its_own_is_known_before_it_stands_in() {
    let objects = objects(PREVIEW);
    let Spec::Preview(spec) = &objects[0].spec else { panic!("{objects:?}") };
    let refused = |policy: &str, paths: &[&str]| {
        let world = of(&[SITE, policy, PAYROLL, &rules(paths)]);
        let refused = world.refused_of_preview(&preview(), spec);
        refused.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    assert_eq!(refused(POLICY, &["/payroll/*"]), ["spec.services[0].backend"]);
    assert_eq!(refused(POLICY, &["*"]), [""; 0]);
    assert_eq!(refused(&POLICY.replace("[Public]", "[Public], backends: Any"), &["/payroll/*"]), [""; 0]);
}

#[test]
fn of_what_is_no_service_nobody_knows_whether_it_is_missing() {
    let policy = POLICY.replace("[Public]", "[Public], backends: Any");
    let to = |backend: &str| PREVIEW.replace("cart-42", &format!("{backend}, whenMissing: Baseline"));
    for (backend, expected) in
        [("10.0.0.1:80", &["NoEffect"][..]), ("cart.example.com", &["NoEffect"]), ("cart-42", &[])]
    {
        assert_eq!(reasons(&of(&[SITE, &policy, &to(backend)]), &preview()), expected, "{backend}");
    }
    assert_eq!(reasons(&of(&[SITE, &policy, &to("10.0.0.1:80").replace("Baseline", "Fail")]), &preview()), [""; 0]);
}

#[test]
fn rules_and_hosts_for_names_of_previews_are_told_that_they_do_not_count() {
    let host = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: one}\n\
                spec: {hostname: x.pre.example, requestPolicy: {insecure: {action: Route}}}\n---\n";
    let rules = "apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: rules}\n\
                 spec: {rules: [{host: 'X.pre.example', filters: []}, {host: '*.pre.example', filters: []}, \
                 {host: shop.example, filters: []}, {host: x.y.pre.example, path: /, filters: []}]}\n---\n";
    let mut world = of(&[SITE, host, rules]);
    let [host, rules] =
        [(Kind::Host, "one"), (Kind::FilterPolicy, "rules")].map(|(kind, name)| ObjectId::new(kind, "default", name));
    let told = |world: &World| {
        let problems = world.problems(&rules).into_iter().filter(|it| it.reason == "ReservedForPreviews");
        problems.map(|it| it.field).collect::<Vec<_>>()
    };
    assert_eq!((told(&world), reasons(&world, &host).contains(&"ReservedForPreviews")), (vec![], false));
    world.take_turned();
    apply(&mut world, POLICY);
    assert_eq!(told(&world), ["spec.rules[0].host", "spec.rules[1].host"]);
    assert!(reasons(&world, &host).contains(&"ReservedForPreviews"));
    let turned = world.take_turned();
    assert!(turned.contains(&rules) && turned.contains(&host), "they are to be looked at again: {turned:?}");
}

/// The Module does not know what a policy calls its headers.
#[test]
fn a_log_format_that_shows_a_header_of_the_policy_does_not_count() {
    let module = "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador}\n\
                  spec: {config: {envoy_log_type: json, envoy_log_format: {branch: '%REQ(X-Branch)%'}}}\n---\n";
    let id = ObjectId::new(Kind::Module, "default", "ambassador");
    let format = |world: &World| {
        let listener = world.model().listeners.values().next().unwrap();
        let Handler::Http(settings) = &listener.chains[0].handler else { panic!() };
        settings.access_log.format.clone()
    };
    let mut world = of(&[SITE, POLICY, module]);
    assert!(matches!(format(&world), AccessLogFormat::Json { .. }));
    apply(&mut world, &POLICY.replace("[Public]", "[Public], headers: [X-Branch]"));
    assert_eq!((format(&world), reasons(&world, &id)), (AccessLogFormat::DefaultJson, vec!["InvalidFormat"]));
    assert!(world.take_turned().contains(&id));
    apply(&mut world, &POLICY.replace("[Public]", "[Public], headers: [X-Other]"));
    assert!(matches!(format(&world), AccessLogFormat::Json { .. }));
}

#[test]
fn the_key_is_for_services_and_for_whom_the_policy_names() {
    let mapping = |name: &str, rest: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}}}\n\
             spec: {{hostname: shop.example, service: {name}.example.com, {rest}}}\n---\n"
        )
    };
    let others = [mapping("api", "prefix: /api/"), mapping("copies", "prefix: /cart/, shadow: true")].concat();
    let mut world = of(&[SITE, POLICY, &others, PREVIEW]);
    let host = host(&world);
    let strangers = |world: &World| {
        let tables = world.model().tables.values();
        let table = tables.into_iter().find(|table| *table.scope.host == *host).unwrap();
        table.strangers.iter().map(|name| name.0.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let copies = |world: &World, host: &str| {
        let RouteAction::Forward(forward) = &route(world, host, "/cart/x").action else { panic!() };
        forward.mirrors.len()
    };
    assert_eq!(strangers(&world), ["api.example.com", "copies.example.com"]);
    assert_eq!((copies(&world, "shop.example"), copies(&world, &host)), (1, 0));
    apply(&mut world, &POLICY.replace("[Public]", "[Public], trustedUpstreams: ['*.example.com']"));
    assert_eq!((strangers(&world), copies(&world, &host)), (vec![], 1));
}

/// `evil.dev` may be anybody's, whatever a namespace is called.
#[test]
fn a_namespace_that_is_called_like_a_domain_makes_nobody_a_service() {
    let mapping = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: api, namespace: dev}\n\
                   spec: {hostname: shop.example, prefix: /api/, service: evil.dev}\n---\n";
    let strangers = |world: &World| {
        let host = host(world);
        let table = world.model().tables.values().find(|table| *table.scope.host == *host).unwrap();
        table.strangers.len()
    };
    let mut world = of(&[SITE, POLICY, mapping, PREVIEW]);
    assert_eq!(strangers(&world), 1);
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: evil, namespace: dev}\nspec: {ports: [{port: 80}]}\n---\n";
    apply(&mut world, service);
    assert_eq!(strangers(&world), 0, "it is known");
    let mapped = mapping.replace("evil.dev", "evil.dev.svc");
    assert_eq!(strangers(&of(&[SITE, POLICY, &mapped, PREVIEW])), 0);
}

/// Where services are believed, a baseline's routes are told apart, too.
#[test]
fn where_services_hand_on_keys_it_is_known_which_routes_lead_to_strangers() {
    let inside = "apiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: inside}\n\
                  spec: {port: 8081, protocol: HTTP, securityModel: XFP, internal: true, hostBinding: {namespace: {from: ALL}}}\n---\n";
    let api = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: api}\n\
               spec: {hostname: 'api.internal', prefix: /, service: api.example.com}\n---\n";
    let wild = api.replace("name: api", "name: any").replace("'api.internal', prefix: /", "'*', prefix: /any/");
    // It goes before a route of the shop, and so stands in its table, too.
    let trusting = POLICY.replace("[Public]", "[Public], trustedUpstreams: [api.example.com]");
    let strangers = |world: &World| {
        let tables = world.model().tables.values().filter(|table| table.preview.is_none());
        let strange = tables.filter(|table| !table.strangers.is_empty());
        strange.map(|table| table.scope.host.to_string()).collect::<Vec<_>>()
    };
    let mut world = of(&[SITE, api, &wild, POLICY]);
    assert_eq!(strangers(&world), [""; 0], "nobody is believed");
    for (text, expected) in [
        (inside, &["*", "api.internal", "shop.example"][..]),
        (&trusting, &[]),
        (POLICY, &["*", "api.internal", "shop.example"]),
        (&inside.replace("internal: true, ", ""), &[]),
        (inside, &["*", "api.internal", "shop.example"]),
    ] {
        apply(&mut world, text);
        let mut found = strangers(&world);
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
    assert!(world.model() == of(&[SITE, api, &wild, POLICY, inside]).model());
    world.apply([(ObjectId::new(Kind::PreviewPolicy, "default", "previews"), None)]);
    assert_eq!(strangers(&world), [""; 0]);
}
