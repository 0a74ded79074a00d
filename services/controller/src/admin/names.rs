//! Which names the server answers to.
//!
//! A page of a stranger can let a name of its own stand for a loopback address, and then read whatever is served there
//! (DNS rebinding). Its requests carry that name. So names that are not known are refused; addresses cannot be such a
//! name, and `localhost` always means this machine (RFC 6761, section 6.3).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use nuncio_api::without_port;

/// Host names that are answered besides addresses and `localhost`.
#[derive(Clone, Debug)]
pub(super) struct Names(Arc<[String]>);

impl Names {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    fn know(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.');
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        address.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Refuses (421, RFC 9110, 15.5.20) requests for names that are not known. One without any name is no browser's.
pub(super) async fn check(State(names): State<Names>, request: Request, next: Next) -> Response {
    let in_target = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let in_headers =
        request.headers().get_all(header::HOST).iter().map(|host| String::from_utf8_lossy(host.as_bytes()));
    let mut hosts = in_headers.map(|host| host.into_owned()).chain(in_target);
    match hosts.find(|host| !names.know(host)) {
        None => next.run(request).await,
        Some(host) => {
            let text = format!(
                "diagnostics are not served as {host:?}: ask for an address or for localhost, \
                 or start the gateway with --admin-host {}\n",
                without_port(&host)
            );
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_strangers_are_not_known() {
        let names = Names::new(vec!["gateway.example".into()]);
        for host in ["127.0.0.1", "10.1.2.3:8877", "[::1]:8877", "[::1]", "LocalHost:1", "gateway.example:8877"] {
            assert!(names.know(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8877", "a gateway.example"] {
            assert!(!names.know(host), "{host}");
        }
    }
}
