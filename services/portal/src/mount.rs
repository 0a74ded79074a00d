//! Where clients find what a service knows by another path: the way of a request through the gateway, backwards.

use crate::gateway::{Path, Rewrite, ServedApi};
use crate::published::for_clients;

/// Where the paths of a service begin for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where clients reach the gateway, best first: `https://shop.example.com`.
    pub(crate) origins: Vec<String>,
    /// The same by the ports of its listeners, each in its place.
    pub(crate) addresses: Vec<String>,
    paths: Paths,
}

/// How paths of the service become those of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Paths {
    /// What begins with `inner` at the service begins with `outer` for clients: what follows is passed on letter by letter.
    Below { outer: String, inner: String },
    /// The same by whole segments.
    Segments { outer: String, inner: String },
    /// One path alone.
    One { outer: String, inner: String },
}

/// Why a document cannot say how clients reach the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotComputable {
    /// The prefix is an expression.
    #[error("the Mapping's prefix is an expression ({0}): which paths clients use cannot be told")]
    RegexPrefix(String),
    /// The rewrite is an expression.
    #[error("an expression ({0}) rewrites the path: what clients have to ask for cannot be told")]
    RegexRewrite(String),
    /// There is no single name.
    #[error("the host is a pattern ({0}): clients choose the name")]
    HostPattern(String),
    /// No Mapping is for it.
    #[error("a DevPortal names it, and no Mapping leads to it: its document is shown as it is")]
    NotRouted,
    /// Nobody serves it.
    #[error("no Host and Listener serve it: clients cannot reach it")]
    NotServed,
}

impl Mount {
    /// The mount of what is served. `published` gives the public number of a listener's port.
    pub(crate) fn of(api: &ServedApi, published: &[(u16, u16)]) -> Result<Self, NotComputable> {
        if api.is_by_hand() {
            return Err(NotComputable::NotRouted);
        }
        let paths = paths(api)?;
        let (origins, addresses) = by_scheme(api.hosts.iter().flat_map(|host| &host.urls), published);
        if !origins.is_empty() {
            return Ok(Self { origins, addresses, paths });
        }
        match api.hosts.iter().find(|host| host.host.contains('*')) {
            Some(pattern) => Err(NotComputable::HostPattern(pattern.host.clone())),
            None => Err(NotComputable::NotServed),
        }
    }

    /// The path by which clients reach `inner`, a path of the service that may have templates in it; `None` if no request
    /// becomes this one. Envoy puts the rewrite in the place of the prefix and nothing between: where only one of them ends in
    /// a slash, that is no mistake here, but what a client has to send. It cannot send two slashes: they are merged on the way.
    pub(crate) fn outer(&self, path: &str) -> Option<String> {
        let outer = match &self.paths {
            Paths::One { outer, inner } => (path == inner).then(|| outer.clone()),
            Paths::Below { outer, inner } => Some(format!("{outer}{}", path.strip_prefix(inner.as_str())?)),
            Paths::Segments { outer, inner } => {
                let rest = path.strip_prefix(inner.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then(|| format!("{outer}{rest}"))
            }
        };
        outer.filter(|outer| !outer.contains("//"))
    }

    /// Where everything below `base`, a path of the service without a slash at its end, begins for clients, likewise
    /// without; `None` if not all of it can be reached, or not by what only stands in front.
    pub(crate) fn outer_base(&self, base: &str) -> Option<String> {
        let (outer, inner) = match &self.paths {
            Paths::Below { outer, inner } | Paths::Segments { outer, inner } => (outer, inner),
            Paths::One { .. } => return None,
        };
        Some(match (base.strip_prefix(inner.as_str()), inner.strip_suffix('/')) {
            (Some(_), _) => self.outer(&format!("{base}/"))?.strip_suffix('/')?.to_owned(),
            (None, Some(directory)) if directory == base => outer.strip_suffix('/')?.to_owned(),
            _ => return None,
        })
    }

    /// Whether `base` is where clients find it already: some documents know of the gateway. They name one of its hosts, or
    /// a path that the service does not have.
    pub(crate) fn is_outer(&self, base: &str, host: Option<&str>) -> bool {
        let (Paths::Below { outer, .. } | Paths::Segments { outer, .. } | Paths::One { outer, .. }) = &self.paths;
        let below = format!("{base}/").starts_with(&format!("{}/", outer.trim_end_matches('/')));
        let is_ours = |host: &str| self.origins.iter().any(|origin| origin_host(origin) == host);
        below && (host.is_some_and(is_ours) || (outer.len() > 1 && self.outer_base(base).is_none()))
    }
}

/// The host of an origin, without its port.
fn origin_host(origin: &str) -> &str {
    host_and_port(origin.split_once("://").map_or(origin, |(_, host)| host)).0
}

/// A host apart from the port behind it, if there is one. Addresses of IPv6 have colons of their own within brackets.
pub(crate) fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn paths(api: &ServedApi) -> Result<Paths, NotComputable> {
    let outer = match &api.path {
        Path::Regex(regex) => return Err(NotComputable::RegexPrefix(regex.clone())),
        Path::Prefix(text) | Path::Segments(text) | Path::Exact(text) => text.clone(),
    };
    let inner = match &api.rewrite {
        None => outer.clone(),
        Some(Rewrite::Matched(text) | Rewrite::Full(text)) => text.clone(),
        Some(Rewrite::Regex(regex)) => return Err(NotComputable::RegexRewrite(regex.clone())),
    };
    Ok(match (&api.path, &api.rewrite) {
        (Path::Exact(_), _) | (_, Some(Rewrite::Full(_))) => Paths::One { outer, inner },
        // Every path has none of its segments.
        (Path::Segments(_), _) if outer.trim_end_matches('/').is_empty() => {
            Paths::Below { outer: "/".to_owned(), inner }
        }
        // Taken away as a whole, whatever slashes follow.
        (Path::Segments(_), _) if inner.trim_end_matches('/').is_empty() => {
            Paths::Segments { outer: outer.trim_end_matches('/').to_owned(), inner: String::new() }
        }
        (Path::Segments(_), _) => Paths::Segments { outer, inner },
        _ => Paths::Below { outer, inner },
    })
}

/// Origins as clients know them and as listeners have them: `https` first, each once, otherwise as the gateway tells them.
fn by_scheme<'u>(urls: impl Iterator<Item = &'u String>, published: &[(u16, u16)]) -> (Vec<String>, Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    let known = urls.map(|url| (for_clients(published, url), url.clone()));
    let mut all: Vec<_> = known.filter(|(origin, _)| seen.insert(origin.clone())).collect();
    all.sort_by_key(|(origin, _)| !origin.starts_with("https:"));
    all.into_iter().unzip()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Something that is served at `https://shop.example`.
    pub(crate) fn served(path: Path, rewrite: Option<Rewrite>) -> ServedApi {
        let mut served: ServedApi = serde_json::from_value(json!({
            "kind": "Mapping", "namespace": "shop", "name": "cart", "labels": {}, "docs": null,
            "path": { "kind": "prefix", "value": "/" }, "rewrite": null, "method": null, "conditions": [],
            "hosts": [{ "host": "shop.example", "urls": ["https://shop.example", "http://shop.example:8080"] }],
            "upstream": { "service": "cart:80", "endpoints": [], "names": [], "tls": null, "host": null },
            "rules": [], "asks_auth_service": false, "timeout_ms": 3000
        }))
        .unwrap();
        (served.path, served.rewrite) = (path, rewrite);
        served
    }

    pub(crate) fn mount(prefix: &str, rewrite: Option<&str>) -> Mount {
        let rewrite = rewrite.map(|text| Rewrite::Matched(text.to_owned()));
        Mount::of(&served(Path::Prefix(prefix.to_owned()), rewrite), &[]).unwrap()
    }

    #[test]
    fn paths_are_turned_back() {
        for (prefix, rewrite, inner, outer) in [
            ("/api/carts/", Some("/carts/"), "/carts/{user}", Some("/api/carts/{user}")),
            ("/api/carts/", Some("/carts/"), "/healthz", None),
            ("/api/products", Some("/products"), "/products", Some("/api/products")),
            ("/api/products", Some("/products"), "/products/{sku}", Some("/api/products/{sku}")),
            ("/api/", Some("/"), "/orders", Some("/api/orders")),
            // As Envoy has it, `/api/orders` becomes `//orders`.
            ("/api", Some("/"), "/orders", Some("/apiorders")),
            ("/api", Some("/"), "//orders", Some("/api/orders")),
            // `/api//orders` would, but its slashes are merged.
            ("/api/", Some("/v1"), "/v1/orders", None),
            ("/api/", Some("/v1"), "/v1orders", Some("/api/orders")),
            ("/api", Some("/v1/"), "/v1/orders", Some("/apiorders")),
            ("/", Some("/"), "/orders", Some("/orders")),
            ("/orders/", None, "/orders/1", Some("/orders/1")),
            ("/orders/", None, "/carts", None),
        ] {
            assert_eq!(mount(prefix, rewrite).outer(inner).as_deref(), outer, "{prefix} {rewrite:?} {inner}");
        }
    }

    #[test]
    fn whole_segments_are_turned_back_as_such() {
        let mount = |prefix: &str, rewrite: Option<&str>| {
            let rewrite = rewrite.map(|text| Rewrite::Matched(text.to_owned()));
            Mount::of(&served(Path::Segments(prefix.to_owned()), rewrite), &[]).unwrap()
        };
        for (prefix, rewrite, inner, outer) in [
            ("/api", Some("/"), "/orders", Some("/api/orders")),
            ("/api", Some("/v1"), "/v1/orders", Some("/api/orders")),
            ("/api", Some("/v1"), "/v1", Some("/api")),
            ("/api", Some("/v1"), "/v1orders", None),
            ("/api", None, "/api/orders", Some("/api/orders")),
            ("/", Some("/"), "/orders", Some("/orders")),
            ("/", None, "/orders", Some("/orders")),
        ] {
            assert_eq!(mount(prefix, rewrite).outer(inner).as_deref(), outer, "{prefix} {rewrite:?} {inner}");
        }
        assert_eq!(mount("/api", Some("/")).outer_base("").as_deref(), Some("/api"));
        assert_eq!(mount("/api", Some("/v1")).outer_base("/v1").as_deref(), Some("/api"));
        assert_eq!(mount("/api", Some("/v1")).outer_base("/v11"), None);
    }

    #[test]
    fn bases_are_turned_back_as_a_whole_or_not() {
        for (prefix, rewrite, base, outer) in [
            ("/api/", Some("/"), "", Some("/api")),
            ("/api/", Some("/"), "/v1", Some("/api/v1")),
            ("/api/", Some("/v1/"), "/v1", Some("/api")),
            ("/api/", Some("/v1/"), "", None),
            ("/api/", Some("/v1"), "/v11", Some("/api/1")),
            ("/api/", Some("/v1"), "/v1", None),
            ("/api", Some("/"), "", None),
            ("/", Some("/"), "", Some("")),
        ] {
            assert_eq!(mount(prefix, rewrite).outer_base(base).as_deref(), outer, "{prefix} {rewrite:?} {base}");
        }
        assert!(mount("/api/", Some("/v1/")).is_outer("/api/x", None));
        assert!(!mount("/api/", Some("/")).is_outer("/api/x", Some("cart")), "it may be a path of the service");
        assert!(mount("/api/", Some("/")).is_outer("/api/x", Some("shop.example")));
        assert!(!mount("/api/", Some("/")).is_outer("/x", Some("shop.example")));
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let reason = |path: Path, rewrite: Option<Rewrite>| Mount::of(&served(path, rewrite), &[]).unwrap_err();
        assert_eq!(reason(Path::Regex("/a.*".into()), None), NotComputable::RegexPrefix("/a.*".into()));
        let regex = Some(Rewrite::Regex("^/a".into()));
        assert_eq!(reason(Path::Prefix("/a".into()), regex), NotComputable::RegexRewrite("^/a".into()));
        let mut wild = served(Path::Prefix("/".into()), None);
        wild.hosts[0].host = "*.example".into();
        wild.hosts[0].urls.clear();
        assert_eq!(Mount::of(&wild, &[]), Err(NotComputable::HostPattern("*.example".into())));
        wild.hosts.clear();
        assert_eq!(Mount::of(&wild, &[]), Err(NotComputable::NotServed));
    }

    #[test]
    fn addresses_of_ipv6_are_hosts_with_or_without_a_port() {
        for (origin, host) in [
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]"),
            ("http://shop.example:8080", "shop.example"),
            ("http://shop.example", "shop.example"),
        ] {
            assert_eq!(origin_host(origin), host);
        }
    }

    #[test]
    fn ports_are_those_that_clients_know() {
        let served = served(Path::Prefix("/".into()), None);
        assert_eq!(Mount::of(&served, &[]).unwrap().origins, ["https://shop.example", "http://shop.example:8080"]);
        let published = [(8080, 80), (443, 4443)];
        let mount = Mount::of(&served, &published).unwrap();
        assert_eq!(mount.origins, ["https://shop.example:4443", "http://shop.example"]);
        assert_eq!(mount.addresses, ["https://shop.example", "http://shop.example:8080"]);
    }
}
