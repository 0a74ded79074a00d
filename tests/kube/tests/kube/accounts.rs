//! Accounts may do what RBAC says, and nothing else.

use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client, Error};
use nuncio_kube_tests::{Account, Cluster, Namespace};
use nuncio_test_support::eventually;

/// Allows the account `reader` to read `ConfigMap`s of the namespace.
const RULES: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
";

async fn list(client: &Client, namespace: &Namespace<'_>) -> Result<usize, Error> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace.name());
    maps.list(&ListParams::default()).await.map(|maps| maps.items.len())
}

fn forbidden<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Api(status)) if status.code == 403)
}

#[tokio::test]
async fn a_service_account_is_refused_what_no_role_allows() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace().await;
    let metadata = ObjectMeta { name: Some("reader".to_owned()), ..ObjectMeta::default() };
    let account = ServiceAccount { metadata, ..ServiceAccount::default() };
    namespace.api().create(&PostParams::default(), &account).await.unwrap();
    let reader = Account::ServiceAccount { namespace: namespace.name(), name: "reader" };
    let client = cluster.client_for(reader).await;
    assert!(forbidden(list(&client, &namespace).await));

    let _ = cluster.apply(RULES, &["--namespace", namespace.name()]).await.success();
    eventually("the role is known", async || list(&client, &namespace).await).await;
    let made = namespace.name();
    let maps = Api::<ConfigMap>::namespaced(client, made);
    assert!(forbidden(maps.create(&PostParams::default(), &ConfigMap::default()).await));

    // The same by what its kubeconfig says: kubectl uses its namespace.
    let kubeconfig = cluster.kubeconfig_for(reader).await;
    let _ = cluster.kubectl_as(&kubeconfig, &["get", "configmaps"]).await.success();
    let refused = cluster.kubectl_as(&kubeconfig, &["get", "secrets"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("Forbidden"), "{}", refused.stderr);
}

#[tokio::test]
async fn a_user_has_the_rights_of_its_groups() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace().await;
    let nobody = cluster.client_for(Account::User { name: "jane", groups: &["readers"] }).await;
    assert!(forbidden(list(&nobody, &namespace).await));
    let administrator = cluster.client_for(Account::User { name: "root", groups: &["system:masters"] }).await;
    list(&administrator, &namespace).await.unwrap();
}
