//! Small protobuf values.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{
    Address, AggregatedConfigSource, ApiVersion, ConfigSource, DataSource, Pipe, SocketAddress, address,
    config_source::ConfigSourceSpecifier, data_source, socket_address::PortSpecifier,
};
use envoy_types::pb::google::protobuf::{Any, BoolValue, Duration as PbDuration, UInt32Value, UInt64Value};
use prost::{Message, Name};

/// `message` with its type.
pub(crate) fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

pub(crate) fn uint32(value: u32) -> UInt32Value {
    UInt32Value { value }
}

pub(crate) fn uint64(value: u32) -> UInt64Value {
    UInt64Value { value: u64::from(value) }
}

pub(crate) fn boolean(value: bool) -> BoolValue {
    BoolValue { value }
}

/// Protobuf durations end at 315 576 000 000 s; longer ones are cut.
pub(crate) fn duration(value: Duration) -> PbDuration {
    const MAX_SECONDS: u64 = 315_576_000_000;
    PbDuration {
        seconds: i64::try_from(value.as_secs().min(MAX_SECONDS)).unwrap_or_default(),
        nanos: i32::try_from(value.subsec_nanos()).unwrap_or_default(),
    }
}

/// Over the stream that delivered the resource which names this source.
pub(crate) fn ads() -> ConfigSource {
    ConfigSource {
        resource_api_version: ApiVersion::V3 as i32,
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..Default::default()
    }
}

pub(crate) fn inline(text: impl Into<String>) -> DataSource {
    DataSource { specifier: Some(data_source::Specifier::InlineString(text.into())), ..Default::default() }
}

pub(crate) fn address(address: SocketAddr) -> Address {
    host_address(ip_text(address.ip()), address.port())
}

/// `host` is an IP address, or a name where DNS is asked.
pub(crate) fn host_address(host: impl Into<String>, port: u16) -> Address {
    Address {
        address: Some(address::Address::SocketAddress(SocketAddress {
            address: host.into(),
            port_specifier: Some(PortSpecifier::PortValue(u32::from(port))),
            ..Default::default()
        })),
    }
}

/// A Unix socket.
pub(crate) fn pipe(path: &str) -> Address {
    Address { address: Some(address::Address::Pipe(Pipe { path: path.to_owned(), ..Default::default() })) }
}

pub(crate) fn ip_text(ip: IpAddr) -> String {
    ip.to_string()
}
