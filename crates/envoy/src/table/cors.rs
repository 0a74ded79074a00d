//! Cross-origin policies.

use std::collections::HashMap;

use envoy_types::pb::envoy::extensions::filters::http::cors::v3::CorsPolicy;
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::Cors;

use crate::listener::CORS_FILTER;
use crate::{matcher, proto};

/// Switches the cors filter on for a route. The origin `*` is Envoy's own spelling of any origin.
pub(super) fn per_route(cors: &Cors) -> HashMap<String, Any> {
    let policy = CorsPolicy {
        allow_origin_string_match: cors.origins.iter().map(|origin| matcher::exact(origin)).collect(),
        allow_methods: cors.methods.clone(),
        allow_headers: cors.headers.clone(),
        expose_headers: cors.exposed_headers.clone(),
        max_age: cors.max_age.clone(),
        allow_credentials: cors.credentials.then(|| proto::boolean(true)),
        ..Default::default()
    };
    HashMap::from([(CORS_FILTER.to_owned(), proto::any(&policy))])
}
