//! Who may get a connection, and who answers a request, besides routes.

use super::*;

#[tokio::test]
async fn explain_knows_what_the_module_has_every_request_pass() {
    let world = World::new().await;
    let url = format!("http://a.example:{}/x/y", world.site.http().port());
    for (config, part) in [
        (json!({"ip_allow": [{"peer": "10.9.9.9"}]}), "by ip_allow of the Module: only peer 10.9.9.9/32 may pass"),
        (json!({"ip_deny": [{"remote": "10.0.0.0/8"}]}), "remote 10.0.0.0/8 may not pass"),
        (json!({"ip_allow": []}), "answered 403"),
        (json!({"lua_scripts": "function envoy_on_request(h) end"}), "by lua_scripts of the Module"),
    ] {
        world.site.write("module.yaml", documents(&[object("Module", "ambassador", json!({"config": config}))]));
        assert_told(&world.site, &[&url], &[part]);
    }
}

#[tokio::test]
async fn explain_knows_which_client_certificate_and_which_server_name_a_connection_has() {
    let (site, authority, a) = (Site::new(), Authority::new("ca"), Backend::start("a").await);
    let mut own = yaml::tls_host("own", "own.example");
    own["spec"]["tls"] = json!({"ca_secret": "ca", "cert_required": true});
    let objects = [
        yaml::tls_secret("own", &authority.issue(&["own.example"])),
        yaml::tls_secret("open", &authority.issue(&["open.example"])),
        yaml::text_secret("ca", "ca.crt", &authority.pem()),
        own,
        yaml::tls_host("open", "open.example"),
        mapping("x", "/x/", a.address()),
    ];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let [own, open] = ["own", "open"].map(|name| format!("https://{name}.example:{}/x/", site.https().port()));
    assert_told(&site, &[&own], &["the TLS handshake fails", "needs a client certificate", "--client-cert"]);
    assert_told(&site, &[&own, "--client-cert"], &["forwarded to", "Mapping default/x"]);
    assert_told(&site, &[&open], &["forwarded to"]);
    // What explain says, Envoy does.
    let with_own_name = &[&*own, "--sni", "open.example"];
    assert_told(&site, with_own_name, &["answered 421", "connections of its own", "Host default/own"]);
    assert!(!told(&site, with_own_name).contains("x-nuncio"));
    let client = Client::https(site.https(), Tls::to("open.example", &authority));
    assert_eq!(client.ask(&get("own.example", "/x/")).await.status, 421);
    assert_told(&site, &[&open, "--sni", "nobody.example"], &["the TLS handshake fails", "nobody.example"]);
    // The running gateway says the same.
    let admin = site.admin().to_string();
    let args = ["explain", &own, "--sni", "open.example", "--admin", &admin];
    let output = site.nuncio(&args).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("answered 421"), "{output:?}");
    assert_told(
        &site,
        &[&format!("http://own.example:{}/ambassador/v0/check_ready", site.http().port())],
        &["a probe"],
    );
    gateway.stop().await;
}

#[tokio::test]
async fn explain_knows_which_tcp_mapping_gets_a_connection() {
    let (site, authority) = (Site::new(), Authority::new("ca"));
    let tcp = |name: &str, spec: Value| object("TCPMapping", name, spec);
    let mut canary = tcp("canary", json!({"port": 7001, "service": "127.0.0.1:9002", "weight": 10}));
    canary["spec"]["address"] = json!("127.0.0.1");
    let objects = [
        yaml::tls_secret("db", &authority.issue(&["db.example"])),
        yaml::tls_host("db", "db.example"),
        tcp("plain", json!({"port": 7001, "address": "127.0.0.1", "service": "127.0.0.1:9001"})),
        canary,
        tcp("db", json!({"port": site.https().port(), "host": "db.example", "service": "127.0.0.1:9003"})),
        tcp("none", json!({"port": site.https().port(), "host": "none.example", "service": "127.0.0.1:9003"})),
    ];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let both = ["passed on", "9/10 to", "1/10 to", "TCPMapping default/canary, TCPMapping default/plain"];
    assert_told(&site, &["tcp://localhost:7001"], &both);
    let port = site.https().port();
    let of_db = ["passed on to", "9003", "db.example", "TCPMapping default/db"];
    assert_told(&site, &[&format!("tls://db.example:{port}")], &of_db);
    assert_told(&site, &[&format!("tcp://10.0.0.1:{port}"), "--sni", "db.example"], &of_db);
    assert_told(&site, &[&format!("tcp://db.example:{port}")], &["HTTP is spoken here", "http://"]);
    assert_told(&site, &[&format!("tls://other.example:{port}")], &["the TLS handshake fails", "other.example"]);
    assert_told(&site, &[&format!("tls://none.example:{port}")], &["the connection is closed", "none.example"]);
    let output = site.nuncio(&["explain", "tcp://db.example", "manifests"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("names no port"), "{output:?}");
}

#[tokio::test]
async fn explain_knows_who_answers_in_place_of_a_service() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let web =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    let to_nobody = object("Mapping", "nobody", json!({"hostname": "*", "prefix": "/nobody/", "service": "web"}));
    let rule = json!({"host": "*", "path": "/guarded/*", "filters": [{"name": "nowhere"}]});
    let policy = object("FilterPolicy", "policy", json!({"rules": [rule]}));
    let objects = [web, to_nobody, mapping("guarded", "/guarded/", a.address()), policy];
    site.write("all.yaml", yaml::plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("FilterPolicy", "policy", "acked").await;
    let client = Client::http(site.http());
    for (path, part) in [("/nobody/", "has no endpoints"), ("/guarded/x", "by the filter nowhere.default")] {
        assert_eq!(client.ask(&get("a.example", path)).await.status, 503, "{path}");
        let url = format!("http://a.example:{}{path}", site.http().port());
        assert_told(&site, &[&url], &["answered 503", part]);
        assert!(!told(&site, &[&url]).contains("forwarded"), "{path}");
    }
    // Who speaks for the name is among those that are asked for it.
    let hosts = gateway.admin.list("hosts").await;
    assert!(hosts[0]["objects"].to_string().contains("\"kind\":\"Host\""), "{hosts:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_only_envoy_can_try_is_said() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut only_re2 = mapping("re2", r"/x\C/.*", a.address());
    only_re2["spec"]["prefix_regex"] = json!(true);
    site.write("all.yaml", yaml::plain(&site) + &documents(&[only_re2, mapping("x", "/x", a.address())]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("Mapping", "re2", "acked").await;
    assert_eq!(Client::http(site.http()).ask(&get("a.example", "/xy/z")).await.by(), "a");
    let url = format!("http://a.example:{}/xy/z", site.http().port());
    let parts = ["cannot tell whether Mapping default/re2 takes it", "if not: forwarded to", "cannot tell: only Envoy"];
    assert_told(&site, &[&url], &parts);
    gateway.stop().await;
}

#[tokio::test]
async fn routes_show_the_status_of_what_is_answered_at_once() {
    let world = World::new().await;
    let output = world.site.nuncio(&["routes", "manifests"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "respond 404",
        "redirect 301",
        "path /ambassador/v0/check_ready",
        "path /ambassador/v0/check_alive",
        "not secure",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("x-nuncio"), "{text}");
}
