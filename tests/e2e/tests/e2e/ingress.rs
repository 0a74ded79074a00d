//! Ingresses: whose they are, which path takes a request, and their certificates.

mod certificates;
mod wrong;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, listeners, plain};
use nuncio_e2e::{Client, Gateway, Site, get};
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
