//! Where pages of a developer portal come from, whose requests the gateway answers though they are of another origin.

use nuncio_ir::Cors;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/// What a page may send. `*` is any other where the browser sends no cookies.
const HEADERS: &str = "*, authorization, content-type, x-api-key, accept, accept-language, if-match, if-none-match, \
                       idempotency-key, prefer, range, x-request-id, traceparent";
/// What it may read, by name: where cookies count, `*` is a header of that name.
const EXPOSED: &str = "*, content-length, content-range, etag, link, location, retry-after, www-authenticate, \
                       x-envoy-upstream-service-time, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, \
                       ratelimit, ratelimit-policy, ratelimit-limit, ratelimit-remaining, ratelimit-reset, x-request-id";
/// Seconds for which a browser asks no more.
const MAX_AGE: &str = "600";

/// Origins, as browsers write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalOrigins {
    /// `https://developers.example.com`.
    pub origins: Vec<String>,
    /// Whether cookies of who is logged in count for them.
    pub credentials: bool,
}

impl PortalOrigins {
    /// What routes say of them.
    pub(crate) fn policy(&self) -> Option<Cors> {
        (!self.origins.is_empty()).then(|| Cors {
            origins: self.origins.clone(),
            methods: METHODS.to_owned(),
            headers: HEADERS.to_owned(),
            exposed_headers: EXPOSED.to_owned(),
            max_age: MAX_AGE.to_owned(),
            credentials: self.credentials,
        })
    }
}

/// Reads an origin: scheme, host and port, and nothing behind them.
impl std::str::FromStr for PortalOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected an origin, as in https://developers.example.com, found \"{text}\"");
        let uri: http::Uri = text.parse().map_err(|_| wrong())?;
        let (scheme, host) = (uri.scheme_str().ok_or_else(wrong)?, uri.host().ok_or_else(wrong)?);
        let is_bare = uri.path_and_query().is_none_or(|path| path == "/") && !text.contains('@');
        if !is_bare || !matches!(scheme, "http" | "https") || host.contains('*') {
            return Err(wrong());
        }
        let usual = if scheme == "https" { 443 } else { 80 };
        // Browsers write neither the usual port nor capitals.
        let port = uri.port_u16().filter(|port| *port != usual).map(|port| format!(":{port}")).unwrap_or_default();
        let origin = format!("{scheme}://{}{port}", host.to_ascii_lowercase());
        Ok(Self { origins: vec![origin], credentials: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_do() {
        for (text, origin) in [
            ("https://Dev.example.com", "https://dev.example.com"),
            ("https://dev.example.com:443/", "https://dev.example.com"),
            ("http://127.0.0.1:8088", "http://127.0.0.1:8088"),
        ] {
            assert_eq!(text.parse::<PortalOrigins>().unwrap().origins, [origin]);
        }
        for wrong in ["dev.example.com", "*", "https://*.example.com", "https://a/b", "ftp://a", "https://u@a", "null"]
        {
            assert!(wrong.parse::<PortalOrigins>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_left_of_limits_may_be_read_where_cookies_count() {
        let policy = "https://dev.example.com".parse::<PortalOrigins>().unwrap().policy().unwrap();
        let exposed: Vec<_> = policy.exposed_headers.split(", ").collect();
        assert!(policy.credentials);
        // As `nuncio ratelimit` calls them.
        for name in ["RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
            assert!(exposed.contains(&&*name.to_ascii_lowercase()), "{name}: {exposed:?}");
        }
    }

    #[test]
    fn without_origins_nothing_is_said() {
        assert_eq!(PortalOrigins::default().policy(), None);
    }
}
