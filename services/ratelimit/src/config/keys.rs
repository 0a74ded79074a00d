//! The first pass over a file: which keys may stand in it.

use super::error::ConfigError;
use super::yaml::{Kind, Node, Value};

/// Legal at any level: a key at the wrong one is ignored, as by the original. The last are ours.
const LEGAL: [&str; 21] = [
    "domain",
    "key",
    "value",
    "descriptors",
    "rate_limit",
    "unit",
    "requests_per_unit",
    "unlimited",
    "shadow_mode",
    "quota_mode",
    "name",
    "replaces",
    "detailed_metric",
    "value_to_metric",
    "share_threshold",
    "metadata",
    "algorithm",
    "burst",
    "sub_windows",
    "lease",
    "store_failure",
];

/// Checks the keys of `map` and of all below it, but for what stands under `metadata`.
pub(super) fn check(file: &str, map: &[(Node, Node)]) -> Result<(), ConfigError> {
    for (key, value) in map {
        let name = name(file, key)?;
        if !LEGAL.contains(&name) {
            return Err(error(file, key, format!("config error, unknown key '{name}'")));
        }
        if name != "metadata" {
            check_value(file, value)?;
        }
    }
    Ok(())
}

fn name<'n>(file: &str, key: &'n Node) -> Result<&'n str, ConfigError> {
    match &key.value {
        Value::Scalar { text, kind: Kind::Text } => Ok(text),
        _ => Err(error(file, key, format!("config error, key is not of type string: {}", shown(key)))),
    }
}

fn check_value(file: &str, node: &Node) -> Result<(), ConfigError> {
    match &node.value {
        Value::Map(map) => check(file, map),
        Value::List(items) => items.iter().try_for_each(|item| match &item.value {
            Value::Map(map) => check(file, map),
            _ => {
                let text = format!("config error, yaml file contains list of type other than map: {}", shown(item));
                Err(error(file, item, text))
            }
        }),
        Value::Scalar { kind: Kind::Float(_) | Kind::Large(_), .. } => {
            Err(error(file, node, "error checking config".to_owned()))
        }
        Value::Scalar { .. } => Ok(()),
    }
}

/// A node as Go prints it with `%v`.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Scalar { kind: Kind::Null, .. } => "<nil>".to_owned(),
        Value::Scalar { kind: Kind::Bool(value), .. } => value.to_string(),
        Value::Scalar { kind: Kind::Int(value), .. } => value.to_string(),
        Value::Scalar { text, .. } => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{}:{}", shown(key), shown(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

fn error(file: &str, node: &Node, message: String) -> ConfigError {
    ConfigError { file: file.to_owned(), message, line: node.line, path: String::new() }
}
