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

use crate::mapping::{AUTHORITY, METHOD};
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

    /// As it is written.
    fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Pattern(pattern) => Some(pattern.to_string()),
            Self::Regex(regex, _) => Some(regex.clone()),
        }
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
    pub(crate) remove_request_headers: Option<Vec<String>>,
    pub(crate) add_response_headers: Vec<HeaderAdd>,
    pub(crate) remove_response_headers: Option<Vec<String>>,
    /// `Some(None)`: asked for, and nothing is allowed.
    pub(crate) cors: Option<Option<Cors>>,
    pub(crate) retry: Option<Retry>,
    pub(crate) regex_rewrite: Option<PathRewrite>,
    pub(crate) priority: Option<Priority>,
    pub(crate) upgrades: Option<Vec<String>>,
    /// What limits are asked about.
    pub(crate) descriptors: Option<Vec<Vec<RateLabel>>>,
    /// What Envoy counts by itself.
    pub(crate) bucket: Option<TokenBucket>,
    /// What the Module says, for a group of which no member does.
    pub(crate) defaults: Defaults,
}

/// What the Module says of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub(crate) cors: Option<Cors>,
    pub(crate) retry: Option<Retry>,
}

impl Shared {
    /// The group's cross-origin policy.
    pub(crate) fn cors(&self) -> Option<&Cors> {
        self.cors.as_ref().unwrap_or(&self.defaults.cors).as_ref()
    }

    /// When the group's requests are tried again.
    pub(crate) fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref().or(self.defaults.retry.as_ref())
    }

    /// What the group's requests are held to.
    pub(crate) fn limits(&self) -> Option<Box<Limits>> {
        let limits = Limits { descriptors: self.descriptors.clone().unwrap_or_default(), local: self.bucket };
        (limits != Limits::default()).then(|| Box::new(limits))
    }

    /// Whether a group's arms are other than its members' own.
    pub(crate) fn changes_arms(&self) -> bool {
        !self.add_request_headers.is_empty()
            || self.remove_request_headers.is_some()
            || self.retry().is_some()
            || self.regex_rewrite.is_some()
            || self.upgrades.is_some()
    }
}

impl Compiled {
    /// The object that users know.
    pub(crate) fn origin(&self) -> &ObjectId {
        self.origin.as_deref().unwrap_or(&self.id)
    }

    /// The order in which routes are tried: higher precedence, then longer path, then more text in headers, then in query
    /// parameters, then the greater text of all of these, as in the original. Of equal paths the narrower goes first; the
    /// names make the order total.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other
            .precedence
            .cmp(&self.precedence)
            .then_with(|| other.lengths.cmp(&self.lengths))
            .then_with(|| path_text(&other.matches.path).cmp(path_text(&self.matches.path)))
            .then_with(|| path_kind(&self.matches.path).cmp(&path_kind(&other.matches.path)))
            .then_with(|| other.texts().cmp(self.texts()))
            .then_with(|| self.host.specificity().cmp(&other.host.specificity()))
            .then_with(|| self.id.cmp(&other.id))
    }

    /// `name-value` of each condition on headers and query parameters, in the order in which the original compares them:
    /// exact ones before expressions, then host and method.
    fn texts(&self) -> impl Iterator<Item = String> {
        let is_method = |header: &&HeaderMatch| header.name == METHOD;
        let is_exact = |value: &ValueMatch| matches!(value, ValueMatch::Exact(_));
        let headers = |exact: bool| {
            let others = self.matches.headers.iter().filter(move |header| !is_method(header));
            others
                .filter(move |header| is_exact(&header.value) == exact)
                .map(|header| text(&header.name, &header.value))
        };
        let query = |exact: bool| {
            let of_kind = self.matches.query.iter().filter(move |query| is_exact(&query.value) == exact);
            of_kind.map(|query| text(&query.name, &query.value))
        };
        let method = self.matches.headers.iter().filter(is_method).map(|header| text(&header.name, &header.value));
        let host = self.host.text().map(|host| format!("{AUTHORITY}-{host}"));
        headers(true).chain(headers(false)).chain(host).chain(method).chain(query(true)).chain(query(false))
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
}

/// The conditions of a Mapping, with the precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Conditions<'a> {
    precedence: i64,
    matches: &'a RouteMatch,
    host: Option<&'a HostPattern>,
    regex: Option<&'a str>,
}

impl<'a> Conditions<'a> {
    /// The same with others on the request itself.
    pub(crate) fn with(self, matches: &'a RouteMatch) -> Self {
        Self { matches, ..self }
    }
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

fn text(name: &str, value: &ValueMatch) -> String {
    let value = match value {
        ValueMatch::Exact(text) if text.is_empty() => "*",
        ValueMatch::Exact(text) | ValueMatch::Contains(text) | ValueMatch::Regex(text) => text,
        ValueMatch::Prefix { value, .. } | ValueMatch::Suffix { value, .. } => value,
        ValueMatch::Present => ".*",
    };
    format!("{name}-{value}")
}
