//! Hiding the cookies of logins from upstreams, in the filter that finds routes late: it stands in every list.

use envoy_types::pb::envoy::extensions::filters::http::lua::v3::{LuaPerRoute, lua_per_route::Override};
use nuncio_ir::auth::LOGIN_COOKIES;

/// The script that hides them, for routes that are found in time.
pub(super) const SCRIPT: &str = "hide_logins";

const FUNCTIONS: &str = include_str!("hide_logins.lua");

/// What scripts need that hide them.
pub(super) fn functions() -> String {
    hiding_names(&LOGIN_COOKIES)
}

/// What a script needs that hides cookies whose names begin so.
pub(super) fn hiding_names(names: &[&str]) -> String {
    let names = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    format!("local LOGINS = {{{names}}}\n\n{FUNCTIONS}\n")
}

/// The script for routes that are found in time: what it does besides is as it is, since routes may change on the way.
pub(super) fn hiding(script: &str) -> String {
    format!(
        "{script}\nlocal find_route = envoy_on_request\n\nfunction envoy_on_request(handle)\n  hide_logins(handle)\n  \
         find_route(handle)\nend\n"
    )
}

/// Has a route's requests pass that script.
pub(crate) fn hide_logins() -> LuaPerRoute {
    LuaPerRoute { r#override: Some(Override::Name(SCRIPT.to_owned())), ..Default::default() }
}
