//! What every object has: its kind, its identity, where it was written and what is wrong with it.

mod kind;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::kind::Kind;
pub(crate) use self::kind::{GATEWAY_GROUP, GROUP, OWN_GROUP};
use crate::Spec;
use crate::duration::instant;

/// Names one object: no two objects of a world share it. Ordered by kind, name, then namespace,
/// which is the order in which equal claims are settled.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ObjectId {
    /// Kind of the object.
    pub kind: Kind,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `metadata.namespace`, or the namespace that the source gives to objects without one.
    pub namespace: Arc<str>,
}

impl ObjectId {
    /// The id of the object `kind` `namespace/name`.
    pub fn new(kind: Kind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into(), namespace: namespace.into() }
    }
}

/// `Mapping shop/cart`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in a file. Lines and columns count from one; both are 0 of what came from an API server and has no lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The file, as the user would name it.
    pub file: Arc<str>,
    /// Line, from 1; 0 where there are none.
    pub line: u32,
    /// Column, from 1; 0 where there are none.
    pub column: u32,
}

impl Location {
    /// Whether there are lines at all.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        self.line > 0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.has_lines() {
            true => write!(f, "{}:{}:{}", self.file, self.line, self.column),
            false => f.write_str(&self.file),
        }
    }
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The object, or the named part of it, does not serve.
    Error,
    /// It serves, but not all of what is written has an effect.
    Warning,
}

/// Something that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Whether the object still serves.
    pub severity: Severity,
    /// A stable `CamelCase` word for programs, usable as the reason of a condition.
    pub reason: &'static str,
    /// One sentence for people: what is wrong and, where it is known, what would be right.
    pub message: String,
    /// The field it is about, as a dotted path (`spec.retry_policy.num_retries`); empty for the whole object.
    pub field: String,
}

impl Problem {
    /// An error: the object or the field does not serve.
    pub fn error(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, reason, message: message.into(), field: field.into() }
    }

    /// The same, with the field as it is written in objects of this kind.
    #[must_use]
    pub fn as_written_in(self, kind: Kind) -> Self {
        match kind.group() {
            GATEWAY_GROUP => Self { field: crate::parse::gateway::as_written(&self.field), ..self },
            _ => self,
        }
    }

    /// A warning: it serves, but not wholly as written.
    pub fn warning(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, reason, message: message.into(), field: field.into() }
    }
}

/// Shows no control characters of the manifest: they would write to the terminal.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let field: String = self.field.chars().map(visible).collect();
        let message: String = self.message.chars().map(visible).collect();
        if field.is_empty() { f.write_str(&message) } else { write!(f, "{field}: {message}") }
    }
}

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Which object it is.
    pub id: ObjectId,
    /// Where it begins: its document, or the annotation that holds it.
    pub location: Location,
    /// `metadata.labels`; of an object in an annotation those of its carrier.
    pub labels: BTreeMap<String, String>,
    /// Its annotations that begin with `nuncio.dev/`; of an object in an annotation those of its carrier.
    pub annotations: BTreeMap<String, String>,
    /// The instances that take it; `["default"]` where it does not say.
    pub ambassador_id: Vec<String>,
    /// What it says.
    pub spec: Spec,
    /// What is wrong with it, each with its place.
    pub problems: Vec<(Problem, Location)>,
    /// `metadata.generation`, which an API server counts up with each change of what is wanted; none in a file, nor of
    /// an object in an annotation.
    pub generation: Option<i64>,
    /// `metadata.uid`, where an API server gave one.
    pub uid: Option<Arc<str>>,
    /// `metadata.creationTimestamp` in seconds since 1970, where it was given.
    pub created: Option<u64>,
    /// It came from the annotation `getambassador.io/config` of another object.
    pub annotated: bool,
}

impl Object {
    /// The annotation with the time at which a request last changed an object: `2026-12-24T18:00:00Z`.
    pub const CHANGED: &'static str = "nuncio.dev/changed";

    /// The annotation with the time at which some replica last noticed that somebody asks for a Preview.
    pub const ASKED: &'static str = "nuncio.dev/asked";

    /// The annotation with the time at which somebody had a Preview end, before its time was over.
    pub const ENDED: &'static str = "nuncio.dev/ended";

    /// When somebody had a Preview end, in seconds since 1970.
    #[must_use]
    pub fn ended(&self) -> Option<u64> {
        instant(self.annotations.get(Self::ENDED)?)
    }

    /// When somebody last asked for a Preview, as some replica has noted, in seconds since 1970.
    #[must_use]
    pub fn asked(&self) -> Option<u64> {
        instant(self.annotations.get(Self::ASKED)?)
    }

    /// When a request last changed it, in seconds since 1970; none where no request did.
    #[must_use]
    pub fn changed(&self) -> Option<u64> {
        instant(self.annotations.get(Self::CHANGED)?)
    }
}
