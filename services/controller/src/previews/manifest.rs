//! A Preview that is to be written. What is written is what was understood, so that nothing gets into a file that was not
//! looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Defaults, Duration, Kind, Object, ObjectId, Preview, PreviewSource, Spec, parse};
use serde_json::{Map, Value, json};

use super::steps::NO_TIME;
use crate::admin::{PreviewError, PreviewFault};
use crate::clock;

/// The longest name, of an object and of a namespace.
const LONGEST: usize = 63;
/// The largest manifest.
const MAX_TEXT: usize = 64 << 10;

/// A Preview that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) id: ObjectId,
    pub(super) labels: BTreeMap<String, String>,
    /// When it began, in seconds since 1970, where it is for who writes it to say.
    pub(super) created: Option<u64>,
    /// When a request last changed it.
    pub(super) changed: Option<u64>,
    /// When somebody had it end.
    pub(super) ended: Option<u64>,
    pub(super) spec: Preview,
}

impl Manifest {
    /// One that says nothing yet.
    pub(super) fn new(id: ObjectId, labels: BTreeMap<String, String>) -> Self {
        Self { id, labels, created: None, changed: None, ended: None, spec: Preview::default() }
    }

    /// A text that is this one Preview and nothing else.
    pub(super) fn parse(namespace: &str, name: &str, text: &str) -> Result<Self, PreviewError> {
        let invalid = |why: String| Err(PreviewError::Invalid(why));
        if !is_name(namespace) || !is_name(name) {
            let field = if is_name(namespace) { "metadata.name" } else { "metadata.namespace" }.to_owned();
            let why = format!(
                "\"{namespace}/{name}\" is no namespace and name: expected lower-case letters, digits and dashes, at most {LONGEST} of each"
            );
            return Err(PreviewError::Field { field, why });
        }
        if text.len() > MAX_TEXT {
            return invalid(format!("the manifest is larger than {} KiB", MAX_TEXT >> 10));
        }
        let parsed =
            parse(text.as_bytes(), &Arc::from("manifest"), &Defaults { namespace: namespace.into(), env: None });
        if let Some(found) = parsed.problems.first() {
            let fault = PreviewFault { line: found.location.line, detail: found.problem.message.clone() };
            return Err(PreviewError::Lines { field: None, faults: vec![fault] });
        }
        let id = ObjectId::new(Kind::Preview, namespace, name);
        let object = match <[Object; 1]>::try_from(parsed.objects) {
            Ok([object]) if object.id == id => object,
            Ok([other]) => return invalid(format!("the manifest is {}, not {id}", other.id)),
            Err(_) => return invalid(format!("the manifest has to be {id} alone")),
        };
        // What would have no effect as well: whoever asks by a request is there to put it right.
        let wrong = object.problems.iter();
        let faults = wrong.map(|(problem, at)| PreviewFault { line: at.line, detail: problem.to_string() }).collect();
        let field = object.problems.first().map(|(problem, _)| problem.field.clone());
        match (object.spec, field) {
            (Spec::Preview(spec), None) => {
                is_to_last(&spec)?;
                Ok(Self { spec: *spec, ..Self::new(id, object.labels) })
            }
            (_, field) => Err(PreviewError::Lines { field, faults }),
        }
    }

    /// Whether an object says the same already.
    pub(super) fn is_said_by(&self, object: &Object) -> bool {
        object.labels == self.labels && matches!(&object.spec, Spec::Preview(spec) if **spec == self.spec)
    }

    /// Whether it says more than an object than news of its source. A commit is more: what runs is another.
    pub(super) fn is_change_of(&self, old: &Object) -> bool {
        let plain = |spec: &Preview| {
            let commit = spec.source.as_ref().and_then(|source| source.commit.clone());
            Preview { source: Some(PreviewSource { commit, ..PreviewSource::default() }), ..spec.clone() }
        };
        let is_same = matches!(&old.spec, Spec::Preview(spec) if plain(spec) == plain(&self.spec));
        !is_same || old.labels != self.labels
    }

    /// When it ends, as far as it says that itself.
    pub(super) fn end(&self) -> Option<&str> {
        self.spec.lifetime.as_ref()?.expires_at.as_deref()
    }

    /// The part of its spec that says what an object does not say: of its source, and of which links are good.
    pub(super) fn news(&self, old: &Object) -> Value {
        let Spec::Preview(old) = &old.spec else { return Value::Null };
        let mut news = json!({});
        let source = news_of_source(&self.spec, old);
        if !source.is_empty() {
            news["source"] = Value::Object(source);
        }
        let generation = |spec: &Preview| spec.access.as_ref().and_then(|access| access.generation);
        if generation(&self.spec) != generation(old) {
            news["access"] = json!({ "generation": generation(&self.spec) });
        }
        news
    }

    /// The times that it notes, as annotations.
    pub(super) fn notes(&self) -> BTreeMap<&'static str, String> {
        let times = [(Object::CHANGED, self.changed), (Object::ENDED, self.ended)];
        times.into_iter().filter_map(|(name, time)| Some((name, clock::text(time?)))).collect()
    }

    /// As it is written.
    pub(super) fn text(&self) -> String {
        format!("{:#}\n", self.json())
    }

    /// The object that a text is which was written.
    pub(super) fn written(&self, text: &str) -> Option<Object> {
        read(&self.id, text, "manifest")
    }

    pub(super) fn json(&self) -> Value {
        let spec = serde_json::to_value(&self.spec).unwrap_or_default();
        let mut metadata = json!({ "name": &*self.id.name, "namespace": &*self.id.namespace });
        if !self.labels.is_empty() {
            metadata["labels"] = json!(self.labels);
        }
        if let Some(created) = self.created {
            metadata["creationTimestamp"] = json!(clock::text(created));
        }
        let notes = self.notes();
        if !notes.is_empty() {
            metadata["annotations"] = json!(notes);
        }
        json!({ "apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": metadata, "spec": without_nothing(spec) })
    }
}

/// What is said of a source that was not said before.
fn news_of_source(new: &Preview, old: &Preview) -> Map<String, Value> {
    let source = |spec: &Preview| serde_json::to_value(spec.source.clone().unwrap_or_default()).unwrap_or_default();
    let (old, Value::Object(mut news)) = (source(old), source(new)) else { return Map::new() };
    news.retain(|field, value| old[field.as_str()] != *value);
    news
}

/// The object that a text of this name is, as it was written or an API server has it.
pub(super) fn read(id: &ObjectId, text: &str, name: &str) -> Option<Object> {
    let defaults = Defaults { namespace: Arc::clone(&id.namespace), env: None };
    parse(text.as_bytes(), &Arc::from(name), &defaults).objects.into_iter().find(|object| object.id == *id)
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

/// What is to be shown for no time at all would have ended before anybody saw it.
fn is_to_last(spec: &Preview) -> Result<(), PreviewError> {
    let Some(lifetime) = &spec.lifetime else { return Ok(()) };
    let lengths = [("spec.lifetime.ttl", lifetime.ttl), ("spec.lifetime.idle", lifetime.idle)];
    let is_none = |length: Option<Duration>| length.is_some_and(|length| length.0.as_secs() == 0);
    match lengths.into_iter().find(|(_, length)| is_none(*length)) {
        Some((field, _)) => Err(PreviewError::Field { field: field.to_owned(), why: format!("{field}: {NO_TIME}") }),
        None => Ok(()),
    }
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
        let again = Manifest::parse("shop", "pr-1", &manifest.text()).unwrap();
        assert_eq!(manifest, again);
        let dated = Manifest { created: Some(0), changed: Some(60), ended: Some(90), ..manifest.clone() };
        let object = dated.written(&dated.text()).unwrap();
        assert_eq!((object.created, object.changed(), object.ended()), (Some(0), Some(60), Some(90)));
        assert!(manifest.is_said_by(&object));
        let json = manifest.json();
        assert_eq!(json["metadata"], json!({"name": "pr-1", "namespace": "shop", "labels": {"team": "cart"}}));
        assert_eq!(json["spec"].as_object().unwrap().len(), 3);
    }

    #[test]
    fn what_is_to_be_shown_for_no_time_is_refused_at_its_field() {
        let parse = |lifetime: &str| Manifest::parse("shop", "pr-1", &format!("{TEXT}  lifetime: {{{lifetime}}}\n"));
        for (lifetime, at) in [("ttl: 0s", "ttl"), ("ttl: \"0\"", "ttl"), ("ttl: 1h, idle: 500ms", "idle")] {
            let Err(PreviewError::Field { field, why }) = parse(lifetime) else { panic!("{lifetime} is taken") };
            assert_eq!(field, format!("spec.lifetime.{at}"));
            assert!(why.contains("expected a second or more"), "{why}");
        }
        parse("ttl: 1s, idle: 1s").unwrap();
    }

    #[test]
    fn of_a_source_what_is_new_is_told() {
        let of = |source: Value| {
            let mut manifest = Manifest::parse("shop", "pr-1", TEXT).unwrap();
            manifest.spec.source = serde_json::from_value(source).unwrap();
            manifest
        };
        let old = of(json!({"repository": "acme/cart", "commit": "a", "branch": "fix"}));
        let old = old.written(&old.text()).unwrap();
        let new = of(json!({"repository": "acme/cart", "commit": "b", "updated": "2026-11-29T06:00:00Z"}));
        let news = json!({"commit": "b", "updated": "2026-11-29T06:00:00Z", "branch": null});
        assert_eq!(new.news(&old), json!({"source": news}));
        assert_eq!(of(json!({"commit": "b"})).news(&old)["source"]["commit"], "b");
    }

    #[test]
    fn links_that_are_withdrawn_are_news_and_no_others_are() {
        let old = Manifest::parse("shop", "pr-1", TEXT).unwrap();
        let written = old.written(&old.text()).unwrap();
        assert_eq!(old.news(&written), json!({}));
        let mut new = old;
        new.spec.access.get_or_insert_default().generation = Some(1);
        assert_eq!(new.news(&written), json!({"access": {"generation": 1}}));
        // It outlives a time in which there are no links.
        assert_eq!(Manifest::parse("shop", "pr-1", &new.text()).as_ref(), Ok(&new));
    }

    #[test]
    fn news_of_a_source_change_nothing_but_a_commit_does() {
        let of = |source: Value| {
            let mut manifest = Manifest::parse("shop", "pr-1", TEXT).unwrap();
            manifest.spec.source = serde_json::from_value(source).unwrap();
            manifest
        };
        let old = of(json!({"commit": "a", "updated": "2026-11-29T06:00:00Z"}));
        let old = old.written(&old.text()).unwrap();
        assert!(!of(json!({"commit": "a", "updated": "2026-11-29T07:00:00Z", "branch": "fix"})).is_change_of(&old));
        assert!(of(json!({"commit": "b", "updated": "2026-11-29T06:00:00Z"})).is_change_of(&old));
        let mut other = of(json!({"commit": "a"}));
        other.spec.slug = Some("other".to_owned());
        assert!(other.is_change_of(&old));
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
        let wrong = Manifest::parse("shop", "pr-1", &TEXT.replace("mode: Public", "mode: Publik")).unwrap_err();
        let PreviewError::Lines { field, faults } = wrong else { panic!("{wrong:?}") };
        assert_eq!((field.as_deref(), faults[0].line), (Some("spec.access.mode"), 7));
        assert!(faults[0].detail.starts_with("spec.access.mode: "), "apart from its line: {faults:?}");
        let two = format!("{TEXT}---\n{TEXT}");
        assert!(Manifest::parse("shop", "pr-1", &two).is_err());
        for name in ["", "..", "a/b", "A", "a.b", "-a", &"x".repeat(64)] {
            assert!(Manifest::parse("shop", name, TEXT).unwrap_err().to_string().contains("no namespace and name"));
        }
    }
}
