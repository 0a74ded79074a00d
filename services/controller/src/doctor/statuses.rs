//! What the statuses of the objects say, as the replica that leads wrote them.

use nuncio_api::Kind;
use serde_json::Value;

use super::ask::{Api, Refusal};
use super::{Check, ClusterQuestions, Outcome, first};
use crate::source::kubernetes::Selection;
use crate::source::kubernetes::resources::{ApiKind, api_kind};

const SECTION: &str = "Objects";
const CHECK: &str = "their statuses say that Envoy has them";

pub(super) async fn check(api: &Api, questions: &ClusterQuestions) -> Check {
    let (mut wrong, mut silent, mut count) = (Vec::new(), 0, 0);
    for kind in told_of(questions) {
        let objects = match list(api, &kind, questions).await {
            Ok(objects) => objects,
            // That the kind is missing, or may not be read, is another check's matter.
            Err(_) => continue,
        };
        for object in objects.iter().filter(|object| is_for(object, &questions.ambassador_id)) {
            count += 1;
            match said(&kind, object) {
                Said::Programmed => {}
                Said::Nothing => silent += 1,
                Said::Wrong(line) => wrong.push(line),
            }
        }
    }
    verdict(wrong, silent, count)
}

fn verdict(wrong: Vec<String>, silent: usize, count: usize) -> Check {
    let (failed, mut found) = (!wrong.is_empty(), first(wrong));
    if silent > 0 {
        found.push(format!("{silent} of {count} objects have no status of their newest generation"));
    }
    if found.is_empty() {
        return Check::ok(SECTION, CHECK).with(format!("{count} objects"));
    }
    let outcome = if failed { Outcome::Failed } else { Outcome::Warning };
    let hint = "kubectl describe says of each what to change. Objects without a status: does a replica lead, and may it write statuses?";
    Check { outcome, found, hint: Some(hint.to_owned()), ..Check::ok(SECTION, CHECK) }
}

enum Said {
    Programmed,
    /// Nothing yet of this generation.
    Nothing,
    Wrong(String),
}

fn said(kind: &ApiKind, object: &Value) -> Said {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let programmed = conditions.into_iter().flatten().find(|condition| condition["type"] == "Programmed");
    let Some(condition) = programmed else { return Said::Nothing };
    if condition["observedGeneration"] != object["metadata"]["generation"] {
        return Said::Nothing;
    }
    if condition["status"] == "True" {
        return Said::Programmed;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
    Said::Wrong(format!(
        "{} {namespace}/{name}: {}: {}",
        kind.kind,
        text(&condition["reason"]),
        text(&condition["message"])
    ))
}

/// The kinds whose objects get a status.
fn told_of(questions: &ClusterQuestions) -> impl Iterator<Item = ApiKind> {
    let has_status = |kind: &Kind| kind.is_ours() && (questions.mapping_statuses || *kind != Kind::Mapping);
    Kind::ALL.into_iter().filter(has_status).filter_map(api_kind)
}

/// Whether an object is for the gateway with this id.
fn is_for(object: &Value, ambassador_id: &str) -> bool {
    let fits = |id: &Value| id == ambassador_id || id == "_automatic_";
    let spec = &object["spec"];
    let of_gateway_group = spec.pointer("/ambassadorSelector/ambassadorIds");
    match of_gateway_group.unwrap_or(&spec["ambassador_id"]) {
        Value::Array(ids) if !ids.is_empty() => ids.iter().any(fits),
        id @ Value::String(_) => fits(id),
        _ => ambassador_id == "default",
    }
}

/// All objects of a kind that the gateway reads, page by page.
async fn list(api: &Api, kind: &ApiKind, questions: &ClusterQuestions) -> Result<Vec<Value>, Refusal> {
    let path = kind.path(questions.selection.namespace.as_deref());
    let (mut objects, mut more) = (Vec::new(), String::new());
    loop {
        let mut page = api.get(&format!("{path}?{}", query(&questions.selection, &more))).await?;
        if let Value::Array(items) = page["items"].take() {
            objects.extend(items);
        }
        more = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
        if more.is_empty() {
            return Ok(objects);
        }
    }
}

fn query(selection: &Selection, more: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", "500").append_pair("continue", more);
    let selectors = [("labelSelector", &selection.labels), ("fieldSelector", &selection.fields)];
    query.extend_pairs(selectors.into_iter().filter_map(|(name, selector)| Some((name, selector.as_ref()?))));
    query.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::TOLD;
    use super::super::rights::tests::questions;
    use super::*;

    #[test]
    fn a_status_of_an_older_generation_says_nothing() {
        let kind = api_kind(Kind::Mapping).unwrap();
        let object = |generation: u32, status: &str| {
            let condition = json!({ "type": "Programmed", "status": status, "reason": "Invalid", "message": "no", "observedGeneration": 2 });
            let metadata = json!({ "namespace": "shop", "name": "cart", "generation": generation });
            json!({ "metadata": metadata, "status": { "conditions": [condition] } })
        };
        assert!(matches!(said(&kind, &object(2, "True")), Said::Programmed));
        assert!(matches!(said(&kind, &object(3, "True")), Said::Nothing));
        let Said::Wrong(line) = said(&kind, &object(2, "False")) else { panic!() };
        assert_eq!(line, "Mapping shop/cart: Invalid: no");
    }

    #[test]
    fn objects_of_other_instances_do_not_count() {
        let object = |id: Value| json!({ "spec": { "ambassador_id": id } });
        assert!(is_for(&object(json!(["a", "b"])), "b") && !is_for(&object(json!(["a"])), "b"));
        assert!(is_for(&object(Value::Null), "default") && !is_for(&object(Value::Null), "b"));
        assert!(is_for(&object(json!("_automatic_")), "b"));
        let of_gateway_group = json!({ "spec": { "ambassadorSelector": { "ambassadorIds": ["a"] } } });
        assert!(is_for(&of_gateway_group, "a") && !is_for(&of_gateway_group, "default"));
    }

    #[test]
    fn only_what_the_gateway_speaks_of_is_missed() {
        let mut questions = questions(false);
        assert!(told_of(&questions).any(|api| api.kind == "Mapping"));
        questions.mapping_statuses = false;
        assert!(told_of(&questions).all(|api| api.kind != "Mapping") && told_of(&questions).count() > 5);
        let selection = Selection { labels: Some("edge=yes".to_owned()), ..Selection::default() };
        assert_eq!(query(&selection, ""), "limit=500&continue=&labelSelector=edge%3Dyes");
    }

    #[test]
    fn what_is_wrong_goes_before_what_is_not_said() {
        assert_eq!(verdict(Vec::new(), 0, 3).outcome, Outcome::Ok);
        assert_eq!(verdict(Vec::new(), 1, 3).outcome, Outcome::Warning);
        let many = verdict((0..30).map(|n| n.to_string()).collect(), 0, 30);
        assert_eq!((many.outcome, many.found.len()), (Outcome::Failed, TOLD + 1));
    }
}
