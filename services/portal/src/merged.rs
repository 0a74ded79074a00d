//! One document of all APIs, for tools that take only one. What is called alike in several stays apart: every shared name
//! begins with the API's.
//!
//! ```text
//!  each API's document for clients ─► lift (3.1) ─► kinds ─► names (what is called how) ─► walk (follows them) ─► paths (joined)
//! ```

mod kinds;
mod lift;
mod names;
mod paths;
#[cfg(test)]
mod tests;
mod walk;

use serde_json::{Map, Value, json};

use self::names::{Names, Slugs};
use self::paths::{Paths, Source};
use self::walk::rename;
pub(crate) use self::walk::{Part, walk};
use crate::catalog::Entry;
use crate::changes::from_swagger;
use crate::document::{Version, methods, text};
use crate::reference::Reference;
use crate::rewrite::drop_dangling_links;
use crate::routed::Routed;

/// The most bytes of documents that are made one of.
const MAX_SIZE: usize = 64 << 20;

/// What an API's own document for clients says that is not in it.
const UNROUTED: [&str; 2] = ["x-nuncio-unrouted-paths", "x-nuncio-unrouted-operations"];

/// Why a document is not in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum LeftOut {
    #[error("no document of it is known")]
    Unknown,
    #[error("{0}")]
    NotComputable(String),
    #[error("the documents of all APIs together are larger than {} MiB", MAX_SIZE >> 20)]
    TooLarge,
    #[error("as OpenAPI 3 the Swagger 2.0 document would be larger than can be kept")]
    NotLifted,
}

/// One document of these APIs, called `title`: each with what is known of its operations' routes.
pub(crate) fn merge<'e>(title: &str, entries: impl Iterator<Item = (&'e Entry, Option<&'e Routed>)>) -> Value {
    let mut merged = Merged::default();
    let mut entries: Vec<_> = entries.collect();
    // Of two that say something of the same path the one counts whose route is tried first.
    entries.sort_by_key(|(entry, _)| precedence(entry));
    for (entry, routed) in entries {
        if let Err(reason) = merged.add(entry, routed) {
            merged.left_out.push(json!({ "api": entry.api.id.to_string(), "reason": reason.to_string() }));
        }
    }
    merged.finish(title)
}

/// Longer paths are tried first, then what asks for more.
fn precedence(entry: &Entry) -> (std::cmp::Reverse<(usize, usize)>, String) {
    let served = &entry.api.served;
    let asks = served.conditions.len() + usize::from(served.method.is_some());
    (std::cmp::Reverse((served.path.text().len(), asks)), entry.api.id.to_string())
}

#[derive(Default)]
struct Merged {
    slugs: Slugs,
    size: usize,
    has_3_2: bool,
    components: Map<String, Value>,
    webhooks: Map<String, Value>,
    tags: Vec<Value>,
    paths: Paths,
    apis: Vec<Value>,
    left_out: Vec<Value>,
}

impl Merged {
    fn add(&mut self, entry: &Entry, routed: Option<&Routed>) -> Result<(), LeftOut> {
        let reference = entry.reference.as_deref().ok_or(LeftOut::Unknown)?;
        let size = self.size + reference.document.original.len();
        if size > MAX_SIZE {
            return Err(LeftOut::TooLarge);
        }
        let mut value = lifted(reference)?;
        let size = size.saturating_add(copied(&value));
        if size > MAX_SIZE {
            return Err(LeftOut::TooLarge);
        }
        if let Some(routed) = routed {
            let version = reference.document.version;
            routed.write(&mut value, if version == Version::V3_2 { version } else { Version::V3_1 }, reference);
        }
        self.size = size;
        self.has_3_2 |= reference.document.version == Version::V3_2;
        let slug = self.slugs.of(&entry.api.id);
        let source = Source::of(&mut value, &slug, entry);
        kinds::tell(&mut value);
        let names = Names::of(&slug, &value, source.begin());
        rename(&mut value, &names);
        self.add_tags(&slug, entry.title(), &value);
        self.add_shared(&mut value, &names);
        let unrouted = UNROUTED.iter().filter_map(|key| Some(((*key).to_owned(), value.get(*key)?.clone())));
        let unrouted: Map<String, Value> = unrouted.collect();
        self.paths.add(value, &source, &self.components);
        let version = reference.document.info("version");
        let api = json!({ "api": entry.api.id.to_string(), "title": entry.title(), "version": version, "prefix": names.prefix });
        let Value::Object(mut api) = api else { return Ok(()) };
        api.extend(unrouted);
        self.apis.push(Value::Object(api));
        Ok(())
    }

    /// The tag of the API itself, and those of its document.
    fn add_tags(&mut self, slug: &str, title: &str, value: &Value) {
        self.tags.push(json!({ "name": slug, "description": title }));
        let named = value.get("tags").and_then(Value::as_array).into_iter().flatten();
        self.tags.extend(named.filter(|tag| text(tag, "name").is_some()).cloned());
    }

    fn add_shared(&mut self, value: &mut Value, names: &Names) {
        let sections = value.get_mut("components").and_then(Value::as_object_mut).map(std::mem::take);
        for (section, shared) in sections.into_iter().flatten() {
            let Value::Object(shared) = shared else { continue };
            let all = self.components.entry(section.clone()).or_insert_with(|| json!({}));
            let Some(all) = all.as_object_mut() else { continue };
            all.extend(shared.into_iter().map(|(name, value)| (names.component(&section, &name), value)));
        }
        let webhooks = value.get_mut("webhooks").and_then(Value::as_object_mut).map(std::mem::take);
        self.webhooks.extend(webhooks.into_iter().flatten().map(|(name, hook)| (names.prefixed(&name), hook)));
    }

    fn finish(self, title: &str) -> Value {
        let (servers, paths) = self.paths.finish();
        let mut document = json!({
            "openapi": if self.has_3_2 { "3.2.0" } else { "3.1.1" },
            "info": { "title": title },
            "servers": servers,
            "tags": self.tags,
            "paths": paths,
            "components": self.components,
            "x-nuncio-apis": self.apis,
        });
        if !self.webhooks.is_empty() {
            document["webhooks"] = Value::Object(self.webhooks);
        }
        if !self.left_out.is_empty() {
            document["x-nuncio-left-out"] = Value::Array(self.left_out);
        }
        // Some of what one API says of a path gives way to what another does.
        drop_dangling_links(&mut document);
        // Another whenever anything in it is another.
        let digest = xxhash_rust::xxh3::xxh3_64(document.to_string().as_bytes());
        document["info"]["version"] = json!(format!("{digest:016x}"));
        document
    }
}

/// How much is copied from where a document says it once to each operation, in bytes.
fn copied(document: &Value) -> usize {
    let length = |value: Option<&Value>| value.map_or(0, |value| value.to_string().len());
    let security = length(document.get("security"));
    let items = document.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let of_item = |item: &Value| methods(item).count().saturating_mul(security + length(item.get("parameters")));
    items.map(of_item).fold(0, usize::saturating_add)
}

/// An API's document for clients as 3.1 has it. What a document of 3.2 has beyond that stays.
fn lifted(reference: &Reference) -> Result<Value, LeftOut> {
    let rewritten = reference.rewritten.as_ref().map_err(|reason| LeftOut::NotComputable(reason.clone()))?;
    Ok(match reference.document.version {
        Version::V2 => {
            let mut value = from_swagger(&rewritten.value).ok_or(LeftOut::NotLifted)?;
            if !reference.api.keeps_servers {
                let begin = text(&rewritten.value, "basePath").unwrap_or_default().trim_end_matches('/');
                let servers = reference.origins().iter().map(|origin| json!({ "url": format!("{origin}{begin}") }));
                value["servers"] = servers.collect();
            }
            lift::lift(&mut value);
            value
        }
        Version::V3_0 => {
            let mut value = rewritten.value.clone();
            lift::lift(&mut value);
            value
        }
        Version::V3_1 | Version::V3_2 => rewritten.value.clone(),
    })
}
