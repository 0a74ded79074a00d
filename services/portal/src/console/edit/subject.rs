//! What is to become of which object, and where that is looked at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::link::{self, with_query};
use super::super::model::ObjectRef;

/// Fields by their paths.
pub(super) type Pairs = BTreeMap<String, String>;

/// What is to become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    Change,
    Create,
    Delete,
}

/// An object, and what is to become of it.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) id: ObjectRef,
    pub(super) act: Act,
    /// Where a new one is to stand.
    pub(super) file: Option<String>,
}

/// A change, as the controller wants it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change<'a> {
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) act: Act,
    pub(super) file: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    pub(super) set: Pairs,
    /// A list that an item is added to.
    pub(super) add: Option<&'a str>,
    /// An item that is taken out of its list.
    pub(super) remove: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
    pub(super) confirm: Option<&'a str>,
}

impl Subject {
    /// The page on which it is looked at.
    pub(super) fn page(&self) -> String {
        let word = match self.act {
            Act::Change => "edit",
            Act::Create => "new",
            Act::Delete => "delete",
        };
        with_query(&format!("{}/{word}", link::object(&self.id)), self.query())
    }

    /// The same page, with this text.
    pub(super) fn page_with(&self, text: &str, digest: Option<&str>) -> String {
        let own = Self { file: None, ..self.clone() }.page();
        let pairs = [("text", text), ("digest", digest.unwrap_or_default())];
        with_query(&own, pairs.into_iter().chain(self.query()))
    }

    fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.file.as_deref().map(|file| ("file", file)).into_iter()
    }

    /// No change of it.
    pub(super) fn change(&self) -> Change<'_> {
        let ObjectRef { kind, namespace, name } = &self.id;
        Change {
            kind,
            namespace,
            name,
            act: self.act,
            file: self.file.as_deref(),
            text: None,
            set: Pairs::new(),
            add: None,
            remove: None,
            digest: None,
            confirm: None,
        }
    }

    /// Where its text is told.
    pub(super) fn manifest(&self) -> String {
        let ObjectRef { kind, namespace, name } = &self.id;
        let new = if self.act == Act::Create { "true" } else { "" };
        let own = [("kind", kind.as_str()), ("namespace", namespace), ("name", name), ("new", new)];
        with_query("/api/v1/manifest", own.into_iter().chain(self.query()))
    }
}
