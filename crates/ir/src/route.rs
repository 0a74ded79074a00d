//! Routes: which requests go where, and what happens to them on the way.
//!
//! No object asks yet for what Gateway API can say further. Its place, when one does: edits to the response of one backend
//! alone beside [`Arm::request_headers`]; a share that is no whole percent in [`Mirror`], of which there may be several; the time
//! between tries in [`Retry`]; the time for one try without any other (`backendRequest`) beside [`Arm::timeout`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nuncio_api::ObjectId;

use crate::auth::RuleSetId;
use crate::{ClusterName, HeaderEdits, Limits, Priority};

/// Names a [`Table`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName(pub Arc<str>);

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The routes that requests with one scope key see: one `RouteConfiguration`, the unit of change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Resource name of the table and of its scope.
    pub name: TableName,
    /// Finds the table.
    pub scope: Scope,
    /// One for an exact host; one for each pattern in the table of the wildcards.
    pub hosts: Vec<VirtualHost>,
}

impl Table {
    /// Every cluster that a request through this table may be sent to, sorted, each once.
    #[must_use]
    pub fn clusters(&self) -> Vec<ClusterName> {
        let mut names: Vec<_> = self
            .hosts
            .iter()
            .flat_map(|host| &host.routes)
            .filter_map(|route| match &route.action {
                RouteAction::Forward(forward) => Some(forward),
                RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
            })
            .flat_map(|forward| {
                let arms = forward.arms.iter().filter_map(|arm| match &arm.backend {
                    Backend::Cluster(name) => Some(name),
                    Backend::Invalid { .. } => None,
                });
                arms.chain(forward.mirrors.iter().map(|mirror| &mirror.cluster))
            })
            .cloned()
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every set of rules that routes of this table name, sorted, each once.
    #[must_use]
    pub fn rule_sets(&self) -> Vec<RuleSetId> {
        let routes = self.hosts.iter().flat_map(|host| &host.routes);
        let mut sets: Vec<_> = routes.filter_map(|route| Some(route.rules.as_ref()?.set.clone())).collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// The objects that the table was made of, sorted, each once.
    #[must_use]
    pub fn origins(&self) -> Vec<ObjectId> {
        let mut origins: Vec<_> =
            self.hosts.iter().flat_map(|host| &host.routes).flat_map(|route| &route.origins).cloned().collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}

/// The key by which a request finds its [`Table`]: `host|preview`, and `|class` behind it where the
/// listener is not of the usual class.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Lower-case host without port, or `*` for the table of all wildcards.
    pub host: Arc<str>,
    /// Key of the preview; empty without one.
    pub preview: Arc<str>,
    /// Which listeners see it: empty for the usual class (every Host, `securityModel: XFP`).
    pub class: Arc<str>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.host, self.preview)?;
        if !self.class.is_empty() {
            write!(f, "|{}", self.class)?;
        }
        Ok(())
    }
}

/// Routes for a set of host names, tried in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualHost {
    /// Name in statistics and logs.
    pub name: Arc<str>,
    /// Exact names, `*suffix`, `prefix*`, or `*`.
    pub domains: Vec<Arc<str>>,
    /// Tried in order.
    pub routes: Vec<Route>,
    /// A request that no route takes goes on to the table of the wildcards. Where `false`, the last
    /// route takes every request.
    pub falls_through: bool,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Never empty; unique in its virtual host.
    pub name: Arc<str>,
    /// Which requests it takes.
    pub matches: RouteMatch,
    /// What happens to them.
    pub action: RouteAction,
    /// Edits to the response, whoever gave it.
    pub response_headers: HeaderEdits,
    /// Cross-origin policy.
    pub cors: Option<Box<Cors>>,
    /// What its requests are held to.
    pub limits: Option<Box<Limits>>,
    /// Whether the AuthService is asked.
    pub auth: Check,
    /// The rules of FilterPolicies that its requests are held to.
    pub rules: Option<RuleCheck>,
    /// The objects that asked for it; empty for what Nuncio adds by itself.
    pub origins: Vec<ObjectId>,
}

/// Whether somebody is asked about the requests of a route before they go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Check {
    /// Nobody is to be.
    #[default]
    Off,
    /// Somebody would be, but for these.
    Bypassed,
    /// They are asked about, and the one who is asked is told this.
    On(AuthContext),
}

/// How the service that decides by Filters is asked about the requests of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleCheck {
    /// The rules that apply.
    pub set: RuleSetId,
    /// How much of the body it is sent; nothing where absent.
    pub body: Option<u32>,
}

/// What the one who is asked about a request is told of its route.
pub type AuthContext = Arc<BTreeMap<String, String>>;

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
    /// Matches this RE2 expression as a whole.
    Regex(String),
    /// Is there, whatever its value.
    Present,
}

/// What a route does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RouteAction {
    /// Sends the request to a backend.
    Forward(Box<Forward>),
    /// Sends the client elsewhere.
    Redirect(Box<Redirect>),
    /// Answers at once.
    Respond(Respond),
}

/// Sends requests to one of several backends, each with its share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forward {
    /// At least one; the weights' sum is above zero. A request goes to one of them by chance, in proportion.
    /// Shared with whatever made them: there are as many as routes.
    pub arms: Vec<Arc<Arm>>,
    /// Get a copy of requests; their answers are dropped.
    pub mirrors: Vec<Mirror>,
    /// Routing priority.
    pub priority: Priority,
}

/// One backend of a route with all that is particular to it. Arms of one route may differ in everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arm {
    /// Share of the requests, in proportion to the other arms.
    pub weight: u32,
    /// Who gets them.
    pub backend: Backend,
    /// Change of the path.
    pub rewrite: Option<PathRewrite>,
    /// Change of the Host header.
    pub host_rewrite: Option<HostRewrite>,
    /// Edits to the request.
    pub request_headers: HeaderEdits,
    /// Time for the whole answer; zero is no limit.
    pub timeout: Duration,
    /// Time without a byte in either direction; the listener's where absent, zero is no limit.
    pub idle_timeout: Option<Duration>,
    /// When to try again.
    pub retry: Option<Retry>,
    /// What consistent hashing hashes.
    pub hash: Vec<HashPolicy>,
    /// Protocols (`websocket`) that a request may switch to; lower case, each once.
    pub upgrades: Vec<String>,
    /// What the AuthService is told instead of what the route says.
    pub auth_context: Option<AuthContext>,
}

impl Arm {
    /// An arm that answers every request with `status`.
    #[must_use]
    pub fn invalid(status: u16, reason: String) -> Self {
        Self {
            weight: 1,
            backend: Backend::Invalid { status, reason },
            rewrite: None,
            host_rewrite: None,
            request_headers: HeaderEdits::default(),
            timeout: Duration::ZERO,
            idle_timeout: None,
            retry: None,
            hash: Vec::new(),
            upgrades: Vec::new(),
            auth_context: None,
        }
    }
}

/// Who gets a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// A cluster of the model.
    Cluster(ClusterName),
    /// Nobody: the object names something that is not there or may not be used.
    Invalid {
        /// Status that the client gets.
        status: u16,
        /// One sentence for the access log and the object's status.
        reason: String,
    },
}

/// Change of the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathRewrite {
    /// Replaces what the path condition matched: the prefix, or the whole path of an exact or regex match.
    Matched(String),
    /// Replaces the whole path.
    Full(String),
    /// Replaces every match of an RE2 expression; `\1` is its first group.
    Regex {
        /// RE2 expression.
        pattern: String,
        /// Text with `\0`–`\9`.
        substitution: String,
    },
}

/// Change of the Host header towards the backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostRewrite {
    /// This text.
    Literal(String),
    /// The DNS name of the endpoint.
    Endpoint,
}

/// When to try a request again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retry {
    /// Envoy's conditions (`5xx`, `connect-failure` …).
    pub on: Vec<String>,
    /// Tries after the first.
    pub retries: u32,
    /// Time for each try.
    pub per_try_timeout: Option<Duration>,
    /// Bytes of a request's body up to which it is kept to be sent again; as many as a connection buffers where absent.
    pub body_limit: Option<u32>,
}

/// What consistent hashing hashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HashPolicy {
    /// A header.
    Header(String),
    /// A cookie; made by the gateway where it has a `ttl`.
    Cookie {
        /// Name.
        name: String,
        /// Path of a made cookie.
        path: Option<String>,
        /// Life of a made cookie; zero is the browser's session.
        ttl: Option<Duration>,
    },
    /// The client's address.
    SourceIp,
}

/// Gets a copy of requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// The cluster.
    pub cluster: ClusterName,
    /// Share of the requests, percent.
    pub percent: u32,
}

/// Sends the client elsewhere. What is absent stays as in the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// Path; the query stays.
    pub path: Option<PathRewrite>,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// Answers at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Respond {
    /// HTTP status.
    pub status: u16,
    /// Body; may be empty.
    pub body: String,
}

/// Cross-origin policy of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cors {
    /// Allowed origins; `*` is any.
    pub origins: Vec<String>,
    /// Value of `access-control-allow-methods`; empty sends none.
    pub methods: String,
    /// Value of `access-control-allow-headers`; empty sends none.
    pub headers: String,
    /// Value of `access-control-expose-headers`; empty sends none.
    pub exposed_headers: String,
    /// Seconds for `access-control-max-age`; empty sends none.
    pub max_age: String,
    /// Whether credentials are allowed.
    pub credentials: bool,
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
