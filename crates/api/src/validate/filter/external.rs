//! Other services that decide.

use super::super::auth_service::status_code;
use super::super::value::{header_text, milliseconds};
use super::super::{header, invalid, missing, no_effect, target};
use crate::parse::Issues;
use crate::yaml::Path;
use crate::{ExternalFilter, ExternalProto, FromSecret, IncludeBody, Scheme};

/// How much of a body can be looked at: as much as with the original, where it is gRPC's limit of a message.
const LARGEST_BODY: u32 = 4 << 20;

pub(super) fn external(filter: &mut ExternalFilter, path: &Path<'_>, issues: &mut Issues<'_>) {
    filter.path_prefix.take_if(|text| text.is_empty());
    target(&filter.auth_service, &path.key("auth_service"), issues);
    milliseconds(filter.timeout_ms, &path.key("timeout_ms"), issues);
    if filter.timeout.is_some() && filter.timeout_ms.is_some() {
        no_effect(&path.key("timeout"), "timeout_ms says it", issues);
    }
    if let Some(status) = filter.status_on_error {
        status_code(status.code, &path.key("status_on_error").key("code"), issues);
    }
    if let Some(body) = &mut filter.include_body {
        max_bytes(body, &path.key("include_body").key("max_bytes"), issues);
    }
    header_text(filter.path_prefix.as_deref(), &path.key("path_prefix"), issues);
    header::names(&filter.allowed_request_headers, &path.key("allowed_request_headers"), issues);
    let passed_on = path.key("allowed_authorization_headers");
    header::names(&filter.allowed_authorization_headers, &passed_on, issues);
    for (index, name) in filter.allowed_authorization_headers.iter().enumerate() {
        header::tell_of_word(name, &passed_on.index(index), issues);
    }
    if filter.proto == Some(ExternalProto::Grpc) {
        by_grpc(filter, path, issues);
    }
    tls(filter, path, issues);
}

fn max_bytes(body: &mut IncludeBody, path: &Path<'_>, issues: &mut Issues<'_>) {
    if body.max_bytes == 0 {
        invalid(path, "must be at least 1", issues);
    } else if body.max_bytes > LARGEST_BODY {
        no_effect(path, format!("taken as {LARGEST_BODY}: no more of a body can be looked at"), issues);
        body.max_bytes = LARGEST_BODY;
    }
}

/// The original refuses a gRPC service that does not say v3, since Envoy has no v2. Here v3 is all there is.
fn by_grpc(filter: &ExternalFilter, path: &Path<'_>, issues: &mut Issues<'_>) {
    if filter.protocol_version == Some(crate::AuthProtocolVersion::V2) {
        no_effect(&path.key("protocol_version"), "the service is asked in v3", issues);
    }
    for (field, written) in [
        ("path_prefix", filter.path_prefix.is_some()),
        ("allowed_request_headers", !filter.allowed_request_headers.is_empty()),
    ] {
        if written {
            no_effect(&path.key(field), "a gRPC service is sent everything", issues);
        }
    }
}

fn tls(filter: &ExternalFilter, path: &Path<'_>, issues: &mut Issues<'_>) {
    let is_clear = match filter.auth_service.scheme {
        Some(scheme) => scheme == Scheme::Http,
        None => filter.tls != Some(true),
    };
    let Some(config) = &filter.tls_config else { return };
    let path = path.key("tlsConfig");
    for (name, from) in [("certificate", &config.certificate), ("caCertificate", &config.ca_certificate)] {
        let Some(FromSecret { from_secret }) = from else { continue };
        let path = path.key(name);
        if from_secret.as_ref().is_none_or(|secret| secret.name.is_empty()) {
            missing(&path.key("fromSecret").key("name"), issues);
        } else if is_clear {
            invalid(&path, "TLS is not spoken to the service: write https:// before auth_service", issues);
        }
    }
}
