//! The xDS server as its clients see it: by rule, by a model client, and over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod model;
mod ordering;
mod protocol;
mod rejection;
mod rig;
mod rules;
mod shell;
mod turns;
