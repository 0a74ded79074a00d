//! The origins that a login is for, and where a browser may be sent back to.

use nuncio_ir::auth::{ENDPOINTS_PREFIX, OWN_ENDPOINTS_PREFIX, ProtectedOrigin, authority};

use crate::{Glob, Request};

/// Targets longer than this are not kept through a login.
const LONGEST_TARGET: usize = 2_048;

/// The protected origins of a filter.
#[derive(Clone, Debug)]
pub struct Origins {
    origins: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    origin: String,
    scheme: String,
    authority: String,
    internal: Vec<(Glob, Glob)>,
    include_subdomains: bool,
    strangers: Option<String>,
}

/// The origin of a request, as browsers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `https://host`.
    pub origin: String,
    /// Whether it is the one that providers send browsers back to.
    pub is_first: bool,
    /// The domain that its cookies are for, where hosts below share them.
    pub domain: Option<String>,
    /// Whether the login is for the same host by HTTP, too, whose pages share its cookies.
    pub has_clear_twin: bool,
}

impl Origin {
    /// Whether browsers see it by HTTPS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl Origins {
    /// Reads origins; paths in them do not count.
    ///
    /// # Errors
    /// When there is none or one is no origin.
    pub fn new(origins: &[ProtectedOrigin]) -> Result<Self, String> {
        if origins.is_empty() {
            return Err("at least one protected origin is needed".to_owned());
        }
        Ok(Self { origins: origins.iter().map(known).collect::<Result<_, _>>()? })
    }

    /// The origin of a request; `None` where it is none of these. One that is written counts before one below another, and
    /// that before what a proxy in front may call one.
    #[must_use]
    pub fn find(&self, request: &Request) -> Option<Origin> {
        let first = |takes: &dyn Fn(&Known) -> bool| self.origins.iter().position(takes);
        if let Some(index) = first(&|known| known.is(request)) {
            return self.at(index);
        }
        let below = self.origins.iter().find_map(|known| Some((known, known.below(request)?)));
        if let Some((known, origin)) = below {
            let (domain, has_clear_twin) = (known.domain(), self.has_clear_twin(known));
            return Some(Origin { origin, is_first: false, domain, has_clear_twin });
        }
        self.at(first(&|known| known.is_called(request))?)
    }

    fn at(&self, index: usize) -> Option<Origin> {
        let known = self.origins.get(index)?;
        let (domain, has_clear_twin) = (known.domain(), self.has_clear_twin(known));
        Some(Origin { origin: known.origin.clone(), is_first: index == 0, domain, has_clear_twin })
    }

    fn has_clear_twin(&self, known: &Known) -> bool {
        self.origins.iter().any(|other| other.scheme == "http" && other.host() == known.host())
    }

    /// The origin that providers send browsers back to.
    #[must_use]
    pub fn first(&self) -> &str {
        self.origins.first().map_or("", |known| &known.origin)
    }

    /// Whether it is one of these, or below one.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        origin.split_once("://").is_some_and(|(scheme, authority)| {
            self.find(&Request::new("GET", scheme, authority, "/")).is_some_and(|found| found.origin == origin)
        })
    }
}

impl Known {
    fn is(&self, request: &Request) -> bool {
        request.scheme == self.scheme && request.authority == self.authority
    }

    /// The origin of a request to a host below, at the same port. A gateway takes ports off hosts: one without is at this one too.
    fn below(&self, request: &Request) -> Option<String> {
        let (host, port) = self.authority.find(':').map_or((&*self.authority, ""), |at| self.authority.split_at(at));
        let asked = request.authority.strip_suffix(port).unwrap_or(&request.authority);
        let is_below = asked.strip_suffix(host).is_some_and(|rest| rest.ends_with('.'));
        let is_ours = self.include_subdomains && is_below && request.scheme == self.scheme;
        is_ours.then(|| format!("{}://{asked}{port}", self.scheme))
    }

    /// The domain of its cookies. None where strangers are below it, or it is among them: they could set cookies for it.
    fn domain(&self) -> Option<String> {
        let host = self.host();
        let has_strangers =
            self.strangers.as_ref().is_some_and(|domain| is_within(domain, host) || is_within(host, domain));
        (self.include_subdomains && !has_strangers).then(|| host.to_owned())
    }

    fn host(&self) -> &str {
        host_of(&self.authority)
    }

    /// By a proxy in front.
    fn is_called(&self, request: &Request) -> bool {
        self.internal.iter().any(|(scheme, host)| scheme.matches(&request.scheme) && host.matches(&request.authority))
    }
}

fn known(origin: &ProtectedOrigin) -> Result<Known, String> {
    let (scheme, authority) = parts(&origin.origin).ok_or_else(|| format!("{:?} is no origin", origin.origin))?;
    if !matches!(scheme.as_str(), "http" | "https") || authority.contains('*') || authority.is_empty() {
        return Err(format!("{:?} is no origin of http or https", origin.origin));
    }
    let request = Request::new("GET", &scheme, &authority, "/");
    let internal = |text: &std::sync::Arc<str>| {
        let (scheme, authority) = parts(text).ok_or_else(|| format!("{text:?} is no origin"))?;
        Ok::<_, String>((Glob::new(&scheme), Glob::new(&authority)))
    };
    Ok(Known {
        origin: request.origin(),
        scheme,
        authority: request.authority,
        internal: origin.internal_origins.iter().map(internal).collect::<Result<_, _>>()?,
        include_subdomains: origin.include_subdomains,
        strangers: origin.strangers.as_ref().map(|domain| domain.to_ascii_lowercase()),
    })
}

fn host_of(authority: &str) -> &str {
    authority.split(':').next().unwrap_or_default()
}

/// Whether a host is a domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn parts(origin: &str) -> Option<(String, String)> {
    let (scheme, _) = origin.split_once("://")?;
    let authority = authority(origin);
    (!authority.contains(['@', '\\', ' '])).then(|| (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase()))
}

/// Where a browser goes after its login: to what it asked for, of the origin where it asked. Endpoints of ours are not
/// gone back to, and what is too long to keep is not either.
#[must_use]
pub fn return_target(origin: &str, target: &str) -> String {
    let is_ours = target.starts_with(ENDPOINTS_PREFIX) || target.starts_with(OWN_ENDPOINTS_PREFIX);
    let is_good = target.starts_with('/') && target.len() <= LONGEST_TARGET && !target.chars().any(char::is_control);
    // With the origin before it, `//evil` and `/\evil` are paths and nothing else.
    if is_good && !is_ours { format!("{origin}{target}") } else { format!("{origin}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(list: &[(&str, &[&str], bool)]) -> Origins {
        let origin = |(origin, internal, below): &(&str, &[&str], bool)| ProtectedOrigin {
            origin: (*origin).into(),
            internal_origins: internal.iter().map(|text| (*text).into()).collect(),
            include_subdomains: *below,
            strangers: None,
        };
        Origins::new(&list.iter().map(origin).collect::<Vec<_>>()).unwrap()
    }

    fn find(origins: &Origins, scheme: &str, authority: &str) -> Option<String> {
        origins.find(&Request::new("GET", scheme, authority, "/")).map(|origin| origin.origin)
    }

    /// Case 17.
    #[test]
    fn hosts_are_folded_and_unknown_ones_are_none() {
        let origins = origins(&[("https://App.test/ignored", &[], false), ("https://b.test:8443", &[], false)]);
        assert_eq!(find(&origins, "https", "APP.test:443").as_deref(), Some("https://app.test"));
        assert_eq!(find(&origins, "https", "app.test.").as_deref(), Some("https://app.test"));
        assert_eq!(find(&origins, "https", "b.test:8443").as_deref(), Some("https://b.test:8443"));
        for (scheme, authority) in
            [("http", "app.test"), ("https", "b.test"), ("https", "evil"), ("https", "x.app.test")]
        {
            assert_eq!(find(&origins, scheme, authority), None, "{scheme}://{authority}");
        }
    }

    #[test]
    fn proxies_in_front_and_hosts_below() {
        let behind = origins(&[("https://app.test", &["*://*"], false)]);
        assert_eq!(find(&behind, "http", "10.0.0.1").as_deref(), Some("https://app.test"));
        let below = origins(&[("https://app.test", &[], true)]);
        assert_eq!(find(&below, "https", "x.app.test").as_deref(), Some("https://x.app.test"));
        assert_eq!(find(&below, "https", "evilapp.test"), None);
        assert!(below.contains("https://x.app.test") && !below.contains("https://app.test.evil"));
        let with_port = origins(&[("https://app.test:8443", &[], true)]);
        for (authority, origin) in [("x.app.test:8443", Some("https://x.app.test:8443")), ("x.app.test:9443", None)] {
            assert_eq!(find(&with_port, "https", authority).as_deref(), origin, "{authority}");
        }
        assert_eq!(find(&with_port, "https", "x.app.test").as_deref(), Some("https://x.app.test:8443"), "taken off");
        assert!(with_port.contains("https://x.app.test:8443") && !with_port.contains("https://x.app.test"));
        let mixed = origins(&[
            ("https://app.test", &["*://*"], true),
            ("https://b.test", &[], false),
            ("https://c.app.test", &[], false),
        ]);
        for (authority, origin) in
            [("b.test", "https://b.test"), ("c.app.test", "https://c.app.test"), ("10.0.0.1", "https://app.test")]
        {
            assert_eq!(find(&mixed, "https", authority).as_deref(), Some(origin), "{authority}");
        }
        Origins::new(&[]).unwrap_err();
    }

    #[test]
    fn a_host_by_both_schemes_has_a_clear_twin() {
        let both = origins(&[("https://a.test:8443", &[], false), ("http://a.test:8080", &[], false)]);
        let twin = |origins: &Origins, authority| {
            origins.find(&Request::new("GET", "https", authority, "/")).unwrap().has_clear_twin
        };
        assert!(twin(&both, "a.test:8443"));
        assert!(!twin(&origins(&[("https://a.test", &[], false), ("http://b.test", &[], false)]), "a.test"));
    }

    #[test]
    fn no_cookie_is_shared_where_a_stranger_could_set_it() {
        let strangers = |origin: &str, authority: &str| {
            let origin = ProtectedOrigin {
                origin: origin.into(),
                internal_origins: Vec::new(),
                include_subdomains: true,
                strangers: Some("Pre.test".into()),
            };
            Origins::new(&[origin]).unwrap().find(&Request::new("GET", "https", authority, "/")).unwrap().domain
        };
        for (origin, authority) in [
            ("https://test:8443", "test:8443"),
            ("https://test:8443", "shop.test:8443"),
            ("https://test:8443", "a.pre.test:8443"),
            ("https://pre.test", "pre.test"),
            ("https://pre.test", "a.pre.test"),
            ("https://a.pre.test", "a.pre.test"),
        ] {
            assert_eq!(strangers(origin, authority), None, "{origin}: {authority}");
        }
        for authority in ["shop.test", "a.shop.test"] {
            assert_eq!(strangers("https://shop.test", authority).as_deref(), Some("shop.test"), "{authority}");
        }
        assert_eq!(strangers("https://xpre.test", "xpre.test").as_deref(), Some("xpre.test"));
    }

    /// Cases 20 to 22.
    #[test]
    fn nobody_is_sent_elsewhere() {
        let long = format!("/{}", "a".repeat(2_048));
        for target in ["//evil", "/\\evil", "/%09/evil", "/@evil"] {
            assert_eq!(return_target("https://a", target), format!("https://a{target}"), "{target}");
        }
        for target in [
            "https:evil",
            "https://app@evil",
            "https://evil.a.evil",
            "\\\\evil",
            " //evil",
            "javascript:alert(1)",
            "data:,x",
            "",
            "/a\r\nb",
            &long,
            "/.ambassador/oauth2/logout",
            "/.ambassador/oauth2/redirection-endpoint?code=c&state=s",
            "/.ambassador/oauth2/multicookie",
            "/.nuncio/x",
        ] {
            assert_eq!(return_target("https://a", target), "https://a/", "{target}");
        }
    }
}
