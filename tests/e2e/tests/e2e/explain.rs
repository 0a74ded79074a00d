//! `nuncio explain` says what Envoy does: for each request, the cluster that it names is the one that answers.

mod besides;

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
        assert!(text.contains("  Taken at ") && text.contains(" http://a.example:7080/x/y\n"), "{url}: {text}");
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
