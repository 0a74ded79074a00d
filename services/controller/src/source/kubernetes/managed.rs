//! What an object notes of who set which of its fields (`metadata.managedFields`).

use serde_json::{Map, Value, json};

/// What an object should note of whose its fields are, where something was written under this name without being applied: it is
/// made so by a POST, which alone can say that nothing may be there yet. What is not noted as applied would stay when it is no
/// longer.
pub(crate) fn applied(managed: &Value, manager: &str) -> Option<Value> {
    let is_own = |it: &&Value| it["manager"] == manager && it.get("subresource").is_none();
    let (own, others): (Vec<_>, Vec<_>) = managed.as_array()?.iter().partition(is_own);
    let newest = own.iter().find(|it| it["operation"] == "Update")?;
    let mut applied = (*newest).clone();
    applied["operation"] = json!("Apply");
    own.iter().for_each(|it| unite(&mut applied["fieldsV1"], &it["fieldsV1"]));
    Some(others.into_iter().cloned().chain([applied]).collect())
}

/// Adds what is in another set of fields.
fn unite(fields: &mut Value, other: &Value) {
    let (Some(fields), Some(other)) = (fields.as_object_mut(), other.as_object()) else { return };
    for (key, value) in other {
        unite(fields.entry(key).or_insert_with(|| Map::new().into()), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANAGER: &str = "nuncio-previews";

    #[test]
    fn what_was_made_by_a_post_counts_as_applied() {
        let of = |manager: &str, operation: &str, fields: Value| json!({"manager": manager, "operation": operation, "fieldsV1": fields});
        let other = of("kubectl", "Update", json!({"f:spec": {"f:slug": {}}}));
        let mut status = of(MANAGER, "Update", json!({"f:status": {}}));
        status["subresource"] = json!("status");
        let posted = of(MANAGER, "Update", json!({"f:spec": {"f:access": {"f:mode": {}}}}));
        let before = of(MANAGER, "Apply", json!({"f:spec": {"f:access": {".": {}}, "f:source": {}}}));
        let after = of(MANAGER, "Apply", json!({"f:spec": {"f:access": {"f:mode": {}, ".": {}}, "f:source": {}}}));
        let made = applied(&json!([posted, other, before, status]), MANAGER).unwrap();
        assert_eq!(made, json!([other, status, after]));
        assert_eq!(applied(&made, MANAGER), None);
        assert_eq!(applied(&Value::Null, MANAGER), None);
    }
}
