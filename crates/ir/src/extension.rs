//! HTTP filters whose configuration is a resource of its own, so that a change of it changes no listener.
//!
//! Every HTTP listener has every [`Slot`], in this order. What fills it may change at any time; whether a request passes it
//! is for its route to say, by the slot's name.

use std::fmt;
use std::time::Duration;

use nuncio_api::ObjectId;

use crate::{ClusterName, LimitService};

/// A place in the list of HTTP filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// Asks the AuthService.
    Auth,
    /// Asks the service that decides by Filters.
    Filters,
    /// Asks the rate limit service.
    Limit,
}

impl Slot {
    /// All slots, in the order in which requests pass them.
    pub const ALL: [Self; 3] = [Self::Auth, Self::Filters, Self::Limit];

    /// Name of the filter and of its configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "nuncio.auth",
            Self::Filters => "nuncio.filters",
            // The name under which logs find what the service says of a request.
            Self::Limit => "envoy.filters.http.ratelimit",
        }
    }

    /// The slot of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.name() == name)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What fills a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// The slot.
    pub slot: Slot,
    /// The filter in it.
    pub filter: SlotFilter,
    /// The objects that asked for it.
    pub origins: Vec<ObjectId>,
}

impl Extension {
    /// A slot in which nothing happens.
    #[must_use]
    pub fn idle(slot: Slot) -> Self {
        Self { slot, filter: SlotFilter::Idle, origins: Vec::new() }
    }

    /// Every cluster that the filter sends to.
    #[must_use]
    pub fn clusters(&self) -> Vec<ClusterName> {
        match &self.filter {
            SlotFilter::Idle | SlotFilter::Refuse { .. } => Vec::new(),
            SlotFilter::Authorize(authorization) => vec![authorization.cluster.clone()],
            SlotFilter::Limit(service) => service.cluster.iter().cloned().collect(),
        }
    }
}

/// A filter in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SlotFilter {
    /// Nothing happens.
    Idle,
    /// Every request is refused, since who was to decide cannot be asked.
    Refuse {
        /// Status that the client gets.
        status: u16,
        /// One sentence for the access log.
        reason: String,
    },
    /// Another service is asked.
    Authorize(Box<Authorization>),
    /// A service is asked about the limits of routes.
    Limit(Box<LimitService>),
}

/// How a service is asked about a request: Envoy's `ext_authz`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authorization {
    /// Who is asked.
    pub cluster: ClusterName,
    /// How.
    pub protocol: AuthorizationProtocol,
    /// Headers that the service alone is sent, by name; values may hold Envoy's command operators.
    pub add_headers: Vec<(String, String)>,
    /// Time for the answer; zero is no limit.
    pub timeout: Duration,
    /// How much of the body it is sent.
    pub body: Option<AuthorizationBody>,
    /// Status that the client gets when the service cannot be asked; 403 where absent.
    pub status_on_error: Option<u16>,
    /// Let requests through when the service cannot be asked.
    pub failure_mode_allow: bool,
}

/// How a service is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AuthorizationProtocol {
    /// By a request like the client's; any 200 lets it through.
    Http {
        /// Put before the path.
        path_prefix: String,
        /// Headers that it is sent; lower case, sorted.
        request_headers: Vec<String>,
        /// Headers of its answer that upstreams get, and clients where it refuses; lower case, sorted.
        response_headers: Vec<String>,
    },
    /// By `envoy.service.auth.v3.Authorization/Check`.
    Grpc {
        /// Send headers as they came, one by one and byte by byte, in place of a map of texts.
        raw_headers: bool,
        /// Name by which it is called; the cluster's where empty.
        authority: String,
    },
}

/// How much of a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorizationBody {
    /// At most this much; above zero.
    pub max_bytes: u32,
    /// Send the beginning of a larger one; otherwise it is answered with 413.
    pub allow_partial: bool,
}
