//! Compression towards clients.

use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::extensions::compression::gzip::compressor::v3::{
    Gzip as PbGzip, gzip::CompressionStrategy,
};
use envoy_types::pb::envoy::extensions::filters::http::compressor::v3::{
    Compressor,
    compressor::{CommonDirectionConfig, ResponseDirectionConfig},
};
use nuncio_ir::{Gzip, GzipStrategy};

use crate::{matcher, proto};

pub(super) fn compressor(gzip: &Gzip) -> Compressor {
    let common = CommonDirectionConfig {
        min_content_length: gzip.min_content_length.map(proto::uint32),
        content_type_matcher: gzip.content_type.iter().map(|content_type| matcher::exact(content_type)).collect(),
        ..Default::default()
    };
    Compressor {
        compressor_library: Some(TypedExtensionConfig {
            name: "gzip".to_owned(),
            typed_config: Some(proto::any(&library(gzip))),
        }),
        response_direction_config: Some(ResponseDirectionConfig {
            common_config: Some(common),
            disable_on_etag_header: gzip.disable_on_etag_header,
            remove_accept_encoding_header: gzip.remove_accept_encoding_header,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn library(gzip: &Gzip) -> PbGzip {
    let strategy = match gzip.strategy {
        GzipStrategy::Default => CompressionStrategy::DefaultStrategy,
        GzipStrategy::Filtered => CompressionStrategy::Filtered,
        GzipStrategy::HuffmanOnly => CompressionStrategy::HuffmanOnly,
        GzipStrategy::Rle => CompressionStrategy::Rle,
        GzipStrategy::Fixed => CompressionStrategy::Fixed,
    };
    PbGzip {
        memory_level: gzip.memory_level.map(proto::uint32),
        // Envoy numbers its names as zlib does.
        compression_level: i32::from(gzip.level),
        compression_strategy: strategy as i32,
        window_bits: gzip.window_bits.map(proto::uint32),
        ..Default::default()
    }
}
