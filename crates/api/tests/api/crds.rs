//! The custom resource definitions.

use std::path::PathBuf;

use nuncio_api::crd::{Conversion, Definition, definitions};
use serde_json::Value;

fn checked_in() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds")
}

#[test]
fn those_in_deploy_are_current() {
    let definitions = definitions(&Conversion::default());
    let files = std::fs::read_dir(checked_in()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut expected: Vec<_> = definitions.iter().map(Definition::file_name).collect();
    expected.sort();
    assert_eq!(files, expected, "run: cargo run -p nuncio -- crds -o deploy/crds");
    for definition in definitions {
        let file = checked_in().join(definition.file_name());
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text == definition.to_yaml(), "{}: run: cargo run -p nuncio -- crds -o deploy/crds", file.display());
    }
}

/// Every schema in `value`, with the way to it.
fn schemas<'v>(value: &'v Value, path: &str, found: &mut Vec<(String, &'v Value)>) {
    found.push((path.to_owned(), value));
    let below = value["properties"].as_object().into_iter().flatten();
    for (name, property) in below {
        schemas(property, &format!("{path}.{name}"), found);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = value.get(key) {
            schemas(inner, &format!("{path}[]"), found);
        }
    }
}

fn versions(definition: &Definition) -> &Vec<Value> {
    definition.manifest["spec"]["versions"].as_array().unwrap()
}

#[test]
fn every_schema_is_structural() {
    for definition in definitions(&Conversion::default()) {
        for version in versions(&definition) {
            let mut found = Vec::new();
            schemas(&version["schema"]["openAPIV3Schema"], definition.kind, &mut found);
            for (path, schema) in found {
                let open = ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"];
                let typed = schema["type"].is_string();
                assert!(typed || open.iter().any(|key| schema[*key] == true), "{path}: {schema}");
                for key in ["$ref", "anyOf", "oneOf", "allOf", "not", "default", "title", "const", "$defs"] {
                    assert!(schema.get(key).is_none(), "{path} has {key}");
                }
                let known = ["int32", "int64", "date-time", "double"];
                assert!(schema["format"].as_str().is_none_or(|format| known.contains(&format)), "{path}: {schema}");
                // kubectl's own validation reads no null among values.
                assert!(schema["enum"].is_null() || schema["nullable"].is_null(), "{path}: {schema}");
                let item = path.ends_with("[]") || path.ends_with(".metadata");
                assert!(item || schema["description"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
            }
        }
    }
}

#[test]
fn one_version_is_stored_and_the_rest_are_as_asked_for() {
    let served = |conversion: &Conversion| {
        let all = definitions(conversion);
        let mapping = all.iter().find(|definition| definition.kind == "Mapping").unwrap();
        for definition in &all {
            let stored: Vec<_> = versions(definition).iter().filter(|version| version["storage"] == true).collect();
            assert!(stored.len() == 1 && stored[0]["name"] == definition.version, "{}", definition.name());
        }
        versions(mapping)
            .iter()
            .map(|v| (v["name"].as_str().unwrap().to_owned(), v["served"] == true))
            .collect::<Vec<_>>()
    };
    let of =
        |versions: &[(&str, bool)]| versions.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect::<Vec<_>>();
    assert_eq!(served(&Conversion::default()), of(&[("v1", true), ("v2", true), ("v3alpha1", true)]));
    let Conversion::Webhook { service, .. } = Conversion::default() else { panic!() };
    let kept = Conversion::Webhook { service, serve_older: false };
    assert_eq!(served(&kept), of(&[("v1", false), ("v2", false), ("v3alpha1", true)]));
    assert_eq!(served(&Conversion::None), of(&[("v3alpha1", true)]));
}

#[test]
fn the_webhook_is_the_one_that_was_asked_for() {
    for definition in definitions(&Conversion::default()) {
        let conversion = &definition.manifest["spec"]["conversion"];
        if definition.kind == "Listener" || definition.group != "getambassador.io" {
            assert_eq!(conversion["strategy"], "None");
            continue;
        }
        let service = &conversion["webhook"]["clientConfig"]["service"];
        assert_eq!((&service["path"], &service["port"]), (&"/webhooks/crd-convert".into(), &443.into()));
    }
}

#[test]
fn older_versions_have_their_own_names() {
    let all = definitions(&Conversion::default());
    let spec = |kind: &str, version: &str| {
        let definition = all.iter().find(|definition| definition.kind == kind).unwrap();
        let version = versions(definition).iter().find(|v| v["name"] == version).unwrap();
        version["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
    };
    let (old, new) = (spec("Mapping", "v2"), spec("Mapping", "v3alpha1"));
    for (name, in_old, in_new) in [
        ("hostname", false, true),
        ("v3StatsName", true, false),
        ("stats_name", false, true),
        ("v2ExplicitTLS", false, true),
        ("v2Fields", false, true),
        ("prefix", true, true),
    ] {
        assert_eq!(
            (old["properties"][name].is_object(), new["properties"][name].is_object()),
            (in_old, in_new),
            "{name}"
        );
    }
    assert!(old["properties"]["tls"]["type"].is_null() && new["properties"]["tls"]["type"] == "string");
    assert!(spec("Host", "v2")["properties"]["tls"]["properties"]["v3CRLSecret"].is_object());
}

#[test]
fn the_newer_group_has_its_own_spelling() {
    let all = definitions(&Conversion::default());
    let spec = |kind: &str| {
        let is_newer = |it: &&Definition| it.group == "gateway.getambassador.io" && it.kind == kind;
        let definition = all.iter().find(is_newer).unwrap();
        versions(definition)[0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
    };
    let has = |schema: &Value, pointer: &str| {
        let path = pointer.replace('/', "/properties/").replace("[]", "/items");
        schema.pointer(&path).is_some()
    };
    let filter = spec("Filter");
    for field in [
        "/ambassadorSelector/ambassadorIds",
        "/apikey/keys[]/secretName",
        "/jwt/httpClientSettings/insecureTLS",
        "/oauth2/authorizationCodeSettings/clientSecretRef/namespace",
        "/oauth2/authorizationCodeSettings/sessionCookieSettings/ifRequestHeader/type",
        "/oauth2/passwordSettings/clientID",
        "/external/authServiceURL",
        "/external/httpSettings/pathPrefix",
        "/external/include_body/maxBytes",
        "/external/tls/certificate/type",
    ] {
        assert!(has(&filter, field), "{field}");
    }
    for field in ["/APIKey", "/ambassador_id", "/v2Fields", "/oauth2/clientID", "/external/auth_service"] {
        assert!(!has(&filter, field), "{field}");
    }
    assert_eq!(filter["properties"]["external"]["required"], serde_json::json!(["authServiceURL"]));
    let policy = spec("FilterPolicy");
    for field in [
        "/rules[]/filterRefs[]/arguments/oauth2/insteadOfRedirect/filterRefs[]/arguments/jwt/scope",
        "/rules[]/filterRefs[]/ifRequestHeader/type",
    ] {
        assert!(has(&policy, field), "{field}");
    }
    assert!(!has(
        &policy,
        "/rules[]/filterRefs[]/arguments/oauth2/insteadOfRedirect/filterRefs[]/arguments/oauth2/scope"
    ));
}
