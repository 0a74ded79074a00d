//! To whom the console is shown.
//!
//! It tells how a gateway is built, so it is not for everybody whom the portal is for. With `--console-group` it is for
//! members of these groups, of whom the gateway vouches, and for nobody else. Without, it is for who asks at its own port on
//! this machine, since the gateway's diagnostics are no other's either; behind a gateway it is shown under names alone that `--console-host` says, whoever routed it there. A stranger's
//! page cannot read it by giving a loopback address a name of its own either (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use nuncio_auth::{came_by_a_proxy, is_here};

use super::Console;
use crate::access::Viewer;
use crate::web::{Frame, Site, Visit, respond, wants_page};

/// Lets requests pass that are by such a member, or for such a name.
pub(super) async fn check(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visit) = Visit::from_request_parts(&mut parts, &site).await;
    let request = Request::from_parts(parts, body);
    if visit.sees_console() {
        return next.run(request).await;
    }
    if !site.console.groups.is_empty() {
        return (StatusCode::FORBIDDEN, respond(&NoWayIn::of(&visit))).into_response();
    }
    let name = host(request.headers()).unwrap_or_default();
    let answer = match wants_page(request.headers()) {
        true => respond(&Misdirected { frame: visit.frame(), name: &name }),
        false => format!(
            "The console is not shown as {name:?} here. Ask for it at the portal's own port on its machine; to have it \
             behind the gateway, put a FilterPolicy before /console/ and start the portal with --console-host {name}\n"
        )
        .into_response(),
    };
    (StatusCode::MISDIRECTED_REQUEST, answer).into_response()
}

/// It is asked for by a name that it is not shown as.
#[derive(Template)]
#[template(path = "console/misdirected.html")]
struct Misdirected<'a> {
    frame: Frame<'a>,
    name: &'a str,
}

/// For whom it is, who asks, and how he may become another.
#[derive(Template)]
#[template(path = "console/no_way_in.html")]
struct NoWayIn<'a> {
    frame: Frame<'a>,
    /// The groups that it is for, in words.
    wanted: String,
    /// Who the gateway says that asks; nothing where it says nothing.
    who: &'a str,
    /// His own groups, in words.
    own: String,
}

impl<'a> NoWayIn<'a> {
    fn of(visit: &'a Visit) -> Self {
        let identity = visit.viewer.identity.as_ref();
        Self {
            frame: visit.frame(),
            wanted: visit.console.groups.join(", "),
            who: identity.map_or("", |identity| &identity.subject),
            own: identity.map(|identity| identity.groups.join(", ")).unwrap_or_default(),
        }
    }

    /// Who asks, with his groups.
    fn known(&self) -> String {
        match self.own.as_str() {
            "" => self.frame.say("no_way_in_no_group", "who", &self.who),
            own => self.frame.texts.fill("no_way_in_who", &[("who", &self.who), ("groups", &own)]),
        }
    }
}

/// Whether somebody who sends these headers sees the console.
pub(crate) fn is_shown(Console { hosts, groups, .. }: &Console, viewer: &Viewer, request: &Parts) -> bool {
    if groups.is_empty() { is_shown_as(hosts, request) } else { viewer.is_in(groups) }
}

/// Whether somebody who sends these headers runs the gateway, as far as anybody says who does. What is shown under a name for
/// the console has a guard of its own, which other pages of that name need not have.
pub(crate) fn is_for_operators(Console { groups, .. }: &Console, viewer: &Viewer, request: &Parts) -> bool {
    viewer.is_in(groups) || groups.is_empty() && is_shown_as(&[], request)
}

fn is_shown_as(hosts: &[String], Parts { headers, extensions, .. }: &Parts) -> bool {
    let is_named = |host: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    let is_from_here = || extensions.get::<FromElsewhere>().is_none() && !came_by_a_proxy(headers);
    host(headers).is_some_and(|host| is_named(&host) || is_of_this_machine(&host) && is_from_here())
}

/// Notes of a request that it is from another machine.
#[derive(Clone, Copy, Debug)]
struct FromElsewhere;

/// Notes where requests are from.
pub(crate) async fn note_place(
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    if !is_here(from.ip()) {
        request.extensions_mut().insert(FromElsewhere);
    }
    next.run(request).await
}

/// The name in the `Host` header, without its port.
fn host(headers: &HeaderMap) -> Option<String> {
    let authority: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    Some(authority.host().trim_end_matches('.').to_ascii_lowercase())
}

/// A name that nobody else can have made up for this machine.
fn is_of_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok() || host == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(http::Request::builder(), |it, (name, value)| it.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn names_of_strangers_are_not_known() {
        let hosts = ["console.example".to_owned()];
        let known = |text: &str| is_shown_as(&hosts, &asked(&[("host", text)]));
        for name in ["127.0.0.1:8088", "[::1]:8088", "LOCALHOST", "Console.example:8443", "console.example."] {
            assert!(known(name), "{name}");
        }
        for name in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            assert!(!known(name), "{name}");
        }
        assert_eq!(host(&HeaderMap::new()), None);
    }

    #[test]
    fn through_a_gateway_an_address_is_what_anybody_can_write() {
        let hosts = ["console.example".to_owned()];
        for header in ["x-forwarded-proto", "x-forwarded-for", "x-envoy-internal", "x-request-id", "via"] {
            let shown = |name: &str| is_shown_as(&hosts, &asked(&[("host", name), (header, "x")]));
            assert!(shown("console.example") && !shown("127.0.0.1") && !shown("localhost"), "{header}");
        }
    }

    #[test]
    fn from_another_machine_an_address_is_no_way_in() {
        let shown = |name: &str| {
            let mut request = asked(&[("host", name)]);
            request.extensions.insert(FromElsewhere);
            is_shown_as(&["console.example".to_owned()], &request)
        };
        assert!(shown("console.example") && !shown("10.1.2.3:8088") && !shown("localhost"));
    }
}
