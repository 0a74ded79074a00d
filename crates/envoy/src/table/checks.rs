//! Which requests the filters in the slots ask about.
//!
//! A request that finds its route late (`on_miss.lua`) passes every filter of the list, whatever its virtual host says about
//! running them: so what must not be asked is said in the filter's own words too.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::route::v3::{FilterConfig, Route as PbRoute};
use envoy_types::pb::google::protobuf::{Any, Struct, Value, value};
use nuncio_ir::{AuthContext, Check, Route, Slot, VirtualHost};

use super::led_on::{Choosy, audiences};
use crate::{extension, proto};

type Configs = HashMap<String, Any>;

/// For a whole table: who is not asked about elsewhere is not asked about.
pub(super) fn of_table() -> Configs {
    [Slot::Auth, Slot::Filters].map(|slot| (slot.name().to_owned(), extension::not_asked())).into()
}

/// Whether the routes of a virtual host are asked about unless they say otherwise: if any is.
pub(super) fn is_asked(host: &VirtualHost) -> bool {
    host.routes.iter().any(|route| matches!(route.auth, Check::On(_)))
}

/// For a virtual host. Requests for an exact name about which nobody is asked do not even pass the filter.
pub(super) fn of_host(host: &VirtualHost, exact: bool) -> Configs {
    let mut configs = Configs::new();
    let mut say = |slot: Slot, config| drop(configs.insert(slot.name().to_owned(), config));
    let passed_over = || proto::any(&FilterConfig { disabled: true, ..Default::default() });
    match (is_asked(host), exact) {
        (true, _) => say(Slot::Auth, extension::asked(&AuthContext::default())),
        (false, true) => say(Slot::Auth, passed_over()),
        (false, false) => {}
    }
    // A route that is held to rules says so itself, and which.
    if exact && host.routes.iter().all(|route| route.rules.is_none()) {
        say(Slot::Filters, passed_over());
    }
    configs
}

/// For a route, as far as it differs from its virtual host.
pub(super) fn of_route(route: &Route, host_is_asked: bool, choosy: &Choosy<'_>) -> Configs {
    let mut configs = match &route.auth {
        Check::Off | Check::Bypassed if host_is_asked => {
            [(Slot::Auth.name().to_owned(), extension::not_asked())].into()
        }
        Check::On(context) if !context.is_empty() => of_context(context),
        Check::Off | Check::Bypassed | Check::On(_) => Configs::new(),
    };
    let held = route.rules.as_ref();
    let held = held.map(|check| extension::held_to(check, &audiences(route), &choosy.leading_from(route)));
    configs.extend(held.map(|held| (Slot::Filters.name().to_owned(), held)));
    configs
}

/// Has the Envoy routes of a route that is not asked about pass the filter that refuses (`refuse.lua`) too: it stands in the
/// way of whoever finds a route late, also in a virtual host where nobody is asked.
pub(super) fn let_pass(route: &Route, host_is_asked: bool, routes: &mut [PbRoute]) {
    let passes = match route.auth {
        Check::Off => host_is_asked,
        Check::Bypassed => true,
        Check::On(_) => false,
    };
    if !passes {
        return;
    }
    let fields: HashMap<_, _> = [("bypass".to_owned(), Value { kind: Some(value::Kind::BoolValue(true)) })].into();
    for route in routes {
        let metadata = route.metadata.get_or_insert_default();
        metadata.filter_metadata.insert(Slot::Auth.name().to_owned(), Struct { fields: fields.clone() });
    }
}

/// For a route whose requests are asked about with this context.
pub(super) fn of_context(context: &AuthContext) -> Configs {
    [(Slot::Auth.name().to_owned(), extension::asked(context))].into()
}
