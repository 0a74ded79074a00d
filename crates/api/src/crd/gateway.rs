//! The schemas of `gateway.getambassador.io`: those of `getambassador.io/v3alpha1`, spelled as `parse::gateway` reads them.

use serde_json::{Map, Value, json};

use super::structural::schema;
use crate::convert::V2_FIELDS;
use crate::parse::gateway::{EXTERNAL, TYPES};
use crate::{Filter, FilterPolicy};

/// What a client of an identity provider is set up with, of every grant that has one.
const CLIENT: [&str; 3] = ["clientID", "clientSecret", "clientSecretRef"];
/// And of a login by a browser alone.
const LOGIN: [&str; 9] = [
    "protectedOrigins",
    "extraAuthorizationParameters",
    "clientSessionMaxIdle",
    "sessionMaxLife",
    "sessionCookieSettings",
    "postLogoutRedirectURI",
    "pkce",
    "stateExpireRedirect",
    "pushedAuthorizationRequests",
];

pub(super) fn filter() -> Value {
    let mut spec = schema::<Filter>();
    instances(&mut spec);
    for (here, other) in TYPES {
        rename(&mut spec, other, here);
        if let Some(kind) = property(&mut spec, here) {
            let names = ["insecureTLS", "renegotiateTLS", "maxStale"];
            nest(kind, "httpClientSettings", &names, "How the provider is asked.");
        }
    }
    if let Some(kind) = property(&mut spec, "oauth2") {
        oauth2(kind);
    }
    if let Some(kind) = property(&mut spec, "external") {
        external(kind);
    }
    put(&mut spec, "type", one_of_types("Which of the kinds it is: the field of that name says more."));
    spec["required"] = json!(["type"]);
    spec
}

pub(super) fn policy() -> Value {
    let mut spec = schema::<FilterPolicy>();
    instances(&mut spec);
    if let Some(rule) = property(&mut spec, "rules").and_then(|rules| rules.get_mut("items")) {
        references(rule);
    }
    spec
}

/// The instances that take an object.
fn instances(spec: &mut Value) {
    let _ = (take(spec, V2_FIELDS), take(spec, "ambassador_id"));
    let ids = json!({
        "type": "array",
        "nullable": true,
        "items": { "type": "string" },
        "description": "Their ids; `default` where empty.",
    });
    put(spec, "ambassadorSelector", object([("ambassadorIds", ids)], "The instances that take the object."));
}

fn oauth2(kind: &mut Value) {
    let _ = (take(kind, "clientURL"), take(kind, "stateTTL"));
    rename(kind, "secret", "clientSecret");
    if let (Some(name), Some(namespace)) = (take(kind, "secretName"), take(kind, "secretNamespace")) {
        let reference = object([("name", name), ("namespace", namespace)], "Where the password is kept instead.");
        put(kind, "clientSecretRef", reference);
    }
    rename(kind, "useSessionCookies", "sessionCookieSettings");
    if let Some(cookies) = property(kind, "sessionCookieSettings") {
        rename(cookies, "value", "disableSessionExpiration");
        condition(cookies);
    }
    let client: Vec<_> = CLIENT.iter().filter_map(|name| Some((*name, property(kind, name)?.clone()))).collect();
    let code: Vec<_> = CLIENT.into_iter().chain(LOGIN).collect();
    nest(kind, "authorizationCodeSettings", &code, "For the grant `AuthorizationCode`, which is the default.");
    put(kind, "passwordSettings", object(client, "For the grant `Password`."));
    put(kind, "clientCredentialsSettings", object([], "For the grant `ClientCredentials`: there are none."));
}

fn external(kind: &mut Value) {
    // Its `tls` is what the other group calls `tlsConfig`.
    let _ = (take(kind, "tls"), take(kind, "timeout_ms"), take(kind, "allow_request_body"));
    for (here, other) in EXTERNAL {
        rename(kind, other, here);
    }
    if let Some(mut status) = take(kind, "status_on_error")
        && let Some(mut code) = take(&mut status, "code")
    {
        code["description"] = status["description"].take();
        put(kind, "statusOnError", code);
    }
    if let Some(body) = property(kind, "include_body") {
        rename(body, "max_bytes", "maxBytes");
        rename(body, "allow_partial", "allowPartial");
    }
    for name in ["certificate", "caCertificate"] {
        if let Some(from) = property(kind, "tls").and_then(|tls| property(tls, name)) {
            put(from, "type", choice(&["Secret"], "Where it is."));
        }
    }
    let http = ["pathPrefix", "allowedRequestHeaders", "allowedAuthorizationHeaders", "addLinkerdHeaders"];
    nest(kind, "httpSettings", &http, "For the protocol `http`.");
    nest(kind, "grpcSettings", &["protocolVersion"], "For the protocol `grpc`.");
}

/// The Filters that a rule names, or an `insteadOfRedirect`.
fn references(holder: &mut Value) {
    rename(holder, "filters", "filterRefs");
    let Some(used) = property(holder, "filterRefs").and_then(|filters| filters.get_mut("items")) else { return };
    condition(used);
    if let Some(told) = take(used, "arguments") {
        put(used, "arguments", arguments(&told));
    }
}

/// What a Filter is told, by its type.
fn arguments(all: &Value) -> Value {
    let mut told = object([], "What it is told.");
    put(&mut told, "type", one_of_types("Of which type the Filter is."));
    for (name, _) in TYPES {
        let mut own = match name {
            // Only a login has it: within `insteadOfRedirect` there is none.
            "oauth2" if all["properties"]["insteadOfRedirect"].is_object() => all.clone(),
            "jwt" | "introspection" => {
                let fields = ["scope", "require"].map(|field| (field, all["properties"][field].clone()));
                object(fields, "")
            }
            _ => object([], ""),
        };
        let _ = take(&mut own, "scopes");
        if let Some(instead) = property(&mut own, "insteadOfRedirect") {
            let _ = take(instead, "httpStatusCode");
            if let Some(status) = property(instead, "statusCode") {
                status["description"] = json!("The answer's status; default 403.");
            }
            condition(instead);
            references(instead);
        }
        own["description"] = json!(format!("What a Filter of type {name} is told."));
        put(&mut told, name, own);
    }
    told
}

/// Whether a header is to be equal to a value or to fit an expression is not told by the field, but by `type`.
fn condition(holder: &mut Value) {
    let Some(condition) = property(holder, "ifRequestHeader") else { return };
    let _ = take(condition, "valueRegex");
    if let Some(fields) = condition.as_object_mut() {
        fields.remove("x-kubernetes-validations");
    }
    if let Some(value) = property(condition, "value") {
        value["description"] = json!("What the header is compared with; without it the header must not be empty.");
    }
    put(condition, "type", choice(&["Exact", "RegularExpression"], "How it is compared; default `Exact`."));
}

fn one_of_types(description: &str) -> Value {
    choice(&TYPES.map(|(name, _)| name), description)
}

fn choice(values: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": values, "description": description })
}

fn object<'n>(properties: impl IntoIterator<Item = (&'n str, Value)>, description: &str) -> Value {
    let properties: Map<_, _> = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut schema = json!({ "type": "object", "nullable": true, "description": description });
    // The API server would not keep an empty one.
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    schema
}

fn property<'s>(schema: &'s mut Value, name: &str) -> Option<&'s mut Value> {
    schema.get_mut("properties")?.get_mut(name)
}

fn put(schema: &mut Value, name: &str, value: Value) {
    schema["properties"][name] = value;
}

fn take(schema: &mut Value, name: &str) -> Option<Value> {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|needed| needed != name);
    }
    schema.get_mut("properties")?.as_object_mut()?.remove(name)
}

/// Gives a property another name, also where it is said to be required.
pub(super) fn rename(schema: &mut Value, from: &str, to: &str) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.iter_mut().filter(|needed| *needed == from).for_each(|needed| *needed = json!(to));
    }
    if let Some(value) = schema.get_mut("properties").and_then(|all| all.as_object_mut()?.remove(from)) {
        put(schema, to, value);
    }
}

/// Puts those properties that there are into an object among them. What of them is required is so for some grants alone.
fn nest(schema: &mut Value, into: &str, names: &[&str], description: &str) {
    let taken: Vec<_> = names.iter().filter_map(|name| Some((*name, take(schema, name)?))).collect();
    if !taken.is_empty() {
        put(schema, into, object(taken, description));
    }
}
