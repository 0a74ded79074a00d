//! Compression towards clients.

use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::extensions::compression::gzip::compressor::v3::{
    Gzip,
    gzip::{CompressionLevel, CompressionStrategy},
};
use envoy_types::pb::envoy::extensions::filters::http::compressor::v3::{
    Compressor,
    compressor::{CommonDirectionConfig, ResponseDirectionConfig},
};

use crate::{matcher, proto};

/// Which responses are compressed.
pub(super) struct Responses<'a> {
    pub(super) min_content_length: Option<u32>,
    pub(super) content_type: &'a [String],
    pub(super) disable_on_etag_header: bool,
    pub(super) remove_accept_encoding_header: bool,
}

pub(super) fn compressor(gzip: &Gzip, responses: &Responses<'_>) -> Compressor {
    let common = CommonDirectionConfig {
        min_content_length: responses.min_content_length.map(proto::uint32),
        content_type_matcher: responses.content_type.iter().map(|content_type| matcher::exact(content_type)).collect(),
        ..Default::default()
    };
    Compressor {
        compressor_library: Some(TypedExtensionConfig {
            name: "gzip".to_owned(),
            typed_config: Some(proto::any(gzip)),
        }),
        response_direction_config: Some(ResponseDirectionConfig {
            common_config: Some(common),
            disable_on_etag_header: responses.disable_on_etag_header,
            remove_accept_encoding_header: responses.remove_accept_encoding_header,
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(super) fn gzip(
    memory_level: Option<u32>,
    level: Option<&str>,
    strategy: Option<&str>,
    window_bits: Option<u32>,
) -> Gzip {
    Gzip {
        memory_level: memory_level.map(proto::uint32),
        compression_level: compression_level(level.unwrap_or_default()) as i32,
        compression_strategy: compression_strategy(strategy.unwrap_or_default()) as i32,
        window_bits: window_bits.map(proto::uint32),
        ..Default::default()
    }
}

/// By Envoy's name, with its aliases; the default where there is none of that name.
fn compression_level(name: &str) -> CompressionLevel {
    match name {
        "COMPRESSION_LEVEL_1" => CompressionLevel::BestSpeed,
        "BEST_COMPRESSION" => CompressionLevel::CompressionLevel9,
        _ => CompressionLevel::from_str_name(name).unwrap_or_default(),
    }
}

/// By Envoy's name; the default where there is none of that name.
fn compression_strategy(name: &str) -> CompressionStrategy {
    CompressionStrategy::from_str_name(name).unwrap_or_default()
}
