//! `nuncio explain` says what Envoy does: for each request, the cluster that it names is the one that answers.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, host, mapping, mapping_on, object};
use nuncio_e2e::{Authority, Client, Gateway, Reply, Site, Tls, get};
use serde_json::{Value, json};

/// A request: scheme, method, host, path, headers.
type Request = (&'static str, &'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const REQUESTS: &[Request] = &[
    ("http", "GET", "a.example", "/", &[]),
    ("http", "GET", "a.example", "/x/y", &[]),
    ("http", "GET", "A.Example", "/x/y", &[]),
    ("http", "GET", "a.example:80", "/x/y", &[]),
    ("http", "GET", "a.example.", "/x/y", &[]),
    ("http", "GET", "a.example", "/x", &[]),
    ("http", "GET", "a.example", "/X/", &[]),
    ("http", "GET", "a.example", "/any/case/", &[]),
    ("http", "GET", "a.example", "/ANY/Case/", &[]),
    ("http", "POST", "a.example", "/x/", &[]),
    ("http", "POST", "a.example", "/x/long/z", &[]),
    ("http", "GET", "a.example", "/x/long/z", &[]),
    ("http", "GET", "a.example", "/x/", &[("x-version", "2")]),
    ("http", "GET", "a.example", "/x/", &[("x-version", "3")]),
    ("http", "GET", "a.example", "/x/", &[("x-version", "3"), ("x-version", "2")]),
    ("http", "GET", "a.example", "/x/", &[("x-original-url", "/")]),
    ("http", "GET", "a.example", "/x/?debug=1", &[]),
    ("http", "GET", "a.example", "/x/?a=b&debug=1", &[]),
    ("http", "GET", "a.example", "/x/?debug=2", &[]),
    ("http", "GET", "a.example", "/exact", &[]),
    ("http", "GET", "a.example", "/exact/", &[]),
    ("http", "GET", "a.example", "/exact?q", &[]),
    ("http", "GET", "a.example", "/item/42", &[]),
    ("http", "GET", "a.example", "/item/x", &[]),
    ("http", "GET", "a.example", "/x/../star/", &[]),
    ("http", "GET", "a.example", "/x/%2E%2e/star/", &[]),
    ("http", "GET", "a.example", "/x/./y", &[]),
    ("http", "GET", "a.example", "/x/..;/star/", &[]),
    ("http", "GET", "a.example", "/x/..;a=b/star/", &[]),
    ("http", "GET", "a.example", "/star/.;/../x/", &[]),
    ("http", "GET", "a.example", "/x/%2e%2e;/star/", &[]),
    ("http", "GET", "a.example", "/x/..\\star/", &[]),
    ("http", "GET", "a.example", "/x//y", &[]),
    ("http", "GET", "a.example", "//star//", &[]),
    ("http", "GET", "a.example", "/star/", &[]),
    ("http", "GET", "b.example", "/star/", &[]),
    ("http", "GET", "b.example", "/x/", &[]),
    ("http", "GET", "sub.wild.example", "/x/", &[]),
    ("http", "GET", "sub.wild.example", "/star/", &[]),
    ("http", "GET", "wild.example", "/x/", &[]),
    ("http", "GET", "redirecting.example", "/x/", &[]),
    ("http", "GET", "redirecting.example", "/x/", &[("x-forwarded-proto", "https")]),
    ("http", "GET", "rejecting.example", "/star/", &[]),
    ("http", "GET", "nobody.example", "/nothing", &[]),
    ("http", "GET", "a.example", "/moved/here", &[]),
    ("http", "GET", "a.example", "/moved/here?a=b&c=d", &[]),
    ("http", "GET", "a.example", "/broken/", &[]),
    ("http", "GET", "a.example", "/first/x/", &[]),
    ("https", "GET", "a.example", "/x/", &[]),
    ("https", "GET", "redirecting.example", "/x/", &[]),
    ("https", "GET", "redirecting.example", "/star/", &[]),
];

/// A world in which routes overlap in every way. Each Mapping has a backend of its own.
struct World {
    site: Site,
    authority: Authority,
    backends: Vec<(&'static str, Backend)>,
}

impl World {
    async fn new() -> Self {
        let (site, authority) = (Site::new(), Authority::new("ca"));
        let names = [
            "root", "x", "post", "long", "version", "debug", "exact", "regex", "case", "star", "longstar", "wild",
            "other", "first", "forged",
        ];
        let mut backends = Vec::new();
        for name in names {
            backends.push((name, Backend::start(name).await));
        }
        let world = Self { site, authority, backends };
        world.write();
        world
    }

    fn on(&self, hostname: &str, name: &str, prefix: &str, more: &Value) -> Value {
        let backend = &self.backends.iter().find(|(other, _)| *other == name).unwrap().1;
        let mut mapping = mapping_on(hostname, name, prefix, backend.address());
        mapping["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mapping
    }

    fn write(&self) {
        let none = &json!({});
        let certified = |name: &str, hostname: &str| {
            [yaml::tls_secret(name, &self.authority.issue(&[hostname])), yaml::tls_host(name, hostname)]
        };
        let mut redirecting = yaml::tls_host("redirecting", "redirecting.example");
        redirecting["spec"].as_object_mut().unwrap().remove("requestPolicy");
        let rejecting = json!({"hostname": "rejecting.example", "requestPolicy": {"insecure": {"action": "Reject"}}});
        let mut broken = mapping("broken", "/broken/", self.site.http());
        broken["spec"]["tls"] = json!("nowhere");
        let mut moved = mapping("moved", "/moved/", self.site.http());
        moved["spec"]["host_redirect"] = json!(true);
        let mut objects = vec![
            yaml::tls_secret("redirecting", &self.authority.issue(&["redirecting.example"])),
            redirecting,
            object("Host", "rejecting", rejecting),
            host("b", "b.example"),
            host("wild", "*.wild.example"),
            host("any", "*"),
            self.on("a.example", "root", "/", none),
            self.on("a.example", "x", "/x/", none),
            self.on("a.example", "post", "/x/", &json!({"method": "POST"})),
            self.on("a.example", "long", "/x/long/", none),
            self.on("a.example", "version", "/x/", &json!({"headers": {"x-version": "2"}})),
            // Nobody comes here: what clients say in this is taken out.
            self.on("a.example", "forged", "/x/", &json!({"headers": {"x-original-url": "/"}})),
            self.on("a.example", "debug", "/x/", &json!({"query_parameters": {"debug": "1"}})),
            self.on("a.example", "exact", "/exact", &json!({"prefix_exact": true})),
            self.on("a.example", "regex", "/item/[0-9]+", &json!({"prefix_regex": true})),
            self.on("a.example", "case", "/any/case/", &json!({"case_sensitive": false})),
            self.on("*", "star", "/star/", none),
            self.on("*", "longstar", "/x/long/z/", none),
            self.on("*.wild.example", "wild", "/x/", none),
            self.on("redirecting.example", "other", "/x/", none),
            self.on("*", "first", "/first/", &json!({"precedence": 10})),
            broken,
            moved,
        ];
        objects.extend(certified("a", "a.example"));
        self.site.write("all.yaml", yaml::listeners(&self.site) + &documents(&objects));
    }

    async fn send(&self, (scheme, method, host, path, headers): &Request) -> Reply {
        let mut ask = get(host, path).method(method);
        for (name, value) in *headers {
            ask = ask.with(name, value);
        }
        let client = match *scheme {
            "https" => Client::https(self.site.https(), Tls::to(host, &self.authority)),
            _ => Client::http(self.site.http()),
        };
        client.ask(&ask).await
    }

    /// The backend that a cluster's name stands for.
    fn of_cluster(&self, cluster: &str) -> String {
        let found = self.backends.iter().find(|(_, backend)| cluster.contains(&backend.address().port().to_string()));
        found.map_or_else(|| cluster.to_owned(), |(name, _)| (*name).to_owned())
    }

    /// Who answers, as the explanation says: a backend, or a status.
    fn expected(&self, explanation: &Value) -> String {
        let outcome = explanation["outcome"].as_str().unwrap();
        match explanation["route"]["action"].as_str() {
            Some("forward") => match explanation["route"]["backends"][0]["cluster"].as_str() {
                Some(cluster) => self.of_cluster(cluster),
                None => "5xx".to_owned(),
            },
            // `redirected (301) to …`, `answered 404`.
            Some(_) => outcome.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 3).unwrap().to_owned(),
            None => "404".to_owned(),
        }
    }
}

fn explain(world: &World, origin: &[&str], (scheme, method, host, path, headers): &Request) -> Value {
    let port = if *scheme == "https" { world.site.https() } else { world.site.http() }.port();
    let url = format!("{scheme}://gateway:{port}{path}");
    let mut args = vec!["explain".to_owned(), url, "-o".into(), "json".into(), "-X".into(), (*method).to_owned()];
    args.extend(["-H".to_owned(), format!("host: {host}"), "--sni".into(), (*host).to_owned()]);
    for (name, value) in *headers {
        args.extend(["-H".to_owned(), format!("{name}: {value}")]);
    }
    args.extend(origin.iter().map(|text| (*text).to_owned()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = world.site.nuncio(&args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn explain_agrees_with_envoy() {
    let world = World::new().await;
    let gateway = Gateway::start(&world.site).await;
    let admin = world.site.admin().to_string();
    let mut wrong = Vec::new();
    for request in REQUESTS {
        let reply = world.send(request).await;
        let by = reply.by();
        let explanation = explain(&world, &["--admin", &admin], request);
        let offline = explain(&world, &["manifests"], request);
        for part in ["route", "outcome", "lost"] {
            assert_eq!(explanation[part], offline[part], "running and offline say the same of {request:?}");
        }
        let expected = world.expected(&explanation);
        let same = by == expected || (expected == "5xx" && by.starts_with('5'));
        if !same {
            wrong.push(format!("{request:?}: explained as {expected}, answered by {by}: {}", explanation["outcome"]));
        }
        let location = reply.header("location");
        if let Some(location) =
            location.filter(|location| !explanation["outcome"].as_str().unwrap().ends_with(location))
        {
            wrong.push(format!("{request:?}: explained as {}, sent to {location}", explanation["outcome"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The table has something of everything.
    let unused = ["longstar", "forged"];
    for name in world.backends.iter().map(|(name, _)| name).filter(|name| !unused.contains(name)) {
        let used = &world.backends.iter().find(|(other, _)| other == name).unwrap().1;
        assert!(used.requests() > 0, "no request of the table goes to {name}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn explain_knows_ports_that_a_load_balancer_publishes_as_others() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let port = site.http().port();
    let all =
        [yaml::listener("http", port, "HTTP"), host("any", "*"), mapping_on("a.example", "all", "/", a.address())];
    site.write("all.yaml", documents(&all));
    let (published, other) = (format!("{port}:80"), format!("{port}:9001"));
    assert_told(&site, &["http://a.example/x", "--published-port", &published], &["default/all"]);
    assert_told(&site, &["a.example/x", "--published-port", &published], &["default/all"]);
    assert_told(&site, &["http://a.example:9001/x", "--published-port", &other], &["default/all"]);
    let own = format!("http://a.example:{port}/x");
    assert_told(&site, &[&own, "--published-port", &other], &["default/all"]);
    let unpublished = site.nuncio(&["explain", "http://a.example/x", "manifests"]).output().unwrap();
    assert_eq!(unpublished.status.code(), Some(1), "nobody listens at port 80");
}

#[tokio::test]
async fn explain_says_in_words_which_route_lost_and_why() {
    let world = World::new().await;
    let output = world.site.nuncio(&["explain", "http://a.example:7080/x/y", "manifests"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "GET http://a.example:7080/x/y",
        "Mapping default/x",
        "Mapping default/version",
        "x-version is missing",
        "Mapping default/root",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (part, present) in [("x-nuncio", false), ("insecure", false), ("Mapping default/x comes first", true)] {
        assert_eq!(text.contains(part), present, "{part}: {text}");
    }
    for (url, port) in [("http://a.example:1/x/y", 1), ("http://a.example/x/y", 80), ("https://a.example/x/y", 443)] {
        let output = world.site.nuncio(&["explain", url, "manifests"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(&format!("no Listener is on port {port}")), "{url}: {text}");
        assert_eq!(output.status.code(), Some(1), "{url}");
    }
}

/// What `nuncio explain` prints for people.
fn told(site: &Site, args: &[&str]) -> String {
    let output = site.nuncio(&[&["explain"], args, &["manifests"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_told(site: &Site, args: &[&str], parts: &[&str]) {
    let text = told(site, args);
    for part in parts {
        assert!(text.contains(part), "{args:?} says {part:?}: {text}");
    }
}

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
