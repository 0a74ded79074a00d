//! Changes of Previews, one after the other, each until the gateway has seen it.
//!
//! What is written is what was understood, so that nothing gets into a file that was not looked at.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nuncio_api::{Defaults, Kind, Object, ObjectId, Preview, Spec, parse};
use serde_json::{Value, json};

use super::place::Place;
use crate::admin::{PreviewError, PreviewOutcome};
use crate::engine::Engine;
use crate::manifests::Opened;
use crate::run::{Config, lock};

/// The longest name, of an object and of a namespace.
const LONGEST: usize = 63;
/// The largest manifest.
const MAX_TEXT: usize = 64 << 10;
/// How long the gateway may take to see what was written, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(2);

/// A Preview that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) id: ObjectId,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spec: Preview,
}

impl Manifest {
    /// A text that is this one Preview and nothing else.
    pub(super) fn parse(namespace: &str, name: &str, text: &str) -> Result<Self, PreviewError> {
        let invalid = |why: String| Err(PreviewError::Invalid(why));
        if !is_name(namespace) || !is_name(name) {
            return invalid(format!(
                "\"{namespace}/{name}\" is no namespace and name: expected lower-case letters, digits and dashes, at most {LONGEST} of each"
            ));
        }
        if text.len() > MAX_TEXT {
            return invalid(format!("the manifest is larger than {} KiB", MAX_TEXT >> 10));
        }
        let parsed =
            parse(text.as_bytes(), &Arc::from("manifest"), &Defaults { namespace: namespace.into(), env: None });
        if let Some(found) = parsed.problems.first() {
            return invalid(format!("line {}: {}", found.location.line, found.problem.message));
        }
        let id = ObjectId::new(Kind::Preview, namespace, name);
        let object = match <[Object; 1]>::try_from(parsed.objects) {
            Ok([object]) if object.id == id => object,
            Ok([other]) => return invalid(format!("the manifest is {}, not {id}", other.id)),
            Err(_) => return invalid(format!("the manifest has to be {id} alone")),
        };
        // What would have no effect as well: whoever asks by a request is there to put it right.
        let wrong = object.problems.iter();
        let wrong: Vec<_> = wrong.map(|(problem, at)| format!("line {}: {problem}", at.line)).collect();
        match object.spec {
            Spec::Preview(spec) if wrong.is_empty() => Ok(Self { id, labels: object.labels, spec: *spec }),
            _ => invalid(wrong.join("; ")),
        }
    }

    fn json(&self) -> Value {
        let spec = serde_json::to_value(&self.spec).unwrap_or_default();
        let mut metadata = json!({ "name": &*self.id.name, "namespace": &*self.id.namespace });
        if !self.labels.is_empty() {
            metadata["labels"] = json!(self.labels);
        }
        json!({ "apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": metadata, "spec": without_nothing(spec) })
    }
}

/// Leaves out what says nothing.
fn without_nothing(value: Value) -> Value {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, without_nothing(value)));
            Value::Object(fields.filter(|(_, value)| says(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nothing).collect()),
        value => value,
    }
}

/// Part of a file's name, and no way out of the directory.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with('-') && !name.ends_with('-')
}

/// Writes Previews.
#[derive(Debug)]
pub(super) struct Store {
    place: Place,
    ambassador_id: String,
    is_allowed: bool,
    /// Somebody reads what is written.
    is_followed: bool,
    /// One change at a time.
    turn: Mutex<()>,
}

impl Store {
    pub(super) fn of(config: &Config, source: &Opened) -> Self {
        Self {
            place: Place::of(config, source),
            ambassador_id: config.ambassador_id.clone(),
            is_allowed: config.allow_previews,
            is_followed: true,
            turn: Mutex::default(),
        }
    }

    /// Of a directory that nobody serves, or somebody else.
    pub(super) fn unfollowed(directory: PathBuf, ambassador_id: String) -> Self {
        let place = Place::Directory(directory);
        Self { place, ambassador_id, is_allowed: true, is_followed: false, turn: Mutex::default() }
    }

    /// Whether anything is written here.
    pub(super) fn is_allowed(&self) -> Result<(), PreviewError> {
        if self.is_allowed {
            return Ok(());
        }
        let why = "previews are not changed here: the gateway was not started with --allow-previews";
        Err(PreviewError::Forbidden(why.to_owned()))
    }

    /// Makes a Preview be so, and waits until the gateway has seen it.
    pub(super) fn put(&self, engine: &Mutex<Engine>, manifest: &Manifest) -> Result<PreviewOutcome, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = self.place.marked(self.for_this_instance(manifest));
        let old = lock(engine).files.object(&manifest.id).map(Arc::clone);
        if old.as_ref().is_some_and(|old| says(old, &manifest)) {
            return Ok(PreviewOutcome::Unchanged);
        }
        if old.is_none() {
            self.is_room(engine, &manifest.id)?;
        }
        self.place.write(&manifest.id, old.as_deref(), &text(&manifest))?;
        let outcome = if old.is_some() { PreviewOutcome::Updated } else { PreviewOutcome::Created };
        self.wait(engine, |engine| engine.files.object(&manifest.id).is_some_and(|object| says(object, &manifest)))?;
        tracing::info!("{} was {} by a request", manifest.id, format!("{outcome:?}").to_lowercase());
        Ok(outcome)
    }

    /// Takes a Preview away, and waits until the gateway has seen it; tells whether there was one.
    pub(super) fn remove(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<bool, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(old) = lock(engine).files.object(id).map(Arc::clone) else { return Ok(false) };
        self.place.remove(&old)?;
        self.wait(engine, |engine| engine.files.object(id).is_none_or(|object| object.location != old.location))?;
        tracing::info!("{id} was removed by a request");
        Ok(true)
    }

    /// How many there may be is for the policy to say; more would not be served.
    fn is_room(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<(), PreviewError> {
        let engine = lock(engine);
        let most = engine.world.preview_policy().map_or(0, |(_, policy)| policy.max_previews());
        let others = engine.world.objects().map(|object| &object.id);
        let others = others.filter(|other| other.kind == Kind::Preview && other.namespace == id.namespace).count();
        if others < most {
            return Ok(());
        }
        let namespace = &id.namespace;
        Err(PreviewError::Conflict(format!("the namespace {namespace} has as many previews as it may have, {most}")))
    }

    /// Waits until the gateway has seen what was written.
    fn wait(&self, engine: &Mutex<Engine>, is_seen: impl Fn(&Engine) -> bool) -> Result<(), PreviewError> {
        let begun = Instant::now();
        while self.is_followed && !is_seen(&lock(engine)) {
            if begun.elapsed() > PATIENCE {
                let why = "it is written, but the gateway does not see it: is the directory the one that it reads?";
                return Err(PreviewError::Conflict(why.to_owned()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// A gateway of another id than the usual takes no object that does not name it.
    fn for_this_instance(&self, manifest: &Manifest) -> Manifest {
        let mut manifest = manifest.clone();
        if manifest.spec.ambassador_id.is_empty() && self.ambassador_id != "default" {
            manifest.spec.ambassador_id = vec![self.ambassador_id.clone()];
        }
        manifest
    }
}

fn text(manifest: &Manifest) -> String {
    format!("{:#}\n", manifest.json())
}

fn says(object: &Object, manifest: &Manifest) -> bool {
    object.labels == manifest.labels && matches!(&object.spec, Spec::Preview(spec) if **spec == manifest.spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata: {name: pr-1, labels: {team: cart}}
spec:
  services: [{baseline: cart, backend: 'cart-pr-1:8080'}]
  entrypoints: [{name: web, host: shop.example}]
  access: {mode: Public}
";

    #[test]
    fn what_is_written_says_what_was_read_and_nothing_besides() {
        let manifest = Manifest::parse("shop", "pr-1", TEXT).unwrap();
        let again = Manifest::parse("shop", "pr-1", &text(&manifest)).unwrap();
        assert_eq!(manifest, again);
        let json = manifest.json();
        assert_eq!(json["metadata"], json!({"name": "pr-1", "namespace": "shop", "labels": {"team": "cart"}}));
        assert_eq!(json["spec"].as_object().unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_preview_is_told_with_its_line() {
        for (change, told) in [
            (("kind: Preview", "kind: Mapping"), "nuncio.dev"),
            (("name: pr-1", "name: pr-2"), "Preview shop/pr-2, not Preview shop/pr-1"),
            (("mode: Public", "mode: Publik"), "line 7"),
            (("spec:", "spec:\n  domain: x"), "domain"),
            (("---", "---"), ""),
        ] {
            let text = TEXT.replace(change.0, change.1);
            let error = Manifest::parse("shop", "pr-1", &text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(told), "{change:?}: {error}");
        }
        let two = format!("{TEXT}---\n{TEXT}");
        assert!(Manifest::parse("shop", "pr-1", &two).is_err());
        for name in ["", "..", "a/b", "A", "a.b", "-a", &"x".repeat(64)] {
            assert!(Manifest::parse("shop", name, TEXT).unwrap_err().to_string().contains("no namespace and name"));
        }
    }
}
