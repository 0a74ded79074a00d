//! What the controller tells whoever started it.

use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nuncio_api::{Location, Object, ObjectId, Problem};

/// How an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is other than before.
    Changed,
    /// It is gone.
    Removed,
}

/// An address that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedListener {
    /// What is bound.
    pub address: SocketAddr,
    /// What is spoken: `http`, `https`, `tcp`, `tls`.
    pub schemes: Vec<&'static str>,
}

/// A problem with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedProblem {
    /// The object that has it, if it is one's.
    pub object: Option<ObjectId>,
    /// What an object is called that has no id, since its kind is none that is read.
    pub called: Option<String>,
    /// What is wrong.
    pub problem: Problem,
    /// Where.
    pub location: Option<Location>,
    /// The line with a caret below the column; empty where there is none.
    pub snippet: String,
}

impl LocatedProblem {
    /// Whether it passes in a moment by itself: a gateway that has begun makes keys for previews.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.problem.reason == "WaitingForKeys"
    }

    /// A problem of an object as a whole, or of nobody's.
    pub(crate) fn of(object: Option<&Object>, problem: Problem) -> Self {
        let location = object.map(|object| object.location.clone()).filter(Location::has_lines);
        let object = object.map(|object| object.id.clone());
        Self { object, called: None, problem, location, snippet: String::new() }
    }
}

/// What problems are about, and by what they come and go together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A file, its objects aside.
    File(Arc<str>),
    /// An object.
    Object(ObjectId),
    /// The Redis of the rate limit service beside the controller.
    Redis,
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.write_str(file),
            Self::Object(id) => id.fmt(f),
            Self::Redis => f.write_str("Redis of the rate limits"),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The first state was read and is served to any Envoy that connects.
    Serving {
        /// Bound addresses.
        listeners: Vec<ServedListener>,
        /// Host names and patterns.
        hosts: usize,
        /// Routes over all of them.
        routes: usize,
        /// Errors and warnings, without those that pass by themselves.
        problems: usize,
    },
    /// Objects changed.
    Changed {
        /// Which, and how.
        objects: Vec<(ObjectId, ChangeKind)>,
        /// The revision that holds the change; `None` where it changes nothing that is served.
        revision: Option<u64>,
    },
    /// Every connected Envoy has a revision.
    Live {
        /// The newest that they have.
        revision: u64,
        /// How many they are.
        envoys: usize,
        /// Time since the change was noticed.
        elapsed: Duration,
    },
    /// A problem that was not there before.
    Problem(LocatedProblem),
    /// What was wrong is not any more, without a change of it that is told.
    Mended(Subject),
    /// What would pass by itself has, and something else is wrong with an object still.
    Passed(ObjectId),
    /// An Envoy refused something; the objects at fault are taken out until they change.
    Nacked {
        /// The resource.
        resource: String,
        /// The objects that are taken out.
        objects: Vec<ObjectId>,
        /// In Envoy's words.
        message: String,
    },
    /// An Envoy connected.
    EnvoyConnected {
        /// Its node id.
        node: String,
        /// Its version.
        version: String,
    },
    /// An Envoy's connection ended.
    EnvoyDisconnected {
        /// Its node id.
        node: String,
    },
    /// A process stands in for a service of a Preview, which has connected to the gateway.
    TunnelOpened {
        /// The Preview.
        preview: ObjectId,
        /// The service.
        service: String,
        /// Whose it is.
        by: String,
    },
    /// It does so no more.
    TunnelClosed {
        /// The Preview.
        preview: ObjectId,
        /// The service.
        service: String,
        /// Whose it was.
        by: String,
        /// Since when.
        since: Timestamp,
        /// Why it ended.
        reason: String,
    },
}
