//! A request, as it is written down and as routes see it.

use std::net::IpAddr;

use nuncio_api::without_port;
use nuncio_ir::{CHAIN_HEADER, HttpSettings, Removal, UnderscoreHeaders};

use super::previews::Said;
use crate::admin::ExplainRequest;

/// A request, as routes see it.
pub(super) struct Request {
    /// The port that is connected to; of a URL without one it is the scheme's.
    pub(super) port: u16,
    /// The connection begins with a TLS handshake.
    pub(super) tls: bool,
    /// The name in that handshake. None where a client sends none: not for an address.
    pub(super) sni: Option<String>,
    /// A client certificate is shown in it.
    pub(super) client_certificate: bool,
    /// What follows is HTTP.
    pub(super) http: bool,
    pub(super) host: String,
    pub(super) path: String,
    /// As it was written; empty for `/`.
    written: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    /// What it says of previews, where that counts.
    pub(super) previews: Said,
    /// The headers of clients that nobody behind the entrance sees.
    removals: Vec<Removal>,
    /// Nor any with underscores.
    no_underscores: bool,
}

impl Request {
    pub(super) fn new(request: &ExplainRequest) -> Self {
        let (scheme, rest) = request.url.split_once("://").unwrap_or(("http", &request.url));
        let scheme = scheme.to_ascii_lowercase();
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let named = request.headers.iter().find(|header| header.name == "host");
        let name = without_port(authority);
        let tls = matches!(&*scheme, "https" | "tls") || scheme == "tcp" && request.sni.is_some();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut headers = vec![(":method".to_owned(), request.method.clone())];
        headers.extend(request.headers.iter().map(|header| (header.name.clone(), header.value.clone())));
        Self {
            port: port(authority).unwrap_or(if scheme == "https" { 443 } else { 80 }),
            tls,
            sni: request.sni.clone().or_else(|| server_name(name)).filter(|_| tls).map(|name| canonical(&name)),
            client_certificate: request.client_certificate,
            http: matches!(&*scheme, "http" | "https"),
            host: canonical(without_port(named.map_or(authority, |header| &header.value))),
            path: without_dots(path),
            written: path.to_owned(),
            query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            headers,
            previews: Said::default(),
            removals: Vec::new(),
            no_underscores: false,
        }
    }

    /// Whether slashes of the path are escaped.
    pub(super) fn has_escaped_slashes(&self) -> bool {
        let path = self.path.to_ascii_lowercase();
        path.contains("%2f") || path.contains("%5c")
    }

    /// The path without escaped slashes.
    pub(super) fn unescaped(&self) -> String {
        let plain =
            ["%2f", "%2F", "%5c", "%5C"].iter().fold(self.path.clone(), |path, escaped| path.replace(escaped, "/"));
        without_dots(&plain)
    }

    /// Whether routes see another path than the one that was written.
    pub(super) fn is_rewritten(&self) -> bool {
        !self.written.is_empty() && self.written != self.path
    }

    /// The query with its question mark; empty where there is none.
    pub(super) fn query_text(&self) -> String {
        let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{mark}{}", query.join("&"))
    }

    /// The value of a header, or of a pseudo-header, as Envoy tells it: several values with commas between.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        if name == ":path" {
            return Some(format!("{}{}", self.path, self.query_text()));
        }
        let values: Vec<_> =
            self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| &**value).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    /// Whether a client may send a header of this name, in lower case, so that filters see it. What is known of the request
    /// is there anyway.
    pub(super) fn may_have(&self, name: &str) -> bool {
        let is_taken = self.removals.iter().any(|removal| removal.takes(name));
        let is_refused = self.no_underscores && name.contains('_');
        !is_taken && !is_refused
    }

    /// What Envoy sets before it looks for a route.
    pub(super) fn enter(&mut self, settings: &HttpSettings) {
        if settings.merge_slashes {
            while self.path.contains("//") {
                self.path = self.path.replace("//", "/");
            }
        }
        let sent = self.headers.clone();
        let trusted = settings.trusted_hops > 0 || !settings.use_remote_address;
        let drops = settings.underscores == UnderscoreHeaders::DropHeader;
        (self.removals, self.no_underscores) = (settings.removals(), settings.underscores != UnderscoreHeaders::Allow);
        let removals = &self.removals;
        self.headers.retain(|(name, _)| {
            let by_envoy =
                name == CHAIN_HEADER || !trusted && name == "x-forwarded-proto" || drops && name.contains('_');
            !by_envoy && !removals.iter().any(|removal| removal.takes(name))
        });
        if !self.headers.iter().any(|(name, _)| name == "x-forwarded-proto") {
            let scheme = if self.tls { "https" } else { "http" };
            self.headers.push(("x-forwarded-proto".to_owned(), scheme.to_owned()));
        }
        let is_secure = self.header("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        self.previews = Said::of(&sent, &self.host, is_secure, &settings.previews);
        self.headers.push((CHAIN_HEADER.to_owned(), settings.chain.to_string()));
        self.headers.push((":authority".to_owned(), self.host.clone()));
    }
}

/// The port behind the name, if one is written.
fn port(authority: &str) -> Option<u16> {
    authority.strip_prefix(without_port(authority))?.strip_prefix(':')?.parse().ok()
}

/// Host names are compared without case and without the last dot.
fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// An address is no server name (RFC 6066, section 3).
fn server_name(host: &str) -> Option<String> {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_err().then(|| host.to_owned())
}

/// The path without `.` and `..`, as Envoy's `normalize_path` leaves it (RFC 3986, 5.2.4): also where parameters follow plain
/// ones (`..;a=b`), and with slashes for backslashes.
fn without_dots(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.trim_start_matches('/').split('/').peekable();
    // Slashes at the beginning are merged by the caller, if at all.
    let lead = path.len() - path.trim_start_matches('/').len();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        let bare = segment.split(';').next().filter(|bare| matches!(*bare, "." | ".."));
        match bare.unwrap_or(&decoded) {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("{}{}", "/".repeat(lead.max(1)), kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_taken_out_of_paths() {
        for (path, expected) in [
            ("", "/"),
            ("/a/b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/./b/", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/../a", "/a"),
            ("/a/%2E%2e/b", "/b"),
            ("//a//b", "//a//b"),
            ("/x/..;/y", "/y"),
            ("/..;/y", "/y"),
            ("/x/..;a=b/y", "/y"),
            ("/x/.;/y", "/x/y"),
            ("/x/..;", "/"),
            ("/x/..\\y", "/y"),
            ("/x/%2e%2e;/y", "/x/%2e%2e;/y"),
            ("/x/..a;/y", "/x/..a;/y"),
        ] {
            assert_eq!(without_dots(path), expected, "{path}");
        }
    }
}
