//! Asking another service about a request: the filter, and what routes say to it.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::common::mutation_rules::v3::HeaderMutationRules;
use envoy_types::pb::envoy::config::core::v3::{
    ApiVersion, GrpcService, HeaderValue, HttpUri,
    grpc_service::{EnvoyGrpc, TargetSpecifier},
    http_uri::HttpUpstreamType,
};
use envoy_types::pb::envoy::extensions::filters::http::ext_authz::v3::{
    AuthorizationRequest, AuthorizationResponse, BufferSettings, CheckSettings, ExtAuthz, ExtAuthzPerRoute,
    HttpService, ext_authz::Services, ext_authz_per_route::Override,
};
use envoy_types::pb::envoy::r#type::{
    matcher::v3::{ListStringMatcher, StringMatcher, string_matcher::MatchPattern},
    v3::HttpStatus,
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::auth::{ASSERTION_HEADER, AUDIENCE_KEY, ROUTED_BY_KEY, RULE_SET_KEY};
use nuncio_ir::{AuthContext, Authorization, AuthorizationBody, AuthorizationProtocol, RuleCheck};

use crate::listener::{CHAIN_HEADER, SCOPE_HEADER};
use crate::{matcher, proto};

/// The route is chosen again by the headers that the service adds, as in the original.
pub(super) fn message(authorization: &Authorization) -> ExtAuthz {
    let (services, allowed_headers) = match &authorization.protocol {
        AuthorizationProtocol::Grpc { authority, .. } => (Services::GrpcService(grpc(authorization, authority)), None),
        AuthorizationProtocol::Http { path_prefix, request_headers, response_headers } => {
            let service = http(authorization, path_prefix, response_headers);
            (Services::HttpService(service), Some(names(request_headers)))
        }
    };
    let is_own = matches!(authorization.protocol, AuthorizationProtocol::Grpc { raw_headers: true, .. });
    ExtAuthz {
        services: Some(services),
        transport_api_version: ApiVersion::V3 as i32,
        allowed_headers,
        with_request_body: authorization.body.map(body),
        status_on_error: authorization.status_on_error.map(|code| HttpStatus { code: i32::from(code) }),
        failure_mode_allow: authorization.failure_mode_allow,
        failure_mode_allow_header_add: authorization.failure_mode_allow,
        clear_route_cache: true,
        validate_mutations: true,
        decoder_header_mutation_rules: Some(mutation_rules(is_own)),
        encode_raw_headers: is_own,
        ..Default::default()
    }
}

/// The service may set any header but those by which Envoy finds the table and the chain of a request, and the gateway's word on
/// who it is from unless it is the gateway's own.
fn mutation_rules(is_own: bool) -> HeaderMutationRules {
    let word = if is_own { String::new() } else { format!("|{ASSERTION_HEADER}") };
    let ours = matcher::regex(&format!("({SCOPE_HEADER}|{CHAIN_HEADER}{word})"));
    HeaderMutationRules {
        allow_all_routing: Some(proto::boolean(true)),
        allow_envoy: Some(proto::boolean(true)),
        disallow_expression: Some(ours),
        ..Default::default()
    }
}

fn grpc(authorization: &Authorization, authority: &str) -> GrpcService {
    GrpcService {
        target_specifier: Some(TargetSpecifier::EnvoyGrpc(EnvoyGrpc {
            cluster_name: authorization.cluster.to_string(),
            authority: authority.to_owned(),
            ..Default::default()
        })),
        timeout: Some(proto::duration(authorization.timeout)),
        initial_metadata: added(authorization),
        ..Default::default()
    }
}

/// Of the URI Envoy uses the cluster and the timeout alone.
fn http(authorization: &Authorization, path_prefix: &str, response_headers: &[String]) -> HttpService {
    HttpService {
        server_uri: Some(HttpUri {
            uri: format!("http://{}", authorization.cluster),
            timeout: Some(proto::duration(authorization.timeout)),
            http_upstream_type: Some(HttpUpstreamType::Cluster(authorization.cluster.to_string())),
        }),
        path_prefix: path_prefix.to_owned(),
        authorization_request: Some(AuthorizationRequest {
            headers_to_add: added(authorization),
            ..Default::default()
        }),
        authorization_response: Some(AuthorizationResponse {
            allowed_upstream_headers: Some(names(response_headers)),
            allowed_client_headers: Some(names(response_headers)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn added(authorization: &Authorization) -> Vec<HeaderValue> {
    let header =
        |(key, value): &(String, String)| HeaderValue { key: key.clone(), value: value.clone(), ..Default::default() };
    authorization.add_headers.iter().map(header).collect()
}

fn names(names: &[String]) -> ListStringMatcher {
    let exact =
        |name: &String| StringMatcher { match_pattern: Some(MatchPattern::Exact(name.clone())), ignore_case: true };
    ListStringMatcher { patterns: names.iter().map(exact).collect() }
}

fn body(body: AuthorizationBody) -> BufferSettings {
    BufferSettings {
        max_request_bytes: body.max_bytes,
        allow_partial_message: body.allow_partial,
        pack_as_bytes: false,
    }
}

/// Has the filter of a slot ask about requests, telling it this of the route.
pub(crate) fn asked(context: &AuthContext) -> Any {
    let context_extensions = context.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    per_route(Override::CheckSettings(CheckSettings { context_extensions, ..Default::default() }))
}

/// Has the filter of a slot ask about requests by these rules, with so much of the body, telling it to whom they may go, and what
/// may lead them to others. What is longer comes in part, which the service sees by the length.
pub(crate) fn held_to(
    RuleCheck { set, body }: &RuleCheck,
    audiences: &BTreeSet<&str>,
    routed_by: &BTreeSet<String>,
) -> Any {
    let audience = audiences.iter().copied().collect::<Vec<_>>().join(" ");
    let routed_by = routed_by.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let told = [(RULE_SET_KEY, set.to_string()), (AUDIENCE_KEY, audience), (ROUTED_BY_KEY, routed_by)];
    let told = told.into_iter().filter(|(_, text)| !text.is_empty());
    let buffered =
        |max_request_bytes| BufferSettings { max_request_bytes, allow_partial_message: true, pack_as_bytes: true };
    per_route(Override::CheckSettings(CheckSettings {
        context_extensions: told.map(|(key, text)| (key.to_owned(), text)).collect(),
        with_request_body: body.map(buffered),
        ..Default::default()
    }))
}

/// Has it let requests pass.
pub(crate) fn not_asked() -> Any {
    per_route(Override::Disabled(true))
}

fn per_route(what: Override) -> Any {
    proto::any(&ExtAuthzPerRoute { r#override: Some(what) })
}

#[cfg(test)]
mod tests {
    use nuncio_ir::auth::RuleSetId;
    use prost::Message;

    use super::*;

    #[test]
    fn who_decides_is_told_the_rules_and_to_whom_a_request_may_go() {
        let told = |audiences: &[&str], routed_by: &[&str]| {
            let check = RuleCheck { set: RuleSetId("s1".into()), body: None };
            let any = held_to(
                &check,
                &audiences.iter().copied().collect(),
                &routed_by.iter().map(|name| (*name).to_owned()).collect(),
            );
            let per_route = ExtAuthzPerRoute::decode(any.value.as_slice()).unwrap();
            let Some(Override::CheckSettings(settings)) = per_route.r#override else { panic!("{per_route:?}") };
            let mut told: Vec<_> = settings.context_extensions.into_iter().collect();
            told.sort();
            told
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let rules = || pair("nuncio.dev/rules", "s1");
        assert_eq!(told(&[], &[]), [rules()], "nobody: it is answered");
        let both = pair("nuncio.dev/audience", "cart.shop:80 web.shop:80");
        assert_eq!(told(&["web.shop:80", "cart.shop:80"], &[]), [both.clone(), rules()]);
        let choosing = pair("nuncio.dev/routed-by", "?tier x-customer");
        assert_eq!(told(&["web.shop:80", "cart.shop:80"], &["x-customer", "?tier"]), [both, choosing, rules()]);
    }
}
