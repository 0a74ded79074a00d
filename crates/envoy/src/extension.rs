//! What fills the slots of the filter list: `TypedExtensionConfig`, by extension configuration discovery (ECDS).

mod ext_authz;
mod ratelimit;

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{ExtensionConfigSource, TypedExtensionConfig};
use envoy_types::pb::envoy::extensions::filters::http::{
    ext_authz::v3::ExtAuthz, header_mutation::v3::HeaderMutation, lua::v3::Lua, ratelimit::v3::RateLimit,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpFilter, http_filter::ConfigType,
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::{Extension, Slot, SlotFilter};
use prost::Name;

use crate::listener::{REASON_KEY, REASON_NAMESPACE};
use crate::{Resource, proto};

pub(crate) use ext_authz::{asked, held_to, not_asked};

/// Refuses every request.
const REFUSE: &str = include_str!("extension/refuse.lua");

/// What fills a slot. A listener that comes with it waits for it, so that no request passes an empty one.
#[must_use]
pub fn extension(extension: &Extension) -> Resource {
    let Extension { slot, filter, origins: _ } = extension;
    let name: Arc<str> = slot.name().into();
    let message = TypedExtensionConfig { name: name.to_string(), typed_config: Some(config(filter)) };
    Resource::new(&name, nuncio_ir::version(&(slot, filter)), &message).needing(extension.clusters())
}

fn config(filter: &SlotFilter) -> Any {
    match filter {
        SlotFilter::Idle => proto::any(&HeaderMutation::default()),
        SlotFilter::Refuse { status, reason } => {
            let lua = Lua { default_source_code: Some(proto::inline(refuse(*status, reason))), ..Default::default() };
            proto::any(&lua)
        }
        SlotFilter::Authorize(authorization) => proto::any(&ext_authz::message(authorization)),
        SlotFilter::Limit(service) => proto::any(&ratelimit::message(service)),
    }
}

fn refuse(status: u16, reason: &str) -> String {
    let settings = [
        ("NAMESPACE", REASON_NAMESPACE.to_owned()),
        ("KEY", REASON_KEY.to_owned()),
        ("STATUS", status.to_string()),
        ("REASON", reason.to_owned()),
    ];
    let line = |(name, value): (&str, String)| format!("local {name} = {}\n", lua_text(&value));
    settings.map(line).concat() + REFUSE
}

/// `text` as a literal of Lua.
fn lua_text(text: &str) -> String {
    let escaped: String = text
        .bytes()
        .map(|byte| match byte {
            b' '..=b'~' if !matches!(byte, b'"' | b'\\') => char::from(byte).to_string(),
            other => format!("\\{other:03}"),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// The filter of a slot in a listener's list.
pub(crate) fn slot(slot: Slot) -> HttpFilter {
    let source = ExtensionConfigSource {
        config_source: Some(proto::ads()),
        type_urls: match slot {
            Slot::Auth | Slot::Filters => vec![HeaderMutation::type_url(), Lua::type_url(), ExtAuthz::type_url()],
            Slot::Limit => vec![HeaderMutation::type_url(), RateLimit::type_url()],
        },
        ..Default::default()
    };
    HttpFilter {
        name: slot.name().to_owned(),
        config_type: Some(ConfigType::ConfigDiscovery(source)),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_literal() {
        assert_eq!(lua_text("a\"\n]]\\é"), r#""a\034\010]]\092\195\169""#);
    }
}
