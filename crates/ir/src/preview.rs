//! Which preview a request belongs to: how it is chosen on the way in, and how those behind the gateway learn of it.
//!
//! A preview has a *selector*, which its URL shows, and a *key*, which is a secret. A client names the selector and has to pass the
//! gate; services hand on the key, and listeners among them take it for proof that the gate was passed.

use std::sync::Arc;

use crate::auth::Sensitive;

/// Chooses a preview by its selector where clients may, and tells services its key.
pub const PREVIEW_HEADER: &str = "x-nuncio-preview";

/// Holds context that services hand on (W3C Baggage).
pub const BAGGAGE_HEADER: &str = "baggage";

/// The member of the baggage that holds the key.
pub const BAGGAGE_MEMBER: &str = "nuncio-preview";

/// Holds inside the gateway what a client said in [`PREVIEW_HEADER`].
pub const SELECT_HEADER: &str = "x-nuncio-select";

/// Holds inside the gateway the members of a request's baggage that are no business of previews, each behind a comma.
pub const FOREIGN_HEADER: &str = "x-nuncio-baggage";

/// The host of the tables that no request names: of what answers for unknown previews, and of the marks of known keys.
pub const NO_HOST: &str = "?";

/// What the scope of a selector begins with: no key does.
pub const SELECTOR_MARK: char = '=';

/// What all keys begin with, so that they can be found where they should not be.
pub const KEY_PREFIX: &str = "npk";

/// The member of the baggage that names a preview for a mesh, where its policy says so: no secret, and proof of nothing.
pub const BAGGAGE_NAME_MEMBER: &str = "nuncio-preview-name";

/// How long a key is, with what it begins with.
pub const KEY_LENGTH: usize = 29;

/// The protocol that a process switches to which stands in for a service of a preview (`Upgrade`): on the connection that it
/// made it is the server of HTTP/2, and the gateway the client.
pub const TUNNEL_PROTOCOL: &str = "nuncio-tunnel";

/// What names begin with under which requests of previews are counted: `preview.SELECTOR.WAY`.
pub const COUNTED: &str = "preview";

/// Where a request of a preview goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PreviewWay {
    /// Wherever it goes.
    Any,
    /// To who replaces the service of this place in its spec.
    Preview(usize),
    /// To that service itself, while nobody replaces it.
    Fallback(usize),
}

impl PreviewWay {
    /// The name under which such requests of a preview are counted.
    #[must_use]
    pub fn counted(self, selector: &str) -> String {
        match self {
            Self::Any => format!("{COUNTED}.{selector}.any"),
            Self::Preview(at) => format!("{COUNTED}.{selector}.preview.{at}"),
            Self::Fallback(at) => format!("{COUNTED}.{selector}.fallback.{at}"),
        }
    }

    /// The selector and the way in such a name.
    #[must_use]
    pub fn parse(counted: &str) -> Option<(&str, Self)> {
        let (selector, way) = counted.strip_prefix(COUNTED)?.strip_prefix('.')?.split_once('.')?;
        let way = match way.split_once('.') {
            None if way == "any" => Self::Any,
            Some(("preview", at)) => Self::Preview(at.parse().ok()?),
            Some(("fallback", at)) => Self::Fallback(at.parse().ok()?),
            _ => return None,
        };
        Some((selector, way))
    }
}

/// How requests of a filter chain belong to previews.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PreviewEntry {
    /// Names right below it are those of previews; none where there are no previews. Lower case.
    pub domain: Option<Arc<str>>,
    /// Where clients may choose a preview: names, or globs with one star at either end. Lower case.
    pub hosts: Vec<String>,
    /// Headers that hold the key besides [`PREVIEW_HEADER`] and the baggage. Lower case.
    pub headers: Vec<String>,
    /// Who is believed.
    pub trust: PreviewTrust,
    /// Whether clients may choose a preview by a cookie.
    pub by_cookie: Option<CookieChoice>,
    /// Where requests are told of that somebody follows through the services.
    pub probes: Option<ProbeLog>,
}

impl PreviewEntry {
    /// Whether clients may choose a preview at a host, in lower case: at a preview's own that has chosen.
    #[must_use]
    pub fn may_be_chosen_at(&self, host: &str) -> bool {
        let is_meant = |name: &String| match (name.strip_prefix('*'), name.strip_suffix('*')) {
            (Some(tail), _) => host.len() > tail.len() && host.ends_with(tail),
            (None, Some(head)) => host.len() > head.len() && host.starts_with(head),
            (None, None) => host == name,
        };
        !self.is_for_previews(host) && self.hosts.iter().any(is_meant)
    }

    /// Whether a host is that of a preview, or of none.
    fn is_for_previews(&self, host: &str) -> bool {
        let label = self.domain.as_deref().and_then(|domain| host.strip_suffix(domain)?.strip_suffix('.'));
        label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
    }
}

/// Where a cookie chooses a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CookieChoice {
    /// In requests by HTTPS.
    Secure,
    /// In those in clear text too.
    Any,
}

/// By which Envoy is told to write down what it sees of traces that are followed (a key of its runtime, in percent): it does not
/// otherwise, so that who has seen such a trace has nothing more of it when it is over.
pub const PROBES_SWITCH: &str = "nuncio.probes";

/// A file with a line for each request of a trace that is followed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProbeLog {
    /// The file.
    pub path: Arc<str>,
    /// How the ids of such traces begin: 16 hexadecimal digits that nobody else knows.
    pub mark: Arc<str>,
}

/// Who is believed about previews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreviewTrust {
    /// Nobody: what clients send goes no further. They may name a selector where that is allowed.
    Public {
        /// In [`PREVIEW_HEADER`].
        by_header: bool,
    },
    /// Services, which hand on a key.
    Internal,
}

impl Default for PreviewTrust {
    fn default() -> Self {
        Self::Public { by_header: false }
    }
}

/// What a table of a preview has that others have not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PreviewContext {
    /// Told to upstreams.
    pub key: Sensitive,
    /// Under which name all its requests are counted.
    pub counted: Arc<str>,
    /// As in [`PreviewEntry::headers`].
    pub headers: Arc<[String]>,
    /// The host that services know, if it is one.
    pub baseline: Option<Arc<str>>,
    /// How the URLs of its own host begin (`https://host:port`), where it has one.
    pub origin: Option<Arc<str>>,
    /// The same of all hosts that it has, each with that which services know: of two of a kind the first counts.
    pub entrypoints: Arc<[(Arc<str>, Arc<str>)]>,
    /// Links to it let in, whose cookies those see who are asked.
    pub by_links: bool,
    /// What a mesh may call it.
    pub name: Option<Arc<str>>,
    /// For how long its streams last.
    pub streams: StreamBounds,
}

/// For how long requests of a preview last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StreamBounds {
    /// Each for so many seconds.
    pub longest: u64,
    /// And until then, in seconds since 1970.
    pub end: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_chosen_at_the_hosts_that_are_named() {
        let hosts = ["shop.example", "*.eu.example", "admin.*"].map(str::to_owned).to_vec();
        let entry = PreviewEntry { domain: Some("eu.example".into()), hosts, ..PreviewEntry::default() };
        for (host, expected) in [
            ("shop.example", true),
            ("a.b.eu.example", true),
            ("web--x.eu.example", false),
            ("eu.example", false),
            ("admin.example", true),
            ("admin.", false),
            ("other.example", false),
        ] {
            assert_eq!(entry.may_be_chosen_at(host), expected, "{host}");
        }
    }

    #[test]
    fn what_is_counted_tells_the_preview_and_the_way() {
        for way in [PreviewWay::Any, PreviewWay::Preview(0), PreviewWay::Fallback(31)] {
            assert_eq!(PreviewWay::parse(&way.counted("pr-42-k3x9")), Some(("pr-42-k3x9", way)));
        }
        for other in ["preview.x", "preview.x.other", "preview.x.preview.y", "previews.x.any", "x.any"] {
            assert_eq!(PreviewWay::parse(other), None, "{other}");
        }
    }
}
