//! What tests of every kind need: processes that end with them, certificates, addresses of their own, tools, waiting; and
//! what benchmarks measure and tell.
//!
//! Nothing here knows the product.
// A helper that cannot go on fails the test by panicking, as an assertion does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod address;
mod child;
mod eventually;
mod goal;
mod group;
pub mod load;
mod namespaces;
mod pki;
mod process;
mod secrets;
mod story;
mod tool;
pub mod usage;
mod xds;

pub use address::{outward_address, own_address};
pub use child::{Running, signal_to};
pub use eventually::{DEADLINE, eventually, within};
pub use goal::{Goal, number};
pub use group::Group;
pub use namespaces::in_namespaces;
pub use pki::{Authority, Identity, Subject, common_name};
pub use process::{Process, processes_of};
pub use secrets::{assert_no_secret, keep_secret, keep_secret_of};
pub use story::story;
pub use tool::tool;
pub use xds::bootstrap;
