//! The rules: read from files or from xDS, checked, and laid out for quick lookups.

mod decode;
mod edge;
mod error;
mod explain;
mod from_proto;
mod glob;
mod keys;
mod limit;
mod load;
mod lookup;
mod metadata;
mod path;
mod raw;
mod store_failure;
mod tree;
mod unknown;
mod yaml;

pub use edge::{Edge, Header, Text};
pub use error::{ConfigError, ConfigErrors};
pub use explain::{Lookup, Step};
pub use from_proto::{EXTENSION, root_of};
pub use load::{Loader, Source};
pub use lookup::{Entry, Limit, Override, Scratch, Shares};
pub use raw::{RawDescriptor, RawLimit, RawRoot};
pub use store_failure::StoreFailure;
pub use tree::{Config, Rule};
pub use unknown::Unknown;
pub(crate) use yaml::{second_document, value_of as yaml_value};
