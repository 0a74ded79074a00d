//! No field that Envoy calls deprecated is ever set.

use envoy_types::pb::google::protobuf::Any;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::world;
use crate::json::decode;

/// The full names of the deprecated fields set in `message` and in all that it holds.
fn deprecated(message: &DynamicMessage, found: &mut Vec<String>) {
    if message.descriptor().full_name() == "google.protobuf.Any" {
        let any: Any = message.transcode_to().unwrap();
        if any.type_url.is_empty() {
            return;
        }
        return deprecated(&decode(&any.type_url, &any.value).unwrap(), found);
    }
    for (field, value) in message.fields() {
        let options = field.options();
        if options.get_field_by_name("deprecated").is_some_and(|flag| flag.as_bool() == Some(true)) {
            found.push(field.full_name().to_owned());
        }
        each_message(value, &mut |message| deprecated(message, found));
    }
}

fn each_message(value: &Value, each: &mut impl FnMut(&DynamicMessage)) {
    match value {
        Value::Message(message) => each(message),
        Value::List(values) => values.iter().for_each(|value| each_message(value, each)),
        Value::Map(values) => values.values().for_each(|value| each_message(value, each)),
        _ => {}
    }
}

#[test]
fn nothing_deprecated_comes_out() {
    let mut found = Vec::new();
    for resource in world::full().resources {
        deprecated(&decode(resource.kind.type_url(), &resource.body).unwrap(), &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_guard_sees_deprecated_fields_inside_any() {
    use envoy_types::pb::envoy::config::accesslog::v3::{AccessLog, access_log::ConfigType};
    use envoy_types::pb::envoy::extensions::access_loggers::file::v3::{FileAccessLog, file_access_log};
    use prost::Message;

    #[expect(deprecated, reason = "that is the point")]
    let file = FileAccessLog {
        path: "/dev/null".to_owned(),
        access_log_format: Some(file_access_log::AccessLogFormat::Format("x".to_owned())),
    };
    let log = AccessLog { config_type: Some(ConfigType::TypedConfig(crate::proto::any(&file))), ..Default::default() };
    let message = decode("type.googleapis.com/envoy.config.accesslog.v3.AccessLog", &log.encode_to_vec()).unwrap();
    let mut found = Vec::new();
    deprecated(&message, &mut found);
    assert_eq!(found, ["envoy.extensions.access_loggers.file.v3.FileAccessLog.format"]);
}
