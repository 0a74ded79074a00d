//! Who may ask for what: said here, and nowhere else.
//!
//! Whoever is on this machine may ask for everything: he could read the gateway's files as well. From elsewhere, such as other
//! pods of a cluster, somebody may who shows the token that the gateway was told of (`--admin-token-file`), as the portal in a pod
//! of its own does. It says that he is one of the gateway's services, and not for whom he asks: where that counts ([`For::Person`]),
//! `caller` wants the gateway's own word for it besides, before anything else looks at the request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use nuncio_auth::{came_by_a_proxy, crypto, is_here};
use nuncio_telemetry::SharedToken;

use super::caller::Callers;
use super::{PreviewError, refusals};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Whoever reaches the port.
    Everybody,
    /// Who is on this machine, or shows the token.
    Trusted,
    /// The same, and from elsewhere another gateway of the same objects, which shows what it makes of the token ([`peer_token`]).
    Peer,
    /// Who is on this machine, or shows the token; from elsewhere only for somebody for whom the gateway has given its word.
    Person,
}

/// Every path there is. What is not here is for [`For::Trusted`], which a test holds against the router.
pub(super) const PATHS: [(&str, For); 46] = [
    ("/", For::Everybody),
    ("/ambassador/v0/check_alive", For::Everybody),
    ("/ambassador/v0/check_ready", For::Everybody),
    ("/metrics", For::Everybody),
    ("/api/v1/openapi.json", For::Everybody),
    ("/api/v1/gateway", For::Trusted),
    ("/api/v1/objects", For::Trusted),
    ("/api/v1/hosts", For::Trusted),
    ("/api/v1/routes", For::Trusted),
    ("/api/v1/apis", For::Trusted),
    ("/api/v1/portal", For::Trusted),
    ("/api/v1/previews", For::Trusted),
    ("/api/v1/preview-details", For::Trusted),
    ("/api/v1/preview-meshes", For::Trusted),
    ("/api/v1/clusters", For::Trusted),
    ("/api/v1/limits", For::Trusted),
    ("/api/v1/limited", For::Trusted),
    ("/api/v1/envoys", For::Trusted),
    ("/api/v1/problems", For::Trusted),
    ("/api/v1/topology", For::Trusted),
    ("/api/v1/certificates", For::Trusted),
    ("/api/v1/authorities", For::Trusted),
    ("/api/v1/traffic", For::Trusted),
    ("/api/v1/route-traffic", For::Trusted),
    ("/api/v1/key-uses", For::Trusted),
    ("/api/v1/explain", For::Trusted),
    ("/api/v1/operations", For::Trusted),
    ("/api/v1/manifest", For::Trusted),
    ("/api/v1/dry-run", For::Trusted),
    ("/api/v1/compare", For::Trusted),
    ("/api/v1/apply", For::Trusted),
    // What it has from a forge is signed.
    ("/api/v1/preview-hook", For::Trusted),
    // Of another gateway, for nobody in particular: whoever it follows a request for has been looked at there.
    ("/api/v1/preview-sightings", For::Peer),
    ("/api/v1/preview-watch", For::Peer),
    ("/api/v1/preview-watched", For::Peer),
    ("/api/v1/preview-list", For::Person),
    ("/api/v1/preview-rights", For::Person),
    ("/api/v1/preview-put", For::Person),
    ("/api/v1/preview-delete", For::Person),
    ("/api/v1/preview-extend", For::Person),
    ("/api/v1/preview-share", For::Person),
    ("/api/v1/preview-shareable", For::Person),
    ("/api/v1/preview-withdraw", For::Person),
    ("/api/v1/preview-manifest", For::Person),
    ("/api/v1/preview-probe", For::Person),
    ("/api/v1/preview-tunnel", For::Person),
];

/// Who may ask for a path.
pub(super) fn is_for(path: &str) -> For {
    PATHS.iter().find(|(known, _)| *known == path).map_or(For::Trusted, |(_, who)| *who)
}

/// What a gateway shows its peers in place of the token: whoever is at the address of one may be a stranger, and learns what opens
/// no more than what peers ask each other.
pub(crate) fn peer_token(token: &str) -> String {
    crypto::hex(&crypto::hmac_sha256(token.as_bytes(), b"nuncio peers"))
}

/// Where somebody is who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On this machine.
    Here,
    /// Elsewhere, with the token.
    Elsewhere(IpAddr),
}

/// Tokens that let somebody in from elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    tokens: Arc<[SharedToken]>,
}

impl Door {
    pub(super) fn new(tokens: Vec<SharedToken>) -> Self {
        Self { tokens: tokens.into() }
    }

    /// Where somebody is, if he may ask for what not everybody may.
    fn place(&self, from: Option<IpAddr>, headers: &HeaderMap, what: For) -> Result<Place, &'static str> {
        match from {
            Some(from) if is_here(from) && !came_by_a_proxy(headers) => Ok(Place::Here),
            Some(from) if self.is_shown_token(headers, what) => Ok(Place::Elsewhere(from)),
            _ if headers.contains_key(header::AUTHORIZATION) => Err("it bears another token"),
            _ => Err("it bears no token"),
        }
    }

    fn is_shown_token(&self, headers: &HeaderMap, what: For) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(shown) = shown.and_then(|shown| bearer(shown)) else { return false };
        let read = |tokens: &SharedToken| {
            tokens.read().unwrap_or_else(|why| {
                tracing::warn!("nobody elsewhere can be let in: {why}");
                Vec::new()
            })
        };
        let digest = crypto::sha256(shown.as_bytes());
        let is_it = |token: &str| crypto::same(&crypto::sha256(token.as_bytes()), &digest);
        let opens = |token: Arc<str>| is_it(&token) || what == For::Peer && is_it(&peer_token(&token));
        self.tokens.iter().flat_map(read).any(opens)
    }
}

/// What a client bears (RFC 6750): the scheme's name has no case.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Lets requests pass for what is for everybody, and those by who may ask for the rest.
pub(super) async fn check(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
    let what = is_for(request.uri().path());
    match door.place(from, request.headers(), what) {
        _ if what == For::Everybody => next.run(request).await,
        Ok(place) => {
            request.extensions_mut().insert(place);
            if what == For::Person {
                let callers = request.extensions().get::<Callers>().cloned().unwrap_or_default();
                request = match callers.identify(place, request).await {
                    Ok(request) => request,
                    Err(refusal) => return refusal,
                };
            }
            next.run(request).await
        }
        Err(why) => refused(from, request.uri().path(), why),
    }
}

fn refused(from: Option<IpAddr>, path: &str, why: &str) -> Response {
    let from = from.map_or_else(|| "somewhere".to_owned(), |from| from.to_string());
    // What there is not may be anything, and long.
    let path = PATHS.iter().find(|(known, _)| *known == path).map_or("something else", |(known, _)| known);
    refusals::warn(format_args!("an unauthenticated request for {path} from {from} is refused: {why}"));
    let text = format!(
        "unauthenticated: the request is not from the gateway's machine, and {why}: ask there (kubectl port-forward), or \
         show the token of --admin-token-file ({})",
        SharedToken::OF_ADMIN
    );
    let mut response = PreviewError::Unauthorized(text).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef-of-the-portal";

    fn door() -> Door {
        Door::new(vec![SharedToken::Own("another-0123456789abcdef".into()), SharedToken::Own(TOKEN.into())])
    }

    fn bearing(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn who_is_here_needs_no_token_and_who_came_by_a_proxy_is_not_here() {
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let from = Some(here.parse().unwrap());
            assert_eq!(Door::default().place(from, &HeaderMap::new(), For::Trusted), Ok(Place::Here), "{here}");
            for name in ["x-forwarded-for", "x-request-id", "x-envoy-internal", "via"] {
                let mut headers = HeaderMap::new();
                headers.insert(name, "1".parse().unwrap());
                Door::default().place(from, &headers, For::Trusted).unwrap_err();
            }
        }
        for elsewhere in ["127.0.0.6", "10.1.2.3", "::ffff:10.0.0.1", "fe80::1"] {
            door().place(Some(elsewhere.parse().unwrap()), &HeaderMap::new(), For::Trusted).unwrap_err();
        }
    }

    #[test]
    fn the_token_opens_from_elsewhere_and_nothing_else_does() {
        let pod: IpAddr = [10, 1, 2, 3].into();
        assert_eq!(
            door().place(Some(pod), &bearing(&format!("Bearer {TOKEN}")), For::Trusted),
            Ok(Place::Elsewhere(pod))
        );
        for wrong in ["", "Bearer", "Bearer ", TOKEN, "Bearer 0123456789abcdef", "Basic YTpi", "Bearer \u{e9}"] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(wrong).unwrap())]);
            assert_eq!(door().place(Some(pod), &headers, For::Trusted), Err("it bears another token"), "{wrong}");
        }
        assert_eq!(
            door().place(None, &bearing(&format!("Bearer {TOKEN}")), For::Trusted),
            Err("it bears another token")
        );
        let none = Door::new(vec![SharedToken::File("/nowhere/token".into())]);
        none.place(Some(pod), &bearing("Bearer "), For::Trusted).unwrap_err();
    }

    #[test]
    fn what_peers_show_opens_what_they_ask_each_other_and_nothing_else() {
        let pod: IpAddr = [10, 1, 2, 3].into();
        let place = |token: &str, what| door().place(Some(pod), &bearing(&format!("Bearer {token}")), what);
        assert_eq!(place(&peer_token(TOKEN), For::Peer), Ok(Place::Elsewhere(pod)));
        assert_eq!(place(TOKEN, For::Peer), Ok(Place::Elsewhere(pod)), "whoever knows the token could make it");
        for what in [For::Trusted, For::Person] {
            assert_eq!(place(&peer_token(TOKEN), what), Err("it bears another token"));
        }
        for wrong in [peer_token("0123456789abcdef"), peer_token(&peer_token(TOKEN))] {
            assert_eq!(place(&wrong, For::Peer), Err("it bears another token"));
        }
        let for_peers: Vec<_> = PATHS.iter().filter(|(_, what)| *what == For::Peer).map(|(path, _)| *path).collect();
        assert_eq!(for_peers, ["/api/v1/preview-sightings", "/api/v1/preview-watch", "/api/v1/preview-watched"]);
    }

    #[test]
    fn each_path_is_there_once_and_what_is_not_is_not_for_everybody() {
        for (at, (path, _)) in PATHS.iter().enumerate() {
            assert!(PATHS[at + 1..].iter().all(|(other, _)| other != path), "{path}");
        }
        for path in ["/metrics/", "//metrics", "/api/v1/new", "", "*"] {
            assert_eq!(is_for(path), For::Trusted, "{path}");
        }
    }
}
