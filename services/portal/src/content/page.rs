//! A page: markdown, with a head that says what it is called and for whom it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::picture::Size;
use super::{file_link, page_link};
use crate::markdown::{self, Html};

/// What is around the head of a page.
const FENCE: &str = "---\n";

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Its name in URLs: its path without ending.
    pub(crate) slug: String,
    /// What it is called in lists.
    pub(crate) title: String,
    /// What stands above it, if that is written.
    pub(crate) heading: Option<String>,
    pub(crate) html: Html,
    /// Its words, for looking things up.
    pub(crate) text: String,
    order: i64,
    visible_to: Option<Vec<String>>,
}

/// The head of a page.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Head {
    /// What it is called; default is its first heading.
    title: Option<String>,
    /// Its place: smaller ones go first, and equal ones by title.
    order: i64,
    /// The groups that it is for; default is everybody.
    visible_to: Option<Vec<String>>,
}

/// What pages may lead to.
pub(super) struct Place {
    pub(super) pages: BTreeSet<String>,
    /// Pictures, each with its size where that is known.
    pub(super) files: BTreeMap<String, Option<Size>>,
}

impl Page {
    /// The groups that it is for; none where it is for everybody.
    pub(crate) fn visible_to(&self) -> Option<&[String]> {
        self.visible_to.as_deref()
    }

    /// What stands above it.
    pub(crate) fn heading(&self) -> &str {
        self.heading.as_deref().unwrap_or(&self.title)
    }

    /// Where it is.
    pub(crate) fn link(&self) -> String {
        page_link(&self.slug)
    }

    /// By this pages are sorted.
    pub(super) fn order(&self) -> (i64, String) {
        (self.order, self.title.to_lowercase())
    }

    /// Reads the file at `path`. What is wrong with it goes to `problems`; without a head that can be read, nobody knows for
    /// whom it is.
    pub(super) fn read(
        slug: &str,
        path: &str,
        bytes: &[u8],
        place: &Place,
        problems: &mut Vec<String>,
    ) -> Option<Self> {
        let mut wrong = |why: String| problems.push(format!("{path}: {why}"));
        let Ok(text) = std::str::from_utf8(bytes) else {
            wrong("is not UTF-8".to_owned());
            return None;
        };
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let (head, body) = match split(&text) {
            Ok((head, body)) => (head, body),
            Err(why) => {
                wrong(why);
                return None;
            }
        };
        let mut lead = |link: &str| {
            place.lead(path, link).unwrap_or_else(|why| {
                wrong(why);
                None
            })
        };
        let prose = markdown::page(body, &mut lead, &|link| place.size(link));
        let named = slug.rsplit('/').next().unwrap_or_default().replace(['-', '_'], " ");
        Some(Self {
            slug: slug.to_owned(),
            title: head.title.clone().or_else(|| prose.title.clone()).unwrap_or(named),
            heading: prose.title.or(head.title),
            html: prose.html,
            text: prose.text,
            order: head.order,
            visible_to: head.visible_to,
        })
    }
}

fn split(text: &str) -> Result<(Head, &str), String> {
    let Some(rest) = text.strip_prefix(FENCE) else { return Ok((Head::default(), text)) };
    let (head, body) = rest.split_once("\n---\n").ok_or("its head has no end (---)")?;
    let head = super::settings::yaml(head).map_err(|error| format!("its head cannot be read: {error}"))?;
    Ok((head, body))
}

impl Place {
    /// How large the picture is that a link leads to.
    fn size(&self, link: &str) -> Option<Size> {
        let (_, size) = self.files.iter().find(|(path, _)| file_link(path) == link)?;
        *size
    }

    /// Where a link of the page at `path` leads; none where that is left as it is.
    fn lead(&self, path: &str, link: &str) -> Result<Option<String>, String> {
        let is_elsewhere = link.contains(':') || link.starts_with(['/', '#', '?']) || link.is_empty();
        if is_elsewhere {
            return Ok(None);
        }
        let end = link.find(['?', '#']).unwrap_or(link.len());
        let (to, rest) = link.split_at(end);
        let file = resolve(path, to).ok_or_else(|| format!("{to} leads out of the directory"))?;
        if self.files.contains_key(&file) {
            return Ok(Some(file_link(&file)));
        }
        let slug = file.strip_suffix(".md").unwrap_or(&file).trim_start_matches("pages/");
        match slug {
            _ if self.pages.contains(slug) => Ok(Some(format!("{}{rest}", page_link(slug)))),
            "landing" | "index" => Ok(Some("/docs/".to_owned())),
            _ => Err(format!("{to} is not there")),
        }
    }
}

/// The path of `to` beside the file at `path`.
fn resolve(path: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
