//! What answers where there is no preview to show. No page names an object: it is none of the visitor's business.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_ir::{HeaderAdd, NO_HOST, Respond, Route, RouteAction, SELECTOR_MARK, Scope, Table, VirtualHost};

use super::name::is_below;
use super::{Compiled, Entrance};
use crate::policy::not_found;
use crate::table::table_name;

/// Answers a name below the domain of previews that is the host of none.
fn unknown() -> Route {
    let text = "It may have been deleted, or the address may be mistyped. Ask whoever sent you here for a new one.";
    page("no-preview", 404, "There is no such preview", text)
}

/// Answers a choice of none, which the browser may still have.
fn unknown_choice() -> Route {
    let text = "It may have ended, or the address may be mistyped. Ask whoever sent you here for a new one. If this browser \
                was sent to a preview of this site, <a href=\"/.nuncio/preview?leave\">leave it</a> to see the site itself.";
    page("no-preview", 404, "There is no such preview", text)
}

/// Answers for a preview that cannot be shown.
pub(crate) fn out_of_service() -> Route {
    let text = "Its owner finds the reason in the status of the Preview, and with nuncio check.";
    page("preview-out-of-service", 503, "This preview cannot be shown", text)
}

/// Answers for a preview that there was.
fn ended() -> Route {
    let text = "Its time is over, or its change was merged or given up. Ask whoever sent you here for what came of it.";
    page("preview-ended", 410, "This preview has ended", text)
}

/// What is shown for a while at the host of a preview that has ended, behind what guards the host.
pub(crate) fn tombstone(entrance: &Entrance, mut routes: Vec<Route>, class: &Arc<str>) -> Table {
    routes.push(ended());
    let scope = Scope { host: Arc::clone(&entrance.name), preview: "".into(), class: Arc::clone(class) };
    let (name, routes) = (Arc::clone(&entrance.name), routes.into());
    let host = VirtualHost { name, domains: vec!["*".into()], routes, falls_through: false };
    let name = table_name(class, &entrance.name);
    Table {
        name,
        scope,
        hosts: vec![host],
        preview: None,
        has_ended: true,
        by_cookie: None,
        strangers: BTreeSet::new(),
    }
}

fn page(name: &str, status: u16, title: &str, text: &str) -> Route {
    let body = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem;\
         color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p></html>\n"
    );
    let mut page = Route { name: name.into(), action: RouteAction::Respond(Respond { status, body }), ..not_found() };
    let set = |name: &str, value: &str| HeaderAdd { name: name.to_owned(), value: value.to_owned(), append: false };
    page.response_headers.add = vec![
        set("cache-control", "no-store"),
        set("content-type", "text/html; charset=utf-8"),
        set("x-robots-tag", "noindex"),
    ];
    page
}

/// What answers requests that name a preview which there is not.
pub(crate) fn unknown_table(class: &Arc<str>, by_cookie: bool) -> Table {
    let scope = Scope { host: NO_HOST.into(), preview: NO_HOST.into(), class: Arc::clone(class) };
    let answer = if by_cookie { unknown_choice() } else { unknown() };
    sign("nuncio/no-preview".into(), "nuncio/no-preview", scope, answer)
}

/// What is found where a client names a preview at its baseline's host: it is called as the preview's own host, for the filter
/// that looks further.
pub(crate) fn pointer(preview: &Compiled, entrance: &Entrance, class: &Arc<str>) -> Table {
    let said: Arc<str> = format!("{SELECTOR_MARK}{}", preview.selector).into();
    let name = format!("{}{said}", entrance.baseline);
    let scope = Scope { host: Arc::clone(&entrance.baseline), preview: said, class: Arc::clone(class) };
    sign(Arc::clone(&entrance.name), &name, scope, unknown())
}

/// What tells that a key is that of a preview, and at which hosts services find something of it: it is called as they are.
pub(crate) fn mark(preview: &Compiled, hosts: &[Arc<str>], class: &Arc<str>) -> Table {
    let said = hosts.iter().fold("nuncio/preview".to_owned(), |said, host| said + "," + host);
    let scope = Scope { host: NO_HOST.into(), preview: Arc::clone(&preview.key.0), class: Arc::clone(class) };
    sign(said.into(), &format!("nuncio/preview+{}", preview.selector), scope, unknown())
}

/// A table that is there to be found. What stays with it is told that there is no such preview.
fn sign(said: Arc<str>, name: &str, scope: Scope, answer: Route) -> Table {
    let domains = vec!["*".into()];
    let host = VirtualHost { name: said, domains, routes: vec![answer].into(), falls_through: false };
    Table {
        name: table_name(&scope.class, name),
        scope,
        hosts: vec![host],
        preview: None,
        has_ended: false,
        by_cookie: None,
        strangers: BTreeSet::new(),
    }
}

/// Has the table of the wildcards answer for all names right below the domain of previews: none of them is left to a
/// wildcard Host.
pub(crate) fn shield(table: &mut Table, domain: &str) {
    let pattern: Arc<str> = format!("*.{}", domain.to_ascii_lowercase()).into();
    for host in &mut table.hosts {
        host.domains.retain(|name| *name != pattern && !is_below(domain, name));
    }
    table.hosts.retain(|host| !host.domains.is_empty());
    let routes = vec![unknown()].into();
    table.hosts.push(VirtualHost {
        name: "nuncio/previews".into(),
        domains: vec![pattern],
        routes,
        falls_through: false,
    });
}
