//! The first pass over a file: which keys may stand in it.

use super::error::{ConfigError, ConfigErrors};
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

/// Checks the keys of all of a file, but for what stands under `metadata`.
pub(super) fn check(file: &str, map: &[(Node, Node)]) -> Result<(), ConfigErrors> {
    let mut keys = Keys { file, errors: ConfigErrors::default() };
    keys.map(map, &Trail { above: None, map });
    keys.errors.unless_any(())
}

struct Keys<'f> {
    file: &'f str,
    errors: ConfigErrors,
}

impl Keys<'_> {
    fn map(&mut self, map: &[(Node, Node)], trail: &Trail<'_>) {
        for (key, value) in map {
            match &key.value {
                Value::Scalar { text, kind: Kind::Text } => {
                    if !LEGAL.contains(&text.as_str()) {
                        self.wrong(key, trail, format!("config error, unknown key '{text}'"));
                    } else if text != "metadata" {
                        self.value(value, trail);
                    }
                }
                _ => self.wrong(key, trail, format!("config error, key is not of type string: {}", shown(key))),
            }
        }
    }

    fn value(&mut self, node: &Node, trail: &Trail<'_>) {
        match &node.value {
            Value::Map(map) => self.map(map, trail),
            Value::List(items) => items.iter().for_each(|item| match &item.value {
                Value::Map(map) => self.map(map, &Trail { above: Some(trail), map }),
                _ => {
                    let text = format!("config error, yaml file contains list of type other than map: {}", shown(item));
                    self.wrong(item, trail, text);
                }
            }),
            Value::Scalar { kind: Kind::Float(_) | Kind::Large(_), .. } => {
                self.wrong(node, trail, "error checking config".to_owned());
            }
            Value::Scalar { .. } => {}
        }
    }

    fn wrong(&mut self, node: &Node, trail: &Trail<'_>, message: String) {
        let (file, path) = (self.file.to_owned(), trail.path());
        self.errors.push(ConfigError { file, message, line: node.line, path });
    }
}

/// What leads to a descriptor, of which errors make a path: there may be very many without one.
struct Trail<'t> {
    /// None at the root of the file.
    above: Option<&'t Self>,
    map: &'t [(Node, Node)],
}

impl Trail<'_> {
    fn path(&self) -> String {
        let Some(above) = self.above else { return scalar(self.map, "domain").unwrap_or_default() };
        let path = above.path();
        match (scalar(self.map, "key"), scalar(self.map, "value").filter(|value| !value.is_empty())) {
            (Some(key), Some(value)) => format!("{path}.{key}_{value}"),
            (Some(key), None) => format!("{path}.{key}"),
            (None, _) => path,
        }
    }
}

/// The text of an entry.
fn scalar(map: &[(Node, Node)], name: &str) -> Option<String> {
    map.iter().find_map(|(key, value)| match (&key.value, &value.value) {
        (Value::Scalar { text: key, .. }, Value::Scalar { text, .. }) if key == name => Some(text.to_string()),
        _ => None,
    })
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
