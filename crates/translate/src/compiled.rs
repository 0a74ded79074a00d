//! What a Mapping asks for, taken apart once; whatever depends on other Mappings comes later.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use nuncio_api::{ObjectId, Problem};
use nuncio_ir::{
    Arm, AuthContext, Cluster, ClusterName, Cors, HeaderAdd, HeaderMatch, Limits, PathMatch, PathRewrite, Priority,
    RateLabel, Redirect, Retry, RouteMatch, TokenBucket, ValueMatch,
};
use regex::Regex;

use crate::pattern::HostPattern;
use crate::service::EndpointSource;

/// Labels of an object.
pub(crate) type Labels = BTreeMap<String, String>;

/// A Mapping, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) id: ObjectId,
    /// The Ingress that made it; `id` is a [key](crate::ingress) then.
    pub(crate) origin: Option<Arc<ObjectId>>,
    pub(crate) labels: Labels,
    pub(crate) host: HostCondition,
    pub(crate) precedence: i64,
    /// Conditions but the one on the host.
    pub(crate) matches: RouteMatch,
    pub(crate) lengths: Lengths,
    pub(crate) part: Part,
    pub(crate) shared: Arc<Shared>,
    pub(crate) auth: Asked,
    pub(crate) problems: Vec<Problem>,
}

/// Which hosts a Mapping is for.
#[derive(Clone, Debug)]
pub(crate) enum HostCondition {
    /// Not said: joins the Hosts that select it by label.
    None,
    /// `hostname`, `host`, or an exact `:authority` header.
    Pattern(HostPattern),
    /// `host` with `host_regex`: joins every Host. The compiled form is absent where Envoy's RE2
    /// takes what the `regex` crate does not.
    Regex(String, Option<Regex>),
}

impl HostCondition {
    /// The name, where there is only one.
    pub(crate) fn exact(&self) -> Option<&Arc<str>> {
        match self {
            Self::Pattern(pattern) => pattern.exact(),
            _ => None,
        }
    }

    /// Whether a request for `name` may be meant. A regex that cannot be tried here may always be.
    pub(crate) fn may_take(&self, name: &str) -> bool {
        match self {
            Self::None | Self::Regex(_, None) => true,
            Self::Pattern(pattern) => pattern.takes(name),
            Self::Regex(_, Some(regex)) => regex.is_match(name),
        }
    }

    /// Whether it takes every name alike.
    pub(crate) fn is_any_name(&self) -> bool {
        matches!(self, Self::None | Self::Pattern(HostPattern::Any) | Self::Regex(_, None))
    }

    fn specificity(&self) -> (u8, std::cmp::Reverse<usize>) {
        match self {
            Self::Pattern(pattern) => pattern.specificity(),
            Self::Regex(..) => (4, std::cmp::Reverse(0)),
            Self::None => (5, std::cmp::Reverse(0)),
        }
    }
}

/// Whether the AuthService is asked about a Mapping's requests, if there is one, and what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) bypassed: bool,
    pub(crate) context: AuthContext,
}

impl Default for Asked {
    /// It is asked. Most Mappings tell it nothing, and all of those the same nothing.
    fn default() -> Self {
        static NOTHING: LazyLock<AuthContext> = LazyLock::new(Arc::default);
        Self { bypassed: false, context: Arc::clone(&NOTHING) }
    }
}

/// What the order of routes counts, as the original counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Lengths {
    /// Characters of `prefix`.
    pub(crate) path: u32,
    /// Name and value of each header condition, method and host among them; one more for a regex.
    pub(crate) headers: u32,
    /// The same of query parameters.
    pub(crate) query: u32,
}

/// What a Mapping adds to its group.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A share of the requests. Its arm's headers, retries and the like are the group's: see [`Shared`].
    Arm { weight: Option<u32>, arm: Arc<Arm>, upstream: Option<Arc<Upstream>> },
    /// The whole group is sent elsewhere.
    Redirect(Box<Redirect>),
    /// A copy of the requests; nothing where its upstream is not valid.
    Shadow { percent: u32, upstream: Option<Arc<Upstream>> },
    /// Of a Mapping that cannot be used: the requests that no other of the group takes are answered with 503,
    /// instead of being left to a wider Mapping. The reason is for the access log.
    Invalid { reason: String },
}

/// A cluster that a Mapping sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) cluster: Cluster,
    /// Where the endpoints come from; nowhere if from the cluster itself.
    pub(crate) sources: Vec<EndpointSource>,
}

impl Upstream {
    pub(crate) fn name(&self) -> &ClusterName {
        &self.cluster.name
    }
}

/// What holds for the whole group: of several Mappings that say it, the last by name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) add_request_headers: Vec<HeaderAdd>,
    pub(crate) remove_request_headers: Vec<String>,
    pub(crate) add_response_headers: Vec<HeaderAdd>,
    pub(crate) remove_response_headers: Vec<String>,
    /// `Some(None)`: asked for, and nothing is allowed.
    pub(crate) cors: Option<Option<Cors>>,
    pub(crate) retry: Option<Retry>,
    pub(crate) regex_rewrite: Option<PathRewrite>,
    pub(crate) priority: Option<Priority>,
    pub(crate) upgrades: Vec<String>,
    /// What limits are asked about.
    pub(crate) descriptors: Option<Vec<Vec<RateLabel>>>,
    /// What Envoy counts by itself.
    pub(crate) bucket: Option<TokenBucket>,
}

impl Shared {
    /// What the group's requests are held to.
    pub(crate) fn limits(&self) -> Option<Box<Limits>> {
        let limits = Limits { descriptors: self.descriptors.clone().unwrap_or_default(), local: self.bucket };
        (limits != Limits::default()).then(|| Box::new(limits))
    }

    /// Whether a group's arms are other than its members' own.
    pub(crate) fn changes_arms(&self) -> bool {
        let Self { add_request_headers, remove_request_headers, retry, regex_rewrite, upgrades, .. } = self;
        !add_request_headers.is_empty()
            || !remove_request_headers.is_empty()
            || retry.is_some()
            || regex_rewrite.is_some()
            || !upgrades.is_empty()
    }
}

impl Compiled {
    /// The object that users know.
    pub(crate) fn origin(&self) -> &ObjectId {
        self.origin.as_deref().unwrap_or(&self.id)
    }

    /// The order in which routes are tried: higher precedence, then longer path, then more text in
    /// headers, then in query parameters; the rest only makes the order total and stable. An exact
    /// host goes before a pattern that is as long.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other
            .precedence
            .cmp(&self.precedence)
            .then_with(|| other.lengths.cmp(&self.lengths))
            .then_with(|| path_text(&other.matches.path).cmp(path_text(&self.matches.path)))
            .then_with(|| path_kind(&self.matches.path).cmp(&path_kind(&other.matches.path)))
            .then_with(|| method(&other.matches).cmp(&method(&self.matches)))
            .then_with(|| self.host.specificity().cmp(&other.host.specificity()))
            .then_with(|| header_names(&other.matches).cmp(header_names(&self.matches)))
            .then_with(|| query_names(&other.matches).cmp(query_names(&self.matches)))
            .then_with(|| self.id.cmp(&other.id))
    }

    /// What is equal in Mappings that share requests, each in weight's proportion.
    pub(crate) fn conditions(&self) -> Conditions<'_> {
        let (host, regex) = match &self.host {
            HostCondition::None => (None, None),
            HostCondition::Pattern(pattern) => (Some(pattern), None),
            HostCondition::Regex(regex, _) => (None, Some(regex.as_str())),
        };
        Conditions { precedence: self.precedence, matches: &self.matches, host, regex }
    }

    /// The cluster it sends to, to be shared with others.
    pub(crate) fn upstream_mut(&mut self) -> Option<&mut Arc<Upstream>> {
        match &mut self.part {
            Part::Arm { upstream, .. } | Part::Shadow { upstream, .. } => upstream.as_mut(),
            Part::Redirect(_) | Part::Invalid { .. } => None,
        }
    }

    /// The cluster it sends to, if any.
    pub(crate) fn upstream(&self) -> Option<&Arc<Upstream>> {
        match &self.part {
            Part::Arm { upstream, .. } | Part::Shadow { upstream, .. } => upstream.as_ref(),
            Part::Redirect(_) | Part::Invalid { .. } => None,
        }
    }

    /// Whether only its conditions can be used.
    pub(crate) fn is_invalid(&self) -> bool {
        matches!(self.part, Part::Invalid { .. })
    }
}

/// The conditions of a Mapping, with the precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Conditions<'a> {
    precedence: i64,
    matches: &'a RouteMatch,
    host: Option<&'a HostPattern>,
    regex: Option<&'a str>,
}

fn path_text(path: &PathMatch) -> &str {
    match path {
        PathMatch::Prefix { value, .. } | PathMatch::Exact { value, .. } => value,
        PathMatch::Segments(text) | PathMatch::Regex(text) => text,
    }
}

/// Of equal texts the narrower condition goes first.
fn path_kind(path: &PathMatch) -> (u8, bool) {
    match path {
        PathMatch::Exact { case_sensitive, .. } => (0, !case_sensitive),
        PathMatch::Regex(_) => (1, false),
        PathMatch::Segments(_) => (2, false),
        PathMatch::Prefix { case_sensitive, .. } => (3, !case_sensitive),
    }
}

fn method(matches: &RouteMatch) -> Option<&str> {
    matches.headers.iter().find(|header| header.name == ":method").map(|header| match &header.value {
        ValueMatch::Exact(text) | ValueMatch::Regex(text) => text.as_str(),
        ValueMatch::Prefix { value, .. } | ValueMatch::Suffix { value, .. } => value,
        ValueMatch::Present => "",
    })
}

fn header_names(matches: &RouteMatch) -> impl Iterator<Item = &str> {
    matches.headers.iter().map(|header: &HeaderMatch| header.name.as_str())
}

fn query_names(matches: &RouteMatch) -> impl Iterator<Item = &str> {
    matches.query.iter().map(|query| query.name.as_str())
}
