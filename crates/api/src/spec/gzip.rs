//! Compression, as the Module asks for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Compresses answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Gzip {
    /// zlib's memory level, 1–9; Envoy's default is 5.
    pub memory_level: Option<u32>,
    /// Smallest answer in bytes that is compressed; Envoy's default is 30.
    pub min_content_length: Option<u32>,
    /// Speed against size.
    pub compression_level: Option<CompressionLevel>,
    /// zlib's strategy.
    pub compression_strategy: Option<CompressionStrategy>,
    /// zlib's window, 9–15; Envoy's default is 12.
    pub window_bits: Option<u32>,
    /// Content types that are compressed; Envoy has a list of the usual ones.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub content_type: Vec<String>,
    /// Leave answers with an `ETag` alone; default `false`.
    pub disable_on_etag_header: Option<bool>,
    /// Take `Accept-Encoding` from the request before the service sees it; default `false`.
    pub remove_accept_encoding_header: Option<bool>,
}

/// How hard zlib tries, in Envoy's words: `DEFAULT_COMPRESSION`, `BEST_SPEED`, `COMPRESSION_LEVEL_1` to `_9` and
/// `BEST_COMPRESSION`; or `DEFAULT`, `SPEED` and `BEST`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CompressionLevel(u8);

impl CompressionLevel {
    /// zlib's 1–9, or 0 for its own balance.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<String> for CompressionLevel {
    type Error = InvalidLevel;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = || text.strip_prefix("COMPRESSION_LEVEL_")?.parse().ok().filter(|level| (1..=9).contains(level));
        match text.as_str() {
            "DEFAULT" | "DEFAULT_COMPRESSION" => Ok(Self(0)),
            "SPEED" | "BEST_SPEED" => Ok(Self(1)),
            "BEST" | "BEST_COMPRESSION" => Ok(Self(9)),
            _ => number().map(Self).ok_or(InvalidLevel(text)),
        }
    }
}

impl From<CompressionLevel> for String {
    fn from(CompressionLevel(level): CompressionLevel) -> Self {
        if level == 0 { "DEFAULT_COMPRESSION".to_owned() } else { format!("COMPRESSION_LEVEL_{level}") }
    }
}

/// The text is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected DEFAULT, SPEED, BEST or COMPRESSION_LEVEL_1 to COMPRESSION_LEVEL_9, found \"{0}\"")]
pub struct InvalidLevel(String);

/// zlib's strategies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CompressionStrategy {
    /// For any data.
    #[default]
    #[serde(alias = "DEFAULT_STRATEGY")]
    Default,
    /// For small values of random distribution.
    Filtered,
    /// Huffman coding alone.
    #[serde(alias = "HUFFMAN_ONLY")]
    Huffman,
    /// Run lengths.
    Rle,
    /// Fixed Huffman codes.
    Fixed,
}
