//! What the shared parts of an API's document are called among those of all APIs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::api::ApiId;
use crate::reference::pointer_name;
use crate::taken::Taken;

/// What names of APIs begin with.
#[derive(Default)]
pub(super) struct Slugs {
    taken: Taken,
}

impl Slugs {
    /// That of an API: no two have the same.
    pub(super) fn of(&mut self, id: &ApiId) -> String {
        let name = id.segment();
        let whole = if id.namespace.is_empty() { name } else { format!("{}.{name}", id.namespace) };
        unique(&mut self.taken, component_name(&whole))
    }
}

/// The name, with a number behind it where it is taken.
pub(super) fn unique(taken: &mut Taken, name: String) -> String {
    taken.free(name, |name| format!("{name}_"))
}

/// A name as components may have it.
fn component_name(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect()
}

/// The names of one API.
pub(super) struct Names {
    /// What all of them begin with.
    pub(super) prefix: String,
    /// Those of components, by section and by the name that the document has.
    components: BTreeMap<String, BTreeMap<String, String>>,
    /// What all paths begin with.
    begin: String,
}

impl Names {
    pub(super) fn of(slug: &str, document: &Value, begin: &str) -> Self {
        let prefix = format!("{slug}_");
        let sections = document.get("components").and_then(Value::as_object).into_iter().flatten();
        let named = |shared: &Map<String, Value>| {
            let mut taken = Taken::default();
            let name = |name: &String| (name.clone(), unique(&mut taken, format!("{prefix}{}", component_name(name))));
            shared.keys().map(name).collect::<BTreeMap<_, _>>()
        };
        let components = sections.filter_map(|(section, shared)| Some((section.clone(), named(shared.as_object()?))));
        Self { components: components.collect(), prefix, begin: begin.to_owned() }
    }

    /// The name of a component. One that is not there gets none that another API has.
    pub(super) fn component(&self, section: &str, name: &str) -> String {
        let known = self.components.get(section).and_then(|names| names.get(name));
        known.cloned().unwrap_or_else(|| format!("{}{}", self.prefix, component_name(name)))
    }

    /// A name of anything else.
    pub(super) fn prefixed(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A reference within the document. Others stay as they are.
    pub(super) fn reference(&self, target: &str) -> String {
        if let Some((section, rest)) = target.strip_prefix("#/components/").and_then(|rest| rest.split_once('/')) {
            let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            return format!("#/components/{section}/{}{rest}", self.component(section, &pointer_name(name)));
        }
        if let Some(rest) = target.strip_prefix("#/paths/") {
            return format!("#/paths/{}{rest}", self.begin.replace('~', "~0").replace('/', "~1"));
        }
        match target.strip_prefix("#/webhooks/") {
            Some(rest) => format!("#/webhooks/{}{rest}", self.prefix),
            None => target.to_owned(),
        }
    }

    /// The schema that a discriminator means: by a reference, or by its name alone.
    pub(super) fn schema(&self, target: &str) -> String {
        match self.components.get("schemas").and_then(|names| names.get(target)) {
            Some(name) => format!("#/components/schemas/{name}"),
            None => self.reference(target),
        }
    }

    /// What requests have to show: by names of schemes. What is no such name, as 3.2 has it, stays.
    pub(super) fn follow_security(&self, security: &mut Value) {
        let known = self.components.get("securitySchemes");
        for demanded in security.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            let renamed = std::mem::take(demanded).into_iter().map(|(scheme, scopes)| {
                (known.and_then(|names| names.get(&scheme)).cloned().unwrap_or(scheme), scopes)
            });
            *demanded = renamed.collect();
        }
    }

    /// A tag, or the name of one.
    pub(super) fn follow_tag(&self, tag: &mut Value) {
        match tag {
            Value::String(name) => *name = self.prefixed(name),
            Value::Object(tag) => {
                for key in ["name", "parent"] {
                    if let Some(Value::String(name)) = tag.get_mut(key) {
                        *name = self.prefixed(name);
                    }
                }
            }
            _ => {}
        }
    }
}
