//! Slips of the pen in Filters and FilterPolicies: what was good stays in force, and what is for nobody is told of.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

/// A Filter that answers with a text of its own to who has no token.
fn filter(body: &str) -> Value {
    filter_called("token", body)
}

fn filter_called(name: &str, body: &str) -> Value {
    object("Filter", name, json!({"JWT": {"jwksURI": "https://127.0.0.1:1/", "errorResponse": {"bodyTemplate": body}}}))
}

fn policy(name: &str, hostname: &str) -> Value {
    object("FilterPolicy", name, json!({"rules": [{"host": hostname, "path": "*", "filters": [{"name": "token"}]}]}))
}

fn edge(site: &Site, backend: &Backend) -> String {
    let mapping = mapping_on("a.example", "a", "/", backend.address());
    documents(&[listener("http", site.http().port(), "HTTP"), host("a", "a.example"), mapping])
}

#[tokio::test]
async fn a_template_that_does_not_compile_leaves_the_last_good_filter_in_force() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[policy("rules", "a.example")]));
    site.write("filter.yaml", documents(&[filter("first: {{ .status_code }}")]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let answer = async || {
        let reply = client.ask(&get("a.example", "/x")).await;
        (reply.status, reply.text())
    };
    assert_eq!(answer().await, (401, "first: 401".to_owned()));

    site.write("filter.yaml", documents(&[filter("second: {{ nope }}")]));
    let problem = gateway.admin.problem(&["InvalidTemplate", "\"token\"", "filter.yaml"]).await;
    assert_eq!(problem["field"], "spec.JWT.errorResponse.bodyTemplate");
    assert!(problem["location"]["line"].as_u64() > Some(1), "{problem}");
    // Whoever decides has what was written after it, and so what was sent of it, were it the broken one.
    let rule = json!({"host": "a.example", "path": "/last/*", "filters": [{"name": "last"}]});
    let last = [filter_called("last", "last"), object("FilterPolicy", "last", json!({"rules": [rule]}))];
    site.write("last.yaml", documents(&last));
    gateway.admin.state("Filter", "last", "acked").await;
    gateway.admin.state("Filter", "token", "acked").await;
    assert_eq!(answer().await, (401, "first: 401".to_owned()), "the last good one decides");

    site.write("filter.yaml", documents(&[filter("third: {{ .message.more }}{{ .massage }}")]));
    gateway.admin.problem(&["UnknownVariable", "did you mean `.message`?"]).await;
    gateway.admin.no_problem(&["InvalidTemplate"]).await;
    eventually("what fails when it runs is not shown", async || {
        let (status, text) = answer().await;
        if status == 401 && !text.contains("first") { Ok(()) } else { Err(text) }
    })
    .await;
    gateway.stop().await;

    site.write("filter.yaml", documents(&[filter("fourth: {{ nope }}")]));
    let gateway = Gateway::start(&site).await;
    let (status, text) = answer().await;
    assert_eq!(status, 503, "nothing good is known of it: {text}");
    assert_eq!(upstream.requests(), 0, "nobody got past");
    gateway.stop().await;
}

#[tokio::test]
async fn a_rule_for_a_host_that_nobody_serves_is_told_of_until_somebody_does() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let policies = [policy("rules", "a.example"), policy("typo", "b.example")];
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[filter("no")]) + &documents(&policies));
    let gateway = Gateway::start(&site).await;
    let found =
        gateway.admin.problem(&["NoMatchingRoute", "\"typo\"", "no Host that a Listener binds takes b.example"]).await;
    assert_eq!((&found["severity"], &found["field"]), (&json!("warning"), &json!("spec.rules[0].host")));
    gateway.admin.no_problem(&["\"rules\""]).await;
    let more = [host("b", "b.example"), mapping_on("b.example", "b", "/", upstream.address())];
    site.write("more.yaml", documents(&more));
    gateway.admin.no_problem(&["NoMatchingRoute"]).await;
    gateway.admin.state("Mapping", "b", "acked").await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("b.example", "/x")).await.status, 401);
    // A Mapping that goes takes the Host's only route with it.
    site.write("more.yaml", documents(&more[..1]));
    gateway.admin.problem(&["NoMatchingRoute", "no Mapping is for b.example"]).await;
    gateway.line(&["warning: edge.yaml:", "protects nothing: no Mapping is for b.example"]).await;
    gateway.stop().await;
}
