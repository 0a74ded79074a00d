//! Texts of manifests as they are shown: without the secrets in them, which come back with what is changed around them, but
//! not with where they are sent.

mod credential;
mod place;

use std::collections::BTreeMap;
use std::ops::Range;

pub use self::credential::is_credential;
use self::credential::{is_destination, is_secret};
use self::place::{Place, each};
use crate::edit::{EditError, root};
use crate::object::Kind;
use crate::yaml::Node;

/// What stands for a secret where a text is shown.
pub const MASK: &str = "(not shown)";

/// A text without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What may be shown.
    pub text: String,
    kind: Kind,
    secrets: Secrets,
    /// What decides where they are sent, by its place.
    destinations: BTreeMap<String, String>,
}

/// Where each stands, and how it is written there.
#[derive(Clone, Default, PartialEq, Eq)]
struct Secrets(Vec<(String, String)>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(path, _)| path)).finish()
    }
}

/// A scalar that was looked for.
struct Found {
    path: String,
    value: String,
    span: Range<usize>,
}

impl Masked {
    /// Whether something of it is not shown.
    #[must_use]
    pub fn hides(&self) -> bool {
        !self.secrets.0.is_empty()
    }

    /// Takes the secrets out of the text of an object of a kind.
    ///
    /// # Errors
    /// Where one does not stand on a line of its own, or stands somewhere else, too.
    pub fn of(kind: Kind, text: &str) -> Result<Self, EditError> {
        let root = root(text)?;
        let found = scalars(text, &root, |place| is_secret(kind, place))?;
        let masked = replaced(text, &found, |_| MASK.to_owned());
        if let Some(known) = found.iter().find(|secret| masked.contains(&secret.value)) {
            return Err(EditError::Repeated(known.path.clone()));
        }
        let written = |secret: Found| (secret.path, text[secret.span].to_owned());
        let secrets = Secrets(found.into_iter().map(written).collect());
        let is_kept = |place: &Place<'_, '_>| secrets.0.iter().any(|(path, _)| *path == place.path);
        Ok(Self { text: masked, kind, destinations: destinations(&root, is_kept), secrets })
    }

    /// A text that was made of this one, with the secrets that it does not replace.
    ///
    /// # Errors
    /// Where it wants one to be kept that never was there, or to be sent elsewhere.
    pub fn unmask(&self, text: &str) -> Result<String, EditError> {
        // Whoever reads the text says better what is wrong with it.
        let Ok(root) = root(text) else { return Ok(text.to_owned()) };
        let is_mask = |place: &Place<'_, '_>| place.value == MASK;
        let known =
            |path: &str| self.secrets.0.iter().find(|(known, _)| known == path).map(|(_, written)| written.as_str());
        let mut unknown = None;
        each(&root, &mut |place| {
            if is_mask(place) && (known(&place.path).is_none() || place.mapping().is_none()) {
                unknown.get_or_insert_with(|| place.path.clone());
            }
        });
        if let Some(path) = unknown {
            return Err(EditError::NoSecret(path));
        }
        let kept = scalars(text, &root, is_mask)?;
        if let Some(secret) = kept.first()
            && let Some(field) = self.moved(&destinations(&root, is_mask))
        {
            return Err(EditError::SentElsewhere { field, secret: secret.path.clone() });
        }
        Ok(replaced(text, &kept, |secret| known(&secret.path).unwrap_or_default().to_owned()))
    }

    /// A text that was made of this one, in which each secret that it says itself is longer by `more`. What comes of that tells
    /// nobody whether a secret that he guessed is the one that is not shown.
    ///
    /// # Errors
    /// Where one does not stand on a line of its own.
    pub fn blinded(&self, text: &str, more: &str) -> Result<String, EditError> {
        let Ok(root) = root(text) else { return Ok(text.to_owned()) };
        if !self.hides() {
            return Ok(text.to_owned());
        }
        let said = scalars(text, &root, |place| place.value != MASK && is_secret(self.kind, place))?;
        Ok(replaced(text, &said, |secret| serde_json::Value::from(secret.value.clone() + more).to_string()))
    }

    /// What would be another of what decides where secrets are sent.
    fn moved(&self, now: &BTreeMap<String, String>) -> Option<String> {
        let differs = |(path, value): &(&String, &String)| now.get(*path) != Some(*value);
        let gone = self.destinations.iter().find(differs);
        let came = || now.iter().find(|(path, _)| !self.destinations.contains_key(*path));
        gone.or_else(came).map(|(path, _)| path.clone())
    }
}

fn destinations(root: &Node<'_>, is_hidden: impl Fn(&Place<'_, '_>) -> bool) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    each(root, &mut |place| {
        if is_destination(place) && !is_hidden(place) {
            // A key has the place of what it is in; there may be several.
            let said: &mut String = found.entry(place.path.clone()).or_default();
            said.push('\n');
            said.push_str(place.value);
        }
    });
    found
}

fn replaced(text: &str, found: &[Found], with: impl Fn(&Found) -> String) -> String {
    let (mut whole, mut at) = (String::new(), 0);
    for scalar in found {
        whole += &text[at..scalar.span.start];
        whole += &with(scalar);
        at = scalar.span.end;
    }
    whole + &text[at..]
}

/// The scalars that are looked for, in the order in which they stand. None may stand for several.
fn scalars(text: &str, root: &Node<'_>, is_wanted: impl Fn(&Place<'_, '_>) -> bool) -> Result<Vec<Found>, EditError> {
    let mut found = Vec::new();
    each(root, &mut |place| {
        if is_wanted(place) {
            let span = place.span(text);
            found.push(span.map(|span| Found { path: place.path.clone(), value: place.value.to_owned(), span }));
        }
    });
    let mut found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|scalar| scalar.span.start);
    match found.windows(2).find(|pair| pair[0].span.end > pair[1].span.start) {
        Some(pair) => Err(EditError::NotALine(pair[1].path.clone())),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests;
