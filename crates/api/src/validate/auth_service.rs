//! Authorization services.

use super::value::{header_text, milliseconds};
use super::{format, header, invalid, no_effect, policy, target};
use crate::parse::Issues;
use crate::yaml::Path;
use crate::{AuthProto, AuthProtocolVersion, AuthService};

/// Statuses that Envoy can answer with by itself: those of its `StatusCode`.
const STATUSES: [std::ops::RangeInclusive<u16>; 11] = [
    100..=100,
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
];

/// Checks an `AuthService`.
pub(crate) fn auth_service(service: &mut AuthService, path: &Path<'_>, issues: &mut Issues<'_>) {
    for text in [&mut service.path_prefix, &mut service.tls, &mut service.stats_name] {
        text.take_if(|text| text.is_empty());
    }
    target(&service.auth_service, &path.key("auth_service"), issues);
    match service.proto.unwrap_or_default() {
        AuthProto::Http => path_prefix(service.path_prefix.as_deref(), &path.key("path_prefix"), issues),
        AuthProto::Grpc => grpc(service, path, issues),
    }
    milliseconds(service.timeout_ms, &path.key("timeout_ms"), issues);
    header::names(&service.allowed_request_headers, &path.key("allowed_request_headers"), issues);
    header::names(&service.allowed_authorization_headers, &path.key("allowed_authorization_headers"), issues);
    internal(&service.allowed_authorization_headers, &path.key("allowed_authorization_headers"), issues);
    added(service, &path.key("add_auth_headers"), issues);
    body(service, path, issues);
    if let Some(status) = service.status_on_error {
        let path = path.key("status_on_error");
        let path = path.key("code");
        status_code(status.code, &path, issues);
        if (200..300).contains(&status.code) {
            let message = "clients take this for success, where the service cannot be asked and nothing was forwarded";
            issues.warning(&path, "InvalidValue", message);
        }
    }
    policy::circuit_breakers(&mut service.circuit_breakers, &path.key("circuit_breakers"), issues);
}

/// The gateway's own headers choose the table and the chain: nobody else may write them.
fn internal(names: &[String], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, name) in names.iter().enumerate() {
        if name.to_ascii_lowercase().starts_with("x-nuncio-") {
            invalid(&path.index(index), "headers that begin with x-nuncio- are the gateway's own", issues);
        }
    }
}

fn path_prefix(prefix: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if prefix.is_some_and(|prefix| !prefix.starts_with('/')) {
        invalid(path, "must begin with a slash", issues);
    }
    header_text(prefix, path, issues);
}

fn grpc(service: &AuthService, path: &Path<'_>, issues: &mut Issues<'_>) {
    if service.protocol_version.unwrap_or_default() == AuthProtocolVersion::V2 {
        let message = "`proto: grpc` needs `protocol_version: v3`: without it no request could be asked about";
        issues.error(&path.key("protocol_version"), "UnsupportedProtocol", message);
    }
    let unused = [
        ("path_prefix", service.path_prefix.is_some(), "by gRPC the service is told the path as it is"),
        (
            "allowed_request_headers",
            !service.allowed_request_headers.is_empty(),
            "by gRPC the service is sent all headers",
        ),
    ];
    for (field, _, why) in unused.into_iter().filter(|(_, written, _)| *written) {
        no_effect(&path.key(field), why, issues);
    }
}

fn added(service: &AuthService, path: &Path<'_>, issues: &mut Issues<'_>) {
    header::removed(&service.add_auth_headers.keys().cloned().collect::<Vec<_>>(), path, issues);
    for (name, value) in &service.add_auth_headers {
        let path = path.key(name);
        header_text(Some(value), &path, issues);
        if let Err(message) = format::check(value) {
            issues.error(&path, "InvalidFormat", message);
        }
    }
}

fn body(service: &AuthService, path: &Path<'_>, issues: &mut Issues<'_>) {
    let Some(body) = service.include_body else { return };
    if body.max_bytes == 0 {
        invalid(&path.key("include_body").key("max_bytes"), "must be at least 1", issues);
    }
    if service.allow_request_body == Some(true) {
        no_effect(&path.key("allow_request_body"), "include_body says it", issues);
    }
}

/// A status with which Envoy is to answer.
pub(super) fn status_code(code: u16, path: &Path<'_>, issues: &mut Issues<'_>) {
    if !STATUSES.iter().any(|statuses| statuses.contains(&code)) && !matches!(code, 510 | 511) {
        invalid(path, format!("Envoy cannot answer with the status {code}"), issues);
    }
}
