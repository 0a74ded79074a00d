//! Which requests a route takes.

/// Which requests a route takes: all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteMatch {
    /// Condition on the path, without the query.
    pub path: PathMatch,
    /// Conditions on headers, pseudo-headers (`:method`, `:authority`) among them.
    pub headers: Vec<HeaderMatch>,
    /// Conditions on query parameters.
    pub query: Vec<QueryMatch>,
}

impl RouteMatch {
    /// Takes every request.
    #[must_use]
    pub fn any() -> Self {
        Self { path: PathMatch::any(), headers: Vec::new(), query: Vec::new() }
    }
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathMatch {
    /// Begins with these characters.
    Prefix {
        /// The characters.
        value: String,
        /// Whether case counts.
        case_sensitive: bool,
    },
    /// Begins with these path segments (Gateway API's `PathPrefix`). No slash at the end.
    Segments(String),
    /// Is this path.
    Exact {
        /// The path.
        value: String,
        /// Whether case counts.
        case_sensitive: bool,
    },
    /// Matches this RE2 expression as a whole.
    Regex(String),
}

/// What the path of every probe that the gateway answers by itself begins with.
const PROBES: &str = "/ambassador/v0/check_";

impl PathMatch {
    /// Takes every path.
    #[must_use]
    pub fn any() -> Self {
        Self::Prefix { value: "/".to_owned(), case_sensitive: true }
    }

    /// Whether it may take the path of a probe, which the gateway then answers before the route does.
    #[must_use]
    pub fn may_take_probes(&self) -> bool {
        match self {
            Self::Prefix { value, .. } | Self::Segments(value) | Self::Exact { value, .. } => {
                let both = value.len().min(PROBES.len());
                value.as_bytes()[..both].eq_ignore_ascii_case(&PROBES.as_bytes()[..both])
            }
            Self::Regex(_) => true,
        }
    }
}

/// A condition on a header. A repeated header matches if any one of its values does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderMatch {
    /// Lower-case name.
    pub name: String,
    /// Condition on the value.
    pub value: ValueMatch,
    /// The route takes the request if the condition does *not* hold. An absent header counts as not holding.
    pub invert: bool,
}

impl HeaderMatch {
    /// Holds of requests that want a page: those of browsers that show one.
    #[must_use]
    pub fn for_pages() -> Self {
        Self { name: "accept".to_owned(), value: ValueMatch::Contains("text/html".to_owned()), invert: false }
    }
}

/// A condition on a query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueryMatch {
    /// Name; case counts.
    pub name: String,
    /// Condition on the value.
    pub value: ValueMatch,
}

/// A condition on a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueMatch {
    /// Is this text.
    Exact(String),
    /// Begins with this text.
    Prefix {
        /// The text.
        value: String,
        /// Whether case does not count.
        ignore_case: bool,
    },
    /// Ends with this text.
    Suffix {
        /// The text.
        value: String,
        /// Whether case does not count.
        ignore_case: bool,
    },
    /// Holds this text, whatever bytes are around it.
    Contains(String),
    /// Matches this RE2 expression as a whole.
    Regex(String),
    /// Is there, whatever its value.
    Present,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_taken_by_what_may_match_them() {
        let prefix = |value: &str| PathMatch::Prefix { value: value.to_owned(), case_sensitive: false };
        for path in ["", "/", "/ambassador", "/AMBASSADOR/v0/", "/ambassador/v0/check_ready", "/ambassador/v0/check_x"]
        {
            assert!(prefix(path).may_take_probes(), "{path}");
        }
        for path in ["/cart/", "/ambassador/v1/", "/ä"] {
            assert!(!prefix(path).may_take_probes(), "{path}");
        }
        assert!(PathMatch::Regex("/cart/.*".to_owned()).may_take_probes());
    }
}
