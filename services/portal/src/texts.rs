//! The words of pages, in one place: `web/texts.yaml` has them in English. An operator has others in the directory of the
//! portal's pages (`texts.yaml`): all of them in another language, or some in words of his own.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, LazyLock};

/// Texts by name.
type Named = BTreeMap<String, String>;

/// Those that are shipped.
static ENGLISH: LazyLock<Named> = LazyLock::new(|| {
    // A test reads it.
    serde_saphyr::from_str(include_str!("../../../web/texts.yaml")).unwrap_or_default()
});

/// The name of the language among the texts, as `lang` of HTML has it.
const LANGUAGE: &str = "language";
/// What is around the name of a value in a text.
const VALUE: [char; 2] = ['{', '}'];

/// What the names of texts begin with that a script of a page has.
const SCRIPT: &str = "script_";

/// Texts of pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    own: Arc<Named>,
}

impl Texts {
    /// Those of an operator. What cannot be used goes to `problems`, and is as it is shipped.
    pub(crate) fn read(text: &[u8], problems: &mut Vec<String>) -> Self {
        let mut wrong = |why: String| problems.push(format!("texts.yaml: {why}"));
        let read = std::str::from_utf8(text).map_err(|error| error.to_string());
        let read = read.and_then(|text| serde_saphyr::from_str::<Named>(text).map_err(|error| error.to_string()));
        let mut own = read.unwrap_or_else(|error| {
            wrong(error.replace('\n', " "));
            Named::new()
        });
        own.retain(|name, text| match ENGLISH.get(name) {
            None => {
                wrong(format!("there is no text {name}"));
                false
            }
            Some(english) if values(english) != values(text) => {
                wrong(format!("{name}: expected the values of \"{english}\""));
                false
            }
            Some(_) => true,
        });
        Self { own: Arc::new(own) }
    }

    /// A text by its name.
    pub(crate) fn text<'t>(&'t self, name: &'t str) -> &'t str {
        debug_assert!(ENGLISH.contains_key(name), "there is no text {name}");
        self.find(name).unwrap_or(name)
    }

    /// A text that somebody else names, where there is one.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.own.get(name).or_else(|| ENGLISH.get(name)).map(String::as_str)
    }

    /// A text with something in the place of its value.
    pub(crate) fn with(&self, name: &str, value: &str, shown: &dyn Display) -> String {
        self.fill(name, &[(value, shown)])
    }

    /// A text with something in the place of each of its values. What is put in is not looked at again.
    pub(crate) fn fill(&self, name: &str, values: &[(&str, &dyn Display)]) -> String {
        let mut filled = String::new();
        for (place, part) in self.text(name).split(VALUE).enumerate() {
            match values.iter().find(|(value, _)| place % 2 == 1 && *value == part) {
                Some((_, shown)) => filled.push_str(&shown.to_string()),
                None => filled.push_str(part),
            }
        }
        filled
    }

    /// So many of something: `1 operation`, `2 operations`.
    pub(crate) fn count(&self, name: &str, number: usize) -> String {
        match number {
            1 => self.text(&format!("{name}_one")).to_owned(),
            _ => self.with(name, "number", &number),
        }
    }

    /// What a script says, by name: as JSON, for an attribute.
    pub(crate) fn for_script(&self) -> String {
        let texts = ENGLISH.keys().filter_map(|name| Some((name.strip_prefix(SCRIPT)?, self.text(name))));
        serde_json::to_string(&texts.collect::<BTreeMap<_, _>>()).unwrap_or_default()
    }

    /// The language of all this.
    pub(crate) fn language(&self) -> &str {
        self.text(LANGUAGE)
    }
}

/// The names of the values in a text, sorted.
fn values(text: &str) -> Vec<&str> {
    let mut values: Vec<_> = text.split(VALUE).skip(1).step_by(2).collect();
    values.sort_unstable();
    values
}
