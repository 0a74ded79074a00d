//! The words of pages, in one place: `web/texts.yaml` has them in English. An operator has others in the directory of the
//! portal's pages (`texts.yaml`): all of them in another language, or some in words of his own.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::LazyLock;

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

/// Texts of pages.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    own: Named,
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
        Self { own }
    }

    /// A text by its name.
    pub(crate) fn text<'t>(&'t self, name: &'t str) -> &'t str {
        self.own.get(name).or_else(|| ENGLISH.get(name)).map_or(name, String::as_str)
    }

    /// A text with something in the place of its value.
    pub(crate) fn with(&self, name: &str, value: &str, shown: &dyn Display) -> String {
        self.text(name).replace(&format!("{{{value}}}"), &shown.to_string())
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::search::Sort;

    #[test]
    fn every_text_that_a_page_names_is_there_and_none_is_left_over() {
        let english: Named = serde_saphyr::from_str(include_str!("../../../web/texts.yaml")).unwrap();
        let place = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut written = String::new();
        for file in fs::read_dir(place.join("templates")).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                written += &fs::read_to_string(path).unwrap();
            }
        }
        let calls = ["frame.t(\"", "frame.say(\""];
        let called =
            calls.iter().flat_map(|call| written.split(call).skip(1)).filter_map(|rest| rest.split('"').next());
        let sorts = [Sort::Api, Sort::Operation, Sort::Schema, Sort::Page].map(Sort::text);
        let facets = ["facet_state", "facet_namespace", "apis", "changes", "previews", "keys", "console"];
        let named: std::collections::BTreeSet<_> = called.chain(sorts).chain(facets).collect();
        let known: std::collections::BTreeSet<_> =
            english.keys().map(String::as_str).filter(|name| *name != LANGUAGE).collect();
        assert_eq!(named, known);
    }

    #[test]
    fn an_operator_has_words_of_his_own() {
        let mut problems = Vec::new();
        let own = "language: de\nchanges: Änderungen\nno_such: x\ncatalog_shown: kein Wert\n";
        let texts = Texts::read(own.as_bytes(), &mut problems);
        assert_eq!((texts.language(), texts.text("changes"), texts.text("search")), ("de", "Änderungen", "Search"));
        assert_eq!(texts.with("catalog_shown", "shown", &2), ", 2 shown");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(Texts::read(b"- a", &mut problems).text("changes"), "Changes");
        assert_eq!(problems.len(), 3);
    }
}
