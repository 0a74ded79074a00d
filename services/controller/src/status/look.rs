//! What the engine knows of an object, as far as its status goes.

use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Severity, Spec};
use serde_json::Value;

use super::condition::PreviewFacts;
use super::desired::{Delivery, Facts};
use super::rules::reaches;
use crate::engine::Engine;
use crate::view::keys_of;

/// An object of the API server that gets a status.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Its name as a file.
    pub(super) file: Arc<str>,
    pub(super) uid: Arc<str>,
    pub(super) facts: Facts,
}

/// Whether an object gets a status: it is of one of our kinds or an Ingress, and itself in the API server. Objects for other
/// instances are not in the world to begin with.
pub(super) fn has_status(object: &Object) -> bool {
    (object.id.kind.is_ours() || object.id.kind == Kind::Ingress)
        && !object.annotated
        && object.uid.is_some()
        && object.generation.is_some()
}

/// Looks at one object. `published` is the status of Ingresses; those that others serve are none of our business.
pub(super) fn look(engine: &Engine, id: &ObjectId, published: Option<&Value>) -> Option<Subject> {
    let object = engine.world.object(id).filter(|object| has_status(object))?;
    let reached = match id.kind {
        Kind::Ingress if !engine.world.serves_ingress(id) => return None,
        Kind::Ingress => published.cloned(),
        _ => None,
    };
    let (uid, generation) = (object.uid.clone()?, object.generation?);
    let found = engine.object_problems(id).into_iter().map(|found| found.problem);
    let of_text = engine.files.problems_in(&object.location.file).into_iter().map(|found| found.problem);
    let mut problems: Vec<_> = found.chain(of_text).map(|problem| problem.as_written_in(id.kind)).collect();
    problems.sort_unstable();
    problems.dedup();
    // Looked up only where it is told: it can cost a walk through a table.
    let in_force = !problems.is_empty() && is_in_force(object) && !keys_of(engine, id).is_empty();
    let delivery = delivery(engine, id);
    let (rules, shared) = (reaches(object), is_shared(object));
    let preview = PreviewFacts {
        urls: engine.world.preview_urls(id),
        expires_at: engine.world.preview_expires(id),
        key_fingerprint: engine.world.preview_fingerprint(id),
        traffic: engine.traffic.used(id).cloned(),
    };
    let facts = Facts { kind: id.kind, generation, problems, delivery, in_force, reached, rules, preview, shared };
    Some(Subject { file: Arc::clone(&object.location.file), uid, facts })
}

/// Whether other instances may take it too.
fn is_shared(object: &Object) -> bool {
    object.ambassador_id.len() > 1 || object.ambassador_id.iter().any(|id| id == "_automatic_")
}

/// Whether a spec is in force in spite of problems. A Filter or policy refuses, whatever it said before, unless it is its newest
/// text that is wrong.
fn is_in_force(object: &Object) -> bool {
    let refuses = object.id.kind.is_filter() || object.id.kind.is_filter_policy();
    let is_wrong = || object.problems.iter().any(|(problem, _)| problem.severity == Severity::Error);
    !matches!(object.spec, Spec::Invalid(_)) && (!refuses || is_wrong())
}

fn delivery(engine: &Engine, id: &ObjectId) -> Delivery {
    if engine.audience(id).is_empty() {
        return Delivery::Nobody;
    }
    if !engine.has_arrived(id) {
        return Delivery::Pending;
    }
    if !engine.refusals.is_any() {
        return Delivery::Everywhere;
    }
    // Envoys report everything as synced that they have or refused: what was refused has to be looked up.
    let states = keys_of(engine, id).into_iter().flat_map(|key| engine.server.state(&key));
    let refused = states.into_iter().find_map(|state| match state.delivery {
        nuncio_xds::Delivery::Nacked { message } => Some(message.to_string()),
        _ => None,
    });
    match refused {
        None => Delivery::Everywhere,
        Some(_) if engine.refusals.is_searching() => Delivery::Pending,
        Some(message) => Delivery::Held(message),
    }
}
