//! Manifests as trees: YAML 1.1 as `kubectl` reads it, and JSON from an API server. Trees know where each value stands.

mod build;
mod de;
mod emit;
mod env;
mod fast;
mod json;
mod keys;
mod margin;
mod node;
mod path;
mod scalar;
mod split;

pub(crate) use build::{Broken, DEPTH, Position, parse_documents};
pub(crate) use de::{De, DeError, Passed};
pub use emit::to_yaml;
pub(crate) use env::expand;
pub(crate) use json::from_json;
pub(crate) use node::{Entry, Mark, Node, Value};
pub(crate) use path::{Path, place};
pub(crate) use scalar::{Scalar, resolve};
pub(crate) use split::{Document, is_blank, split};
