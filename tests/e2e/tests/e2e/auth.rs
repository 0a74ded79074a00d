//! AuthServices: who is let in, what is passed on, and what happens while nobody can be asked.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

/// A Listener, a Host of one name and one of all others, each with a Mapping that asks and one that does not.
fn edge(site: &Site, backend: &Backend) -> String {
    let mut all = vec![listener("http", site.http().port(), "HTTP"), host("a", "a.example"), host("any", "*")];
    for (name, hostname) in [("a", "a.example"), ("any", "*.other")] {
        all.push(mapping_on(hostname, &format!("{name}-asked"), "/", backend.address()));
        let mut open = mapping_on(hostname, &format!("{name}-open"), "/open/", backend.address());
        open["spec"]["bypass_auth"] = json!(true);
        all.push(open);
    }
    documents(&all)
}

/// An AuthService that lets in unless the client asks it not to.
fn auth(backend: &Backend) -> Value {
    let spec = json!({
        "auth_service": backend.address().to_string(),
        "allowed_request_headers": ["x-echo-status"],
        "allowed_authorization_headers": ["x-user", "x-forwarded-groups"],
    });
    object("AuthService", "auth", spec)
}

async fn status(client: &Client, host: &str, path: &str) -> u16 {
    client.ask(&get(host, path).with("x-echo-status", "403")).await.status
}

async fn becomes(client: &Client, what: &str, wanted: u16) {
    eventually(what, async || {
        let reply = client.send(&get("a.example", "/x")).await.map_err(|failure| failure.to_string())?;
        if reply.status == wanted { Ok(()) } else { Err(format!("{}: {}", reply.status, reply.text())) }
    })
    .await;
}

/// Also where the route is found late: by the table of the wildcards, and by a name in capitals.
#[tokio::test]
async fn what_bypasses_it_is_not_asked_about_whichever_way_the_route_is_found() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[auth(&asked)]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for name in ["a.example", "A.EXAMPLE", "b.other", "B.OTHER"] {
        let before = (asked.requests(), upstream.requests());
        assert_eq!(status(&client, name, "/x").await, 403, "{name}");
        assert_eq!((asked.requests(), upstream.requests()), (before.0 + 1, before.1), "{name} is asked about");
        assert_eq!(status(&client, name, "/open/x").await, 403, "{name}");
        let after = (asked.requests(), upstream.requests());
        assert_eq!(after, (before.0 + 1, before.1 + 1), "{name} bypasses it");
    }
    let before = asked.requests();
    assert_eq!(client.ask(&get("c.example", "/")).await.status, 404);
    assert_eq!(asked.requests(), before, "nobody is asked about what nobody serves");
    gateway.stop().await;
}

/// The service's answer to a check has a `content-type`, which is passed on: a condition that no request fulfils before.
#[tokio::test]
async fn the_route_is_chosen_again_by_the_headers_that_it_adds() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
    let chosen = Backend::start("chosen").await;
    let mut service = auth(&asked);
    service["spec"]["allowed_authorization_headers"] = json!(["content-type"]);
    let mut all = vec![service, host("b", "b.example"), mapping_on("*", "everything", "/all/", upstream.address())];
    for (name, hostname) in [("a", "a.example"), ("b", "b.example"), ("any", "*.other")] {
        let mut mapping = mapping_on(hostname, &format!("{name}-chosen"), "/all/chosen/", chosen.address());
        mapping["spec"]["headers"] = json!({"content-type": "application/json"});
        all.push(mapping.clone());
        mapping["metadata"]["name"] = json!(format!("{name}-alone"));
        mapping["spec"]["prefix"] = json!("/alone/");
        all.push(mapping);
    }
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&all));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for name in ["a.example", "b.example", "B.EXAMPLE", "c.other", "C.OTHER"] {
        let before = asked.requests();
        assert_eq!(client.ask(&get(name, "/all/x")).await.by(), "up", "{name}");
        assert_eq!(client.ask(&get(name, "/all/chosen/x")).await.by(), "chosen", "{name}");
        // Nobody took it as it came.
        assert_eq!(client.ask(&get(name, "/alone/x")).await.by(), "chosen", "{name}");
        assert_eq!(asked.requests(), before + 3, "{name}");
        assert_eq!(status(&client, name, "/alone/x").await, 403, "{name}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_cannot_say_who_it_is() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[auth(&asked)]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for path in ["/x", "/open/x"] {
        for name in ["x-user", "X-USER", "x-forwarded-groups"] {
            let reply = client.ask(&get("a.example", path).with(name, "root")).await;
            let echo = reply.echo().unwrap();
            let came = echo.header(&name.to_ascii_lowercase());
            assert_eq!((echo.backend.as_str(), came), ("up", None), "{path} {name}");
        }
    }
    // Servers in the manner of CGI take these for the same, where the Module lets them in.
    let module = object("Module", "ambassador", json!({"config": {"headers_with_underscores_action": "ALLOW"}}));
    site.write("module.yaml", documents(&[module]));
    let spelled = |name| get("a.example", "/open/x").with(name, "root").with("x_other", "1");
    eventually("underscores are let in", async || {
        let status = client.ask(&spelled("x-other-1")).await.status;
        if status == 200 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    for name in ["x_user", "x-forwarded_groups", "x_forwarded_groups"] {
        let echo = client.ask(&spelled(name)).await.echo().unwrap();
        assert_eq!((echo.header(name), echo.header("x_other")), (None, Some("1")), "{name}");
    }
    gateway.stop().await;
}

/// Case 4 of the attack suite.
#[tokio::test]
async fn one_that_fails_open_passes_no_word_of_the_client_s_on() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
    let mut open = auth(&asked);
    open["spec"]["auth_service"] = json!("127.0.0.1:1");
    open["spec"]["failure_mode_allow"] = json!(true);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[open]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let ask = get("a.example", "/x").with("x-user", "root").with("x-envoy-auth-failure-mode-allowed", "false");
    let echo = client.ask(&ask).await.echo().unwrap();
    let seen = ["x-user", "x-envoy-auth-failure-mode-allowed"].map(|name| echo.header(name));
    assert_eq!(seen, [None, Some("true")]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_change_of_the_service_ends_no_connection_and_a_broken_one_lets_nobody_in() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let (first, second) = (Backend::start("first").await, Backend::start("second").await);
    let mut public = mapping_on("public.example", "public", "/open/", upstream.address());
    public["spec"]["bypass_auth"] = json!(true);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[host("public", "public.example"), public]));
    site.write("auth.yaml", documents(&[auth(&first)]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let mut connection = client.connect().await.unwrap();
    assert_eq!(connection.send(&get("a.example", "/x")).await.unwrap().status, 200);
    assert_eq!(first.requests(), 1);

    site.write("auth.yaml", documents(&[auth(&second)]));
    eventually("the second is asked", async || {
        let reply = connection.send(&get("a.example", "/x")).await.map_err(|failure| failure.to_string())?;
        if second.requests() > 0 { Ok(()) } else { Err(format!("{}", reply.status)) }
    })
    .await;
    assert!(connection.is_open().await, "the connection outlives the change");

    let mut broken = auth(&second);
    broken["spec"]["tls"] = json!("nowhere");
    site.write("auth.yaml", documents(&[broken]));
    becomes(&client, "refused", 500).await;
    for name in ["a.example", "A.EXAMPLE", "public.example", "PUBLIC.EXAMPLE", "b.other"] {
        assert_eq!(client.ask(&get(name, "/open/x")).await.by(), "up", "what bypasses it goes on: {name}");
    }
    gateway.admin.problem(&["\"auth\"", "TLSContextNotFound"]).await;

    site.remove("auth.yaml");
    becomes(&client, "open again", 200).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_name_that_has_no_address_is_told() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
    let mut nowhere = auth(&asked);
    nowhere["spec"]["auth_service"] = json!("auth.nowhere.invalid:80");
    site.write("edge.yaml", edge(&site, &upstream));
    site.write("auth.yaml", documents(&[nowhere]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["NotResolved", "auth.nowhere.invalid", "spec.auth_service"]).await;
    gateway.line(&["warning: auth.yaml:", "auth.nowhere.invalid cannot be resolved"]).await;
    assert_eq!(Client::http(site.http()).ask(&get("a.example", "/x")).await.status, 403);
    site.write("auth.yaml", documents(&[auth(&asked)]));
    gateway.admin.no_problem(&["NotResolved"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_that_takes_no_connection_is_told_until_it_does() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let service = json!({"auth_service": site.at(7082).to_string()});
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[object("AuthService", "auth", service)]));
    let gateway = Gateway::start(&site).await;
    assert_eq!(Client::http(site.http()).ask(&get("a.example", "/x")).await.status, 403);
    let told = gateway.admin.problem(&["AuthService", "NotReached", "spec.auth_service"]).await;
    assert!(told["message"].as_str().unwrap().contains("`status_on_error` (403)"), "{told}");
    gateway.line(&["warning: edge.yaml:", "no connection to"]).await;
    let _listener = tokio::net::TcpListener::bind(site.at(7082)).await.unwrap();
    gateway.admin.no_problem(&["NotReached"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_that_cannot_be_read_from_the_start_lets_nobody_in() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
    let mut broken = auth(&asked);
    broken["spec"]["proto"] = json!("soap");
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[broken]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let reply = client.ask(&get("a.example", "/x")).await;
    assert_eq!((reply.status, upstream.requests()), (500, 0));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(body["status_code"], 500);
    assert!(!reply.text().contains("soap"), "what is wrong is none of the client's business: {}", reply.text());
    gateway.line(&["GET /x", " 500 ", "soap"]).await;
    gateway.stop().await;
}

/// Also where a connection would buffer less.
#[tokio::test]
async fn as_much_of_a_body_is_shown_as_is_asked_for_and_the_upstream_gets_all() {
    for (partial, too_long) in [(true, 200), (false, 413)] {
        let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Backend::start("auth").await);
        let spec = json!({
            "auth_service": asked.address().to_string(), "include_body": {"max_bytes": 500_000, "allow_partial": partial},
            "allowed_request_headers": ["x-echo-length"], "allowed_authorization_headers": ["x-shown"],
        });
        site.write("edge.yaml", edge(&site, &upstream) + &documents(&[object("AuthService", "auth", spec)]));
        let gateway = Gateway::start(&site).await;
        let client = Client::http(site.http());
        for (length, status) in [(30_000, 200), (200_000, 200), (500_000, 200), (700_000, too_long)] {
            let ask = get("a.example", "/x").method("POST").body(vec![b'a'; length]).with("x-echo-length", "x-shown");
            let reply = client.ask(&ask).await;
            assert_eq!(reply.status, status, "{partial} {length}");
            if status == 200 {
                let shown = reply.echo().unwrap().header("x-shown").map(str::to_owned);
                // In part it is as much as has come by the time that there is enough.
                let shown: usize = shown.unwrap().parse().unwrap();
                assert!(shown >= length.min(500_000) && shown <= length, "{partial} {length}: {shown}");
                assert_eq!(reply.header("x-shown"), Some(&*length.to_string()), "{partial} {length}");
            }
        }
        gateway.stop().await;
    }
}
