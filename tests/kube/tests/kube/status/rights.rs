//! What it may do, and what becomes of it when it may not.

use std::time::Duration;

use nuncio_controller::rbac::{Feature, RULES, Rule, Scope};
use nuncio_e2e::{Client, Load, eventually, get, yaml};
use nuncio_test_support::within;
use serde_json::{Value, json};

use super::{FINE, Stage};

/// A Role with every permission that is listed, but for those on the statuses of Mappings where `mappings` is not set.
pub(super) fn role(mappings: bool) -> Value {
    role_without(&[Feature::Webhook, Feature::Edits, Feature::Previews], mappings)
}

/// The same without those that are for some features alone.
pub(super) fn role_without(left_out: &[Feature], mappings: bool) -> Value {
    let needed = |rule: &&Rule| rule.scope != Scope::Cluster && !left_out.contains(&rule.feature);
    let rules = RULES.iter().filter(needed).map(|rule| {
        let kept = |resource: &&&str| mappings || **resource != "mappings/status";
        let resources: Vec<_> = rule.resources.iter().filter(kept).collect();
        json!({"apiGroups": [rule.group], "resources": resources, "verbs": rule.verbs})
    });
    let rules: Vec<_> = rules.collect();
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "gateway"}, "rules": rules})
}

/// A Role with all of them, bound to the account that the gateway has in this namespace.
pub(super) fn grant(namespace: &str) -> [Value; 2] {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "gateway"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    });
    [role(true), binding]
}

/// Takes the permission on the statuses of Mappings away, and waits until the API server, which hears of Roles by a watch, goes
/// by that.
pub(super) async fn take_away(stage: &Stage) {
    stage.apply(&[role(false)]).await;
    let question = ["auth", "can-i", "patch", "mappings.getambassador.io", "--subresource=status", "--namespace"];
    let question = [&question[..], &[stage.namespace.name()]].concat();
    eventually("the permission is gone", async || {
        let answer = stage.cluster.kubectl_as(&stage.kubeconfig, &question).await;
        if answer.stdout.starts_with("no") { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
}

#[tokio::test]
async fn what_is_listed_is_all_that_it_may_do_and_what_is_missing_is_said_once() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.push(yaml::object("Host", "broken", json!({"hostname": "broken.example", "tlsSecret": {"name": "none"}})));
    objects.push(yaml::host("any", "*"));
    objects.push(role(false));
    stage.apply(&objects).await;
    let gateway = stage.gateway().await;
    stage.shows("listener", "http", &FINE).await;
    let wanted = [("ResolvedRefs", "False", "InvalidTLSSecret"), ("Reconciling", "True", "Invalid")];
    stage.shows("host", "broken", &wanted).await;
    eventually("an event", async || {
        let events = stage.kubectl(&["get", "events"]).await;
        if events.contains("InvalidTLSSecret") && events.contains("host/broken") { Ok(()) } else { Err(events) }
    })
    .await;
    let complaints = || gateway.stderr().iter().filter(|line| line.contains("mappings/status")).count();
    eventually("it says what it may not", async || if complaints() == 1 { Ok(()) } else { Err(complaints()) }).await;

    stage.apply(&[role(true)]).await;
    within(Duration::from_secs(30), "it is tried again", async || {
        let app = stage.object("mapping", "app").await;
        if app["status"]["state"] == "Running" { Ok(()) } else { Err(app["status"].to_string()) }
    })
    .await;
    assert_eq!(complaints(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_said_once_and_costs_no_request() {
    let stage = Stage::set().await;
    let gateway = stage.gateway().await;
    stage.shows("mapping", "app", &FINE).await;
    let load =
        Load::kept(&Client::http(stage.site.http()), vec![get("any.example", "/app/"); 2], |reply| reply.status == 200);
    load.more(50).await;

    take_away(&stage).await;
    let complaints = || gateway.stderr().iter().filter(|line| line.contains("mappings/status")).count();
    let mut broken = stage.mapping("broken", "/x/");
    broken["spec"]["service"] = json!("http://a b");
    stage.apply(&[broken]).await;
    eventually("it says what it may no longer do", async || match complaints() {
        1 => Ok(()),
        other => Err(other),
    })
    .await;
    load.more(50).await;
    stage.apply(&[role(true)]).await;
    within(Duration::from_secs(30), "it is tried again", async || {
        let status = stage.object("mapping", "broken").await["status"].clone();
        if status["state"] == "Inactive" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    assert_eq!(complaints(), 1);
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}
