//! `docs` of a Mapping, and of a service of a Preview.

use super::{invalid, no_effect};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{Docs, DocsProblem, LONGEST_DOCS_TIMEOUT_MS, Mapping, PreviewedService, Scheme, ServiceRef, without_port};

/// Whether the portal can use `docs`. The Mapping serves all the same.
pub(super) fn docs(mapping: &Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = &path.key("docs");
    let Some(written) = mapping.docs.as_deref().filter(|written| !written.is_null()) else { return };
    let docs = match Docs::read(written) {
        Ok(docs) => docs,
        Err(wrong) => {
            for DocsProblem { field, message, is_unknown } in wrong {
                let told = format!("{message}; the portal cannot use docs so");
                let reason = if is_unknown { "UnknownField" } else { "InvalidValue" };
                match field.as_str() {
                    "" => issues.warning(path, reason, told),
                    field => issues.warning(&path.key(field), reason, told),
                }
            }
            return;
        }
    };
    if docs.url.is_some() && docs.path.is_some() {
        no_effect(&path.key("path"), "url is used instead", issues);
    }
    if docs.timeout_ms.is_some_and(|timeout| timeout > LONGEST_DOCS_TIMEOUT_MS) {
        let message = format!("{LONGEST_DOCS_TIMEOUT_MS} is the longest, and is used instead");
        no_effect(&path.key("timeout_ms"), message, issues);
    }
    if let Some(why) = docs.url.as_deref().and_then(|url| not_asked(url, &mapping.service)) {
        no_effect(&path.key("url"), why, issues);
    }
}

/// Where the document of who stands in for a service is. It is asked for at `backend` and nowhere else.
pub(super) fn previewed(service: &PreviewedService, path: &Path<'_>, issues: &mut Issues<'_>) {
    let Some(docs) = &service.docs else { return };
    let Some(written) = &docs.path else { return };
    let path = &path.key("path");
    let is_path = written.starts_with('/') && written.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_path {
        let message =
            format!("expected a path of the backend, such as \"/openapi.json\", found \"{}\"", shorten(written));
        invalid(path, message, issues);
    } else if docs.ignored == Some(true) {
        no_effect(path, "ignored is true: no document is asked for", issues);
    } else if service.is_tunnel() {
        no_effect(path, "documents are not asked for through a tunnel", issues);
    }
}

/// Says of the Mappings that every Edge Stack has for its own portal that there is another.
pub(super) fn portal_of_edge_stack(mapping: &Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    let ServiceRef { host, port, .. } = &mapping.service;
    let is_there = ["127.0.0.1", "localhost"].contains(&host.as_str()) && *port == Some(8500);
    if is_there && ["/docs", "/openapi"].contains(&mapping.prefix.trim_end_matches('/')) {
        let message = "Edge Stack's own portal answers there, and most likely nothing here, so that requests get 503: Nuncio's \
                       is at 127.0.0.1:8088 with --portal. Send this Mapping there, or remove it";
        no_effect(&path.key("service"), message, issues);
    }
}

/// A URL with a login in it is never asked for.
pub(super) const WITH_LOGIN: &str = "the portal asks for no URL with a login in it";

/// Scheme, and what is between that and the path.
pub(super) fn scheme_and_authority(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    Some((scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()))
}

/// Why the portal does not ask for a document, as far as that can be known from here.
fn not_asked(url: &str, service: &ServiceRef) -> Option<String> {
    let (scheme, authority) = scheme_and_authority(url)?;
    if authority.contains('@') {
        return Some(WITH_LOGIN.to_owned());
    }
    (scheme == "http" && !is_at(authority, service)).then(|| {
        let host = without_port(authority);
        format!(
            "the portal asks for documents by http:// at the Mapping's own service alone: elsewhere it takes https://, \
             unless --portal-allow-host {host} lets this host in"
        )
    })
}

/// Whether it may be the service: which namespace a name without one belongs to is not known here.
fn is_at(authority: &str, service: &ServiceRef) -> bool {
    let host = without_port(authority).to_ascii_lowercase();
    let port = authority.get(host.len() + 1..).and_then(|port| port.parse().ok());
    let usual = if service.scheme == Some(Scheme::Https) { 443 } else { 80 };
    let (own, host) = (service.url_host(), host.as_str());
    let is_name = service.address().is_none();
    let same = host == own || is_name && host.split('.').next() == own.split('.').next();
    same && port.unwrap_or(80) == service.port.unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::not_asked;

    #[test]
    fn what_the_portal_never_asks_for_is_known() {
        let asked = |url: &str| not_asked(url, &"cart:8080".parse().unwrap()).is_none();
        for good in ["http://cart:8080/x", "http://Cart.shop.svc:8080/x", "https://docs.example/x"] {
            assert!(asked(good), "{good}");
        }
        for bad in ["http://docs.example/x", "http://cart/x", "http://cart:81/x", "https://me:word@docs.example/x"] {
            assert!(!asked(bad), "{bad}");
        }
        assert!(not_asked("http://[::1]:9/x", &"[::1]:9".parse().unwrap()).is_none());
    }
}
