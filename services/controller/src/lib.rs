//! The controller: sources, the incremental world, the xDS server and the diagnostics API.
//!
//! [`run`] wires them: the directory's changes go into the engine, which sends what they change to the Envoys
//! and hears what they answer; the admin server shows the engine's state; [`Event`]s tell whoever started it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod admin;
mod beside;
mod clock;
mod counting;
mod decider;
pub mod doctor;
mod duties;
mod edit;
mod engine;
mod event;
mod explain;
mod fallback;
mod files;
mod leader;
mod manifests;
mod metrics;
pub mod offline;
mod origins;
mod policies;
pub mod ports;
mod previews;
pub mod rbac;
mod refusal;
mod resources;
mod run;
mod source;
mod splice;
mod status;
mod view;
pub mod webhook;

pub use beside::{KeyUses, Limited, OwnAuthz, OwnLimiter, OwnService, Secrets};
pub use clock::text as time_text;
pub use decider::{Decider, ServiceAddress};
pub use event::{ChangeKind, Event, LocatedProblem, ServedListener, Subject};
pub use leader::LeaseTimes;
pub use manifests::Manifests;
pub use nuncio_ir::TUNNEL_PROTOCOL;
pub use nuncio_translate::{Topology, unanswered};
pub use origins::PortalOrigins;
pub use previews::offline::{delete_preview, extend_preview, put_preview, withdraw_preview_links};
pub use run::{Config, Error, XdsAddress, run};
pub use source::kubernetes::{AccessError, ClusterAccess, Selection, pod_namespace};
pub use splice::splice;
pub use status::{ServiceName, StatusOptions};
