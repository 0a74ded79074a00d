//! The types that the API gives, which are also what `nuncio … -o json` prints.

mod explanation;
mod limits;
mod routing;

use nuncio_api::{Location, ObjectId, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::explanation::{Explanation, FailureView, HeaderView, LimitExplained, Lost, ProtectionExplained, TcpView};
pub use self::limits::{LimitView, LimitedView};
pub use self::routing::{BackendView, ClusterView, EndpointView, EnvoyView, HostView, ListenerView, RouteView};
use crate::event::LocatedProblem;

/// Names an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectRef {
    /// `Mapping`, `Host`, …
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl From<&ObjectId> for ObjectRef {
    fn from(id: &ObjectId) -> Self {
        Self { kind: id.kind.to_string(), namespace: id.namespace.to_string(), name: id.name.to_string() }
    }
}

/// A place in a file. Lines and columns count from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocationView {
    /// The file, relative to the directory.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl From<&Location> for LocationView {
    fn from(location: &Location) -> Self {
        Self { file: location.file.to_string(), line: location.line, column: location.column }
    }
}

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectState {
    /// It was read. It does not serve, for the reason in its problems, or because nothing refers to it.
    Parsed,
    /// It is part of the configuration, and no Envoy has been sent that yet.
    Translated,
    /// Envoys were sent it; not all have answered.
    Sent,
    /// All connected Envoys have it.
    Acked,
}

/// An object and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectView {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectRef,
    /// Where it was written.
    #[serde(flatten)]
    pub location: LocationView,
    /// How far it has come.
    pub state: ObjectState,
    /// Envoys that have its newest version.
    pub acked_by: usize,
    /// Envoys that are connected.
    pub envoys: usize,
    /// Of its kind there is an editor.
    pub is_editable: bool,
    /// What it is for, where that is nothing of a route's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<PurposeView>,
    /// What is wrong with it.
    pub problems: Vec<ProblemView>,
}

/// What an object is for of which no route is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PurposeView {
    /// Connections to a port go to a service.
    Connections {
        /// The port.
        port: u16,
        /// The name that clients ask for by TLS; none where all connections go there.
        host: Option<String>,
        /// Where they go.
        service: String,
    },
    /// It says what Previews may be.
    Previews {
        /// The namespaces in which they count; `*` is each.
        namespaces: Vec<String>,
        /// The hosts that they may have the routes of.
        hosts: Vec<String>,
        /// The domain below which they have theirs.
        domain: String,
        /// How many there are that it rules; none where another policy is in force.
        count: Option<usize>,
    },
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemView {
    /// `error`: the object, or the named part of it, does not serve. `warning`: it serves, but not wholly as written.
    #[schema(value_type = String, example = "error")]
    pub severity: Severity,
    /// A stable word for programs.
    pub reason: String,
    /// The field it is about, as a dotted path; empty for the whole object.
    pub field: String,
    /// One sentence for people.
    pub message: String,
    /// Where to look. None for what is not written anywhere.
    pub location: Option<LocationView>,
    /// The object that has the problem. None for a file from which no object could be read.
    pub object: Option<ObjectRef>,
    /// What the object is called where its kind is none that is read: `LogService shop/logs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
}

impl From<&LocatedProblem> for ProblemView {
    fn from(located: &LocatedProblem) -> Self {
        let LocatedProblem { object, called, problem, location, snippet: _ } = located;
        Self {
            severity: problem.severity,
            reason: problem.reason.to_owned(),
            field: problem.field.clone(),
            message: problem.message.clone(),
            location: location.as_ref().map(LocationView::from),
            object: object.as_ref().map(ObjectRef::from),
            called: called.clone(),
        }
    }
}
