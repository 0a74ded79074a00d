//! To whom the console is shown.
//!
//! It tells how a gateway is built, so it is not for everybody whom the portal is for. With `--console-group` it is for
//! members of these groups, of whom the gateway vouches, and for nobody else. Without, it is for whoever can reach its own
//! port; behind a gateway it is shown under names alone that `--console-host` says, whoever routed it there. A stranger's
//! page cannot read it by giving a loopback address a name of its own either (DNS rebinding).

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Console;
use crate::access::Viewer;
use crate::web::Site;

/// Lets requests pass that are by such a member, or for such a name.
pub(super) async fn check(State(site): State<Site>, request: Request, next: Next) -> Response {
    let viewer = site.access.viewer(request.headers()).await;
    if is_shown(&site.console, &viewer, request.headers()) {
        return next.run(request).await;
    }
    if !site.console.groups.is_empty() {
        let why = "The console is for members of a group that you are not known to be in.\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let name = host(request.headers()).unwrap_or_default();
    let text = format!(
        "The console is not shown as {name:?}. Ask for it at the portal's own port on localhost; to have it \
         behind the gateway, put a FilterPolicy before /console/ and start the portal with --console-host {name}\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// Whether somebody who sends these headers sees the console.
pub(crate) fn is_shown(Console { hosts, groups, .. }: &Console, viewer: &Viewer, headers: &HeaderMap) -> bool {
    if groups.is_empty() { is_shown_as(hosts, headers) } else { viewer.is_in(groups) }
}

fn is_shown_as(hosts: &[String], headers: &HeaderMap) -> bool {
    let is_named = |host: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    host(headers).is_some_and(|host| is_named(&host) || is_of_this_machine(&host) && !came_by_a_gateway(headers))
}

/// Whether a proxy sent the request on: whatever name it has then is what some client wrote, and says nothing of the port.
fn came_by_a_gateway(headers: &HeaderMap) -> bool {
    let is_of_proxies = |name: &str| {
        ["x-forwarded-", "x-envoy-"].iter().any(|prefix| name.starts_with(prefix))
            || ["forwarded", "via", "x-request-id"].contains(&name)
    };
    headers.keys().any(|name| is_of_proxies(name.as_str()))
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

    #[test]
    fn names_of_strangers_are_not_known() {
        let hosts = ["console.example".to_owned()];
        let known = |text: &str| is_shown_as(&hosts, &HeaderMap::from_iter([(header::HOST, text.parse().unwrap())]));
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
            let shown = |name: &str| {
                let mut headers = HeaderMap::from_iter([(header::HOST, name.parse().unwrap())]);
                headers.insert(header, "x".parse().unwrap());
                is_shown_as(&hosts, &headers)
            };
            assert!(shown("console.example") && !shown("127.0.0.1") && !shown("localhost"), "{header}");
        }
    }
}
