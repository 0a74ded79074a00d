//! The `status` of a kind.

use serde_json::{Value, json};

/// What the controller reports of an object of `kind`.
pub(super) fn schema(kind: &str) -> Value {
    let mut properties = json!({
        "observedGeneration": {
            "type": "integer",
            "format": "int64",
            "minimum": 0,
            "description": "The metadata.generation that all of this was said of.",
        },
        "conditions": conditions(),
    });
    let more = match kind {
        "Mapping" => mapping(),
        "Host" => host(),
        "FilterPolicy" => rules(),
        "Preview" => preview(),
        _ => json!({}),
    };
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    json!({ "type": "object", "description": "What the controller makes of the object.", "properties": properties })
}

/// `metav1.Condition`, one for each type.
fn conditions() -> Value {
    let condition = json!({
        "type": "object",
        "description": "One aspect of the object's state.",
        "required": ["lastTransitionTime", "message", "reason", "status", "type"],
        "properties": {
            "type": {
                "type": "string",
                "description": "The aspect: Accepted, ResolvedRefs or Programmed; Stalled or Reconciling while it is one.",
                "maxLength": 316,
                "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            },
            "status": {
                "type": "string",
                "description": "Whether it holds.",
                "enum": ["True", "False", "Unknown"],
            },
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "The metadata.generation that this was said of.",
            },
            "lastTransitionTime": {
                "type": "string",
                "format": "date-time",
                "description": "When the status last changed.",
            },
            "reason": {
                "type": "string",
                "description": "A CamelCase word for programs.",
                "minLength": 1,
                "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            },
            "message": { "type": "string", "description": "A sentence for people.", "maxLength": 32768 },
        },
    });
    json!({
        "type": "array",
        "description": "Accepted: the object is understood. ResolvedRefs: everything that it names is there. \
                        Programmed: Envoy has it. Stalled: it has to be changed. Reconciling: it goes on by itself, or \
                        when something else is there.",
        "items": condition,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}

/// What the original says of a Mapping.
fn mapping() -> Value {
    json!({
        "state": {
            "type": "string",
            "description": "Running or Inactive; conditions say more.",
            "enum": ["", "Inactive", "Running"],
        },
        "reason": { "type": "string", "description": "Why the Mapping is inactive." },
    })
}

/// What the original says of each rule of a FilterPolicy.
fn rules() -> Value {
    let rule = json!({
        "type": "object",
        "description": "What is made of a rule.",
        "required": ["conditions", "host", "index", "path"],
        "properties": {
            "index": { "type": "integer", "description": "Its place among the rules, from 0." },
            "host": { "type": "string", "description": "The hosts that it is for." },
            "path": { "type": "string", "description": "The paths that it is for." },
            "conditions": conditions(),
        },
    });
    json!({
        "rules": {
            "type": "array",
            "description": "The same for each rule; the first 64 are told of.",
            "maxItems": 64,
            "items": rule,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["index"],
        },
    })
}

/// Where a Preview can be seen, and until when.
fn preview() -> Value {
    let url = json!({
        "type": "object",
        "description": "Where it can be seen.",
        "required": ["entrypoint", "url"],
        "properties": {
            "entrypoint": { "type": "string", "description": "The name of the entrypoint." },
            "url": { "type": "string", "description": "Its URL." },
        },
    });
    json!({
        "urls": {
            "type": "array",
            "description": "Where it can be seen; none while it cannot be.",
            "items": url,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["entrypoint"],
        },
        "expiresAt": {
            "type": "string",
            "format": "date-time",
            "description": "When it ends; none where it stays.",
        },
        "keyFingerprint": {
            "type": "string",
            "description": "By which its key is told from others, without being seen.",
        },
        "traffic": traffic(),
    })
}

/// How a Preview is used.
fn traffic() -> Value {
    let count = |words: &str| json!({ "type": "integer", "format": "int64", "minimum": 0, "description": words });
    let time = |words: &str| json!({ "type": "string", "format": "date-time", "description": words });
    json!({
        "type": "object",
        "description": "How it is used, as the gateway that leads and its peers count it; written at most once a minute.",
        "required": ["requests", "fallbacks", "since"],
        "properties": {
            "requests": count("All requests by it."),
            "fallbacks": count("Those that the baseline of a service got, because nobody stood in for it."),
            "lastUsedAt": time("When the last came."),
            "since": time("Since when they are counted."),
        },
    })
}

/// What the original's ACME client says of a Host.
fn host() -> Value {
    let phases =
        ["NA", "DefaultsFilled", "ACMEUserPrivateKeyCreated", "ACMEUserRegistered", "ACMECertificateChallenge"];
    json!({
        "state": {
            "type": "string",
            "description": "Initial, Pending, Ready or Error; conditions say more.",
            "enum": ["Initial", "Pending", "Ready", "Error"],
        },
        "phaseCompleted": { "type": "string", "description": "The last step that is done.", "enum": phases },
        "phasePending": { "type": "string", "description": "The step that is under way.", "enum": phases },
        "tlsCertificateSource": {
            "type": "string",
            "description": "Where the certificate comes from.",
            "enum": ["Unknown", "None", "Other", "ACME"],
        },
        "errorReason": { "type": "string", "description": "What went wrong." },
        "errorTimestamp": { "type": "string", "format": "date-time", "description": "When it went wrong." },
        "errorBackoff": { "type": "string", "description": "How long until it is tried again." },
    })
}
