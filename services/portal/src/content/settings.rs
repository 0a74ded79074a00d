//! `portal.yaml`: what is around the pages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Item, Page};

/// Where it stands.
pub(super) const FILE: &str = "portal.yaml";

/// What it says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// What the portal is called.
    pub(super) title: Option<String>,
    /// Path of a picture.
    pub(super) logo: Option<String>,
    /// Colours by name.
    pub(super) colors: BTreeMap<String, String>,
    /// Links at the top of each page; default is each page of the directory itself.
    pub(super) navigation: Option<Vec<Entry>>,
}

/// A link: to a page, or to somewhere else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    page: Option<String>,
    title: Option<String>,
    url: Option<String>,
}

impl Settings {
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| format!("{FILE}: is not UTF-8"))?;
        yaml(text).map_err(|error| format!("{FILE}: {error}"))
    }
}

/// Reads a small text of YAML.
pub(super) fn yaml<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 10, max_nodes: 10_000, max_documents: 1, max_inclusion_depth: 0 },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string().replace('\n', " "))
}

/// The links at the top of each page.
pub(super) fn navigation(written: Option<Vec<Entry>>, pages: &[Page], problems: &mut Vec<String>) -> Vec<Item> {
    let of_page = |page: &Page, title: Option<String>| Item {
        title: title.unwrap_or_else(|| page.title.clone()),
        link: page.link(),
        visible_to: page.visible_to().map(<[String]>::to_vec),
    };
    let Some(written) = written else {
        let own = pages.iter().filter(|page| !page.slug.contains('/'));
        return own.map(|page| of_page(page, None)).collect();
    };
    let mut items = Vec::new();
    for Entry { page, title, url } in written {
        let item = match (page, url, title) {
            (Some(slug), None, title) => {
                let slug = slug.trim_end_matches(".md").trim_start_matches("pages/").to_owned();
                let page = pages.iter().find(|page| page.slug == slug);
                page.map(|page| of_page(page, title)).ok_or(format!("there is no page {slug}"))
            }
            (None, Some(url), Some(title)) => match url.starts_with("https://") || url.starts_with('/') {
                true => Ok(Item { title, link: url, visible_to: None }),
                false => Err(format!("{url}: expected https://… or a path")),
            },
            _ => Err("expected page, or title and url".to_owned()),
        };
        match item {
            Ok(item) => items.push(item),
            Err(why) => problems.push(format!("{FILE}: navigation: {why}")),
        }
    }
    items
}
