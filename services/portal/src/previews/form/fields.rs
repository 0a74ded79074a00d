//! A preview of one service at one host, as the fields of a form.

use serde::Deserialize;
use serde_json::{Value, json};

use super::offer::length;
use crate::previews::problem::ProblemDetails;

/// What is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::previews) struct Fields {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) baseline: String,
    pub(super) backend: String,
    pub(super) host: String,
    pub(super) access: String,
    /// Separated by commas.
    pub(super) groups: String,
    pub(super) owner: String,
    pub(super) ttl: String,
}

impl Fields {
    /// What they stand for.
    pub(in crate::previews) fn manifest(&self) -> Value {
        let mut manifest = json!({
            "apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview",
            "metadata": { "name": self.name.trim(), "namespace": self.namespace.trim() },
            "spec": { "services": [{}], "entrypoints": [{ "name": "web" }], "access": {} },
        });
        self.put_into(&mut manifest["spec"]);
        manifest
    }

    /// What a manifest says, where it is one of one service at one host, with nothing that these fields would hide.
    pub(in crate::previews) fn of(manifest: &Value) -> Option<Self> {
        let spec = &manifest["spec"];
        let only = |field: &str| match spec[field].as_array().map(Vec::as_slice) {
            Some([one]) => Some(one.clone()),
            _ => None,
        };
        let (service, entrypoint) = (only("services")?, only("entrypoints")?);
        let is_plain = ["match", "tunnel"].iter().all(|field| service[field].is_null()) && spec["includes"].is_null();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let groups = spec["access"]["groups"].as_array().into_iter().flatten();
        is_plain.then(|| Self {
            name: text(&manifest["metadata"]["name"]),
            namespace: text(&manifest["metadata"]["namespace"]),
            baseline: text(&service["baseline"]),
            backend: text(&service["backend"]),
            host: text(&entrypoint["host"]),
            access: text(&spec["access"]["mode"]),
            groups: groups.map(text).collect::<Vec<_>>().join(", "),
            owner: text(&spec["access"]["owner"]),
            ttl: short(spec["lifetime"]["ttl"].as_str().unwrap_or_default()),
        })
    }

    /// Has the `spec` of a preview of one service at one host say this, and leaves the rest of it as it is.
    pub(in crate::previews) fn put_into(&self, spec: &mut Value) {
        spec["services"][0]["baseline"] = json!(self.baseline.trim());
        spec["services"][0]["backend"] = json!(self.backend.trim());
        spec["entrypoints"][0]["host"] = json!(self.host.trim());
        let mode = self.access.trim();
        spec["access"]["mode"] = json!(mode);
        let groups = self.groups.split(',').map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>();
        // What is for another mode is not said.
        put(&mut spec["access"], "groups", Some(json!(groups)).filter(|_| mode == "Members"));
        put(&mut spec["access"], "owner", Some(json!(self.owner.trim())).filter(|_| mode == "Owner"));
        let (old, ttl) = (spec["lifetime"]["ttl"].as_str().unwrap_or_default(), self.ttl.trim());
        if short(old) != short(ttl) {
            put(&mut spec["lifetime"], "ttl", Some(json!(ttl)).filter(|_| !ttl.is_empty()));
            // Whoever says how long means that; what was extended beyond it stays so.
            put(&mut spec["lifetime"], "expiresAt", None);
        }
    }
}

/// A length of time as people write it, where the gateway tells it in seconds.
fn short(ttl: &str) -> String {
    ttl.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).map_or_else(|| ttl.to_owned(), length)
}

/// Sets a field, or takes it away.
fn put(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    } else if let Some(object) = object.as_object_mut() {
        object.remove(field);
    }
}

/// What is wrong with one of the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::previews) struct Fault {
    field: &'static str,
    why: String,
}

/// The fields of a manifest, and those of the form.
const PLACES: [(&str, &str); 10] = [
    ("metadata.namespace", "namespace"),
    ("metadata.name", "name"),
    ("spec.services[0].baseline", "baseline"),
    ("spec.services", "backend"),
    ("spec.entrypoints", "host"),
    ("spec.access.groups", "groups"),
    ("spec.access.owner", "owner"),
    ("spec.access", "access"),
    ("spec.lifetime", "ttl"),
    ("spec.slug", "name"),
];

impl Fault {
    /// Which, as far as a refusal says it.
    pub(in crate::previews) fn of(problem: &ProblemDetails) -> Option<Self> {
        let named = problem.field.as_deref()?;
        let &(_, field) = PLACES.iter().find(|(place, _)| named.starts_with(place))?;
        // The reader has the field before his eyes.
        let why = problem.detail.split_once(&format!("{named}: ")).map_or(&*problem.detail, |(_, why)| why);
        Some(Self { field, why: why.to_owned() })
    }

    /// Why that field is refused, where it is.
    pub(super) fn with(&self, field: &str) -> Option<&str> {
        (self.field == field).then_some(&*self.why)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn fields(access: &str, ttl: &str) -> Fields {
        let text = |text: &str| text.to_owned();
        Fields {
            name: text("tax"),
            namespace: text("shop"),
            baseline: text(" cart "),
            backend: text("cart-tax"),
            host: text("shop.example"),
            access: text(access),
            groups: text("a, b,"),
            owner: text("ann"),
            ttl: text(ttl),
        }
    }

    #[test]
    fn fields_say_what_their_mode_needs_and_nothing_of_others() {
        let spec = |access: &str, ttl: &str| fields(access, ttl).manifest()["spec"].clone();
        let service = json!([{ "baseline": "cart", "backend": "cart-tax" }]);
        let expected = json!({ "services": service, "entrypoints": [{ "name": "web", "host": "shop.example" }],
            "access": { "mode": "Public" } });
        assert_eq!(spec("Public", ""), expected);
        assert_eq!(spec("Members", "")["access"], json!({ "mode": "Members", "groups": ["a", "b"] }));
        assert_eq!(spec("Owner", "")["access"], json!({ "mode": "Owner", "owner": "ann" }));
        assert_eq!(spec("Public", " 3h ")["lifetime"], json!({ "ttl": "3h" }));
    }

    #[test]
    fn what_a_form_does_not_show_stays_as_it_is() {
        let mut spec = json!({
            "slug": "t", "services": [{ "baseline": "old", "backend": "old", "whenMissing": "Baseline" }],
            "entrypoints": [{ "name": "shop", "host": "old.example" }],
            "access": { "mode": "ShareLink", "generation": 2, "groups": ["x"] },
            "lifetime": { "ttl": "10800s", "idle": "1h", "expiresAt": "2026-12-24T18:00:00Z" },
        });
        let old = spec["lifetime"].clone();
        fields("ShareLink", "3h").put_into(&mut spec);
        assert_eq!((&spec["slug"], &spec["services"][0]["whenMissing"]), (&json!("t"), &json!("Baseline")));
        assert_eq!(spec["entrypoints"][0], json!({ "name": "shop", "host": "shop.example" }));
        assert_eq!(spec["access"], json!({ "mode": "ShareLink", "generation": 2 }));
        assert_eq!(spec["lifetime"], old, "nobody said anything of that");
        fields("Public", "3h").put_into(&mut spec);
        assert_eq!(spec["access"], json!({ "mode": "Public", "generation": 2 }), "links that were withdrawn stay so");
        fields("ShareLink", "9h").put_into(&mut spec);
        assert_eq!(spec["lifetime"], json!({ "ttl": "9h", "idle": "1h" }));
        fields("ShareLink", "").put_into(&mut spec);
        assert_eq!(spec["lifetime"], json!({ "idle": "1h" }));
    }

    #[test]
    fn a_manifest_is_read_into_fields_where_they_say_all_of_it() {
        let typed = Fields { baseline: "cart".to_owned(), groups: "a, b".to_owned(), ..fields("Members", "3h") };
        let manifest = typed.manifest();
        assert_eq!(Fields::of(&manifest), Some(Fields { owner: String::new(), ..typed }));
        for (at, more) in [
            ("/spec/services", json!([{ "baseline": "a", "backend": "b" }, { "baseline": "c", "backend": "d" }])),
            ("/spec/services", json!([{ "baseline": "a", "tunnel": true }])),
            ("/spec/services/0/match", json!({ "method": "GET" })),
            ("/spec/includes", json!([{ "name": "other" }])),
            ("/spec/entrypoints", json!([])),
        ] {
            let mut changed = manifest.clone();
            let (parent, field) = at.rsplit_once('/').unwrap();
            changed.pointer_mut(parent).unwrap()[field] = more;
            assert_eq!(Fields::of(&changed), None, "{at}");
        }
        assert_eq!(Fields::of(&json!("no manifest")), None);
    }

    #[test]
    fn a_refusal_stands_at_its_field() {
        let refused = |field: &str, detail: &str, faults: Value| {
            let field = Some(field.to_owned());
            let faults = serde_json::from_value(faults).unwrap();
            let problem = ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
            Fault::of(&ProblemDetails { field, faults, ..problem }.without_lines())
        };
        let fault = |field: &str, detail: &str| refused(field, detail, json!([]));
        let two = "line 1: spec.lifetime.ttl: expected a duration; line 1: spec.slug: is too long";
        let faults = json!([{ "line": 1, "detail": "spec.lifetime.ttl: expected a duration" },
            { "line": 1, "detail": "spec.slug: is too long" }]);
        let told = refused("spec.lifetime.ttl", two, faults).unwrap();
        assert_eq!(told.with("ttl"), Some("expected a duration; spec.slug: is too long"), "nobody sees a line");
        let ttl = fault("spec.lifetime.ttl", "spec.lifetime.ttl: expected a duration").unwrap();
        assert_eq!((ttl.with("ttl"), ttl.with("name")), (Some("expected a duration"), None));
        for (field, expected) in [
            ("metadata.name", "name"),
            ("metadata.namespace", "namespace"),
            ("spec.services[0].backend", "backend"),
            ("spec.services[0].baseline", "baseline"),
            ("spec.entrypoints[0].host", "host"),
            ("spec.access.groups[1]", "groups"),
            ("spec.access.mode", "access"),
        ] {
            assert_eq!(fault(field, "no").unwrap().with(expected), Some("no"), "{field}");
        }
        assert_eq!(fault("spec.includes[0]", "no"), None);
    }
}
