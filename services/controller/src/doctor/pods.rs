//! The pods of the gateway, as the chart labels them.

use serde_json::Value;

use super::ask::Api;
use super::{Check, ClusterQuestions, Outcome};

const SECTION: &str = "Gateway";
const LABELS: &str = "app.kubernetes.io%2Fname%3Dnuncio%2Capp.kubernetes.io%2Fcomponent%3Dgateway";

pub(super) async fn check(api: &Api, questions: &ClusterQuestions) -> Check {
    let namespace = &questions.namespace;
    let check = format!("its pods in the namespace {namespace} are ready");
    let list = match api.get(&format!("/api/v1/namespaces/{namespace}/pods?labelSelector={LABELS}")).await {
        Ok(list) => list,
        Err(refusal) if refusal.is_denied() => {
            return Check::skipped(SECTION, check, "whoever asks may not list pods, and the gateway need not");
        }
        Err(refusal) => return Check::skipped(SECTION, check, refusal.message),
    };
    let pods = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if pods.is_empty() {
        let hint = "is --namespace right? A gateway that is no pod of the chart is looked at with --admin ADDR";
        return Check::warning(SECTION, check, "there are none with the labels of the chart", hint);
    }
    let unready: Vec<_> = pods.iter().filter_map(why_unready).collect();
    if unready.is_empty() {
        return Check::ok(SECTION, check).with(format!("{} of {}", pods.len(), pods.len()));
    }
    let outcome = if unready.len() == pods.len() { Outcome::Failed } else { Outcome::Warning };
    let hint = format!("kubectl --namespace {namespace} describe pod POD, and logs POD, say why");
    Check { outcome, found: unready, hint: Some(hint), ..Check::ok(SECTION, check) }
}

/// What keeps a pod from being ready.
fn why_unready(pod: &Value) -> Option<String> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let failed = |kind: &str| {
        let condition = conditions.into_iter().flatten().find(|condition| condition["type"] == kind)?;
        (condition["status"] != "True").then(|| {
            let text = |field: &str| condition[field].as_str().unwrap_or_default();
            format!("{name}: not {kind}: {} {}", text("reason"), text("message")).trim_end().to_owned()
        })
    };
    let is_ready = conditions.into_iter().flatten().any(|it| it["type"] == "Ready" && it["status"] == "True");
    if is_ready {
        return None;
    }
    let said = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].into_iter().find_map(failed);
    said.or_else(|| {
        Some(format!("{name}: {}", pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("unknown")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_says_what_keeps_it() {
        let pod = |conditions: Value| json!({ "metadata": { "name": "a" }, "status": { "phase": "Pending", "conditions": conditions } });
        assert_eq!(why_unready(&pod(json!([{ "type": "Ready", "status": "True" }]))), None);
        let unschedulable =
            json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node" }]);
        assert_eq!(why_unready(&pod(unschedulable)).unwrap(), "a: not PodScheduled: Unschedulable no node");
        assert_eq!(why_unready(&pod(json!([]))).unwrap(), "a: Pending");
    }
}
