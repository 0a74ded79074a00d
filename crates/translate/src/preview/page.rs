//! What answers where there is no preview to show. No page names an object: it is none of the visitor's business.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use nuncio_ir::{
    HeaderAdd, HeaderMatch, NO_HOST, Respond, Route, RouteAction, SELECTOR_MARK, Scope, Table, Told, VirtualHost,
};
use serde_json::{Value, json};

use super::name::is_below;
use super::{Compiled, Entrance, Replacement};
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

/// Answer for a preview that cannot be shown.
pub(crate) fn out_of_service() -> [Route; 2] {
    let text = "Its owner finds the reason in the status of the Preview, and with nuncio check.";
    in_both_forms("preview-out-of-service", 503, "This preview cannot be shown", text)
}

/// Answer for a preview that there was.
fn ended(is_deleted: bool) -> [Route; 2] {
    let text = if is_deleted {
        "It was deleted, or its change was merged or given up. Ask whoever sent you here for what came of it."
    } else {
        "Its time is over. Ask whoever sent you here to have it shown for longer."
    };
    in_both_forms("preview-ended", 410, "This preview has ended", text)
}

/// What is told while nobody stands in for a service. Why nobody does may name objects.
pub(crate) fn nobody(preview: &str, replacement: &Replacement) -> Told {
    let service = replacement.backend.baseline.to_string();
    let since = replacement.since.and_then(|since| Timestamp::from_second(i64::try_from(since).ok()?).ok());
    let since_when = since.map(|since| format!(" since {}", since.strftime("%-d %B %Y, %H:%M:%S UTC")));
    let since_when = since_when.unwrap_or_default();
    let hint = match (replacement.forbidden, replacement.backend.is_tunnel()) {
        (true, _) => "This does not pass by itself: its owner finds the reason in the status of the Preview.",
        (_, true) => {
            "It runs on a developer's machine, and is there again as soon as it is connected: ask whoever sent you here."
        }
        (_, false) => {
            "It may be about to start: try again in a minute. If it stays so, its owner finds the reason in the status of the \
             Preview."
        }
    };
    let title = "A part of this preview is not there";
    let detail = format!(
        "The preview {preview} has a version of {service} of its own, and nobody has served it{since_when}. {hint} All else of \
         the preview goes on."
    );
    let more = json!({ "preview": preview, "service": service, "since": since });
    Told { page: html(title, &escaped(&detail)), problem: problem(503, title, &detail, more) }
}

/// What is told where a developer's machine is connected, and no process on it answers: why not. The preview is not named, since
/// that machine knows it by its object.
#[must_use]
pub fn unanswered(service: Option<&str>, why: &str) -> Told {
    let part = match service {
        Some(service) => format!("This preview has a version of {service} of its own, which"),
        None => "A part of this preview".to_owned(),
    };
    let title = "Nothing answers on the developer's machine";
    let detail = format!(
        "{part} runs on a developer's machine. That machine is connected, but {why}. It is there again as soon as the process is \
         started: ask whoever sent you here. All else of the preview goes on."
    );
    let more = json!({ "service": service });
    Told { page: html(title, &escaped(&detail)), problem: problem(502, title, &detail, more) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What is shown for a while at the host of a preview that has ended, by its time or because somebody deleted it, behind what
/// guards the host.
pub(crate) fn tombstone(entrance: &Entrance, mut routes: Vec<Route>, class: &Arc<str>, is_deleted: bool) -> Table {
    routes.extend(ended(is_deleted));
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

/// A page for who wants one, and the same for programs.
fn in_both_forms(name: &str, status: u16, title: &str, text: &str) -> [Route; 2] {
    let mut page = page(name, status, title, text);
    page.matches.headers.push(HeaderMatch::for_pages());
    let name = format!("{name}-problem");
    [page, answer(&name, status, problem(status, title, text, json!({})), "application/problem+json")]
}

fn page(name: &str, status: u16, title: &str, text: &str) -> Route {
    answer(name, status, html(title, text), "text/html; charset=utf-8")
}

fn html(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;\
         margin:20vh auto;padding:0 1rem;overflow-wrap:anywhere}}a{{color:inherit}}</style><main><h1>{title}</h1><p>{text}</p></main></html>\n"
    )
}

/// Problem details (RFC 9457), with whatever else there is to say.
fn problem(status: u16, title: &str, detail: &str, more: Value) -> String {
    let mut problem = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
    if let (Value::Object(problem), Value::Object(more)) = (&mut problem, more) {
        problem.extend(more);
    }
    format!("{problem}\n")
}

fn answer(name: &str, status: u16, body: String, kind: &str) -> Route {
    let mut answer = Route { name: name.into(), action: RouteAction::Respond(Respond { status, body }), ..not_found() };
    let set = |name: &str, value: &str| HeaderAdd { name: name.to_owned(), value: value.to_owned(), append: false };
    answer.response_headers.add =
        vec![set("cache-control", "no-store"), set("content-type", kind), set("x-robots-tag", "noindex")];
    answer
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_connected_and_does_not_answer_is_told_of_in_both_forms() {
        let why = "nothing listens at 127.0.0.1:8080: <refused>";
        let Told { page, problem } = unanswered(Some("cart"), why);
        assert!(page.contains("is connected, but nothing listens at 127.0.0.1:8080: &lt;refused&gt;."), "{page}");
        assert!(page.contains("a version of cart of its own, which runs on a developer's machine"), "{page}");
        let told: Value = serde_json::from_str(&problem).unwrap();
        assert_eq!((&told["status"], &told["service"]), (&json!(502), &json!("cart")));
        assert!(told["detail"].as_str().unwrap().contains(why), "{problem}");
        let told = unanswered(None, why);
        assert!(told.page.contains("A part of this preview runs on a developer's machine"), "{}", told.page);
        assert_eq!(serde_json::from_str::<Value>(&told.problem).unwrap()["service"], Value::Null);
    }
}
