//! Ingresses: whose they are, which path takes a request, and their certificates.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, listeners, mapping, object, plain};
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, eventually, get};
use serde_json::{Value, json};

fn class(name: &str, controller: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
        "spec": {"controller": controller},
    })
}

/// An Ingress of the class `nuncio`.
#[allow(clippy::needless_pass_by_value)]
fn ingress(name: &str, spec: Value) -> Value {
    let mut made = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec,
    });
    made["spec"]["ingressClassName"] = json!("nuncio");
    made
}

fn backend(name: &str) -> Value {
    json!({"service": {"name": name, "port": {"number": 80}}})
}

fn path(kind: &str, path: &str, service: &str) -> Value {
    json!({"path": path, "pathType": kind, "backend": backend(service)})
}

#[allow(clippy::needless_pass_by_value)]
fn rule(host: &str, paths: Value) -> Value {
    json!({"host": host, "http": {"paths": paths}})
}

/// Backends called like their Services, and both classes.
struct Shop {
    site: Site,
    backends: Vec<Backend>,
    objects: Vec<Value>,
}

impl Shop {
    async fn new(names: &[&str]) -> Self {
        let mut shop = Self { site: Site::new(), backends: Vec::new(), objects: Vec::new() };
        for name in names {
            let backend = Backend::start(name).await;
            shop.objects.extend(yaml::service(name, Some(backend.address())));
            shop.backends.push(backend);
        }
        shop.objects.push(class("nuncio", "nuncio.dev/ingress-controller"));
        shop.objects.push(class("old", "getambassador.io/ingress-controller"));
        shop
    }

    fn write(&self, more: &[Value]) {
        let all: Vec<_> = self.objects.iter().chain(more).cloned().collect();
        self.site.write("all.yaml", listeners(&self.site) + &documents(&all));
    }

    async fn by(&self, host: &str, path: &str) -> String {
        Client::http(self.site.http()).ask(&get(host, path)).await.by()
    }

    /// The path that the backend saw.
    async fn sent(&self, host: &str, path: &str) -> String {
        let reply = Client::http(self.site.http()).ask(&get(host, path)).await;
        reply.echo().map_or_else(|| reply.status.to_string(), |echo| echo.path)
    }

    async fn becomes(&self, host: &str, path: &str, wanted: &str) {
        Client::http(self.site.http()).until_by(&get(host, path), wanted).await;
    }
}

/// The table of the Kubernetes documentation, and its order: exact before prefix, longer before shorter.
#[tokio::test]
async fn paths_match_by_element_and_the_longest_goes_first() {
    let shop = Shop::new(&["root", "foo", "exact", "deep", "impl"]).await;
    let paths = json!([
        path("Prefix", "/", "root"),
        path("Prefix", "/foo", "foo"),
        path("Exact", "/foo", "exact"),
        path("Prefix", "/foo/deep/", "deep"),
        path("ImplementationSpecific", "/impl", "impl"),
    ]);
    shop.write(&[ingress("web", json!({"rules": [rule("a.example", paths)]}))]);
    let gateway = Gateway::start(&shop.site).await;
    for (path, wanted) in [
        ("/", "root"),
        ("/x", "root"),
        ("/foo", "exact"),
        ("/foo?q=1", "exact"),
        ("/foo/", "foo"),
        ("/foo/bar", "foo"),
        ("/foobar", "root"),
        ("/FOO", "root"),
        ("/foo/deep", "deep"),
        ("/foo/deep/x", "deep"),
        ("/foo/deeper", "foo"),
        ("/impl/x", "impl"),
        ("/implx", "root"),
    ] {
        assert_eq!(shop.by("a.example", path).await, wanted, "{path}");
    }
    assert_eq!(shop.by("b.example", "/foo").await, "404");
    for path in ["/foo/bar?q=1", "/foo", "/foo/deep/x", "/"] {
        assert_eq!(shop.sent("a.example", path).await, path, "the path stays as it is");
    }
    gateway.admin.state("Ingress", "web", "acked").await;
    gateway.stop().await;
}

/// What a manifest of the original means stays: the prefix is replaced, and `ImplementationSpecific` is a prefix of the text.
#[tokio::test]
async fn the_class_of_the_original_rewrites_as_it_did() {
    let shop = Shop::new(&["foo", "slash", "impl", "exact"]).await;
    let paths = json!([
        path("Prefix", "/foo", "foo"),
        path("Prefix", "/slash/", "slash"),
        path("ImplementationSpecific", "/impl", "impl"),
        path("Exact", "/exact/path", "exact"),
    ]);
    let mut annotated = ingress("annotated", json!({"rules": [rule("a.example", paths.clone())]}));
    annotated["spec"]["ingressClassName"] = Value::Null;
    annotated["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "Ambassador"});
    let mut classed = ingress("classed", json!({"rules": [rule("b.example", paths)]}));
    classed["spec"]["ingressClassName"] = json!("old");
    shop.write(&[annotated, classed]);
    let gateway = Gateway::start(&shop.site).await;
    for host in ["a.example", "b.example"] {
        for (path, by, sent) in [
            ("/foo", "foo", "/"),
            ("/foo/bar?q", "foo", "/bar?q"),
            ("/foobar", "404", "404"),
            ("/slash/x", "slash", "/x"),
            ("/slash", "404", "404"),
            ("/implementation", "impl", "/ementation"),
            ("/exact/path", "exact", "/"),
            ("/exact/path/", "404", "404"),
        ] {
            assert_eq!(shop.by(host, path).await, by, "{host}{path}");
            assert_eq!(shop.sent(host, path).await, sent, "{host}{path}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_star_is_one_label_and_an_exact_host_goes_first() {
    let shop = Shop::new(&["wild", "exact", "default"]).await;
    shop.write(&[
        ingress("wild", json!({"rules": [rule("*.shop.example", json!([path("Prefix", "/", "wild")]))]})),
        ingress("exact", json!({"rules": [rule("A.shop.example", json!([path("Prefix", "/", "exact")]))]})),
        ingress("default", json!({"defaultBackend": backend("default")})),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    for (host, wanted) in [
        ("a.shop.example", "exact"),
        ("b.shop.example", "wild"),
        ("B.Shop.Example:80", "wild"),
        ("x.b.shop.example", "default"),
        ("shop.example", "default"),
        ("bshop.example", "default"),
        ("else.example", "default"),
    ] {
        assert_eq!(shop.by(host, "/x").await, wanted, "{host}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn only_ingresses_of_this_gateway_are_served() {
    let shop = Shop::new(&["a"]).await;
    let on = |name: &str, class: Value, annotations: Value| {
        let host = format!("{name}.example");
        let mut made = ingress(name, json!({"rules": [rule(&host, json!([path("Prefix", "/", "a")]))]}));
        made["spec"]["ingressClassName"] = class;
        made["metadata"]["annotations"] = annotations;
        made
    };
    let other_instance = json!({"getambassador.io/ambassador-id": "blue"});
    let all = [
        on("ours", json!("nuncio"), Value::Null),
        on("foreign", json!("foreign"), Value::Null),
        on("unknown", json!("unknown"), Value::Null),
        on("none", Value::Null, Value::Null),
        on("nginx", Value::Null, json!({"kubernetes.io/ingress.class": "nginx"})),
        on("blue", json!("nuncio"), other_instance),
        class("foreign", "example.com/controller"),
    ];
    shop.write(&all);
    let gateway = Gateway::start(&shop.site).await;
    for (name, wanted) in
        [("ours", "a"), ("foreign", "404"), ("unknown", "404"), ("none", "404"), ("nginx", "404"), ("blue", "404")]
    {
        assert_eq!(shop.by(&format!("{name}.example"), "/").await, wanted, "{name}");
    }
    gateway.admin.problem(&["IngressClassNotFound", "unknown"]).await;

    // A default class takes those that name none, and a class may change hands.
    let mut default = class("standard", "nuncio.dev/ingress-controller");
    default["metadata"]["annotations"] = json!({"ingressclass.kubernetes.io/is-default-class": "true"});
    shop.site.write("classes.yaml", documents(&[default, class("unknown", "getambassador.io/ingress-controller")]));
    shop.becomes("none.example", "/", "a").await;
    shop.becomes("unknown.example", "/", "a").await;
    assert_eq!(shop.by("nginx.example", "/").await, "404");
    shop.site.remove("classes.yaml");
    shop.becomes("none.example", "/", "404").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_port_is_named_and_the_service_may_come_later() {
    let shop = Shop::new(&["wide"]).await;
    let late = Backend::start("late").await;
    let mut named = path("Prefix", "/named", "late");
    named["backend"]["service"]["port"] = json!({"name": "http"});
    let mut wrong = path("Prefix", "/wrong", "wide");
    wrong["backend"]["service"]["port"] = json!({"name": "https"});
    shop.write(&[ingress(
        "web",
        json!({"rules": [rule("a.example", json!([path("Prefix", "/", "wide"), named, wrong]))]}),
    )]);
    let gateway = Gateway::start(&shop.site).await;
    assert_eq!(shop.by("a.example", "/named").await, "503", "it is left to no wider path");
    assert_eq!(shop.by("a.example", "/wrong").await, "503");
    gateway.admin.problem(&["PortNotFound", "spec.rules[0].http.paths[1].backend"]).await;
    gateway.admin.problem(&["PortNotFound", "spec.rules[0].http.paths[2].backend"]).await;
    shop.site.write("late.yaml", documents(&yaml::service("late", Some(late.address()))));
    shop.becomes("a.example", "/named", "late").await;
    shop.site.remove("late.yaml");
    shop.becomes("a.example", "/named", "503").await;
    gateway.stop().await;
}

#[tokio::test]
async fn certificates_come_from_secrets_and_clear_text_is_served() {
    let (shop, authority) = (Shop::new(&["a", "b", "other"]).await, Authority::new("ca"));
    let tls = json!([
        {"hosts": ["a.example", "*.wild.example"], "secretName": "cert"},
        {"hosts": ["late.example"], "secretName": "late"},
    ]);
    let of_all = json!([path("Prefix", "/", "a")]);
    let rules = ["a.example", "*.wild.example", "late.example"].map(|host| rule(host, of_all.clone()));
    shop.write(&[
        ingress("web", json!({"tls": tls, "rules": rules})),
        // Another Ingress for the same name, and one for a name without a certificate.
        ingress("more", json!({"rules": [rule("a.example", json!([path("Prefix", "/more", "b")]))]})),
        ingress("plain", json!({"rules": [rule("plain.example", json!([path("Prefix", "/", "other")]))]})),
        yaml::tls_secret("cert", &authority.issue(&["a.example", "*.wild.example"])),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    let secure = async |host: &str, path: &str| {
        let client = Client::https(shop.site.https(), Tls::to(host, &authority));
        client.send(&get(host, path)).await.map(|reply| reply.by()).map_err(|failure| failure.to_string())
    };
    for (host, path, wanted) in [("a.example", "/", "a"), ("a.example", "/more", "b"), ("x.wild.example", "/", "a")] {
        assert_eq!(secure(host, path).await.as_deref(), Ok(wanted), "{host}{path}");
        assert_eq!(shop.by(host, path).await, wanted, "clear text: {host}{path}");
    }
    assert_eq!(shop.by("plain.example", "/").await, "other");
    assert_eq!(shop.by("late.example", "/").await, "a", "whoever issues the certificate asks in clear text");
    assert!(secure("late.example", "/").await.is_err());
    gateway.admin.problem(&["InvalidTLSSecret", "spec.tls[1].secretName"]).await;
    let secret = yaml::tls_secret("late", &authority.issue(&["late.example"]));
    shop.site.write("late.yaml", documents(&[secret]));
    eventually("the certificate is shown", async || {
        let by = secure("late.example", "/").await?;
        if by == "a" { Ok(()) } else { Err(by) }
    })
    .await;
    gateway.stop().await;
}

/// As in the original: what a Mapping says for every name is not said for the names of an Ingress's certificates.
#[tokio::test]
async fn a_certificate_of_the_original_class_takes_paths_of_ingresses_only() {
    let (shop, authority) = (Shop::new(&["a"]).await, Authority::new("ca"));
    let wide = Backend::start("wide").await;
    let spec = json!({
        "tls": [{"hosts": ["a.example"], "secretName": "cert"}],
        "rules": [{"http": {"paths": [path("Prefix", "/x/", "a")]}}],
    });
    let mut old = ingress("old", spec);
    old["spec"]["ingressClassName"] = json!("old");
    shop.write(&[
        old,
        yaml::tls_secret("cert", &authority.issue(&["a.example"])),
        yaml::host("any", "*"),
        mapping("wide", "/", wide.address()),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    for (host, path, wanted) in [
        ("a.example", "/x/", "a"),
        ("a.example", "/y", "404"),
        ("b.example", "/x/", "wide"),
        ("b.example", "/y", "wide"),
    ] {
        assert_eq!(shop.by(host, path).await, wanted, "{host}{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_host_of_its_own_speaks_for_its_name() {
    let (shop, authority) = (Shop::new(&["a"]).await, Authority::new("ca"));
    let tls = json!([{"hosts": ["a.example"], "secretName": "of-ingress"}]);
    shop.write(&[
        ingress("web", json!({"tls": tls, "rules": [rule("a.example", json!([path("Prefix", "/", "a")]))]})),
        yaml::tls_secret("of-ingress", &authority.issue(&["a.example", "ingress.example"])),
        object("Host", "mine", json!({"hostname": "a.example", "tlsSecret": {"name": "of-host"}})),
        yaml::tls_secret("of-host", &authority.issue(&["a.example"])),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    assert_eq!(shop.by("a.example", "/").await, "301", "the Host's action counts");
    let client = Client::https(shop.site.https(), Tls::to("a.example", &authority));
    assert_eq!(client.ask(&get("a.example", "/")).await.by(), "a");
    gateway.admin.problem(&["DuplicateHost", "Host default/mine"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_one_path_touches_no_other() {
    let shop = Shop::new(&["a"]).await;
    let good = || path("Prefix", "/good", "a");
    let resource = json!({
        "path": "/bucket", "pathType": "Prefix",
        "backend": {"resource": {"apiGroup": "x.example", "kind": "Bucket", "name": "b"}},
    });
    let paths = json!([
        path("Prefix", "relative", "a"),
        path("Regex", "/typed", "a"),
        {"path": "/nothing", "pathType": "Prefix", "backend": {}},
        resource,
        path("Prefix", "/strange", "a/b"),
        good(),
    ]);
    let spec = json!({
        "tls": [{"hosts": ["a.*.example"], "secretName": "none"}, {"hosts": ["a.example"]}],
        "rules": [rule("a.*.example", json!([good()])), {"host": "empty.example"}, rule("a.example", paths)],
    });
    let broken = ingress("broken", json!({"rules": 5}));
    site_of(&shop, &[ingress("web", spec), broken]);
    let gateway = Gateway::start(&shop.site).await;
    for (path, wanted) in [
        ("/good", "a"),
        ("/relative", "404"),
        ("/typed", "404"),
        ("/nothing", "503"),
        ("/bucket", "503"),
        ("/strange", "503"),
    ] {
        assert_eq!(shop.by("a.example", path).await, wanted, "{path}");
    }
    for wanted in [
        ["spec.rules[0].host", "InvalidValue"],
        ["spec.tls[0].hosts[0]", "InvalidValue"],
        ["spec.rules[2].http.paths[0].path", "InvalidValue"],
        ["spec.rules[2].http.paths[1].pathType", "InvalidValue"],
        ["spec.rules[2].http.paths[2].backend", "MissingField"],
        ["spec.rules[2].http.paths[3].backend", "UnsupportedBackend"],
        ["spec.rules", "\"broken\""],
    ] {
        gateway.admin.problem(&wanted).await;
    }
    gateway.stop().await;
}

/// Over clear text only.
fn site_of(shop: &Shop, more: &[Value]) {
    let all: Vec<_> = shop.objects.iter().chain(more).cloned().collect();
    shop.site.write("all.yaml", plain(&shop.site) + &documents(&all));
}

/// Paths of Ingresses and Mappings for the same requests share them, and one that goes takes nothing with it.
#[tokio::test]
async fn an_ingress_comes_changes_and_goes() {
    let shop = Shop::new(&["a", "b"]).await;
    site_of(&shop, &[]);
    let gateway = Gateway::start(&shop.site).await;
    assert_eq!(shop.by("a.example", "/x").await, "404");
    let to =
        |service: &str| ingress("web", json!({"rules": [rule("a.example", json!([path("Prefix", "/x", service)]))]}));
    shop.site.write("web.yaml", documents(&[to("a")]));
    shop.becomes("a.example", "/x", "a").await;
    gateway.line(&["Ingress default/web added", "live on 1 Envoy in", "ms"]).await;
    shop.site.write("web.yaml", documents(&[to("b")]));
    shop.becomes("a.example", "/x", "b").await;
    shop.site.write(
        "web.yaml",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: 5}\n",
    );
    gateway.admin.problem(&["spec.rules", "\"web\""]).await;
    assert_eq!(shop.by("a.example", "/x").await, "b", "the last good state stays");
    shop.site.remove("web.yaml");
    shop.becomes("a.example", "/x", "404").await;
    gateway.stop().await;
}
