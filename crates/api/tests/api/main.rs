//! What is promised of reading objects, by behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod annotations;
mod bad_input;
mod conversion;
mod core_kinds;
mod crds;
mod documentation;
mod never_panics;
mod schema;
mod support;
mod versions;
mod yaml;
