//! The API server's own OpenAPI documents, read by the portal as any service's: by TLS, with the gateway's certificate.

use std::fs;
use std::path::Path;

use nuncio_e2e::{Client, Gateway, Site, get, yaml};
use nuncio_test_support::{DEADLINE, within};
use serde_json::{Value, json};

use crate::source::place;

const HOST: &str = "cluster.example";

/// What clients of the administrator show, and whom they trust, as Secrets.
fn credentials(kubeconfig: &Path) -> [Value; 2] {
    let told: Value = serde_json::from_str(&fs::read_to_string(kubeconfig).unwrap()).unwrap();
    let data = |place: &str| told.pointer(place).unwrap().clone();
    let secret = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data});
    let user = |field: &str| data(&format!("/users/0/user/client-{field}-data"));
    [
        secret("authority", json!({"tls.crt": data("/clusters/0/cluster/certificate-authority-data")})),
        secret("client", json!({"tls.crt": user("certificate"), "tls.key": user("key")})),
    ]
}

/// What the portal says at a path.
async fn ask(site: &Site, path: &str) -> String {
    Client::http(site.at(8088)).send(&get("localhost", path)).await.unwrap().text()
}

/// An API of the portal, once its document, which may be of megabytes, is as `state` says.
async fn api(site: &Site, namespace: &str, name: &str, state: &str) -> Value {
    within(3 * DEADLINE, &format!("{name} is {state}"), async || {
        let asked = get("localhost", &format!("/docs/api/v1/apis/{namespace}/{name}"));
        let reply = Client::http(site.at(8088)).send(&asked).await.map_err(|error| error.to_string())?;
        let api: Value = serde_json::from_str(&reply.text()).map_err(|_| reply.status.to_string())?;
        if api["state"] == state { Ok(api) } else { Err(api.to_string()) }
    })
    .await
}

#[tokio::test]
async fn the_api_server_s_documents_are_read_as_apis() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let server = cluster.api_server();
    let mapping = |name: &str, docs: Value| {
        let spec = json!({"hostname": HOST, "prefix": format!("/{name}/"), "service": format!("https://{server}"),
            "tls": "api-server", "docs": docs});
        yaml::object("Mapping", name, spec)
    };
    let mut objects = vec![
        yaml::listener("http", site.http().port(), "HTTP"),
        yaml::host("cluster", HOST),
        yaml::object(
            "TLSContext",
            "api-server",
            json!({"secret": "client", "ca_secret": "authority", "sni": "kubernetes"}),
        ),
        mapping("v2", json!({"path": "/openapi/v2"})),
        mapping("apps", json!({"url": format!("https://{server}/openapi/v3/apis/apps/v1")})),
        mapping("core", json!({"path": "/openapi/v3/api/v1", "display_name": "Core"})),
        mapping("index", json!({"path": "/openapi/v3"})),
    ];
    objects.extend(credentials(&cluster.admin_kubeconfig()));
    place::apply(cluster, &namespace, &objects).await;
    let mut up = place::up_in(&site, &cluster.admin_kubeconfig(), namespace.name());
    up.arg(format!("--portal={}", site.at(8088)));
    let gateway = Gateway::start_by(&site, &mut up).await;
    let own = namespace.name();

    let v2 = api(&site, own, "v2", "current").await;
    assert_eq!((&v2["title"], &v2["specification"]), (&json!("Kubernetes"), &json!("Swagger 2.0")));
    assert!(v2["operations"].as_u64() > Some(500), "{v2}");
    let page = ask(&site, &format!("/docs/doc/{own}/v2/operations/listCoreV1NamespacedPod")).await;
    assert!(page.contains("/v2/api/v1/namespaces/{namespace}/pods") && page.contains("PodList"), "{page}");

    let apps = api(&site, own, "apps", "current").await;
    assert_eq!(apps["specification"], "OpenAPI 3.0", "{apps}");
    let page = ask(&site, &format!("/docs/doc/{own}/apps/operations/createAppsV1NamespacedDeployment")).await;
    assert!(
        page.contains("/apps/apis/apps/v1/namespaces/{namespace}/deployments")
            && page.contains("io.k8s.api.apps.v1.Deployment"),
        "{page}"
    );
    assert!(page.contains("content-type: application/json") && !page.contains("content-type: */*"), "{page}");
    assert_eq!(api(&site, own, "core", "current").await["title"], "Core");
    let index = api(&site, own, "index", "missing").await["trouble"].to_string();
    assert!(index.contains("name one of them"), "{index}");

    // The request of a page is answered by the API server.
    let version = Client::http(site.http()).send(&get(HOST, "/v2/version")).await.unwrap();
    assert!(version.status == 200 && version.text().contains("gitVersion"), "{}", version.text());
    gateway.stop().await;
}
