//! Objects to model: pure, and incremental by construction.
//!
//! [`World`] holds every object and the model that they make. `mapping` takes a Mapping apart once, `group`
//! joins Mappings with the same conditions, `table` puts a host name's routes in order; `frame` does Hosts
//! (`host`), Listeners (`chains`) and TCPMappings (`tcp`) as a whole; `upstream` makes clusters.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod auth_service;
mod certificate;
mod chains;
mod compiled;
mod context;
mod coverage;
mod endpoints;
mod filter_rules;
mod filter_service;
mod filters;
mod frame;
mod glob;
mod group;
mod host;
mod index;
mod ingress;
mod labels;
mod limit_service;
mod limits;
mod lua;
mod made;
mod mapping;
mod module;
mod pattern;
mod policy;
mod preview;
mod protection;
mod rivals;
mod secrets;
mod service;
mod shares;
mod table;
mod tcp;
mod upstream;
mod world;

pub use context::{Fallback, Settings};
pub use endpoints::Topology;
pub use module::script_problem;
pub use pattern::HostPattern;
pub use policy::{CLEAR_CHAIN, NOT_FOUND};
pub use preview::unanswered;
pub use secrets::secret_problem;
pub use world::{
    AskedPlace, GonePreview, MeshRule, MeshService, PREVIEW_KEYS, PreviewMesh, PreviewProbe, PreviewReplacement,
    PreviewTimes, PreviewUrl, PublicName, Resources, Served, World,
};
