//! Every word of a page is among the texts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Attributes that are read out or shown.
const SHOWN: [&str; 6] = ["aria-label", "title", "placeholder", "alt", "label", "summary"];
/// Names of formats and files, which are the same in every language.
const NAMES: [&str; 4] = ["Atom", "JSON", "openapi", "json"];

/// Texts without a letter of English: what a page says of its own in words comes from elsewhere.
pub(crate) fn strange() -> Texts {
    let strange = |text: &String| {
        let parts = text.split_inclusive(VALUE).enumerate();
        let part = |(place, part): (usize, &str)| match place % 2 {
            0 => part.chars().map(|letter| if letter.is_ascii_alphabetic() { 'ж' } else { letter }).collect(),
            _ => part.to_owned(),
        };
        parts.map(part).collect::<String>()
    };
    let own =
        ENGLISH.iter().map(|(name, text)| (name.clone(), if name == LANGUAGE { text.clone() } else { strange(text) }));
    Texts { own: Arc::new(own.collect()) }
}

/// What a reader sees or hears of a page, or of a template of one: code is code in every language.
pub(crate) fn visible(page: &str) -> String {
    let (mut shown, mut rest) = (String::new(), page);
    while let Some((text, tag)) = rest.split_once('<') {
        shown += text;
        shown.push(' ');
        let (tag, after) = split_tag(tag);
        for attribute in SHOWN {
            let value = tag.split(&format!(" {attribute}=\"")).nth(1).and_then(|rest| rest.split('"').next());
            // What is filled in for an example is no word.
            let is_example = |value: &&str| attribute == "placeholder" && !value.contains(' ');
            shown += value.filter(|value| !is_example(value)).unwrap_or_default();
            shown.push(' ');
        }
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        rest = match ["code", "pre", "script", "style", "textarea"].contains(&name) {
            true => after.split_once(&format!("</{name}>")).map_or("", |(_, after)| after),
            false => after,
        };
    }
    shown + rest
}

/// A tag and what follows. Its values may hold anything.
fn split_tag(text: &str) -> (&str, &str) {
    let mut is_value = false;
    let end = text.find(|letter| {
        is_value ^= letter == '"';
        letter == '>' && !is_value
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// Its words of more than two letters of English, without markup.
pub(crate) fn words(page: &str) -> BTreeSet<String> {
    let visible = ["&#60;", "&#62;", "&#38;", "&#39;", "&#34;", "&#47;"]
        .iter()
        .fold(visible(page), |text, escaped| text.replace(escaped, " "));
    let words = visible.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 2);
    words.filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic())).map(str::to_owned).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => found.extend(files(&path)),
            Some("rs" | "html" | "xml") => found.push(path),
            _ => {}
        }
    }
    found
}

fn place(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// A template without what is put into it.
fn without_expressions(template: &str) -> String {
    let mut text = template.to_owned();
    for (begin, end) in [("{#", "#}"), ("{%", "%}"), ("{{", "}}")] {
        while let Some((before, rest)) = text.split_once(begin) {
            let after = rest.split_once(end).map_or("", |(_, after)| after);
            text = format!("{before}{after}");
        }
    }
    text
}

#[test]
fn no_template_has_words_of_its_own() {
    for path in files(&place("templates")) {
        let template = fs::read_to_string(&path).unwrap();
        let mut own = words(&without_expressions(&template));
        own.retain(|word| !NAMES.contains(&word.as_str()));
        assert!(own.is_empty(), "{}: {own:?}", path.display());
    }
    assert_eq!(words("<p title=\"One {{ a }}\">two<code>three</code>"), ["One", "two"].map(str::to_owned).into());
}

#[test]
fn every_text_that_is_named_is_there_and_none_is_left_over() {
    let english: Named = serde_saphyr::from_str(include_str!("../../../../web/texts.yaml")).unwrap();
    let sources = files(&place("templates")).into_iter().chain(files(&place("src")));
    let written: String = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let methods =
        ["text", "with", "fill", "count"].map(|method| [format!("texts.{method}(\""), format!("texts().{method}(\"")]);
    let calls = methods.into_iter().flatten().chain(["frame.t(\"", "frame.say(\""].map(str::to_owned));
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    for call in calls {
        let named = written.split(&call).skip(1).filter_map(|rest| rest.split('"').next());
        missing.extend(named.filter(|name| !english.contains_key(*name)));
    }
    assert!(missing.is_empty(), "{missing:?}");

    // Fields of objects, and why they are not changed, are named by the controller.
    let controller = ["edit/fields/table.rs", "admin/edit.rs"]
        .map(|file| fs::read_to_string(place("../controller/src").join(file)).unwrap());
    let is_of_controller = |name: &str| controller.iter().any(|source| source.contains(&format!("\"{name}\"")));
    let script = concat!(
        include_str!("../../../../web/reasons.js"),
        include_str!("../../../../web/drafts.js"),
        include_str!("../../../../web/try-it.js")
    );
    let is_named = |name: &str| {
        let counted = name.strip_suffix("_one").unwrap_or(name);
        [name, counted].iter().any(|name| written.contains(&format!("\"{name}\"")))
            || name.strip_prefix(SCRIPT).is_some_and(|name| script.contains(&format!("'{name}'")))
            || ["field_", "hint_", "refused_", "section_", "add_", "remove_"]
                .iter()
                .filter_map(|start| name.strip_prefix(start))
                .any(is_of_controller)
    };
    let unused: Vec<_> = english.keys().filter(|name| *name != LANGUAGE && !is_named(name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
    for name in script.split(" text('").skip(1).filter_map(|rest| rest.split('\'').next()) {
        assert!(english.contains_key(&format!("{SCRIPT}{name}")), "{name}");
    }
}

#[test]
fn an_operator_has_words_of_his_own() {
    let mut problems = Vec::new();
    let own = "language: de\nchanges: Änderungen\nno_such: x\ncatalog_shown: kein Wert\nturns_some: '{last} ({first}) / {total}'\n";
    let texts = Texts::read(own.as_bytes(), &mut problems);
    assert_eq!((texts.language(), texts.text("changes"), texts.text("search")), ("de", "Änderungen", "Search"));
    assert_eq!(texts.with("catalog_shown", "shown", &2), ", 2 shown");
    assert_eq!(texts.fill("turns_some", &[("first", &1), ("last", &"{total}"), ("total", &9)]), "{total} (1) / 9");
    assert_eq!((texts.count("count_route", 1), texts.count("count_route", 0)), ("1 route".into(), "0 routes".into()));
    assert!(texts.for_script().contains("\"sending\":\"Sending…\""), "{}", texts.for_script());
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(Texts::read(b"- a", &mut problems).text("changes"), "Changes");
    assert_eq!(problems.len(), 3);
}
