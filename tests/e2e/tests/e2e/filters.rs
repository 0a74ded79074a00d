//! Filters and FilterPolicies: who is let through, and what happens while nobody can decide.

mod apart;
mod broken;

use nuncio_authz_tests::keep_secret;
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object, text_secret};
use nuncio_e2e::{Ask, Client, Envoy, Gateway, Site, eventually, get, nuncio};
use serde_json::{Value, json};

/// A Listener, a Host of one name and one of all others, each with a Mapping for every path and one that bypasses.
fn edge(site: &Site, backend: &Backend) -> String {
    let mut all = vec![listener("http", site.http().port(), "HTTP"), host("a", "a.example"), host("any", "*")];
    for (name, hostname) in [("a", "a.example"), ("any", "*.other")] {
        all.push(mapping_on(hostname, &format!("{name}-all"), "/", backend.address()));
        let mut open = mapping_on(hostname, &format!("{name}-open"), "/open/", backend.address());
        open["spec"]["bypass_auth"] = json!(true);
        all.push(open);
    }
    documents(&all)
}

fn keys() -> Value {
    let spec =
        json!({"APIKey": {"keys": [{"secretName": "api-keys"}], "identityHeader": "X-User", "removeCredential": true}});
    object("Filter", "keys", spec)
}

fn key(key: &str) -> Value {
    keep_secret(key);
    text_secret("api-keys", "ann", key)
}

fn policy(rules: &Value) -> Value {
    object("FilterPolicy", "policy", json!({"rules": rules}))
}

fn protect(path: &str) -> Value {
    policy(&json!([{"host": "*", "path": path, "filters": [{"name": "keys"}]}]))
}

fn with_key(host: &str, path: &str, key: &str) -> Ask {
    get(host, path).with("x-api-key", key)
}

async fn becomes(client: &Client, what: &str, ask: &Ask, wanted: u16) {
    eventually(what, async || {
        let reply = client.send(ask).await.map_err(|failure| failure.to_string())?;
        if reply.status == wanted { Ok(()) } else { Err(format!("{}: {}", reply.status, reply.text())) }
    })
    .await;
}

/// Also where the route is found late: by the table of the wildcards, and by a name in capitals.
#[tokio::test]
async fn a_key_is_needed_where_a_policy_says_so_whichever_way_the_route_is_found() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let objects = documents(&[keys(), key("key-1"), protect("/private/*")]);
    site.write("edge.yaml", edge(&site, &upstream) + &objects);
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("FilterPolicy", "policy", "acked").await;
    gateway.admin.state("Filter", "keys", "acked").await;
    let client = Client::http(site.http());
    for name in ["a.example", "A.EXAMPLE", "b.other", "B.OTHER"] {
        let before = upstream.requests();
        let refused = client.ask(&get(name, "/private/x")).await;
        assert_eq!((refused.status, upstream.requests()), (401, before), "{name}");
        assert_eq!(client.ask(&with_key(name, "/private/x", "wrong")).await.status, 401, "{name}");
        // Who it is is not the client's to say, whatever it is let in by.
        let ask = with_key(name, "/private/x", "key-1").with("x-user", "root").with("x-nuncio-assertion", "me");
        let echo = client.ask(&ask).await.echo().unwrap();
        let seen = ["x-user", "x-api-key", "x-nuncio-assertion"].map(|header| echo.header(header));
        assert_eq!(seen, [Some("ann"), None, None], "{name}");
        for path in ["/public/x", "/open/private/x"] {
            let echo = client.ask(&get(name, path).with("x-user", "root")).await.echo().unwrap();
            assert_eq!(echo.header("x-user"), None, "{name}{path}");
        }
        // No spelling of the path leads around the rule.
        for path in ["//private/x", "/public/../private/x", "/PRIVATE/x", "/%70rivate/x", "/%50rivate/x"] {
            let status = client.ask(&get(name, path)).await.status;
            assert!(matches!(status, 400 | 401), "{name}{path}: {status}");
        }
        // Dots with parameters Envoy reads as Java's servers do: the rule is found by what the upstream is sent.
        for dots in ["..;", "..;a=b", ".;/..", "..\\."] {
            let path = format!("/public/{dots}/private/x");
            assert_eq!(client.ask(&get(name, &path)).await.status, 401, "{name}{path}");
            let echo = client.ask(&with_key(name, &path, "key-1")).await.echo().unwrap();
            assert_eq!(echo.path, "/private/x", "{name}{path}");
        }
        // Not even where nobody is asked.
        for disguise in ["%2e%2e;", "%252e%252e", "..%00", "%c0%ae%c0%ae", "x/..%252f.."] {
            for prefix in ["/public", "/open"] {
                let path = format!("{prefix}/{disguise}/private/x");
                let (before, status) = (upstream.requests(), client.ask(&get(name, &path)).await.status);
                assert!(matches!(status, 400 | 401) && upstream.requests() == before, "{name}{path}: {status}");
            }
        }
        for path in ["/open/x;a=b", "/open/100%25", "/public/a%20b", "/open/..a"] {
            assert_eq!(client.ask(&get(name, path)).await.status, 200, "{name}{path}");
        }
    }
    gateway.stop().await;
}

/// Whose key it was is a condition that no request fulfils before it is asked about.
#[tokio::test]
async fn the_route_is_chosen_again_by_the_headers_that_a_filter_injects() {
    let (site, upstream, chosen) = (Site::new(), Backend::start("up").await, Backend::start("chosen").await);
    let held = |path: &str| json!({"host": "*", "path": path, "filters": [{"name": "keys"}]});
    let rules = policy(&json!([held("/all/*"), held("/alone/*")]));
    let mut all = vec![keys(), key("key-1"), rules, host("b", "b.example")];
    all.push(mapping_on("*", "everything", "/all/", upstream.address()));
    for (name, hostname) in [("a", "a.example"), ("b", "b.example"), ("any", "*.other")] {
        for prefix in ["/all/chosen/", "/alone/"] {
            let name = format!("{name}{}", prefix.replace('/', "-")).trim_end_matches('-').to_owned();
            let mut mapping = mapping_on(hostname, &name, prefix, chosen.address());
            mapping["spec"]["headers"] = json!({"x-user": "ann"});
            all.push(mapping);
        }
    }
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&all));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for name in ["a.example", "b.example", "B.EXAMPLE", "c.other", "C.OTHER"] {
        assert_eq!(client.ask(&with_key(name, "/all/x", "key-1")).await.by(), "up", "{name}");
        assert_eq!(client.ask(&with_key(name, "/all/chosen/x", "key-1")).await.by(), "chosen", "{name}");
        // Nobody took it as it came.
        assert_eq!(client.ask(&with_key(name, "/alone/x", "key-1")).await.by(), "chosen", "{name}");
        for path in ["/all/chosen/x", "/alone/x"] {
            assert_eq!(client.ask(&get(name, path).with("x-user", "ann")).await.status, 401, "{name}{path}");
        }
    }
    assert_eq!(client.ask(&with_key("b.example", "/nowhere/x", "key-1")).await.status, 404);
    gateway.stop().await;
}

/// Another service that lets in unless the client asks it not to; what it adds, the filters after it see.
fn other(asked: &Backend) -> Value {
    let external = json!({
        "auth_service": asked.address().to_string(),
        "allowed_request_headers": ["x-echo-status"], "allowed_authorization_headers": ["content-type"],
    });
    object("Filter", "other", json!({"External": external}))
}

#[tokio::test]
async fn filters_are_asked_one_after_the_other_as_the_rule_says() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("asked").await);
    let unless = json!({"name": "Content-Type", "value": "application/json", "negate": true});
    let keys_unless = json!({"name": "keys", "ifRequestHeader": unless});
    let rules = json!([
        {"host": "*", "path": "/first/*", "filters": [keys_unless]},
        {"host": "*", "path": "/second/*", "filters": [{"name": "other"}, keys_unless]},
        {"host": "*", "path": "/either/*", "filters": [
            {"name": "keys", "onDeny": "continue", "onAllow": "break"}, {"name": "other"}]},
    ]);
    let objects = [keys(), key("key-1"), other(&asked), policy(&rules)];
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let refused = |ask: Ask| ask.with("x-echo-status", "403");
    assert_eq!(client.ask(&get("a.example", "/first/x")).await.status, 401);
    let reply = client.ask(&get("a.example", "/second/x")).await;
    assert_eq!((reply.by().as_str(), asked.requests()), ("up", 1), "what the first adds passes the second over");
    assert_eq!(reply.echo().unwrap().header("content-type"), Some("application/json"));
    assert_eq!(client.ask(&refused(get("a.example", "/second/x"))).await.status, 403);
    assert_eq!(client.ask(&refused(with_key("a.example", "/either/x", "key-1"))).await.by(), "up");
    assert_eq!(asked.requests(), 2, "who has a key is the first's");
    assert_eq!(client.ask(&get("a.example", "/either/x")).await.by(), "up");
    assert_eq!(client.ask(&refused(get("a.example", "/either/x"))).await.status, 403);

    let told = |path: &str, header: &str| {
        let url = format!("http://a.example:{}{path}", site.http().port());
        let output = site.nuncio(&["explain", &url, "-H", header, "manifests"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for (path, header, part) in [
        (
            "/second/x",
            "x-a: b",
            "policy.default#1 for /second/*: other.default (External), then keys.default (APIKey)\n",
        ),
        (
            "/first/x",
            "Content-Type: application/json",
            "keys.default (APIKey; not asked, by ifRequestHeader Content-Type)\n",
        ),
        (
            "/either/x",
            "x-a: b",
            "keys.default (APIKey; is the last if it allows; may deny in vain), then other.default",
        ),
    ] {
        let text = told(path, header);
        assert!(text.contains(part), "{path}: {text}");
    }
    gateway.stop().await;
}

/// There are no authorities of the system here by which the service could trust another: only it knows that.
#[tokio::test]
async fn what_the_service_refuses_is_told_and_what_it_had_stays() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[key("key-1"), protect("/private/*")]));
    site.write("filter.yaml", documents(&[keys()]));
    std::fs::write(site.root().join("no-authorities"), "").unwrap();
    let gateway = Gateway::start_with(&site, |command| {
        command.env("SSL_CERT_FILE", "no-authorities").env("SSL_CERT_DIR", "nowhere");
    })
    .await;
    let client = Client::http(site.http());
    let asked = async |key: &str| client.ask(&with_key("a.example", "/private/x", key)).await.status;
    assert_eq!((asked("key-1").await, asked("other").await), (200, 401));

    let external = json!({"External": {"auth_service": "https://127.0.0.1:1", "proto": "grpc"}});
    site.write("filter.yaml", documents(&[object("Filter", "keys", external)]));
    gateway.admin.problem(&["\"keys\"", "RefusedByProxy", "an authentication service refused"]).await;
    assert_eq!((asked("key-1").await, asked("other").await), (200, 401), "the old one decides");

    site.write("filter.yaml", documents(&[keys()]));
    gateway.admin.no_problem(&["RefusedByProxy"]).await;
    assert_eq!((asked("key-1").await, asked("other").await), (200, 401));
    gateway.stop().await;
}

#[tokio::test]
async fn a_change_of_a_policy_loses_no_request_and_ends_no_connection() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[keys()]));
    site.write("key.yaml", documents(&[key("key-1")]));
    site.write("policy.yaml", documents(&[protect("/private/*")]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let mut connection = client.connect().await.unwrap();
    let mut status = async |ask: &Ask| connection.send(ask).await.unwrap().status;
    assert_eq!(status(&get("a.example", "/private/x")).await, 401);
    for round in 0..20 {
        let (path, other) = if round % 2 == 0 { ("/other/*", "/private/x") } else { ("/private/*", "/other/x") };
        site.write("policy.yaml", documents(&[protect(path)]));
        let now = get("a.example", &path.replace('*', "x"));
        // With the key there is no moment at which anything fails.
        eventually("the policy is in force", async || {
            for path in ["/private/x", "/other/x"] {
                let reply = client.ask(&with_key("a.example", path, "key-1")).await;
                assert_eq!(reply.status, 200, "round {round} {path}: {}", reply.text());
            }
            match client.ask(&now).await.status {
                401 => Ok(()),
                status => Err(status.to_string()),
            }
        })
        .await;
        becomes(&client, "what was protected is open", &get("a.example", other), 200).await;
    }
    assert_eq!(status(&with_key("a.example", "/private/x", "key-1")).await, 200, "the connection is the first one");
    site.write("key.yaml", documents(&[key("key-2")]));
    becomes(&client, "the key is another", &with_key("a.example", "/private/x", "key-2"), 200).await;
    assert_eq!(status(&with_key("a.example", "/private/x", "key-1")).await, 401);
    site.remove("policy.yaml");
    becomes(&client, "open", &get("a.example", "/private/x"), 200).await;
    assert_eq!(status(&get("a.example", "/private/x")).await, 200);
    gateway.stop().await;
}

/// What the newer group of Edge Stack says protects as well.
#[tokio::test]
async fn manifests_of_the_newer_group_protect_too() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let of_group = |mut object: Value| {
        object["apiVersion"] = json!("gateway.getambassador.io/v1alpha1");
        object
    };
    let filter = object("Filter", "keys", json!({"type": "apikey", "apikey": {"keys": [{"secretName": "api-keys"}]}}));
    let rules = json!({"rules": [{"host": "*", "path": "/private/*", "filterRefs": [{"name": "keys"}]}]});
    let objects = [of_group(filter), key("key-1"), of_group(object("FilterPolicy", "policy", rules))];
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/private/x")).await.status, 401);
    assert_eq!(client.ask(&with_key("a.example", "/private/x", "key-1")).await.status, 200);
    assert_eq!(client.ask(&get("a.example", "/public")).await.status, 200);
    gateway.stop().await;
}
