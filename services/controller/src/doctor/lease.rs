//! The Lease of the replica that leads.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::ask::Api;
use super::{Check, ClusterQuestions};
use crate::leader::lease_name;

const SECTION: &str = "Leader";
const HINT: &str = "is a gateway with this --ambassador-id running in this --namespace, and may it write Leases there?";

pub(super) async fn check(api: &Api, questions: &ClusterQuestions) -> Check {
    let name = lease_name(&questions.ambassador_id);
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{name}", questions.namespace);
    let check = format!("a replica holds the Lease {}/{name} and renews it", questions.namespace);
    let lease = match api.get(&path).await {
        Ok(lease) => lease,
        Err(refusal) if refusal.is_missing() => return Check::failed(SECTION, check, "there is none", HINT),
        Err(refusal) => return Check::skipped(SECTION, check, refusal.message),
    };
    let holder = text(&lease, "holderIdentity");
    if holder.is_empty() {
        return Check::failed(SECTION, check, "nobody holds it", HINT);
    }
    let duration = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64).unwrap_or(15);
    let renewed: Option<Timestamp> = text(&lease, "renewTime").parse().ok();
    let age = renewed.map_or(i64::MAX, |renewed| Timestamp::now().as_second() - renewed.as_second());
    if age <= duration {
        return Check::ok(SECTION, check).with(format!("held by {holder}"));
    }
    // The clock of whoever writes it may be another: what counts is whether it changes.
    tokio::time::sleep(Duration::from_secs(u64::try_from(duration).unwrap_or(15).clamp(1, 60))).await;
    match api.get(&path).await {
        Ok(later) if text(&later, "renewTime") != text(&lease, "renewTime") => {
            Check::ok(SECTION, check).with(format!("held by {holder}, whose clock is another"))
        }
        _ => Check::failed(SECTION, check, format!("{holder} held it, and has not renewed it for {age} s"), HINT),
    }
}

fn text(lease: &Value, field: &str) -> String {
    lease["spec"][field].as_str().unwrap_or_default().to_owned()
}
