//! What a gateway does, tried through the real binary, a real Envoy, and real clients and backends.
//!
//! Each module is about one thing; each test's name says what is to be seen.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod admin;
mod attacks;
mod auth;
mod bad_input;
mod commands;
mod console;
mod endpoints;
mod explain;
mod external;
mod fail_closed;
mod filter_mistakes;
mod filters;
mod foreign;
mod grants;
mod guides;
mod headers;
mod ingress;
mod lifecycle;
mod live;
mod login;
mod no_loss;
mod portal;
mod ports;
mod previews;
mod protocols;
mod rate_limits;
mod refusal;
mod starting;
mod status;
mod stopping;
mod tcp;
mod tls;
mod told;
