//! The rules: read from files or from xDS, checked, and laid out for quick lookups.

mod decode;
mod error;
mod from_proto;
mod glob;
mod keys;
mod load;
mod lookup;
mod metadata;
mod path;
mod raw;
mod tree;
mod yaml;

pub use error::ConfigError;
pub use from_proto::root_of;
pub use load::{Loader, Source};
pub use lookup::{Entry, Limit, Override, Scratch, Shares};
pub use raw::{RawDescriptor, RawLimit, RawRoot};
pub use tree::{Config, Rule};
