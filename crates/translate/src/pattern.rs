//! Host name patterns: an exact name, a star at either end, or any name.

use std::fmt;
use std::sync::Arc;

use nuncio_api::without_port;

/// A pattern for host names, lower case. The star crosses dots and never stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This name.
    Exact(Arc<str>),
    /// `*suffix`: names that end so and are longer.
    Suffix(Arc<str>),
    /// `prefix*`: names that begin so and are longer.
    Prefix(Arc<str>),
    /// `*`.
    Any,
}

impl HostPattern {
    /// Reads a glob. A port behind the name is dropped, and the dot of a name that is complete, because the gateway strips
    /// both from the Host header. `None` where a star stands elsewhere than at one end, or nothing stands there.
    pub fn parse(glob: &str) -> Option<Self> {
        let name = without_port(glob).to_ascii_lowercase();
        let complete = name.strip_suffix('.').filter(|rest| !matches!(*rest, "" | "*"));
        let name = complete.map_or(name.clone(), ToOwned::to_owned);
        let pattern = match (name.strip_prefix('*'), name.strip_suffix('*')) {
            (Some(""), _) => return Some(Self::Any),
            (Some(suffix), None) => Self::Suffix(suffix.into()),
            (None, Some(prefix)) => Self::Prefix(prefix.into()),
            (None, None) if name.is_empty() => return None,
            (None, None) => Self::Exact(name.as_str().into()),
            (Some(_), Some(_)) => return None,
        };
        (!pattern.text().contains('*')).then_some(pattern)
    }

    fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Suffix(text) | Self::Prefix(text) => text,
            Self::Any => "",
        }
    }

    /// The name, where there is only one.
    pub fn exact(&self) -> Option<&Arc<str>> {
        match self {
            Self::Exact(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the pattern takes `name`.
    pub fn takes(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Suffix(suffix) => name.len() > suffix.len() && name.ends_with(&**suffix),
            Self::Prefix(prefix) => name.len() > prefix.len() && name.starts_with(&**prefix),
            Self::Any => true,
        }
    }

    /// Whether the pattern takes every name that `other` takes.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Exact(name)) => self.takes(name),
            (Self::Suffix(a), Self::Suffix(b)) => b.ends_with(&**a),
            (Self::Prefix(a), Self::Prefix(b)) => b.starts_with(&**a),
            _ => false,
        }
    }

    /// Whether some name is taken by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(name), pattern) | (pattern, Self::Exact(name)) => pattern.takes(name),
            (Self::Suffix(_), Self::Suffix(_)) | (Self::Prefix(_), Self::Prefix(_)) => {
                self.covers(other) || other.covers(self)
            }
            _ => true,
        }
    }

    /// Sorts patterns as Envoy tries virtual host domains: exact names, then the longest suffix, then
    /// the longest prefix, then any.
    pub fn specificity(&self) -> (u8, std::cmp::Reverse<usize>) {
        let class = match self {
            Self::Exact(_) => 0,
            Self::Suffix(_) => 1,
            Self::Prefix(_) => 2,
            Self::Any => 3,
        };
        (class, std::cmp::Reverse(self.text().len()))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Suffix(suffix) => write!(f, "*{suffix}"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Any => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(glob: &str) -> HostPattern {
        HostPattern::parse(glob).unwrap()
    }

    #[test]
    fn stars_stand_at_one_end_only() {
        for (glob, shown) in [
            ("*", Some("*")),
            ("A.Example.com", Some("a.example.com")),
            ("*.example.com", Some("*.example.com")),
            ("example.*", Some("example.*")),
            ("a.example.com:8443", Some("a.example.com")),
            ("*:8080", Some("*")),
            ("[::1]:80", Some("[::1]")),
            ("*.example.*", None),
            ("a.*.com", None),
            ("**", None),
            ("", None),
            (":8080", None),
        ] {
            assert_eq!(HostPattern::parse(glob).map(|p| p.to_string()).as_deref(), shown, "{glob}");
        }
    }

    #[test]
    fn a_star_crosses_dots_and_is_never_empty() {
        assert!(pattern("*.example.com").takes("a.b.example.com"));
        assert!(!pattern("*.example.com").takes(".example.com"));
        assert!(!pattern("*.example.com").takes("badexample.com"));
        assert!(pattern("example.*").takes("example.org"));
    }

    #[test]
    fn overlap_is_symmetric() {
        for (a, b, overlap) in [
            ("*.example.com", "*.com", true),
            ("*.example.com", "*.org", false),
            ("*.example.com", "www.*", true),
            ("a.example.com", "*.example.com", true),
            ("a.example.com", "b.example.com", false),
            ("foo.*", "bar.*", false),
            ("*", "x", true),
        ] {
            assert_eq!(pattern(a).overlaps(&pattern(b)), overlap, "{a} {b}");
            assert_eq!(pattern(b).overlaps(&pattern(a)), overlap, "{b} {a}");
        }
    }
}
