//! Mappings with the same conditions, and the order of those with others.

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{Arm, PathRewrite, Route, RouteAction};

use super::regressions::{answer, of};
use super::request::Request;
use crate::world::World;

const LISTENER: (&str, &str, &str) =
    ("Listener", "l", "{port: 8080, protocol: HTTP, securityModel: INSECURE, hostBinding: {namespace: {from: ALL}}}");
const HOST: (&str, &str, &str) = ("Host", "h", "{hostname: '*', requestPolicy: {insecure: {action: Route}}}");

/// A world of these Mappings beside a Module of `config`.
fn mappings(config: &str, specs: &[(&str, &str)]) -> World {
    let module = format!("{{config: {config}}}");
    let specs = specs.iter().map(|(name, spec)| ("Mapping", *name, *spec));
    of(&[LISTENER, HOST, ("Module", "ambassador", &module)].into_iter().chain(specs).collect::<Vec<_>>())
}

fn route<'w>(world: &'w World, host: &str, path: &str) -> &'w Route {
    Request::get(host, path).route(world.model(), &world.frame.classes[0].key).expect("a route")
}

fn arms(route: &Route) -> Vec<&Arm> {
    match &route.action {
        RouteAction::Forward(forward) => forward.arms.iter().map(AsRef::as_ref).collect(),
        other => panic!("{other:?}"),
    }
}

fn reasons(world: &World, name: &str) -> Vec<&'static str> {
    world.problems(&ObjectId::new(Kind::Mapping, "default", name)).iter().map(|problem| problem.reason).collect()
}

#[test]
fn requests_are_counted_by_the_mapping_of_their_route() {
    let world = mappings(
        "{}",
        &[
            ("a.b", "{hostname: '*', prefix: /a/, service: s}"),
            ("canary", "{hostname: '*', prefix: /a/, service: t, weight: 10}"),
            ("moved", "{hostname: '*', prefix: /moved/, service: s, host_redirect: true}"),
        ],
    );
    assert_eq!(route(&world, "x", "/a/").counted.as_deref(), Some("default_a_b"), "no dot, and one name for all arms");
    assert_eq!(route(&world, "x", "/moved/").counted, None, "nobody is asked for what is redirected");
}

#[test]
fn a_shadow_changes_nothing_of_the_requests() {
    let shadow = "{hostname: '*', prefix: /a/, service: copy, shadow: true, bypass_auth: true, \
                  regex_rewrite: {pattern: '.*', substitution: /copied}, remove_request_headers: [authorization], \
                  add_response_headers: {x-copied: {value: 'yes'}}, retry_policy: {retry_on: 5xx}}";
    let world = mappings("{}", &[("main", "{hostname: '*', prefix: /a/, service: web}"), ("shadow", shadow)]);
    let route = route(&world, "a.example.com", "/a/");
    let [arm] = arms(route)[..] else { panic!("{route:?}") };
    assert_eq!(arm.rewrite, Some(PathRewrite::Matched("/".to_owned())));
    assert!(arm.request_headers.remove.is_empty() && arm.retry.is_none(), "{arm:?}");
    assert!(route.response_headers.add.is_empty(), "{route:?}");
}

/// Whoever may get a request for `/a/` by the gateway's names.
fn audiences(specs: &[(&str, &str)], objects: &[(&str, &str, &str)]) -> Vec<String> {
    let mappings = specs.iter().map(|(name, spec)| ("Mapping", *name, *spec));
    let world = of(&[LISTENER, HOST].into_iter().chain(objects.iter().copied()).chain(mappings).collect::<Vec<_>>());
    let RouteAction::Forward(forward) = &route(&world, "a.example.com", "/a/").action else { panic!() };
    forward.audiences().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_service_is_called_the_same_however_a_mapping_writes_it() {
    let to =
        |service: &str| audiences(&[("main", &format!("{{hostname: '*', prefix: /a/, service: '{service}'}}"))], &[]);
    for (service, expected) in [
        ("http://127.0.0.1:8088", "127.0.0.1:8088"),
        ("LocalHost:8088", "localhost:8088"),
        ("https://Docs.Example", "docs.example:443"),
        ("[::1]:8088", "[::1]:8088"),
    ] {
        assert_eq!(to(service), [expected], "{service}");
    }
    let service = [("Service", "portal", "{ports: [{port: 8088}]}")];
    for text in ["portal:8088", "portal.default:8088", "http://portal.default.svc.cluster.local:8088"] {
        let spec = format!("{{hostname: '*', prefix: /a/, service: '{text}'}}");
        assert_eq!(audiences(&[("main", &spec)], &service), ["portal.default:8088"], "{text}");
    }
    // A tag is another name of the cluster, not of the service.
    let tagged = "{hostname: '*', prefix: /a/, service: portal.shop, cluster_tag: nuncio}";
    assert_eq!(audiences(&[("main", tagged)], &[]), ["portal.shop:80"]);
}

#[test]
fn all_who_may_get_a_request_are_told_of() {
    let shares = [
        ("main", "{hostname: '*', prefix: /a/, service: portal}"),
        ("canary", "{hostname: '*', prefix: /a/, service: canary, weight: 10}"),
        ("copy", "{hostname: '*', prefix: /a/, service: copy, shadow: true}"),
    ];
    assert_eq!(audiences(&shares, &[]), ["canary:80", "copy:80", "portal:80"]);
}

#[test]
fn a_shadow_does_not_redirect() {
    let shadow = "{hostname: '*', prefix: /a/, service: elsewhere, shadow: true, host_redirect: true}";
    let world = mappings("{}", &[("main", "{hostname: '*', prefix: /a/, service: web}"), ("shadow", shadow)]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/a/")), "main");
    assert!(reasons(&world, "main").is_empty());
}

#[test]
fn the_first_decides_whether_a_group_redirects() {
    let (serves, redirects) = (
        "{hostname: '*', prefix: /a/, service: web}",
        "{hostname: '*', prefix: /a/, service: elsewhere, host_redirect: true}",
    );
    let world = mappings("{}", &[("a", serves), ("b", redirects)]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/a/")), "a");
    assert_eq!((reasons(&world, "a"), reasons(&world, "b")), (vec![], vec!["ConflictingRedirect"]));
    let world = mappings("{}", &[("a", redirects), ("b", serves)]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/a/")), "301");
    assert_eq!((reasons(&world, "a"), reasons(&world, "b")), (vec![], vec!["ConflictingRedirect"]));
}

#[test]
fn who_has_no_share_does_not_keep_others_from_redirecting() {
    let none = "{hostname: '*', prefix: /a/, service: web, weight: 0}";
    let redirects = "{hostname: '*', prefix: /a/, service: elsewhere, host_redirect: true}";
    let world = mappings("{}", &[("a", none), ("b", redirects)]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/a/")), "301");
    assert_eq!(reasons(&world, "b"), Vec::<&str>::new());
}

#[test]
fn without_a_weight_above_0_requests_are_left_to_a_wider_mapping() {
    let none = "{hostname: '*', prefix: /a/, service: web, weight: 0}";
    let shadow = "{hostname: '*', prefix: /a/, service: copy, shadow: true}";
    let of = |rest: &[(&str, &str)]| mappings("{}", &[&[("a", none), ("b", none), ("copy", shadow)], rest].concat());
    let request = Request::get("a.example.com", "/a/");
    assert_eq!(answer(&of(&[]), &request), "404");
    let world = of(&[("all", "{hostname: '*', prefix: /, service: web}")]);
    assert_eq!(answer(&world, &request), "all");
    assert_eq!((reasons(&world, "a"), reasons(&world, "b")), (vec!["NoShare"], vec!["NoShare"]));
    let world = of(&[("c", "{hostname: '*', prefix: /a/, service: c, weight: 1}")]);
    assert_eq!((arms(route(&world, "a.example.com", "/a/")).len(), reasons(&world, "a")), (1, vec![]));
    // One alone takes everything, whatever its weight, copies aside.
    let alone = mappings("{}", &[("a", none), ("copy", shadow)]);
    assert_eq!((answer(&alone, &request), reasons(&alone, "a")), ("a".to_owned(), vec![]));
    // One that cannot serve is not made up for by a wider one.
    let invalid = ("c", "{hostname: '*', prefix: /a/, service: c, weight: x}");
    assert_eq!(answer(&mappings("{}", &[("a", none), invalid]), &request), "503");
    assert_eq!(answer(&of(&[invalid, ("all", "{hostname: '*', prefix: /, service: web}")]), &request), "503");
}

#[test]
fn what_a_member_says_goes_before_the_module() {
    let config = "{cors: {origins: ['*']}, retry_policy: {retry_on: 5xx, num_retries: 4}}";
    let says = "{hostname: '*', prefix: /a/, service: a, cors: {origins: [https://a.example.com]}, \
                retry_policy: {retry_on: 5xx, num_retries: 1}}";
    let world = mappings(config, &[("a", says), ("b", "{hostname: '*', prefix: /a/, service: b}")]);
    let both = route(&world, "a.example.com", "/a/");
    assert_eq!(both.cors.as_ref().unwrap().origins, ["https://a.example.com"]);
    assert!(arms(both).iter().all(|arm| arm.retry.as_ref().unwrap().retries == 1), "{both:?}");

    let world = mappings(config, &[("c", "{hostname: '*', prefix: /c/, service: c}")]);
    let silent = route(&world, "a.example.com", "/c/");
    assert_eq!(silent.cors.as_ref().unwrap().origins, ["*"]);
    assert_eq!(arms(silent)[0].retry.as_ref().unwrap().retries, 4);
}

#[test]
fn what_is_empty_goes_before_the_module() {
    let config = "{cors: {origins: ['*']}, circuit_breakers: [{max_requests: 0}], defaults: {httpmapping: \
                  {add_request_headers: {x-a: {value: a}}, remove_response_headers: [x-b]}}}";
    let empty = "{hostname: '*', prefix: /a/, service: web, cors: {origins: []}, circuit_breakers: [], \
                 add_request_headers: {}, remove_response_headers: []}";
    let world = mappings(config, &[("a", empty)]);
    let route = route(&world, "a.example.com", "/a/");
    assert!(route.cors.is_none() && route.response_headers.remove.is_empty(), "{route:?}");
    assert!(arms(route)[0].request_headers.add.is_empty());
    assert!(world.model().clusters.values().all(|cluster| cluster.circuit_breakers.is_empty()));
}

#[test]
fn of_lists_that_members_say_the_last_counts() {
    let spec = |name: &str| format!("{{hostname: '*', prefix: /a/, service: web, remove_request_headers: [{name}]}}");
    let world = mappings("{}", &[("a", &spec("x-a")), ("b", &spec("x-b"))]);
    let route = route(&world, "a.example.com", "/a/");
    assert!(arms(route).iter().all(|arm| arm.request_headers.remove == ["x-b"]), "{route:?}");
}

#[test]
fn a_star_is_text_as_any_host_is() {
    let star = "{hostname: '*', prefix: /, method: GET, service: web}";
    let world = mappings("{}", &[("exact", "{hostname: b.ex.com, prefix: /, service: web}"), ("star", star)]);
    assert_eq!(answer(&world, &Request::get("b.ex.com", "/")), "star", "22 characters go before 18");
}

#[test]
fn of_conditions_as_long_as_each_other_the_greater_text_goes_first() {
    for (name, first, second) in [
        ("a name of a header goes before the method", "headers: {x-abc: '12345'}", "method: GET"),
        ("values count", "regex_headers: {x-q: 'a..'}", "regex_headers: {x-q: '.*b'}"),
        ("query parameters too", "query_parameters: {b: a}", "query_parameters: {a: b}"),
    ] {
        let spec = |conditions: &str| format!("{{hostname: '*', prefix: /, service: web, {conditions}}}");
        let world = mappings("{}", &[("z", &spec(first)), ("a", &spec(second))]);
        let request = Request::get("a.example.com", "/?a=b&b=a").with("x-abc", "12345").with("x-q", "aab");
        assert_eq!(answer(&world, &request), "z", "{name}");
    }
}

#[test]
fn arms_that_differ_in_case_share_what_is_written_exactly() {
    let world = mappings(
        "{}",
        &[
            ("any", "{hostname: '*', prefix: /a/, service: one, case_sensitive: false, weight: 30}"),
            ("exact", "{hostname: '*', prefix: /a/, service: two}"),
        ],
    );
    let weights =
        |path: &str| arms(route(&world, "a.example.com", path)).iter().map(|arm| arm.weight).collect::<Vec<_>>();
    assert_eq!(weights("/a/x").len(), 2);
    assert_eq!(weights("/A/x").len(), 1, "the other does not take this");
    assert!(reasons(&world, "any").is_empty() && reasons(&world, "exact").is_empty());
}

#[test]
fn defaults_of_the_module_may_stand_without_a_class() {
    let config = "{defaults: {add_request_headers: {x-a: all}, remove_response_headers: [x-b], \
                  httpmapping: {remove_response_headers: [x-c]}}}";
    let world = mappings(config, &[("m", "{hostname: '*', prefix: /a/, service: web}")]);
    let route = route(&world, "a.example.com", "/a/");
    let added: Vec<_> = arms(route)[0].request_headers.add.iter().map(|header| &*header.name).collect();
    assert_eq!((added, &route.response_headers.remove[..]), (vec!["x-a"], &["x-c".to_owned()][..]), "{route:?}");
}

#[test]
fn no_client_says_what_hands_the_gateways_word_on() {
    let adds = "add_request_headers: {X-User-JWT: {value: 'Bearer %REQ(x-nuncio-assertion)%', append: true}, \
                x-other: {value: '%REQ(x-nuncio)%'}, x-cel: {value: \"%CEL(request.headers['x-nuncio-assertion'])%\"}}";
    let own = |more: &str| format!("{{hostname: '*', prefix: /a/, service: web, {more}}}");
    let config = format!("{{defaults: {{httpmapping: {{{adds}}}}}}}");
    let (said, removing) = (own(adds), own("remove_request_headers: [x-z, x-b]"));
    for (name, world) in [
        ("said by the Mapping", mappings("{}", &[("a", &said)])),
        ("said by another of the group", mappings("{}", &[("a", &said), ("b", &removing)])),
        ("said by the Module", mappings(&config, &[("a", &removing)])),
    ] {
        for arm in arms(route(&world, "a.example.com", "/a/")) {
            let edits = &arm.request_headers;
            let kept: Vec<_> =
                edits.remove.iter().map(String::as_str).filter(|removed| !["x-b", "x-z"].contains(removed)).collect();
            assert_eq!(kept, ["x-cel", "x-user-jwt"], "{name}: {edits:?}");
            assert!(edits.remove.is_sorted(), "{name}: {edits:?}");
            let appended: Vec<_> = edits.add.iter().filter(|add| add.append).map(|add| &*add.name).collect();
            assert_eq!(appended, ["x-other"], "{name}: {edits:?}");
        }
    }
}
