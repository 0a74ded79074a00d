//! The custom resource definitions: there, and those of this version.

use std::collections::BTreeMap;

use nuncio_api::Kind;
use nuncio_api::crd::{Conversion, Definition, definitions};
use serde_json::Value;

use super::ask::Api;
use super::{Check, Outcome};

const SECTION: &str = "Custom resource definitions";
const APPLY: &str = "apply those of this version: nuncio crds | kubectl apply --server-side --force-conflicts -f -";

/// The checks, and the definitions that were found, by name.
pub(super) async fn checks(api: &Api) -> (Vec<Check>, BTreeMap<String, Value>) {
    let (mut live, mut missing, mut outdated) = (BTreeMap::new(), Vec::new(), Vec::new());
    let there = "the kinds of Ambassador's groups are defined";
    let all = definitions(&Conversion::default());
    for ours in &all {
        let name = ours.name();
        match api.get(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")).await {
            Ok(definition) => {
                outdated.extend(difference(ours, &definition).map(|what| format!("{name}: {what}")));
                live.insert(name, definition);
            }
            Err(refusal) if refusal.is_missing() => missing.push(ours),
            Err(refusal) => return (vec![Check::skipped(SECTION, there, refusal.message)], BTreeMap::new()),
        }
    }
    let mut checks = vec![missing_check(there, &missing)];
    if !live.is_empty() {
        checks.push(outdated_check(outdated));
        checks.push(stored_check(&all, &live));
    }
    (checks, live)
}

/// A kind that nothing is made of is missed by nobody, nor is one that Emissary does not have where there was Emissary.
fn missing_check(check: &str, missing: &[&Definition]) -> Check {
    if missing.is_empty() {
        return Check::ok(SECTION, check);
    }
    let mut kinds = missing.iter().filter_map(|definition| Kind::of_group(definition.group, definition.kind));
    let needed = kinds.any(|kind| !kind.is_unknown_to_emissary());
    let missing: Vec<_> = missing.iter().map(|definition| definition.name()).collect();
    let outcome = if needed { Outcome::Failed } else { Outcome::Warning };
    Check { outcome, ..Check::failed(SECTION, check, format!("not defined: {}", missing.join(", ")), APPLY) }
}

fn outdated_check(outdated: Vec<String>) -> Check {
    let check = "the definitions are those of this version";
    if outdated.is_empty() {
        return Check::ok(SECTION, check);
    }
    let hint = format!("fields and conditions that a definition does not know are dropped: {APPLY}");
    Check { outcome: Outcome::Warning, found: outdated, hint: Some(hint), ..Check::ok(SECTION, check) }
}

/// What differs in the version that is read.
fn difference(ours: &Definition, live: &Value) -> Option<String> {
    let read = ours.version;
    let Some(found) = version(live, read) else { return Some(format!("has no version {read}")) };
    if found["served"] != true {
        return Some(format!("does not serve {read}"));
    }
    let wanted = version(&ours.manifest, read)?;
    let fields = ["schema", "subresources", "additionalPrinterColumns"];
    let field = fields.into_iter().find(|field| wanted[field] != found[field])?;
    Some(format!("another {field} of {read}"))
}

fn version<'v>(definition: &'v Value, name: &str) -> Option<&'v Value> {
    definition.pointer("/spec/versions")?.as_array()?.iter().find(|version| version["name"] == name)
}

/// Objects that are stored in another version are converted whenever the gateway reads them.
fn stored_check(all: &[Definition], live: &BTreeMap<String, Value>) -> Check {
    let check = "objects are stored in the version that is read";
    let older = |ours: &Definition| {
        let name = ours.name();
        let stored = live.get(&name)?.pointer("/status/storedVersions")?.as_array()?.iter();
        let older: Vec<_> = stored.filter_map(Value::as_str).filter(|version| *version != ours.version).collect();
        (!older.is_empty()).then(|| format!("{name}: also as {}", older.join(", ")))
    };
    let older: Vec<_> = all.iter().filter_map(older).collect();
    if older.is_empty() {
        return Check::ok(SECTION, check);
    }
    let hint = "write each object anew (kubectl get KIND -A -o json | kubectl replace -f -), then take the old version out of \
        status.storedVersions; until then the gateway depends on the conversion webhook when it starts";
    Check { outcome: Outcome::Warning, found: older, hint: Some(hint.to_owned()), ..Check::ok(SECTION, check) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_like_itself_and_another_is_not() {
        let ours = definitions(&Conversion::default()).remove(0);
        assert_eq!(difference(&ours, &ours.manifest), None);
        let mut other = ours.manifest.clone();
        let versions = other["spec"]["versions"].as_array_mut().unwrap();
        versions.retain(|version| version["name"] != "v3alpha1");
        assert_eq!(difference(&ours, &other).as_deref(), Some("has no version v3alpha1"));
        let mut other = ours.manifest.clone();
        for version in other["spec"]["versions"].as_array_mut().unwrap() {
            version["additionalPrinterColumns"] = Value::Null;
        }
        assert_eq!(difference(&ours, &other).as_deref(), Some("another additionalPrinterColumns of v3alpha1"));
    }

    #[test]
    fn kinds_that_are_not_served_may_be_missing() {
        let all = definitions(&Conversion::default());
        let of = |kind: &str| all.iter().find(|definition| definition.kind == kind).unwrap();
        for kind in ["DevPortal", "Filter"] {
            assert_eq!(missing_check("x", &[of(kind)]).outcome, Outcome::Warning);
        }
        assert_eq!(missing_check("x", &[of("DevPortal"), of("Mapping")]).outcome, Outcome::Failed);
        assert_eq!(missing_check("x", &[]).outcome, Outcome::Ok);
    }
}
