//! Routes whose upstreams see no cookies of logins.

use envoy_types::pb::envoy::config::route::v3::Route as PbRoute;
use envoy_types::pb::google::protobuf::{Any, Value, value};
use nuncio_ir::Route;

use crate::listener::{ON_MISS_FILTER, hide_logins};
use crate::proto;

/// Which script the requests of a route pass.
pub(super) fn per_route(route: &Route) -> Option<(String, Any)> {
    route.hides_logins.then(|| (ON_MISS_FILTER.to_owned(), proto::any(&hide_logins())))
}

/// The same for requests that find the route late (`on_miss.lua`): the script is chosen before.
pub(super) fn mark(route: &Route, routes: &mut [PbRoute]) {
    if !route.hides_logins {
        return;
    }
    for route in routes {
        let metadata = route.metadata.get_or_insert_default();
        let fields = &mut metadata.filter_metadata.entry(ON_MISS_FILTER.to_owned()).or_default().fields;
        fields.insert("hides_logins".to_owned(), Value { kind: Some(value::Kind::BoolValue(true)) });
    }
}
