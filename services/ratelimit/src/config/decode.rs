//! The second pass over a file: nodes into the typed configuration, as yaml.v2 decodes without strictness.

use envoy_types::pb::google::protobuf::Struct;
use smol_str::SmolStr;

use super::error::{ConfigError, ConfigErrors};
use super::metadata;
use super::raw::{RawDescriptor, RawLimit, RawRoot};
use super::yaml::{self, Kind, Node, Value};

type Map = Vec<(Node, Node)>;

/// Reads a file's text.
pub(super) fn file(file: &str, text: &str) -> Result<RawRoot, ConfigErrors> {
    let failed = |line, message| ConfigError {
        file: file.to_owned(),
        message: format!("error loading config file: yaml: {message}"),
        line,
        path: String::new(),
    };
    let node =
        yaml::parse(text).map_err(|broken| failed(broken.line, format!("line {}: {}", broken.line, broken.message)))?;
    let Some(node) = node else { return Ok(RawRoot::default()) };
    let map = match node.value {
        Value::Map(map) => map,
        Value::Scalar { kind: Kind::Null, .. } => return Ok(RawRoot::default()),
        _ => {
            let message = mismatch(&node, "map[interface {}]interface {}");
            return Err(failed(node.line, format!("unmarshal errors:\n  {message}")).into());
        }
    };
    super::keys::check(file, &map)?;
    let mut decoder = Decoder::default();
    let root = decoder.root(map);
    match decoder.errors.first() {
        None => Ok(root),
        Some((line, _)) => {
            let messages: Vec<_> = decoder.errors.iter().map(|(_, message)| message.as_str()).collect();
            Err(failed(*line, format!("unmarshal errors:\n  {}", messages.join("\n  "))).into())
        }
    }
}

/// Goes on after an error, so that all are told at once. What is read is given back at once: there may be very much of it.
#[derive(Default)]
struct Decoder {
    errors: Vec<(usize, String)>,
}

impl Decoder {
    fn root(&mut self, map: Map) -> RawRoot {
        let mut root = RawRoot::default();
        for (key, value) in fields(map) {
            match &*key {
                "domain" => root.domain = self.text(&value),
                "store_failure" => root.store_failure = self.text(&value),
                "descriptors" => root.descriptors = self.descriptors(value),
                _ => {}
            }
        }
        root
    }

    fn descriptors(&mut self, node: Node) -> Vec<RawDescriptor> {
        self.list(node, "[]config.YamlDescriptor", "config.YamlDescriptor", |decoder, line, map| {
            decoder.descriptor(line, map)
        })
    }

    fn descriptor(&mut self, line: usize, map: Map) -> RawDescriptor {
        let mut descriptor = RawDescriptor { line, ..RawDescriptor::default() };
        for (key, value) in fields(map) {
            match &*key {
                "key" => descriptor.key = self.text(&value),
                "value" => descriptor.value = self.text(&value),
                "rate_limit" => self.limit(&mut descriptor.rate_limit, value),
                "descriptors" => descriptor.descriptors = self.descriptors(value),
                "shadow_mode" => descriptor.shadow_mode = self.flag(&value),
                "quota_mode" => descriptor.quota_mode = self.flag(&value),
                "detailed_metric" => descriptor.detailed_metric = self.flag(&value),
                "value_to_metric" => descriptor.value_to_metric = self.flag(&value),
                "share_threshold" => descriptor.share_threshold = self.flag(&value),
                "store_failure" => descriptor.store_failure = self.text(&value),
                "metadata" => self.metadata(&mut descriptor.metadata, value),
                _ => {}
            }
        }
        descriptor
    }

    /// Adds to a limit that there is: of one that is merged, what is said beside it changes only parts.
    fn limit(&mut self, limit: &mut Option<RawLimit>, node: Node) {
        let Some(map) = self.map(node, "config.YamlRateLimit") else { return *limit = None };
        let limit = limit.get_or_insert_default();
        for (key, value) in fields(map) {
            match &*key {
                "requests_per_unit" => limit.requests_per_unit = Some(self.count(&value)),
                "unit" => limit.unit = self.text(&value),
                "unlimited" => limit.unlimited = self.flag(&value),
                "name" => limit.name = self.text(&value),
                "algorithm" => limit.algorithm = self.text(&value),
                "burst" => limit.burst = Some(self.count(&value)),
                "sub_windows" => limit.sub_windows = Some(self.count(&value)),
                "lease" => limit.lease = Some(self.count(&value)),
                "replaces" => {
                    limit.replaces =
                        self.list(value, "[]config.yamlReplaces", "config.yamlReplaces", |decoder, _, map| {
                            fields(map)
                                .filter(|(key, _)| key == "name")
                                .map(|(_, name)| decoder.text(&name))
                                .last()
                                .unwrap_or_default()
                        });
                }
                _ => {}
            }
        }
    }

    fn metadata(&mut self, metadata: &mut Option<Box<Struct>>, node: Node) {
        let Some(map) = self.map(node, "map[string]interface {}") else { return *metadata = None };
        if !map.is_empty() {
            metadata.get_or_insert_default().fields.extend(metadata::of_map(&map).fields);
        }
    }

    fn list<T>(&mut self, node: Node, list: &str, item: &str, read: impl Fn(&mut Self, usize, Map) -> T) -> Vec<T> {
        match node.value {
            Value::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for node in items {
                    let line = node.line;
                    list.extend(self.map(node, item).map(|map| read(self, line, map)));
                }
                list
            }
            Value::Scalar { kind: Kind::Null, .. } => Vec::new(),
            _ => self.wrong(&node, list),
        }
    }

    fn map(&mut self, node: Node, wanted: &str) -> Option<Map> {
        match node.value {
            Value::Map(map) => Some(map),
            Value::Scalar { kind: Kind::Null, .. } => None,
            _ => self.wrong(&node, wanted),
        }
    }

    /// Text, or the literal text of whatever else stands there.
    fn text(&mut self, node: &Node) -> String {
        match &node.value {
            Value::Scalar { kind: Kind::Null, .. } => String::new(),
            Value::Scalar { text, .. } => text.to_string(),
            _ => self.wrong(node, "string"),
        }
    }

    fn flag(&mut self, node: &Node) -> bool {
        match node.value {
            Value::Scalar { kind: Kind::Bool(value), .. } => value,
            Value::Scalar { kind: Kind::Null, .. } => false,
            _ => self.wrong(node, "bool"),
        }
    }

    fn count(&mut self, node: &Node) -> u32 {
        match node.value {
            Value::Scalar { kind: Kind::Int(value), .. } => match u32::try_from(value) {
                Ok(value) => value,
                Err(_) => self.wrong(node, "uint32"),
            },
            Value::Scalar { kind: Kind::Null, .. } => 0,
            _ => self.wrong(node, "uint32"),
        }
    }

    fn wrong<T: Default>(&mut self, node: &Node, wanted: &str) -> T {
        self.errors.push((node.line, mismatch(node, wanted)));
        T::default()
    }
}

/// The entries whose keys are text; the last of equal ones comes last and so counts.
fn fields(map: Map) -> impl Iterator<Item = (SmolStr, Node)> {
    map.into_iter().filter_map(|(key, value)| match key.value {
        Value::Scalar { text, .. } => Some((text, value)),
        _ => None,
    })
}

/// `cannot unmarshal` in the words of yaml.v2.
fn mismatch(node: &Node, wanted: &str) -> String {
    let shown = match &node.value {
        Value::Scalar { text, .. } if text.chars().count() > 10 => {
            format!(" `{}...`", text.chars().take(7).collect::<String>())
        }
        Value::Scalar { text, .. } => format!(" `{text}`"),
        _ => String::new(),
    };
    format!("line {}: cannot unmarshal {}{shown} into {wanted}", node.line, node.value.tag())
}
