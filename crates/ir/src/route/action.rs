//! What happens to the requests of a route.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::AuthContext;
use crate::{ClusterName, HeaderEdits, Priority};

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

impl Forward {
    /// Whoever may get a request, in words of [`Arm::audience`]: sorted, each once.
    #[must_use]
    pub fn audiences(&self) -> BTreeSet<&str> {
        let all = self.arms.iter().map(|arm| &*arm.audience).chain(self.mirrors.iter().map(|mirror| &*mirror.audience));
        all.filter(|audience| !audience.is_empty()).collect()
    }
}

/// One backend of a route with all that is particular to it. Arms of one route may differ in everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arm {
    /// Share of the requests, in proportion to the other arms.
    pub weight: u32,
    /// Who gets them.
    pub backend: Backend,
    /// What that service is called by who names it to itself, as the audience of a word on who asks: `cart.shop:8080`,
    /// `10.1.2.3:80`. Empty where nobody gets them.
    pub audience: Arc<str>,
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
            backend: Backend::Invalid { status, reason, told: None },
            audience: "".into(),
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
        /// What the client reads, where that is more than that there is nobody.
        told: Option<Box<Told>>,
    },
}

/// An answer in two forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Told {
    /// A page, for who accepts `text/html`.
    pub page: String,
    /// For all others: problem details as JSON (RFC 9457).
    pub problem: String,
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
    /// What that service is called, as for an arm.
    pub audience: Arc<str>,
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
