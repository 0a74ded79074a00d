//! Filters and FilterPolicies of both API groups: they decide, and say what they lack.

use nuncio_e2e::yaml::{host, object as manifest, text_secret};
use nuncio_e2e::{Client, get};
use serde_json::{Value, json};

use super::{FINE, Stage, condition};

/// The API groups, each with the path that its policy is for here.
const GROUPS: [(&str, &str); 2] =
    [("getambassador.io/v3alpha1", "/app/"), ("gateway.getambassador.io/v1alpha1", "/other/")];

/// How `kubectl` names a kind of one group.
fn resource(plural: &str, api_version: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap();
    format!("{plural}.{version}.{group}")
}

fn of_group(api_version: &str, mut object: Value) -> Value {
    object["apiVersion"] = json!(api_version);
    object
}

/// A Filter that wants a key, named the same in both groups.
fn filter(api_version: &str, keys: &Value) -> Value {
    let spec = match api_version.starts_with("gateway.") {
        true => json!({"type": "apikey", "apikey": {"keys": keys}}),
        false => json!({"APIKey": {"keys": keys}}),
    };
    of_group(api_version, manifest("Filter", "keys", spec))
}

/// A policy with a rule for each of these Filters, named the same in both groups.
fn policy(api_version: &str, rules: &[(&str, &str)]) -> Value {
    let field = if api_version.starts_with("gateway.") { "filterRefs" } else { "filters" };
    let rules: Vec<_> = rules
        .iter()
        .map(|(path, filter)| json!({"host": "*", "path": format!("{path}*"), field: [{"name": filter}]}))
        .collect();
    of_group(api_version, manifest("FilterPolicy", "policy", json!({"rules": rules})))
}

/// Waits until a request is answered by a backend, or with a status.
async fn answered(client: &Client, path: &str, key: Option<&str>, by: &str) {
    let ask = key.iter().fold(get("any.example", path), |ask, key| ask.with("x-api-key", key));
    client.until_by(&ask, by).await;
}

#[tokio::test]
async fn filters_of_both_groups_let_in_who_has_a_key_and_say_what_they_lack() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.extend([host("any", "*"), stage.mapping("other", "/other/")]);
    let keys = json!([{"secretName": "api-keys"}]);
    for (group, path) in GROUPS {
        objects.extend([filter(group, &keys), policy(group, &[(path, "keys"), ("/no/", "nowhere")])]);
    }
    stage.apply(&objects).await;
    let gateway = stage.gateway().await;
    let client = Client::http(stage.site.http());

    for (group, path) in GROUPS {
        let wanted = [("Accepted", "True", "Accepted"), ("ResolvedRefs", "False", "InvalidSecret")];
        let filter = stage.shows(&resource("filters", group), "keys", &wanted).await;
        let message = condition(&filter, "ResolvedRefs")["message"].as_str().unwrap();
        assert!(message.contains("api-keys") && message.contains("Create what is missing"), "{message}");
        let wanted = [("ResolvedRefs", "False", "FilterNotFound"), ("Programmed", "False", "Invalid")];
        let policies = resource("filterpolicies", group);
        let policy = stage.shows(&policies, "policy", &wanted).await;
        let rules = &policy["status"]["rules"];
        assert_eq!((&rules[0]["index"], &rules[0]["path"]), (&json!(0), &json!(format!("{path}*"))));
        let said = |rule: usize| rules[rule]["conditions"].to_string();
        assert!(said(0).contains("InvalidFilter") && !said(0).contains("nowhere"), "{rules:#}");
        assert!(said(1).contains("FilterNotFound") && said(1).contains("there is no Filter nowhere"), "{rules:#}");
        answered(&client, path, Some("key-1"), "503").await;
    }

    let mut mended = vec![text_secret("api-keys", "ann", "key-1")];
    mended.extend(GROUPS.map(|(group, path)| policy(group, &[(path, "keys")])));
    stage.apply(&mended).await;
    for (group, path) in GROUPS {
        stage.shows(&resource("filters", group), "keys", &FINE).await;
        let policies = resource("filterpolicies", group);
        let policy = stage.shows(&policies, "policy", &FINE).await;
        let rules = policy["status"]["rules"].as_array().unwrap();
        assert!(rules.len() == 1 && !rules[0]["conditions"].to_string().contains("False"), "{rules:#?}");
        answered(&client, path, Some("key-1"), "one").await;
        answered(&client, path, None, "401").await;
        answered(&client, path, Some("key-2"), "401").await;
    }

    // A Filter that says nothing usable leaves the one before in force, and says what to write.
    for (group, path) in GROUPS {
        stage.apply(&[filter(group, &json!([]))]).await;
        let wanted = [("Accepted", "False", "MissingField"), ("Stalled", "True", "Invalid")];
        let filter = stage.shows(&resource("filters", group), "keys", &wanted).await;
        let message = condition(&filter, "Accepted")["message"].as_str().unwrap();
        let field = if group.starts_with("gateway.") { "spec.apikey.keys" } else { "spec.APIKey.keys" };
        assert!(message.contains(field) && message.contains("what was valid before stays in force"), "{message}");
        answered(&client, path, Some("key-1"), "one").await;
        answered(&client, path, None, "401").await;
    }

    // So does a policy with an expression that does not compile.
    let (group, path) = GROUPS[0];
    let mut bad = policy(group, &[(path, "keys")]);
    bad["spec"]["rules"][0]["filters"][0]["arguments"] = json!({"require": "claims.("});
    stage.apply(&[filter(group, &keys), bad]).await;
    let wanted = [("Accepted", "False", "InvalidExpression"), ("Stalled", "True", "Invalid")];
    let policy = stage.shows(&resource("filterpolicies", group), "policy", &wanted).await;
    let message = condition(&policy, "Accepted")["message"].as_str().unwrap();
    assert!(message.contains("require: the expression does not compile: 1:8"), "{message}");
    answered(&client, path, Some("key-1"), "one").await;
    answered(&client, path, None, "401").await;
    gateway.stop().await;
}
