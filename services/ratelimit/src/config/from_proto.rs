//! `RateLimitConfig` of xDS as a configuration.
//!
//! What files have and the message has no field for stands in a descriptor's metadata, under [`EXTENSION`]: a server
//! that knows nothing of it sees metadata.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use envoy_types::pb::ratelimit::config::ratelimit::v3 as proto;

use super::edge::Edge;
use super::error::ConfigError;
use super::raw::{RawDescriptor, RawLimit, RawRoot};
use super::unknown::Unknown;

/// The key of a descriptor's metadata that holds a struct of `unit`, `algorithm`, `burst`, `sub_windows`, `lease`,
/// `share_threshold`, `value_to_metric` and `store_failure`, as files have them, and of `prefix` and `edge`, which a gateway
/// sends. It is not part of replies.
pub const EXTENSION: &str = "nuncio.dev/ratelimit";

/// What a resource says, in the form that files have. Fields of extensions that this version does not know are noted.
///
/// # Errors
/// When a field of an extension holds what it may not.
pub fn root_of(config: proto::RateLimitConfig, unknown: &mut Unknown) -> Result<RawRoot, ConfigError> {
    let mut reader = Reader { resource: config.name, unknown };
    let descriptors = reader.descriptors(&config.domain, config.descriptors)?;
    Ok(RawRoot { domain: config.domain, store_failure: String::new(), descriptors })
}

struct Reader<'u> {
    resource: String,
    unknown: &'u mut Unknown,
}

impl Reader<'_> {
    fn descriptors(
        &mut self,
        parent: &str,
        from: Vec<proto::RateLimitDescriptor>,
    ) -> Result<Vec<RawDescriptor>, ConfigError> {
        from.into_iter().map(|from| self.descriptor(parent, from)).collect()
    }

    fn descriptor(&mut self, parent: &str, from: proto::RateLimitDescriptor) -> Result<RawDescriptor, ConfigError> {
        let joint = if from.value.is_empty() { "" } else { "_" };
        let path = format!("{parent}.{}{joint}{}", from.key, from.value);
        let descriptors = self.descriptors(&path, from.descriptors)?;
        let mut metadata = from.metadata;
        let extension = metadata.as_mut().and_then(|metadata| metadata.fields.remove(EXTENSION));
        let mut descriptor = RawDescriptor {
            key: from.key,
            value: from.value,
            rate_limit: from.rate_limit.map(limit),
            descriptors,
            shadow_mode: from.shadow_mode,
            quota_mode: from.quota_mode,
            detailed_metric: from.detailed_metric,
            metadata: metadata.filter(|metadata| !metadata.fields.is_empty()).map(Box::new),
            ..RawDescriptor::default()
        };
        if let Some(extension) = extension {
            extend(&mut descriptor, &extension, self.unknown).map_err(|message| ConfigError {
                file: self.resource.clone(),
                message: format!("metadata {EXTENSION}: {message}"),
                line: 0,
                path,
            })?;
        }
        Ok(descriptor)
    }
}

fn limit(from: proto::RateLimitPolicy) -> RawLimit {
    // A unit that this version does not know is passed on as its number, to be refused by that name.
    let unit = proto::RateLimitUnit::try_from(from.unit)
        .map_or_else(|_| from.unit.to_string(), |unit| unit.as_str_name().to_owned());
    RawLimit {
        requests_per_unit: Some(from.requests_per_unit),
        unit,
        unlimited: from.unlimited,
        name: from.name,
        replaces: from.replaces.into_iter().map(|replaced| replaced.name).collect(),
        ..RawLimit::default()
    }
}

fn extend(descriptor: &mut RawDescriptor, extension: &Value, unknown: &mut Unknown) -> Result<(), String> {
    let Some(Kind::StructValue(Struct { fields })) = &extension.kind else {
        return Err("expected a struct".to_owned());
    };
    for (name, value) in fields {
        let invalid = |wanted: &str| format!("{name}: expected {wanted}");
        let text = || text(value).ok_or_else(|| invalid("text"));
        let count = || count(value).ok_or_else(|| invalid("a whole number"));
        let flag = || flag(value).ok_or_else(|| invalid("true or false"));
        match name.as_str() {
            "store_failure" => descriptor.store_failure = text()?,
            "share_threshold" => descriptor.share_threshold = flag()?,
            "value_to_metric" => descriptor.value_to_metric = flag()?,
            "prefix" => descriptor.prefix = flag()?,
            "edge" => {
                let edge = Edge::read(value, unknown).map_err(|message| format!("edge: {message}"))?;
                descriptor.edge = Some(Box::new(edge));
            }
            "unit" | "algorithm" | "burst" | "sub_windows" | "lease" => {
                let limit = descriptor.rate_limit.as_mut().ok_or_else(|| format!("{name}: there is no rate limit"))?;
                match name.as_str() {
                    "unit" => limit.unit = text()?,
                    "algorithm" => limit.algorithm = text()?,
                    "burst" => limit.burst = Some(count()?),
                    "sub_windows" => limit.sub_windows = Some(count()?),
                    _ => limit.lease = Some(count()?),
                }
            }
            _ => unknown.note(name),
        }
    }
    Ok(())
}

fn text(value: &Value) -> Option<String> {
    match &value.kind {
        Some(Kind::StringValue(text)) => Some(text.clone()),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value.kind {
        Some(Kind::BoolValue(flag)) => Some(flag),
        _ => None,
    }
}

fn count(value: &Value) -> Option<u32> {
    match value.kind {
        // Whole and in range: the conversion changes nothing.
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => {
            Some(number as u32)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    fn read(extension: &[(&str, Kind)]) -> Result<(RawDescriptor, Unknown), String> {
        let fields = extension.iter().map(|(name, kind)| ((*name).to_owned(), value(kind.clone()))).collect();
        let mut metadata = Struct::default();
        metadata.fields.insert("kept".to_owned(), value(Kind::BoolValue(true)));
        metadata.fields.insert(EXTENSION.to_owned(), value(Kind::StructValue(Struct { fields })));
        let limit = proto::RateLimitPolicy { unit: 1, requests_per_unit: 5, ..Default::default() };
        let descriptor = proto::RateLimitDescriptor {
            key: "k".to_owned(),
            value: "v".to_owned(),
            rate_limit: Some(limit),
            metadata: Some(metadata),
            ..Default::default()
        };
        let config =
            proto::RateLimitConfig { name: "r".to_owned(), domain: "d".to_owned(), descriptors: vec![descriptor] };
        let mut unknown = Unknown::default();
        let mut root = root_of(config, &mut unknown).map_err(|error| error.with_place())?;
        Ok((root.descriptors.remove(0), unknown))
    }

    #[test]
    fn metadata_carries_what_the_message_has_no_field_for() {
        let text = |text: &str| Kind::StringValue(text.to_owned());
        let descriptor = read(&[
            ("unit", text("15m")),
            ("algorithm", text("gcra")),
            ("burst", Kind::NumberValue(9.0)),
            ("share_threshold", Kind::BoolValue(true)),
            ("store_failure", text("local")),
        ]);
        let (descriptor, unknown) = descriptor.unwrap();
        assert_eq!(unknown, Unknown::default());
        let limit = descriptor.rate_limit.unwrap();
        assert_eq!((limit.unit.as_str(), limit.algorithm.as_str(), limit.burst), ("15m", "gcra", Some(9)));
        assert!(descriptor.share_threshold);
        assert_eq!(descriptor.store_failure, "local");
        assert_eq!(descriptor.metadata.unwrap().fields.len(), 1, "replies do not carry it");
    }

    #[test]
    fn mistakes_are_named() {
        for (name, kind, expected) in [
            ("burst", Kind::NumberValue(1.5), "burst: expected a whole number"),
            ("burst", Kind::NumberValue(-1.0), "burst: expected a whole number"),
            ("unit", Kind::NumberValue(1.0), "unit: expected text"),
        ] {
            let error = read(&[(name, kind)]).unwrap_err();
            assert_eq!(error, format!("r: metadata {EXTENSION}: {expected} (at d.k_v)"));
        }
    }

    #[test]
    fn fields_of_a_newer_server_are_passed_over_and_noted() {
        let some = || Kind::StringValue("x".to_owned());
        let structure = |fields: &[(&str, Kind)]| {
            let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), value(kind.clone())));
            Kind::StructValue(Struct { fields: fields.collect() })
        };
        let error = structure(&[("body", some()), ("status", some())]);
        let edge = structure(&[("origin", some()), ("colour", some()), ("error", error)]);
        let (descriptor, unknown) = read(&[("unit", some()), ("newer", some()), ("edge", edge)]).unwrap();
        assert_eq!(Unknown::default().learn(unknown), ["edge.colour", "edge.error.status", "newer"]);
        assert_eq!(descriptor.rate_limit.unwrap().unit, "x");
        let edge = descriptor.edge.unwrap();
        assert!(edge.origin == "x" && edge.error.unwrap().body.is_some());
    }
}
