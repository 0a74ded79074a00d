//! What cannot be used lets nobody in.

use super::*;

#[tokio::test]
async fn what_is_broken_lets_nobody_in_and_harms_nothing_else() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let rules = json!([
        {"host": "*", "path": "/missing/*", "filters": [{"name": "nowhere"}]},
        {"host": "*", "path": "/plugin/*", "filters": [{"name": "plugin"}]},
        {"host": "*", "path": "/secret/*", "filters": [{"name": "keys"}]},
    ]);
    let plugin = object("Filter", "plugin", json!({"Plugin": {"name": "mine"}}));
    let mut unreadable = policy(&json!([{"host": "*", "path": "/unreadable/*", "filters": [{"name": 7}]}]));
    unreadable["metadata"]["name"] = json!("unreadable");
    let objects = documents(&[keys(), plugin, policy(&rules), unreadable]);
    site.write("edge.yaml", edge(&site, &upstream) + &objects);
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for path in ["/missing/x", "/plugin/x", "/secret/x", "/unreadable/x"] {
        let reply = client.ask(&with_key("a.example", path, "key-1")).await;
        assert_eq!(reply.status, 503, "{path}: {}", reply.text());
        assert!(!reply.text().contains("nowhere"), "what is wrong is none of the client's business");
    }
    assert_eq!(client.ask(&get("a.example", "/x")).await.status, 200);
    gateway.admin.problem(&["\"policy\"", "FilterNotFound", "nowhere.default"]).await;
    gateway.admin.problem(&["\"plugin\"", "NotPortable"]).await;
    gateway.admin.problem(&["\"keys\"", "InvalidSecret"]).await;
    site.write("key.yaml", documents(&[key("key-1")]));
    becomes(&client, "the key is there", &with_key("a.example", "/secret/x", "key-1"), 200).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_at_the_start_lets_nobody_in_and_later_changes_nothing() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    site.write("edge.yaml", edge(&site, &upstream));
    let broken = "apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: p}\nspec: {rules: [\n";
    site.write("policy.yaml", broken);
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/x")).await.status, 503);
    assert_eq!(client.ask(&get("a.example", "/open/x")).await.by(), "up", "what bypasses it goes on");
    site.remove("policy.yaml");
    becomes(&client, "open", &get("a.example", "/x"), 200).await;
    site.write("policy.yaml", broken);
    gateway.admin.problem(&["policy.yaml", "InvalidYaml"]).await;
    gateway.taken().await;
    assert_eq!(
        client.ask(&get("a.example", "/x")).await.status,
        200,
        "what comes new and cannot be read changes nothing"
    );
    gateway.stop().await;
}
