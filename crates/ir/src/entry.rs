//! What clients may not say: it is taken out of their requests before anything reads them.

use crate::auth::ASSERTION_HEADER;
use crate::listener::{HttpSettings, UnderscoreHeaders};
use crate::preview::{BAGGAGE_HEADER, PREVIEW_HEADER, PreviewTrust};

/// In which frameworks look for the path that was really asked for, and so for another one than was decided on.
pub const OTHER_PATHS: [&str; 2] = ["x-original-url", "x-rewrite-url"];

/// In which they look for the name that was. What Envoy itself writes there, where it changes the name, comes later.
const OTHER_HOST: &str = "x-forwarded-host";

/// What headers begin with that an Envoy writes. A proxy in front that is trusted may be one. Envoy drops by itself those that
/// it reads, and not those that it only writes.
const ENVOY_HEADERS: &str = "x-envoy-";

/// Headers that are taken out of requests. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Of this name.
    Name(String),
    /// Of this name, where `_` is as good as `-`: servers in the manner of CGI cannot tell them apart.
    Spelled(String),
    /// Of names that begin like this.
    Prefix(&'static str),
}

impl Removal {
    /// Whether it takes a header of this name.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        match self {
            Self::Name(removed) => removed == name,
            Self::Spelled(removed) => removed.replace('_', "-") == name.replace('_', "-"),
            Self::Prefix(prefix) => name.starts_with(prefix),
        }
    }
}

impl HttpSettings {
    /// Whether services call each other here, and are believed: nobody else is to come in.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.previews.trust == PreviewTrust::Internal
    }

    /// What is taken out of every request: who a client says it is, before routes are chosen by that and whether or not anybody
    /// is asked about the request; and what only a proxy may say, unless there is one in front that is trusted.
    #[must_use]
    pub fn removals(&self) -> Vec<Removal> {
        let name = |name: &str| Removal::Name(name.to_owned());
        let mut removals: Vec<_> = self.keys_of_previews().into_iter().map(name).collect();
        removals.push(name(ASSERTION_HEADER));
        removals.extend(self.identity_headers.iter().map(|header| match self.underscores {
            UnderscoreHeaders::Allow if header.contains(['-', '_']) => Removal::Spelled(header.clone()),
            _ => name(header),
        }));
        if self.use_remote_address {
            removals.extend(OTHER_PATHS.map(name));
            removals.extend((self.trusted_hops == 0).then(|| name(OTHER_HOST)));
            removals.push(Removal::Prefix(ENVOY_HEADERS));
        }
        removals
    }

    /// Headers that may hold the key of a preview, where nobody is believed about it. What else they hold is kept elsewhere
    /// before they go.
    fn keys_of_previews(&self) -> Vec<&str> {
        let others = self.previews.headers.iter().map(String::as_str);
        match self.previews.trust {
            PreviewTrust::Internal => Vec::new(),
            PreviewTrust::Public { .. } => [PREVIEW_HEADER, BAGGAGE_HEADER].into_iter().chain(others).collect(),
        }
    }
}
