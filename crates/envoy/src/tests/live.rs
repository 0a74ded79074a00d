//! What a real Envoy does with the resources, where its documentation leaves a doubt.

mod edge;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nuncio_ir::{
    Arm, Cors, HeaderEdits, HeaderMatch, HttpSettings, PathMatch, PathRewrite, Route, RouteMatch, ValueMatch,
};

use self::edge::Edge;
use super::build::{access_log, add, arm, forward, host, http, invalid, prefix, respond, route, table, virtual_host};

fn wildcards(routes: Vec<Route>) -> nuncio_ir::Table {
    table("*", "", vec![virtual_host("*", &["*"], routes)])
}

#[test]
fn scopes() {
    let edge = Edge::start(
        http(),
        &[
            host("shop.example", vec![route("a", prefix("/a"), forward(vec![arm(1, "up")]))]),
            wildcards(vec![route("star", prefix("/"), respond(200, "star"))]),
        ],
    );
    for name in ["shop.example", "Shop.EXAMPLE", "shop.example:81", "SHOP.example.", "shop.example.:81"] {
        let reply = edge.get(name, "/a", &[]);
        assert!(reply.body.starts_with("GET /a "), "{name}: {reply:?}");
    }
    for (name, path) in [("shop.example", "/b"), ("SHOP.example", "/b"), ("b.example", "/a"), ("*", "/a")] {
        assert_eq!(edge.get(name, path, &[]).body, "star", "{name}{path}");
    }
    // What could make the key of another table is no host.
    assert_eq!(edge.get("shop.example|", "/a", &[]).status, 400);

    let forged = ["x-nuncio-scope: b.example|", "x-nuncio-preview: p", "x-nuncio-chain: forged"];
    let reply = edge.get("shop.example", "/a", &forged);
    assert!(reply.body.starts_with("GET /a "), "{reply:?}");
    assert!(!reply.body.contains("x-nuncio-"), "the upstream saw {}", reply.body);
}

/// Those that Envoy 1.40 reads or writes, and one that it may some day.
#[test]
fn nobody_speaks_in_envoys_name() {
    let names = [
        "attempt-count",
        "decorator-operation",
        "downstream-service-cluster",
        "downstream-service-node",
        "external-address",
        "force-trace",
        "hedge-on-per-try-timeout",
        "internal",
        "ip-tags",
        "is-timeout-retry",
        "max-retries",
        "original-dst-host",
        "original-host",
        "original-path",
        "original-url",
        "peer-metadata",
        "peer-metadata-id",
        "retry-on",
        "some-day",
        "upstream-alt-stat-name",
        "upstream-rq-per-try-timeout-ms",
        "upstream-rq-timeout-ms",
        "upstream-stream-duration-ms",
    ];
    let forged: Vec<_> = names.iter().map(|name| format!("X-Envoy-{name}: forged")).collect();
    let forged: Vec<_> = forged.iter().map(String::as_str).collect();
    let route = || route("a", prefix("/"), forward(vec![arm(1, "up")]));
    let edge = Edge::start(http(), &[host("a.example", vec![route()])]);
    let reply = edge.get("a.example", "/", &forged);
    assert!(reply.body.starts_with("GET / "), "{reply:?}");
    assert!(!reply.body.contains("forged"), "the upstream saw {}", reply.body);
    assert!(reply.body.contains("x-envoy-external-address: 127.0.0.1"), "it is told who asks: {}", reply.body);

    // A proxy in front may have something to say.
    let edge = Edge::start(HttpSettings { use_remote_address: false, ..http() }, &[host("a.example", vec![route()])]);
    let reply = edge.get("a.example", "/", &["x-envoy-attempt-count: 2"]);
    assert!(reply.body.contains("x-envoy-attempt-count: 2"), "{}", reply.body);
}

/// What was asked for is what Envoy routes by; frameworks that look for it elsewhere find nothing of a client's there.
#[test]
fn nobody_says_that_something_else_was_asked_for() {
    let forged = ["X-Original-URL: /forged", "X-Rewrite-Url: /forged", "X-Forwarded-Host: forged"];
    let seen = |settings: HttpSettings| {
        let edge =
            Edge::start(settings, &[host("a.example", vec![route("a", prefix("/"), forward(vec![arm(1, "up")]))])]);
        edge.get("a.example", "/", &forged).body.matches("forged").count()
    };
    assert_eq!(seen(http()), 0);
    // A proxy in front says which name it was asked for; one whose every word is believed says all of it.
    assert_eq!(seen(HttpSettings { trusted_hops: 1, ..http() }), 1);
    assert_eq!(seen(HttpSettings { use_remote_address: false, ..http() }), 3);
}

#[test]
fn classes_see_tables_of_their_own() {
    let table = |class, body| {
        table("shop.example", class, vec![virtual_host("v", &["*"], vec![route("r", prefix("/"), respond(200, body))])])
    };
    let settings = HttpSettings { class: "internal".into(), ..http() };
    let edge = Edge::start(settings, &[table("", "usual"), table("internal", "internal")]);
    assert_eq!(edge.get("shop.example", "/", &[]).body, "internal");
    assert_eq!(edge.get("SHOP.example", "/", &[]).body, "internal");
    assert_eq!(edge.get("b.example", "/", &[]).status, 404);
}

#[test]
fn a_route_sees_the_chain() {
    let other = RouteMatch {
        headers: vec![HeaderMatch {
            name: "x-nuncio-chain".to_owned(),
            value: ValueMatch::Exact("strict".to_owned()),
            invert: true,
        }],
        ..RouteMatch::any()
    };
    let routes = || {
        vec![
            Route { matches: other.clone(), ..route("other", prefix("/"), respond(421, "")) },
            route("r", prefix("/"), respond(200, "")),
        ]
    };
    for (chain, status) in [("strict", 200), ("usual", 421), ("", 421)] {
        let edge = Edge::start(HttpSettings { chain: chain.into(), ..http() }, &[host("a.example", routes())]);
        assert_eq!(edge.get("a.example", "/", &["x-nuncio-chain: strict"]).status, status, "{chain:?}");
    }
}

/// In whatever way the route was found; and upgrades stay what the route allows.
#[test]
fn upstreams_see_no_cookies_of_logins() {
    let open = Arm { upgrades: vec!["websocket".to_owned()], ..arm(1, "up") };
    let hiding = |name| Route { hides_logins: true, ..route(name, prefix("/"), forward(vec![open.clone()])) };
    let edge = Edge::start(http(), &[host("a.example", vec![hiding("exact")]), wildcards(vec![hiding("star")])]);
    let seen = |host: &str, lines: &[&str]| {
        let reply = edge.get(host, "/", lines);
        assert_eq!(reply.status, 200, "{reply:?}");
        let cookies = reply.body.lines().filter_map(|line| line.strip_prefix("cookie: "));
        cookies.map(str::to_owned).collect::<Vec<_>>()
    };
    let session = "__Host-ambassador_session.f.default=x";
    for host in ["a.example", "A.example", "b.example"] {
        assert_eq!(
            seen(host, &[&format!("cookie: a=1;  {session} ;ambassador_xsrf.f.default=y; b=\"2\"")]),
            ["a=1; ambassador_xsrf.f.default=y; b=\"2\""]
        );
        let two =
            [&*format!("cookie: {session}; a=1"), "cookie: b=2;nuncio_login.01=z;__Secure-ambassador_session.f=x"];
        assert_eq!(seen(host, &two), ["a=1; b=2"], "{host}");
        assert!(seen(host, &["cookie: ambassador_session.f.default=x"]).is_empty(), "{host}");
        let prefixed = "cookie: __Secure-__Host-ambassador_session.f=x; __a-__b=1; __Host-a-ambassador_session.f=2";
        assert_eq!(seen(host, &[prefixed]), ["__a-__b=1; __Host-a-ambassador_session.f=2"], "{host}");
        // What is not of a login stays as it came.
        for other in ["a=1;b=2", "x_ambassador_session.f=1", "a=ambassador_session.f=1", ";;", "a"] {
            assert_eq!(seen(host, &[&format!("cookie: {other}")]), [other], "{host}");
        }
        assert!(seen(host, &[]).is_empty());
        assert_eq!(edge.upgrade(host, "/").status, 101, "{host}");
    }
}

#[test]
fn upgrades_are_for_routes_that_allow_them() {
    let open = Arm { upgrades: vec!["websocket".to_owned()], ..arm(1, "up") };
    let routes = || {
        vec![
            route("open", prefix("/open"), forward(vec![open.clone()])),
            route("closed", prefix("/"), forward(vec![arm(1, "up")])),
        ]
    };
    let edge = Edge::start(http(), &[host("a.example", routes()), host("*", routes())]);
    // By the table of the name, by the name in capitals, and by the table of the wildcards.
    for name in ["a.example", "A.EXAMPLE", "other.example"] {
        assert_eq!(edge.upgrade(name, "/open").status, 101, "{name}");
        assert_eq!(edge.upgrade(name, "/closed").status, 403, "{name}");
        assert_eq!(edge.get(name, "/open", &[]).status, 200, "{name}");
    }
}

#[test]
fn shares() {
    let slow = Arm { timeout: Duration::from_secs(60), ..arm(25, "up") };
    let labelled = |weight, label: &str| Arm {
        request_headers: HeaderEdits { remove: Vec::new(), add: vec![add("x-arm", label, false)] },
        ..arm(weight, "up")
    };
    let edge = Edge::start(
        http(),
        &[host(
            "a.example",
            vec![
                route("fractions", prefix("/fractions"), forward(vec![invalid(25, "gone"), slow, labelled(50, "b")])),
                route("weighted", prefix("/weighted"), forward(vec![labelled(25, "a"), labelled(75, "b")])),
            ],
        )],
    );
    let replies = |path| (0..400).map(|_| edge.get("a.example", path, &[])).collect::<Vec<_>>();
    let percent = |count: usize| count * 100 / 400;

    let fractions = replies("/fractions");
    let gone = percent(fractions.iter().filter(|reply| reply.status == 503).count());
    let labelled = percent(fractions.iter().filter(|reply| reply.body.contains("x-arm: b")).count());
    assert!((15..=35).contains(&gone) && (40..=60).contains(&labelled), "{gone} % gone, {labelled} % labelled");

    let weighted = replies("/weighted");
    let first = percent(weighted.iter().filter(|reply| reply.body.contains("x-arm: a")).count());
    let second = percent(weighted.iter().filter(|reply| reply.body.contains("x-arm: b")).count());
    assert!((15..=35).contains(&first) && (65..=85).contains(&second), "{first} % and {second} %");
}

#[test]
fn headers() {
    let edits = HeaderEdits {
        remove: vec!["x-both".to_owned(), "x-gone".to_owned()],
        add: vec![
            add("x-both", "new", true),
            add("x-more", "new", true),
            add("x-only", "new", false),
            add("x-percent", "5%%", false),
        ],
    };
    let rule = |name: &str, value, invert| HeaderMatch { name: name.to_owned(), value, invert };
    let matching = |rule| RouteMatch { headers: vec![rule], ..RouteMatch::any() };
    let absent = matching(rule("x-kind", ValueMatch::Exact("a".to_owned()), true));
    let present = matching(rule("x-kind", ValueMatch::Present, false));
    let edge = Edge::start(
        http(),
        &[
            host(
                "match.example",
                vec![
                    Route { matches: absent, ..route("not-a", prefix("/"), respond(200, "not a")) },
                    Route { matches: present, ..route("a", prefix("/"), respond(200, "a")) },
                ],
            ),
            host(
                "edit.example",
                vec![route("r", prefix("/"), forward(vec![Arm { request_headers: edits, ..arm(1, "up") }]))],
            ),
        ],
    );
    assert_eq!(edge.get("match.example", "/", &[]).body, "not a");
    assert_eq!(edge.get("match.example", "/", &["x-kind: b"]).body, "not a");
    assert_eq!(edge.get("match.example", "/", &["x-kind: a"]).body, "a");

    let seen = edge.get("edit.example", "/", &["x-both: old", "x-gone: old", "x-more: old", "x-only: old"]).body;
    for line in ["x-both: new", "x-more: old", "x-more: new", "x-only: new", "x-percent: 5%"] {
        assert!(seen.contains(&format!("{line}\r\n")), "no {line} in {seen}");
    }
    for line in ["x-both: old", "x-gone", "x-only: old"] {
        assert!(!seen.contains(line), "{line} in {seen}");
    }
}

#[test]
fn paths() {
    let to = |rewrite| forward(vec![Arm { rewrite: Some(rewrite), ..arm(1, "up") }]);
    let matched = |to: &str| PathRewrite::Matched(to.to_owned());
    let edge = Edge::start(
        http(),
        &[host(
            "a.example",
            vec![
                route("segments", PathMatch::Segments("/seg".to_owned()), to(matched("/"))),
                route("full", prefix("/full"), to(PathRewrite::Full("/50%".to_owned()))),
                route("regex", PathMatch::Regex("/re/.*".to_owned()), to(matched("/whole"))),
                route(
                    "case",
                    PathMatch::Prefix { value: "/Case".to_owned(), case_sensitive: false },
                    to(matched("/x")),
                ),
                route("rest", prefix("/"), to(matched("/rest/"))),
            ],
        )],
    );
    for (path, expected) in [
        ("/seg", "/"),
        ("/seg/", "/"),
        ("/seg/a?q=1", "/a?q=1"),
        ("/segments", "/rest/segments"),
        ("/full/a?q=1", "/50%?q=1"),
        ("/re/a?q=1", "/whole?q=1"),
        ("/cASE/a", "/x/a"),
    ] {
        let reply = edge.get("a.example", path, &[]);
        assert!(reply.body.starts_with(&format!("GET {expected} HTTP/1.1\r\n")), "{path}: {reply:?}");
    }
}

#[test]
fn any_origin() {
    let cors = |origin: &str| Some(Box::new(Cors { origins: vec![origin.to_owned()], ..Default::default() }));
    let edge = Edge::start(
        http(),
        &[host(
            "a.example",
            vec![
                Route { cors: cors("*"), ..route("any", prefix("/any"), forward(vec![arm(1, "up")])) },
                Route { cors: cors("https://a.example"), ..route("one", prefix("/one"), forward(vec![arm(1, "up")])) },
                route("none", prefix("/"), forward(vec![arm(1, "up")])),
            ],
        )],
    );
    let allowed = |path, origin: &str| {
        let reply = edge.get("a.example", path, &[&format!("origin: {origin}")]);
        reply.header("access-control-allow-origin").map(ToOwned::to_owned)
    };
    let (a, b) = ("https://a.example", "https://b.example");
    for (path, origin, expected) in [("/one", a, Some(a)), ("/one", b, None), ("/none", a, None), ("/any", b, Some(b))]
    {
        assert_eq!(allowed(path, origin).as_deref(), expected, "{path} from {origin}");
    }
}

#[test]
fn the_access_log_has_the_reason_and_no_query() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("access.log");
    let settings = HttpSettings { access_log: access_log(path.to_str().unwrap()), ..http() };
    let routes = vec![
        route("up", prefix("/up"), forward(vec![arm(1, "up")])),
        route("r", prefix("/"), forward(vec![invalid(1, "Service ns/b is not there")])),
    ];
    let edge = Edge::start(settings, &[host("a.example", routes)]);
    let reply = edge.get("a.example", "/a?token=secret", &["user-agent: test"]);
    assert_eq!((reply.status, &*reply.body), (503, "no valid backend\n"));

    assert_eq!(edge.get("a.example", "/up?token=secret", &[]).status, 200);

    let log = lines(&path, 2);
    let [refused, forwarded] = [&log[0], &log[1]];
    assert!(refused.contains(r#""GET /a HTTP/1.1" 503 - direct_response "#), "{refused}");
    assert!(refused.contains(r#" 127.0.0.1 "test" "#), "{refused}");
    assert!(refused.ends_with(r#""a.example" "r" "-" "-" "Service ns/b is not there" "-""#), "{refused}");

    assert!(forwarded.contains(r#""GET /up HTTP/1.1" 200 - via_upstream "#), "{forwarded}");
    assert!(forwarded.ends_with(r#""up" "-" "-""#), "{forwarded}");
    let before_client = forwarded.split(" 127.0.0.1 ").next().unwrap();
    let upstream_time = before_client.rsplit(' ').next().unwrap();
    assert!(upstream_time.parse::<u32>().is_ok(), "{forwarded}");
}

/// The lines of a log, when there are so many.
fn lines(path: &Path, count: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let log = fs::read_to_string(path).unwrap_or_default();
        if log.ends_with('\n') && log.lines().count() >= count {
            return log.lines().map(ToOwned::to_owned).collect();
        }
        assert!(Instant::now() < deadline, "the access log is {log:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_no_host_is_not_served_by_wildcards() {
    let edge = Edge::start(http(), &[host("*", vec![route("r", prefix("/"), respond(200, ""))])]);
    for name in ["a.example", "A-1.example:80", "[::1]:80", "localhost", "127.0.0.1"] {
        assert_eq!(edge.get(name, "/", &[]).status, 200, "{name}");
    }
    for name in [".a.example", "a..example", "a.example..", "a.example,b.example", "user@a.example", "a.example:x"] {
        assert_eq!(edge.get(name, "/", &[]).status, 400, "{name}");
    }
}
