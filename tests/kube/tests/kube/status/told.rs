//! What is told, when, and in which words.

use nuncio_e2e::{eventually, yaml};
use serde_json::{Value, json};

use super::{FINE, Stage};
use crate::source::place;

#[tokio::test]
async fn a_status_is_applied_by_a_manager_of_its_own_and_shown_in_columns() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.push(yaml::host("any", "*"));
    stage.apply(&objects).await;
    let gateway = stage.gateway().await;
    for (kind, name) in [("mapping", "app"), ("host", "any"), ("listener", "http")] {
        stage.shows(kind, name, &FINE).await;
        let text = stage.kubectl(&["get", kind, name, "-o", "json", "--show-managed-fields"]).await;
        let whole: Value = serde_json::from_str(&text).unwrap();
        let managers = whole["metadata"]["managedFields"].as_array().unwrap();
        let ours = managers.iter().find(|manager| manager["manager"] == "nuncio").unwrap();
        assert_eq!((&ours["operation"], &ours["subresource"]), (&json!("Apply"), &json!("status")));
        let fields: Vec<_> = ours["fieldsV1"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["f:status"], "nothing else of it is ours");

        let table = stage.kubectl(&["get", kind, name]).await;
        let [head, row] = &table.lines().collect::<Vec<_>>()[..] else { panic!("{table}") };
        let at = |column: &str| head.find(column).unwrap_or_else(|| panic!("{table}"));
        for column in ["ACCEPTED", "PROGRAMMED"] {
            assert!(row[at(column)..].starts_with("True"), "{table}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn describe_says_what_is_wrong_and_what_to_change() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    let mapping = |name: &str, change: Value| {
        let mut mapping = stage.mapping(name, &format!("/{name}/"));
        mapping["spec"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        mapping
    };
    objects.extend([
        yaml::host("any", "any.example"),
        yaml::object("Host", "dark", json!({"hostname": "dark.example", "tlsSecret": {"name": "none"}})),
        mapping("service", json!({"service": "http://a b"})),
        mapping("regex", json!({"prefix": "/(", "prefix_regex": true})),
        mapping("resolver", json!({"resolver": "nowhere"})),
        mapping("homeless", json!({"hostname": "other.example"})),
    ]);
    // As users do who have no schema in the way.
    let text = place::documents(&objects);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let file = file.path().to_str().unwrap();
    let _ = stage
        .cluster
        .kubectl(&["apply", "--validate=ignore", "--namespace", stage.namespace.name(), "-f", file])
        .await
        .success();
    let gateway = stage.gateway().await;
    let table = [
        ("mapping", "service", vec!["spec.service: ", "Correct this and apply the Mapping again", "Warning"]),
        ("mapping", "regex", vec!["spec.prefix: ", "Correct this and apply the Mapping again"]),
        ("mapping", "resolver", vec!["spec.resolver: ", "Create what is missing or correct the name"]),
        ("mapping", "homeless", vec!["other.example", "Create what it lacks, or correct its hostname"]),
        ("host", "dark", vec!["none", "Create what is missing or correct the name"]),
    ];
    for (kind, name, words) in table {
        eventually(&format!("{kind} {name} says what to change"), async || {
            let text = stage.kubectl(&["describe", kind, name]).await;
            // Long texts are broken into lines.
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let missing: Vec<_> = words.iter().filter(|word| !flat.contains(word.trim())).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("no {missing:?}: {text}")) }
        })
        .await;
    }
    gateway.stop().await;
}
