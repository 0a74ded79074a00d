//! The routes at the head of a baseline's table for requests that say something of a preview that was chosen by a cookie: they
//! have the filter look at them which leads to previews (`choose.lua`). All others cost a few comparisons of texts more.
//!
//! Whatever the routes take the filter has to take out of the request, or they find it again: both read cookies and links alike.
//! Whether a cookie counts is the filter's to say, which takes those out that do not, too.

use std::collections::{BTreeSet, HashMap};

use envoy_types::pb::envoy::config::route::v3::{
    FilterConfig, Route as PbRoute, RouteAction as PbAction, RouteMatch,
    route::Action,
    route_action::{ClusterNotFoundResponseCode, ClusterSpecifier, UpgradeConfig},
    route_match::PathSpecifier,
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::{CookieChoice, HeaderMatch, RouteAction, Slot, Table, ValueMatch};

use crate::listener::{
    CORS_FILTER, LOCAL_LIMIT_FILTER, ON_MISS_FILTER, PREVIEW_FILTER, PROBES_FILTER, SCOPE_HEADER, SELECT_FILTER,
};
use crate::{matcher, proto};

/// The name of the routes, and where links lead that choose: `choose.lua` knows both.
const NAME: &str = "nuncio/choose";
const PATH: &str = "/.nuncio/preview";

/// What routes of wildcards may let requests switch to, which are found by a miss.
const WEBSOCKET: &str = "websocket";

/// What is in the names of all cookies of ours, so that most others are passed over at once; and those that are meant.
const PART: &str = "nuncio_";
const COOKIES: &str = r"(.*;\s*)?(__Host-)?nuncio_(preview|share\.[^=;]*)=.*";

/// The same for links to previews, which a browser without cookies is sent to when it has chosen: `share.lua` takes them out.
const LINK: &str = "nuncio-share=";
const LINKS: &str = r"[^?]*\?(.*&)?nuncio-share=.*";

/// The routes, where the table has any.
pub(super) fn routes(table: &Table) -> Vec<PbRoute> {
    let Some(choice) = table.by_cookie else { return Vec::new() };
    let https = ValueMatch::Exact("https".to_owned());
    let scheme: Vec<_> =
        (choice == CookieChoice::Secure).then(|| header("x-forwarded-proto", https)).into_iter().collect();
    let all = || PathSpecifier::Prefix("/".to_owned());
    let matches = [
        (PathSpecifier::Path(PATH.to_owned()), scheme),
        (all(), holding("cookie", PART, COOKIES).to_vec()),
        (all(), holding(":path", LINK, LINKS).to_vec()),
    ];
    let upgrades = upgrades(table);
    matches.into_iter().map(|(path, headers)| route(path, &headers, &upgrades)).collect()
}

/// What any route lets requests switch to that they may be led to: Envoy asks that before a filter leads them there, and the
/// filter of a miss asks again then, of the route that there is.
fn upgrades(table: &Table) -> Vec<UpgradeConfig> {
    let routes = table.hosts.iter().flat_map(|host| &host.routes);
    let arms = routes.filter_map(|route| match &route.action {
        RouteAction::Forward(forward) => Some(&forward.arms),
        RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
    });
    let own = arms.flatten().flat_map(|arm| &arm.upgrades).map(String::as_str);
    let all: BTreeSet<_> = own.chain([WEBSOCKET]).collect();
    let config = |name: &str| UpgradeConfig { upgrade_type: name.to_owned(), ..Default::default() };
    all.into_iter().map(config).collect()
}

fn holding(name: &str, part: &str, whole: &str) -> [HeaderMatch; 2] {
    [ValueMatch::Contains(part.to_owned()), ValueMatch::Regex(whole.to_owned())].map(|value| header(name, value))
}

fn header(name: &str, value: ValueMatch) -> HeaderMatch {
    HeaderMatch { name: name.to_owned(), value, invert: false }
}

/// It answers by itself where no filter leads its requests elsewhere: never by the baseline. A direct response would be the
/// word for that, but has no upgrades; no cluster is called like a scope.
fn route(path: PathSpecifier, headers: &[HeaderMatch], upgrades: &[UpgradeConfig]) -> PbRoute {
    let nobody = PbAction {
        cluster_specifier: Some(ClusterSpecifier::ClusterHeader(SCOPE_HEADER.to_owned())),
        cluster_not_found_response_code: ClusterNotFoundResponseCode::NotFound as i32,
        upgrade_configs: upgrades.to_vec(),
        ..Default::default()
    };
    let headers = headers.iter().map(matcher::header).collect();
    PbRoute {
        name: NAME.to_owned(),
        r#match: Some(RouteMatch { path_specifier: Some(path), headers, ..Default::default() }),
        action: Some(Action::Route(nobody)),
        typed_per_filter_config: all_filters(),
        ..Default::default()
    }
}

/// Filters are chosen by the first route of a request: another may need any of them.
fn all_filters() -> HashMap<String, Any> {
    let enabled = proto::any(&FilterConfig { config: Some(Any::default()), ..Default::default() });
    let own = [SELECT_FILTER, ON_MISS_FILTER, PREVIEW_FILTER, CORS_FILTER, PROBES_FILTER, LOCAL_LIMIT_FILTER];
    own.into_iter().chain(Slot::ALL.map(Slot::name)).map(|name| (name.to_owned(), enabled.clone())).collect()
}
