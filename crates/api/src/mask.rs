//! Texts of manifests as they are shown: without the secrets in them, which come back with what is changed around them.

use std::ops::Range;

use crate::edit::{Edit, EditError, root};
use crate::yaml::{Node, Value};

/// What stands for a secret where a text is shown.
pub const MASK: &str = "(not shown)";
/// Fields that hold one, however they are written.
const FIELDS: [&str; 3] = ["clientsecret", "password", "secret"];

/// A text without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What may be shown.
    pub text: String,
    secrets: Secrets,
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
    /// A text that has none.
    #[must_use]
    pub fn open(text: &str) -> Self {
        Self { text: text.to_owned(), secrets: Secrets::default() }
    }

    /// Whether something of it is not shown.
    #[must_use]
    pub fn hides(&self) -> bool {
        !self.secrets.0.is_empty()
    }

    /// Takes the secrets out of a text.
    ///
    /// # Errors
    /// Where one does not stand on a line of its own, or stands somewhere else, too.
    pub fn of(text: &str) -> Result<Self, EditError> {
        let is_secret = |key: &str, _: &str| {
            let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
            FIELDS.contains(&plain.to_ascii_lowercase().as_str())
        };
        let found = scalars(text, &is_secret)?;
        let masked = replaced(text, &found, |_| MASK);
        if let Some(known) = found.iter().find(|secret| masked.contains(&secret.value)) {
            return Err(EditError::Repeated(known.path.clone()));
        }
        let written = |secret: Found| (secret.path, text[secret.span].to_owned());
        Ok(Self { text: masked, secrets: Secrets(found.into_iter().map(written).collect()) })
    }

    /// A text that was made of this one, with the secrets that it does not replace.
    ///
    /// # Errors
    /// Where it wants one to be kept that never was there.
    pub fn unmask(&self, text: &str) -> Result<String, EditError> {
        // Whoever reads the text says better what is wrong with it.
        if root(text).is_err() {
            return Ok(text.to_owned());
        }
        let found = scalars(text, &|_, value| value == MASK)?;
        let known =
            |path: &str| self.secrets.0.iter().find(|(known, _)| known == path).map(|(_, written)| written.as_str());
        if let Some(other) = found.iter().find(|mask| known(&mask.path).is_none()) {
            return Err(EditError::NoSecret(other.path.clone()));
        }
        Ok(replaced(text, &found, |path| known(path).unwrap_or_default()))
    }
}

fn replaced<'w>(text: &str, found: &[Found], with: impl Fn(&str) -> &'w str) -> String {
    let (mut whole, mut at) = (String::new(), 0);
    for Found { path, span, .. } in found {
        whole += &text[at..span.start];
        whole += with(path);
        at = span.end;
    }
    whole + &text[at..]
}

/// The scalars that are looked for, by key and value, in the order in which they stand.
fn scalars(text: &str, is_wanted: &dyn Fn(&str, &str) -> bool) -> Result<Vec<Found>, EditError> {
    let root = root(text)?;
    let mut found = Vec::new();
    walk(text, &root, "", is_wanted, &mut found)?;
    found.sort_by_key(|scalar| scalar.span.start);
    Ok(found)
}

fn walk(
    text: &str,
    node: &Node<'_>,
    path: &str,
    is_wanted: &dyn Fn(&str, &str) -> bool,
    found: &mut Vec<Found>,
) -> Result<(), EditError> {
    for (index, item) in node.items().iter().enumerate() {
        walk(text, item, &format!("{path}[{index}]"), is_wanted, found)?;
    }
    for entry in node.entries() {
        let place = if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
        let value = match &entry.node.value {
            Value::Plain(value) | Value::Text(value) | Value::Literal(value) if !entry.node.is_null() => value,
            _ => {
                walk(text, &entry.node, &place, is_wanted, found)?;
                continue;
            }
        };
        if is_wanted(&entry.key, value) {
            let edit = Edit { text, path: &[] };
            let span = edit.line(node, entry).ok_or_else(|| EditError::NotALine(place.clone()))?;
            found.push(Found { path: place, value: value.to_string(), span });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
kind: Filter
spec:
  OAuth2:
    clientID: shop
    secret: 'h4rd to guess' # of the shop
    secretName: other
";

    #[test]
    fn a_secret_is_not_shown_and_stays_while_the_rest_changes() {
        let masked = Masked::of(TEXT).unwrap();
        assert_eq!(masked.text, TEXT.replace("'h4rd to guess'", MASK));
        assert!(!format!("{masked:?}").contains("h4rd"));
        assert_eq!(masked.unmask(&masked.text).unwrap(), TEXT);
        assert!(masked.hides() && !Masked::open(TEXT).hides());
        let changed = masked.text.replace("clientID: shop", "clientID: cart");
        assert_eq!(masked.unmask(&changed).unwrap(), TEXT.replace("clientID: shop", "clientID: cart"));
        let replaced = masked.text.replace(MASK, "another");
        assert_eq!(masked.unmask(&replaced).unwrap(), replaced);
        let moved = masked.text.replace("secret:", "password:");
        assert_eq!(masked.unmask(&moved), Err(EditError::NoSecret("spec.OAuth2.password".into())));
        assert_eq!(masked.unmask("a: [\n").unwrap(), "a: [\n");
        assert_eq!(Masked::open(TEXT).unmask(TEXT).unwrap(), TEXT);
    }

    #[test]
    fn what_cannot_be_hidden_is_not_shown_at_all() {
        let line = "    secret: 'h4rd to guess' # of the shop\n";
        for (other, expected) in [
            ("    more: {Client-Secret: a}\n", "spec.OAuth2.more.Client-Secret"),
            ("    list:\n    - {password: a}\n", "spec.OAuth2.list[0].password"),
            ("    secret: |\n      a\n      b\n", "spec.OAuth2.secret"),
        ] {
            assert_eq!(Masked::of(&TEXT.replace(line, other)), Err(EditError::NotALine(expected.into())), "{other}");
        }
        let twice = TEXT.replace("of the shop", "was h4rd to guess");
        assert_eq!(Masked::of(&twice), Err(EditError::Repeated("spec.OAuth2.secret".into())));
        assert_eq!(Masked::of("spec:\n  secret:\n").unwrap().text, "spec:\n  secret:\n");
    }
}
