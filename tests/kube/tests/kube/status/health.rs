//! What Argo CD makes of a status, by the script that it is given.

use std::fs;
use std::path::Path;

use mlua::Lua;
use nuncio_e2e::yaml;
use serde_json::{Value, json};

use super::{FINE, Stage};

/// The script in the ConfigMap.
fn script() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/argo-cd/argocd-cm.yaml");
    let text = fs::read_to_string(file).unwrap();
    let (_, script) = text.split_once("health.lua: &health |\n").unwrap();
    let (script, _) = script.split_once("\n    gateway.getambassador.io/*:\n").unwrap();
    script.to_owned()
}

fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<mlua::Value> {
    Ok(match value {
        Value::Null => mlua::Value::Nil,
        Value::Bool(value) => mlua::Value::Boolean(*value),
        Value::Number(number) => mlua::Value::Number(number.as_f64().unwrap()),
        Value::String(text) => mlua::Value::String(lua.create_string(text)?),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| to_lua(lua, value)).collect::<Result<_, _>>()?;
            mlua::Value::Table(lua.create_sequence_from(values)?)
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, _)| Ok((name.clone(), to_lua(lua, value)?));
            let fields: Vec<_> = fields.iter().map(field).collect::<mlua::Result<_>>()?;
            mlua::Value::Table(lua.create_table_from(fields)?)
        }
    })
}

/// The health of an object, and why.
fn health(object: &Value) -> (String, String) {
    let lua = Lua::new();
    lua.globals().set("obj", to_lua(&lua, object).unwrap()).unwrap();
    let health: mlua::Table = lua.load(script()).eval().unwrap();
    (health.get("status").unwrap(), health.get("message").unwrap())
}

#[tokio::test]
async fn argo_cd_shows_the_health_of_objects() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.push(yaml::object("Mapping", "broken", json!({"hostname": "*", "prefix": "/x/", "service": "http://a b"})));
    let mut lost = stage.mapping("lost", "/lost/");
    lost["spec"]["resolver"] = json!("nowhere");
    objects.push(lost);
    stage.apply(&objects).await;
    let unread = stage.object("mapping", "app").await;
    assert_eq!(health(&unread).0, "Progressing");

    let gateway = stage.gateway().await;
    let app = stage.shows("mapping", "app", &FINE).await;
    assert_eq!(health(&app), ("Healthy".to_owned(), "The Mapping is valid.".to_owned()));
    let broken = stage.shows("mapping", "broken", &[("Stalled", "True", "Invalid")]).await;
    let (status, message) = health(&broken);
    assert!(status == "Degraded" && message.contains("spec.service"), "{status}: {message}");
    let lost = stage.shows("mapping", "lost", &[("Reconciling", "True", "Invalid")]).await;
    let (status, message) = health(&lost);
    assert!(status == "Progressing" && message.contains("nowhere"), "{status}: {message}");
    gateway.stop().await;

    let mut changed = app;
    changed["metadata"]["generation"] = json!(2);
    assert_eq!(health(&changed).0, "Progressing", "what is said is of another generation");
    let silent = yaml::object("ConsulResolver", "consul", json!({"address": "consul:8500"}));
    assert_eq!(health(&silent).0, "Healthy");
}
