//! `ambassador_id`: which instances take an object.

use serde_json::{Value, json};

use super::Fields;

const ID: &str = "ambassador_id";

/// Another spelling, of `v2` Hosts alone.
const CAMEL: &str = "ambassadorId";

/// In front of each id that `v2` shows of an object which was written as `v3alpha1`: instances that read `v2`, releases of
/// the original before 2.0, are to pass it over.
pub(crate) const HIDDEN: &str = "--apiVersion-v3alpha1-only--";

/// Adds the ids in the other spelling to those in the usual one.
pub(super) fn join(spec: &mut Fields) {
    let (Some(mut ids), Some(more)) = (list(spec.get(ID)), list(spec.get(CAMEL))) else { return };
    if more.is_empty() {
        return;
    }
    ids.extend(more);
    spec.remove(CAMEL);
    spec.insert(ID.to_owned(), json!(ids));
}

pub(super) fn up(spec: &mut Fields) {
    each(spec, |id| id.strip_prefix(HIDDEN).unwrap_or(id).to_owned());
}

pub(super) fn down(spec: &mut Fields) {
    each(spec, |id| if id.starts_with(HIDDEN) { id.to_owned() } else { format!("{HIDDEN}{id}") });
}

/// Changes each id, and makes a list of a single one. What are no ids stays.
fn each(spec: &mut Fields, change: impl Fn(&str) -> String) {
    if spec.get(ID).is_none_or(Value::is_null) {
        return;
    }
    if let Some(ids) = list(spec.get(ID)) {
        let ids: Vec<_> = ids.iter().map(|id| change(id)).collect();
        spec.insert(ID.to_owned(), json!(ids));
    }
}

/// The ids, which may be one text; `None` if that is not what is there.
fn list(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(id)) => Some(vec![id.clone()]),
        Some(Value::Array(ids)) => ids.iter().map(|id| id.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    }
}
