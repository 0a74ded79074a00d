//! How a request finds its table: a header holds the scope key, written before anything reads it.
//!
//! The key is that of [`nuncio_ir::Scope`]: `host|preview`, and `|class` where the listener has one. Where requests may belong
//! to previews, the key tells in place of `preview` no more than that there is something to look at: it is nobody's, so that
//! the filter of a miss looks at it, and no client can say a whole key.
//! `|` is not allowed in a host (Envoy answers 400), so that no Host header makes another's key.

use envoy_types::pb::envoy::config::common::mutation_rules::v3::{
    HeaderMutation as Mutation,
    header_mutation::{Action, RemoveOnMatch},
};
use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::extensions::filters::http::lua::v3::Lua;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpFilter, ScopedRds, ScopedRoutes,
    scoped_routes::{
        ConfigSpecifier, ScopeKeyBuilder,
        scope_key_builder::{
            FragmentBuilder,
            fragment_builder::{HeaderValueExtractor, Type, header_value_extractor::ExtractType},
        },
    },
};
use envoy_types::pb::envoy::extensions::http::early_header_mutation::header_mutation::v3::HeaderMutation;
use nuncio_ir::auth::{ASSERTION_HEADER, SHARE_PREFIX};
use nuncio_ir::{
    BAGGAGE_HEADER, CookieChoice, FOREIGN_HEADER, HttpSettings, OTHER_PATHS, PREVIEW_HEADER, PreviewEntry,
    PreviewTrust, Removal, SELECT_HEADER,
};

use super::{filters, logins};
use crate::{header, matcher, proto};

/// Holds the scope key inside the gateway.
pub(crate) const SCOPE_HEADER: &str = "x-nuncio-scope";
/// Holds the name of the filter chain inside the gateway.
pub(crate) const CHAIN_HEADER: &str = "x-nuncio-chain";
/// Headers that are written or dropped for every request.
///
/// The bootstrap names them, so that Envoy keeps a place for each in its table of headers: the first change of a header without
/// one makes Envoy build a dictionary of all headers of the request.
pub(crate) const HEADERS_OF_EVERY_REQUEST: [&str; 9] = [
    SCOPE_HEADER,
    CHAIN_HEADER,
    PREVIEW_HEADER,
    SELECT_HEADER,
    BAGGAGE_HEADER,
    FOREIGN_HEADER,
    ASSERTION_HEADER,
    OTHER_PATHS[0],
    OTHER_PATHS[1],
];
/// The filter that looks further where no route was found.
pub(crate) const ON_MISS_FILTER: &str = "nuncio.on_miss";

/// The filter that leads requests to previews.
pub(crate) const SELECT_FILTER: &str = "nuncio.select";

const SELECT: &str = include_str!("select.lua");

/// What it needs for what services hand on, and what does so where there are no previews.
const BAGGAGE: &str = include_str!("baggage.lua");

/// What it needs to ask first.
const QUESTION: &str = include_str!("question.lua");

/// What it needs for choices by cookie.
const CHOOSE: &str = include_str!("choose.lua");

/// The filter that keeps visitors of a preview within it.
pub(crate) const PREVIEW_FILTER: &str = "nuncio.preview";

const PREVIEW: &str = include_str!("preview.lua");

/// What it needs for where requests are from.
const ORIGIN: &str = include_str!("origin.lua");

/// What both need for links to previews.
const SHARE: &str = include_str!("share.lua");

/// Looks for the lower-case host, then for `*`.
const ON_MISS: &str = include_str!("on_miss.lua");

/// Tables by scope, over the stream that the listener came by.
pub(super) fn scoped_routes() -> ScopedRoutes {
    // Without a separator the first element is the whole value.
    let whole_value = HeaderValueExtractor {
        name: SCOPE_HEADER.to_owned(),
        element_separator: String::new(),
        extract_type: Some(ExtractType::Index(0)),
    };
    let fragment = FragmentBuilder { r#type: Some(Type::HeaderValueExtractor(whole_value)) };
    ScopedRoutes {
        name: "edge".to_owned(),
        scope_key_builder: Some(ScopeKeyBuilder { fragments: vec![fragment] }),
        rds_config_source: Some(proto::ads()),
        config_specifier: Some(ConfigSpecifier::ScopedRds(ScopedRds {
            scoped_rds_config_source: Some(proto::ads()),
            ..Default::default()
        })),
    }
}

/// Takes out what clients may not say, then writes the internal headers; what the client sent under their names does not survive.
pub(super) fn early_mutation(settings: &HttpSettings) -> TypedExtensionConfig {
    let mut actions = preview_actions(&settings.previews);
    actions.extend(settings.removals().into_iter().map(remove));
    actions.push(Action::Append(header::overwrite(SCOPE_HEADER, &scope_format(settings))));
    actions.push(chain_action(&settings.chain));
    let mutation =
        HeaderMutation { mutations: actions.into_iter().map(|action| Mutation { action: Some(action) }).collect() };
    TypedExtensionConfig {
        name: "envoy.http.early_header_mutation.header_mutation".to_owned(),
        typed_config: Some(proto::any(&mutation)),
    }
}

fn remove(removal: Removal) -> Action {
    let on_match = |names| Action::RemoveOnMatch(RemoveOnMatch { key_matcher: Some(names) });
    match removal {
        Removal::Name(name) => Action::Remove(name),
        Removal::Spelled(name) => on_match(matcher::whole(&matcher::escape(&name).replace(['-', '_'], "[-_]"))),
        Removal::Prefix(prefix) => on_match(matcher::prefix(prefix)),
    }
}

/// Keeps what clients say of previews where nothing but the filter of a miss sees it: no value of theirs survives, whatever
/// the lines in which it stands. Where services are believed, they may say it in other headers.
fn preview_actions(entry: &PreviewEntry) -> Vec<Action> {
    // An absent header has an empty value, and so adds none.
    let moved = |from: &str, to: &str| {
        [Action::Remove(to.to_owned()), Action::Append(header::overwrite(to, &format!("%REQ({from})%")))]
    };
    match entry.trust {
        PreviewTrust::Public { by_header } => {
            let selected = if by_header { moved(PREVIEW_HEADER, SELECT_HEADER).to_vec() } else { Vec::new() };
            let unselected = (!by_header).then(|| Action::Remove(SELECT_HEADER.to_owned()));
            selected.into_iter().chain(unselected).chain(moved(BAGGAGE_HEADER, FOREIGN_HEADER)).collect()
        }
        PreviewTrust::Internal => {
            let said = |name: &String| Action::Append(header::unless_there(PREVIEW_HEADER, &format!("%REQ({name})%")));
            std::iter::once(Action::Remove(SELECT_HEADER.to_owned())).chain(entry.headers.iter().map(said)).collect()
        }
    }
}

/// Here an absent header gives the empty string (in access logs it gives `-`).
fn scope_format(settings: &HttpSettings) -> String {
    let said = match settings.previews.trust {
        PreviewTrust::Public { .. } => format!("%REQ({SELECT_HEADER}):1%%REQ({FOREIGN_HEADER}):1%"),
        PreviewTrust::Internal => format!("%REQ({PREVIEW_HEADER}):1%%REQ({BAGGAGE_HEADER}):1%"),
    };
    let key = format!("%REQ(:authority)%|{said}");
    if settings.class.is_empty() { key } else { format!("{key}|{}", header::literal(&settings.class)) }
}

/// Envoy adds no header with an empty value, and so would leave the client's in place.
fn chain_action(chain: &str) -> Action {
    if chain.is_empty() {
        Action::Remove(CHAIN_HEADER.to_owned())
    } else {
        Action::Append(header::overwrite(CHAIN_HEADER, &header::literal(chain)))
    }
}

pub(super) fn on_miss(settings: &HttpSettings) -> HttpFilter {
    let known = format!(
        "local PREVIEWS, TRUST, CLASS = {}, \"{}\", \"{}\"\n",
        settings.previews.domain.is_some(),
        trust(&settings.previews),
        suffix(settings)
    );
    let script = logins::functions() + &known + BAGGAGE + ON_MISS;
    let hiding = proto::inline(logins::hiding(&script));
    let source_codes = [(logins::SCRIPT.to_owned(), hiding)].into();
    filters::filter(ON_MISS_FILTER, &Lua { source_codes, ..lua(&script) })
}

/// What leads requests to previews, where there may be any.
pub(super) fn select(settings: &HttpSettings) -> Option<HttpFilter> {
    let entry = &settings.previews;
    let domain = entry.domain.as_ref()?;
    let cookie = match entry.by_cookie {
        Some(CookieChoice::Secure) => "\"secure\"",
        Some(CookieChoice::Any) => "\"any\"",
        None => "nil",
    };
    let (headers, hosts) = (names_of_key(entry), quoted(entry.hosts.iter().map(String::as_str)));
    let known = format!(
        "local TRUST, CLASS, DOMAIN, COOKIE = \"{}\", \"{}\", \"{domain}\", {cookie}\n\
         local HEADERS, HOSTS = {{{headers}}}, {{{hosts}}}\n",
        trust(entry),
        suffix(settings)
    );
    Some(filters::filter(SELECT_FILTER, &lua(&[&*known, BAGGAGE, SHARE, QUESTION, CHOOSE, SELECT].concat())))
}

/// Who is believed, for scripts.
fn trust(entry: &PreviewEntry) -> &'static str {
    match entry.trust {
        PreviewTrust::Public { .. } => "public",
        PreviewTrust::Internal => "internal",
    }
}

/// What the scope keys of the class end with.
fn suffix(settings: &HttpSettings) -> String {
    if settings.class.is_empty() { String::new() } else { format!("|{}", settings.class) }
}

/// What keeps visitors of previews within them, and keys among services, where there may be any. Not switched off from the
/// start: whose route is yet to be found may be one of them.
pub(super) fn of_previews(entry: &PreviewEntry) -> Option<HttpFilter> {
    entry.domain.as_ref()?;
    let known = format!("local HEADERS = {{{}}}\n", names_of_key(entry));
    let hiding = logins::hiding_names(&[SHARE_PREFIX]);
    Some(filters::filter(PREVIEW_FILTER, &lua(&[&*known, SHARE, &hiding, ORIGIN, PREVIEW].concat())))
}

/// The headers that hold a key, for scripts.
fn names_of_key(entry: &PreviewEntry) -> String {
    quoted([PREVIEW_HEADER].into_iter().chain(entry.headers.iter().map(String::as_str)))
}

/// A list for scripts. What may be the name of a header or of a host is the same between quotes.
fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn lua(script: &str) -> Lua {
    Lua { default_source_code: Some(proto::inline(script)), ..Default::default() }
}
