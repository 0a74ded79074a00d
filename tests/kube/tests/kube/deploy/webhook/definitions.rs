//! Definitions of the original, and such as nobody converts.

use super::*;

#[tokio::test]
async fn definitions_with_a_webhook_that_nobody_serves_keep_no_gateway_from_serving() {
    let (cluster, site) = (Cluster::start().await, Site::new());
    define(&cluster, &crds()).await;
    let backend = Backend::start("one").await;
    place::apply_in(&cluster, "default", &place::site_objects(&site, backend.address())).await;
    let gateway = place::gateway(&cluster, "default", &site).await;
    place::answers(&site, "/app/", "one").await;
    eventually("the state of app", async || {
        let app = get(&cluster, "default", "mappings.v3alpha1.getambassador.io", "app").await;
        if app["status"]["state"] == "Running" { Ok(()) } else { Err(app["status"].to_string()) }
    })
    .await;
    gateway.stop().await;
}

/// What `docs/move-from-emissary.md` says, from its step 6 on.
#[tokio::test]
async fn a_cluster_of_the_original_is_taken_over_and_leaves_old_versions_behind() {
    let (cluster, site) = (Cluster::start().await, Site::new());
    define(&cluster, &originals()).await;
    drop(cluster.kubectl(&["create", "namespace", NAMESPACE]).await.success());
    let backend = Backend::start("one").await;
    let listener = nuncio_e2e::yaml::listener("http", site.http().port(), "HTTP");
    let mut mapping = place::mapping("app", "/app/", backend.address());
    mapping["spec"].as_object_mut().unwrap().remove("hostname");
    mapping["spec"]["host"] = json!("any.example");
    mapping["apiVersion"] = json!("getambassador.io/v2");
    place::apply_in(&cluster, NAMESPACE, &[listener, mapping]).await;

    define(&cluster, &crds()).await;
    install_chart(&cluster).await;
    lead_to(&cluster, &site).await;
    // The gateway reads what nobody but itself can convert: also when none was there before.
    for _ in 0..2 {
        let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
        place::answers(&site, "/app/", "one").await;
        gateway.stop().await;
    }

    let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
    let all = cluster.kubectl(&["get", "mappings.v3alpha1.getambassador.io", "-A", "-o", "json"]).await.success();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), all).unwrap();
    drop(cluster.kubectl(&["replace", "-f", file.path().to_str().unwrap()]).await.success());
    let stored = json!({"status": {"storedVersions": ["v3alpha1"]}}).to_string();
    let args = ["patch", "crd", DEFINITION, "--subresource=status", "--type=merge", "-p", &stored];
    drop(cluster.kubectl(&args).await.success());
    place::answers(&site, "/app/", "one").await;
    gateway.stop().await;
    // Nothing is stored in an old version any more: the API server lets them go.
    let alone = definitions(&Conversion::None).into_iter().find(|definition| definition.plural == "mappings").unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), alone.to_yaml()).unwrap();
    drop(cluster.kubectl(&["replace", "-f", file.path().to_str().unwrap()]).await.success());
    let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
    place::answers(&site, "/app/", "one").await;
    gateway.stop().await;
}
