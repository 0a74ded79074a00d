//! Generated rules, as files have them and as xDS does.

use std::fmt::Write;

use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::ratelimit::config::ratelimit::v3 as proto;
use prost::{Message, Name};

/// The rules of a domain.
#[derive(Debug)]
pub struct Domain {
    pub(super) name: &'static str,
    pub(super) rules: Vec<Rule>,
}

/// A descriptor.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) key: &'static str,
    /// Empty for none.
    pub(super) value: &'static str,
    pub(super) shadow_mode: bool,
    pub(super) detailed_metric: bool,
    /// In files alone, as is the next.
    pub(super) value_to_metric: bool,
    pub(super) share_threshold: bool,
    pub(super) limit: Option<Limit>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Default)]
pub(super) struct Limit {
    /// And how many; none for unlimited.
    pub(super) unit: Option<(&'static str, u32)>,
    pub(super) name: Option<String>,
    pub(super) replaces: Option<String>,
}

impl Domain {
    /// A file.
    pub fn yaml(&self) -> String {
        let mut text = format!("domain: {}\ndescriptors:\n", self.name);
        self.rules.iter().for_each(|rule| rule.write(&mut text, ""));
        text
    }

    /// A resource of this name.
    pub fn resource(&self, name: &str) -> Any {
        let descriptors = self.rules.iter().map(Rule::message).collect();
        let config = proto::RateLimitConfig { name: name.to_owned(), domain: self.name.to_owned(), descriptors };
        Any { type_url: proto::RateLimitConfig::type_url(), value: config.encode_to_vec() }
    }
}

impl Rule {
    fn write(&self, text: &mut String, indent: &str) {
        let _ = writeln!(text, "{indent}- key: {}", self.key);
        if !self.value.is_empty() {
            let _ = writeln!(text, "{indent}  value: \"{}\"", self.value);
        }
        for (name, on) in [
            ("shadow_mode", self.shadow_mode),
            ("detailed_metric", self.detailed_metric),
            ("value_to_metric", self.value_to_metric),
            ("share_threshold", self.share_threshold),
        ] {
            if on {
                let _ = writeln!(text, "{indent}  {name}: true");
            }
        }
        if let Some(limit) = &self.limit {
            let _ = writeln!(text, "{indent}  rate_limit:");
            limit.write(text, indent);
        }
        if !self.rules.is_empty() {
            let _ = writeln!(text, "{indent}  descriptors:");
            self.rules.iter().for_each(|rule| rule.write(text, &format!("{indent}  ")));
        }
    }

    fn message(&self) -> proto::RateLimitDescriptor {
        proto::RateLimitDescriptor {
            key: self.key.to_owned(),
            value: self.value.to_owned(),
            rate_limit: self.limit.as_ref().map(Limit::message),
            descriptors: self.rules.iter().map(Self::message).collect(),
            shadow_mode: self.shadow_mode,
            detailed_metric: self.detailed_metric,
            ..proto::RateLimitDescriptor::default()
        }
    }
}

impl Limit {
    fn write(&self, text: &mut String, indent: &str) {
        let _ = match self.unit {
            Some((unit, count)) => writeln!(text, "{indent}    unit: {unit}\n{indent}    requests_per_unit: {count}"),
            None => writeln!(text, "{indent}    unlimited: true"),
        };
        if let Some(name) = &self.name {
            let _ = writeln!(text, "{indent}    name: {name}");
        }
        if let Some(name) = &self.replaces {
            let _ = writeln!(text, "{indent}    replaces: [{{name: {name}}}]");
        }
    }

    fn message(&self) -> proto::RateLimitPolicy {
        let unit = self.unit.and_then(|(unit, _)| proto::RateLimitUnit::from_str_name(&unit.to_uppercase()));
        proto::RateLimitPolicy {
            unit: unit.unwrap_or_default().into(),
            requests_per_unit: self.unit.map_or(0, |(_, count)| count),
            unlimited: self.unit.is_none(),
            name: self.name.clone().unwrap_or_default(),
            replaces: self.replaces.iter().map(|name| proto::RateLimitReplace { name: name.clone() }).collect(),
        }
    }
}
