//! What can be told of an object alone: whether each value is one that Envoy can work with.
//!
//! Each function here looks at one thing at one path and notes what is wrong with it in [`Issues`]. An error makes the
//! object unusable (in the Module, the setting); a warning says that something written has no effect.

mod auth_service;
mod cipher;
mod dev_portal;
mod docs;
mod expression;
mod filter;
mod filter_policy;
mod format;
mod format_cel;
mod format_operators;
mod header;
mod host;
mod hostname;
mod listener;
mod mapping;
mod module;
mod policy;
mod preview;
mod preview_repository;
mod rate_limit;
mod regex;
mod regex_class;
mod tcp_mapping;
mod tls;
mod value;

pub(crate) use auth_service::auth_service;
pub(crate) use dev_portal::dev_portal;
pub use expression::template_problem;
pub(crate) use filter::filter;
pub(crate) use filter_policy::{filter_policy, rules};
pub use format::{held_in, holds_key};
pub use header::{added_key, is_assertion, reads_assertion};
pub(crate) use host::{host, host_in_part};
pub(crate) use listener::listener;
pub(crate) use mapping::{conditions, mapping};
pub(crate) use module::module;
pub use module::shown_key;
pub(crate) use preview::{host_below_domain, preview, preview_domain, preview_headers, preview_policy};
pub(crate) use rate_limit::{rate_limit, rate_limit_service};
pub(crate) use tcp_mapping::{connections, tcp_mapping};
pub(crate) use tls::tls_context;

use crate::ServiceRef;
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;

/// The field is required and says nothing.
fn missing(path: &Path<'_>, issues: &mut Issues<'_>) {
    issues.error(path, "MissingField", "is required");
}

/// Where requests go: the field has to say it.
fn target(service: &ServiceRef, path: &Path<'_>, issues: &mut Issues<'_>) {
    if service.host.is_empty() {
        missing(path, issues);
    }
    if let Some(scheme) = &service.unknown_scheme {
        let message = format!("the scheme \"{}\" has no effect: expected http or https", shorten(scheme));
        no_effect(path, message, issues);
    }
    if !service.ignored.is_empty() {
        let may_be_login = service.ignored.contains('@');
        let told = if may_be_login { "the rest".to_owned() } else { format!("\"{}\"", shorten(&service.ignored)) };
        no_effect(path, format!("{told} has no effect: expected host and port alone"), issues);
    }
}

/// The field's value cannot be used.
fn invalid(path: &Path<'_>, message: impl Into<String>, issues: &mut Issues<'_>) {
    issues.error(path, "InvalidValue", message);
}

/// What is written has no effect.
fn no_effect(path: &Path<'_>, message: impl Into<String>, issues: &mut Issues<'_>) {
    issues.warning(path, "NoEffect", message);
}
