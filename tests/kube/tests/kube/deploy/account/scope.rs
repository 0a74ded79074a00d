//! Gateways that may do less.

use super::*;

#[tokio::test]
async fn a_gateway_of_one_namespace_has_no_right_outside_of_it() {
    let cluster = cluster().await;
    install(cluster, "team-a", "ci/namespaced-values.yaml").await;
    let features = [Feature::Gateway, Feature::Status, Feature::Election];
    assert_eq!(rights(cluster, "team-a", "role", "nuncio").await, needed(&[Scope::Watched, Scope::Own], &features));
    let bound = cluster.kubectl(&["get", "clusterrolebindings", "-o", "json"]).await.success();
    let ours = |binding: &Value| {
        binding["subjects"].as_array().into_iter().flatten().any(|subject| subject["namespace"] == "team-a")
    };
    assert!(!objects(&bound).iter().any(ours));
    works(cluster, "team-a", "team-a").await;

    // The doctor asks for no more either, as that account.
    let account = Account::ServiceAccount { namespace: "team-a", name: "nuncio" };
    let site = Site::new();
    let mut command = site.nuncio(&["doctor", "--kubernetes", "--single-namespace", "--namespace", "team-a"]);
    command.arg("--kubeconfig").arg(cluster.kubeconfig_for(account).await).env("AMBASSADOR_ID", "team-a");
    let told = doctor::told(command).await;
    let permissions: Vec<_> = told.checks.iter().filter(|check| check["section"] == "Permissions").collect();
    assert!(permissions.len() > 5 && permissions.iter().all(|check| check["outcome"] == "ok"), "{permissions:#?}");
}

#[tokio::test]
async fn a_gateway_that_writes_no_statuses_has_no_right_to() {
    let cluster = cluster().await;
    let quiet = ["--namespace", "quiet", "--create-namespace", "--set", "status.enabled=false"];
    drop(helm(cluster, "install", &[&quiet[..], &["--set", "webhook.enabled=false"]].concat()).await.success());
    let cluster_wide = rights(cluster, "quiet", "clusterrole", "nuncio-quiet").await;
    assert_eq!(cluster_wide, needed(&[Scope::Watched, Scope::Cluster], &[Feature::Gateway]));
    let roles = cluster.kubectl(&["get", "roles", "--namespace", "quiet", "-o", "json"]).await.success();
    assert_eq!(objects(&roles).len(), 0);

    // With a webhook somebody has to look after it.
    drop(helm(cluster, "upgrade", &quiet).await.success());
    let of_webhook = [Feature::Election, Feature::Webhook];
    let own = rights(cluster, "quiet", "role", "nuncio").await;
    let names = |rights: &BTreeSet<Right>| -> BTreeSet<_> {
        rights.iter().map(|(group, resource, verb, _)| (group.clone(), resource.clone(), verb.clone())).collect()
    };
    assert_eq!(names(&own), names(&needed(&[Scope::Own], &of_webhook)));
}
