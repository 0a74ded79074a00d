//! The `CustomResourceDefinition` of a kind.

use serde_json::{Value, json};

use super::kind::{Column, CustomKind};
use super::{Conversion, WebhookService, older, status};

pub(super) fn definition(kind: &CustomKind, conversion: &Conversion) -> Value {
    let (webhook, served) = match conversion {
        Conversion::Webhook { service, serve_older } if !kind.older.is_empty() => (Some(service), *serve_older),
        _ => (None, false),
    };
    let spec = kind.spec.map_or_else(opaque, |spec| spec());
    let older = if webhook.is_some() { kind.older } else { &[] };
    let mut versions: Vec<_> = older.iter().map(|version| old_version(kind, version, &spec, served)).collect();
    versions.push(current_version(kind, &spec));
    let mut spec = json!({
        "group": kind.group,
        "names": {
            "kind": kind.kind,
            "listKind": format!("{}List", kind.kind),
            "plural": kind.plural,
            "singular": kind.kind.to_ascii_lowercase(),
            // The original's: `kubectl get ambassador-crds` lists them all.
            "categories": ["ambassador-crds"],
        },
        "scope": "Namespaced",
        "preserveUnknownFields": false,
        "versions": versions,
    });
    if !kind.short.is_empty() {
        spec["names"]["shortNames"] = json!(kind.short);
    }
    spec["conversion"] = webhook.map_or_else(|| json!({ "strategy": "None" }), by_webhook);
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{}.{}", kind.plural, kind.group),
            // The original's conversion webhook looks after the definitions that have this label with another value.
            "labels": { "app.kubernetes.io/name": "nuncio", "app.kubernetes.io/part-of": "nuncio" },
        },
        "spec": spec,
    })
}

fn by_webhook(service: &WebhookService) -> Value {
    let WebhookService { namespace, name, path, port } = service;
    json!({
        "strategy": "Webhook",
        "webhook": {
            "clientConfig": { "service": { "namespace": namespace, "name": name, "path": path, "port": port } },
            "conversionReviewVersions": ["v1"],
        },
    })
}

fn current_version(kind: &CustomKind, spec: &Value) -> Value {
    let mut version = version(kind, kind.version, spec, &columns(kind, |column| column.path));
    version["storage"] = json!(true);
    version
}

fn old_version(kind: &CustomKind, name: &str, spec: &Value, served: bool) -> Value {
    let spec = older::schema(kind.kind, spec);
    let mut version = version(kind, name, &spec, &columns(kind, |column| column.old_path.unwrap_or(column.path)));
    version["storage"] = json!(false);
    version["served"] = json!(served);
    version["deprecated"] = json!(true);
    let CustomKind { group, kind: written, version: stored, .. } = kind;
    let warning = format!("{group}/{name} {written} is deprecated: write {group}/{stored}");
    version["deprecationWarning"] = json!(warning);
    version
}

fn version(kind: &CustomKind, name: &str, spec: &Value, columns: &Value) -> Value {
    let mut schema = json!({
        "type": "object",
        "description": kind.description,
        "properties": {
            "apiVersion": { "type": "string", "description": format!("{}/{name}", kind.group) },
            "kind": { "type": "string", "description": kind.kind },
            "metadata": { "type": "object" },
            "spec": spec,
            "status": status::schema(kind.kind),
        },
    });
    if kind.needs_spec {
        schema["required"] = json!(["spec"]);
    } else {
        schema["properties"]["spec"]["nullable"] = json!(true);
    }
    json!({
        "name": name,
        "served": true,
        "schema": { "openAPIV3Schema": schema },
        "subresources": { "status": {} },
        "additionalPrinterColumns": columns,
    })
}

/// The spec of a kind that nothing interprets.
fn opaque() -> Value {
    json!({
        "type": "object",
        "description": "What the original says. Kept as it is written.",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

fn columns(kind: &CustomKind, path: impl Fn(&Column) -> &'static str) -> Value {
    let mut columns: Vec<_> = kind.columns.iter().map(|one| column(one, path(one))).collect();
    if kind.spec.is_some() {
        columns.extend(["Accepted", "Programmed"].map(condition));
    }
    columns.push(json!({ "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" }));
    Value::Array(columns)
}

fn column(column: &Column, path: &str) -> Value {
    let mut out = json!({ "name": column.name, "type": column.kind, "jsonPath": path });
    if column.wide {
        out["priority"] = json!(1);
    }
    out
}

fn condition(name: &str) -> Value {
    let path = format!(".status.conditions[?(@.type==\"{name}\")].status");
    json!({ "name": name, "type": "string", "jsonPath": path })
}
