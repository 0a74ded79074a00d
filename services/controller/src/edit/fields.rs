//! Fields that have an input of their own, by kind.

mod table;

use nuncio_api::{Kind, Outline, Written};

use self::table::{Fields, List, New, of};
use crate::admin::{AddView, FieldView, SectionView};

/// The most items of lists that have inputs: of those behind them only the text says what they are.
const MOST_SECTIONS: usize = 200;

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    /// What looks like a number is one.
    Plain,
    /// Any of these.
    OneOf(&'static [&'static str]),
    /// Any number of texts without blanks in them.
    Texts,
    /// Any number of `key: value`, one a line.
    Pairs,
}

/// A field: where it is in what it is part of, and what it is known by. `web/texts.yaml` has what it is called, and what may
/// stand there.
#[derive(Clone, Copy, Debug)]
struct Field {
    path: &'static str,
    name: &'static str,
    form: Form,
}

impl Field {
    /// What is shown of it; `None` where it is written in a way that no input has.
    fn shown(&self, outline: &Outline<'_>, path: &str) -> Option<String> {
        let line = |(key, value): (String, String)| format!("{key}: {value}");
        match self.form {
            Form::Text | Form::Plain | Form::OneOf(_) => Some(outline.scalar(path).unwrap_or_default()),
            Form::Texts => outline.texts(path).map(|texts| texts.join(" ")),
            Form::Pairs => outline.pairs(path).map(|pairs| pairs.into_iter().map(line).collect::<Vec<_>>().join("\n")),
        }
    }

    /// What somebody typed, as it is written; `None` where that is nothing.
    fn written(&self, typed: &str) -> Result<Option<Written>, String> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.form {
            // Who has seen YAML may put it in quotes.
            Form::Plain => Written::Plain(typed.trim_matches(['"', '\'']).to_owned()),
            Form::Text => Written::Text(typed.to_owned()),
            Form::OneOf(["true", ..]) => Written::Plain(typed.to_owned()),
            Form::OneOf(_) => Written::Text(typed.to_owned()),
            Form::Texts => {
                let texts = typed.split(|sign: char| sign.is_whitespace() || sign == ',');
                Written::Texts(texts.filter(|text| !text.is_empty()).map(ToOwned::to_owned).collect())
            }
            Form::Pairs => {
                let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
                Written::Pairs(lines.map(pair).collect::<Result<_, _>>()?)
            }
        }))
    }

    fn view(&self, outline: &Outline<'_>, path: String) -> Option<FieldView> {
        let choices = match self.form {
            Form::OneOf(choices) => choices.iter().map(|choice| (*choice).to_owned()).collect(),
            _ => Vec::new(),
        };
        let (value, name) = (self.shown(outline, &path)?, self.name.to_owned());
        Some(FieldView { path, name, value, choices, has_lines: self.form == Form::Pairs })
    }
}

fn pair(line: &str) -> Result<(String, String), String> {
    let (key, value) = line.split_once(':').ok_or_else(|| format!("\"{line}\" is no \"key: value\""))?;
    let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    Ok((bare(key), bare(value)))
}

/// What a change gives a field.
pub(super) struct Given {
    pub(super) value: Option<Written>,
    /// It is what stands there.
    pub(super) is_same: bool,
}

/// What a text says there, and what it is to say. `None` where no field of this kind is there.
pub(super) fn given(kind: Kind, outline: &Outline<'_>, path: &str, typed: &str) -> Option<Result<Given, String>> {
    let field = find(of(kind), &bare(path))?;
    let value = field.written(typed);
    let there = field.shown(outline, path).map(|shown| field.written(&shown));
    Some(value.map(|value| Given { is_same: there == Some(Ok(value.clone())), value }))
}

/// What is added to a list at a path, if it has a button for that. A rule has to ask somebody: it begins with this Filter.
pub(super) fn item(kind: Kind, path: &str, filter: impl Fn() -> String) -> Option<Written> {
    fn find(lists: &'static [List], path: &str) -> Option<&'static List> {
        lists.iter().find_map(|list| match path.strip_prefix(list.path)? {
            "" => Some(list),
            rest => find(list.of_item.lists, rest.strip_prefix('.')?),
        })
    }
    let list = find(of(kind).lists, &bare(path))?;
    let field = |(key, new): &(&'static str, New)| {
        let value = match new {
            New::Text(text) => Written::Text((*text).to_owned()),
            New::EmptyList => Written::Texts(Vec::new()),
            New::Filters => Written::Pairs(vec![("name".to_owned(), filter())]),
        };
        (*key, value)
    };
    Some(Written::Map(list.new.iter().map(field).collect()))
}

/// A path without the numbers of items.
fn bare(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| path + part.split_once(']').map_or("", |(_, rest)| rest))
}

fn find(fields: &'static Fields, path: &str) -> Option<&'static Field> {
    let below = |list: &'static List| find(list.of_item, path.strip_prefix(list.path)?.strip_prefix('.')?);
    fields.own.iter().find(|field| field.path == path).or_else(|| fields.lists.iter().find_map(below))
}

/// The field of a kind that is meant by a path that nothing knows.
pub(super) fn closest(kind: Kind, path: &str) -> Option<&'static str> {
    nuncio_api::closest(path, &of(kind).own.iter().map(|field| field.path).collect::<Vec<_>>())
}

/// The form of a text.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) fields: Vec<FieldView>,
    /// Items of lists, each behind the one that it is part of.
    pub(super) sections: Vec<SectionView>,
    pub(super) adds: Vec<AddView>,
    /// Items that have no inputs.
    pub(super) left_out: usize,
}

/// That of an object of a kind. A Filter is of one kind among several, and has the fields of that.
pub(super) fn form(kind: Kind, text: &str) -> Shown {
    let Ok(outline) = Outline::of(text) else { return Shown::default() };
    let is_of_its_kind = |field: &&Field| {
        let kind_of_filter: Vec<_> = field.path.split('.').take(2).collect();
        !kind.is_filter() || outline.has(&kind_of_filter.join("."))
    };
    let fields = of(kind);
    let own = fields.own.iter().filter(is_of_its_kind);
    let mut shown = Shown {
        fields: own.filter_map(|field| field.view(&outline, field.path.to_owned())).collect(),
        adds: adds(fields, ""),
        ..Shown::default()
    };
    sections(fields, &outline, "", &[], &mut shown);
    shown
}

fn adds(fields: &Fields, before: &str) -> Vec<AddView> {
    let add = |list: &List| AddView { path: format!("{before}{}", list.path), name: list.name.to_owned() };
    fields.lists.iter().map(add).collect()
}

fn sections(fields: &'static Fields, outline: &Outline<'_>, before: &str, above: &[usize], shown: &mut Shown) {
    for list in fields.lists {
        let path = format!("{before}{}", list.path);
        for index in 0..outline.len(&path) {
            if shown.sections.len() >= MOST_SECTIONS {
                shown.left_out += 1;
                continue;
            }
            let (path, numbers) = (format!("{path}[{index}]"), [above, &[index + 1]].concat());
            let below = format!("{path}.");
            let own = list.of_item.own.iter();
            shown.sections.push(SectionView {
                name: list.name.to_owned(),
                fields: own.filter_map(|field| field.view(outline, format!("{below}{}", field.path))).collect(),
                adds: adds(list.of_item, &below),
                path,
                numbers: numbers.clone(),
            });
            sections(list.of_item, outline, &below, &numbers, shown);
        }
    }
}

#[cfg(test)]
mod tests;
