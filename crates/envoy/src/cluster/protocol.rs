//! How HTTP is spoken to a cluster.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{
    Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions as CommonOptions,
    http1_protocol_options::{
        HeaderKeyFormat,
        header_key_format::{HeaderFormat, ProperCaseWords},
    },
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::{
    HttpProtocolOptions,
    http_protocol_options::{ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config::ProtocolConfig},
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::{Cluster, Discovery, Protocol};

use crate::proto;

const NAME: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

pub(super) fn options(cluster: &Cluster) -> HashMap<String, Any> {
    let protocol = match cluster.protocol {
        Protocol::Tcp => return HashMap::new(),
        Protocol::Http1 => ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions {
            header_key_format: header_key_format(cluster.proper_case),
            ..Default::default()
        }),
        // WebSockets by HTTP/2 are CONNECT (RFC 8441). Only what belongs to the gateway itself is sure to know it.
        Protocol::Http2 => ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions {
            allow_connect: matches!(cluster.discovery, Discovery::Unix(_)),
            ..Default::default()
        }),
    };
    let options = HttpProtocolOptions {
        common_http_protocol_options: common(cluster),
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(protocol),
        })),
        ..Default::default()
    };
    HashMap::from([(NAME.to_owned(), proto::any(&options))])
}

fn common(cluster: &Cluster) -> Option<CommonOptions> {
    let options = CommonOptions {
        idle_timeout: cluster.idle_timeout.map(proto::duration),
        max_connection_duration: cluster.max_connection_lifetime.map(proto::duration),
        ..Default::default()
    };
    (options != CommonOptions::default()).then_some(options)
}

/// HTTP/1.1 header names in `Proper-Case`, or as they are.
pub(crate) fn header_key_format(proper_case: bool) -> Option<HeaderKeyFormat> {
    proper_case.then_some(HeaderKeyFormat { header_format: Some(HeaderFormat::ProperCaseWords(ProperCaseWords {})) })
}
