//! What is wrong with an Ingress is told, and the rest is served.

use super::*;

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
