//! Pages beside the APIs: markdown of a directory, with a navigation, a logo, colours and texts of their own.
//!
//! The directory is the operator's: what is wrong in it is told, and the rest is shown. Whatever is in it is bounded, and
//! nothing outside of it is read.

mod directory;
mod follow;
mod page;
mod picture;
mod settings;
mod sources;
mod theme;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

pub(crate) use self::directory::ContentError;
use self::directory::Files;
pub(crate) use self::follow::follow;
pub(crate) use self::page::Page;
pub(crate) use self::picture::File;
use self::settings::Settings;
use crate::texts::Texts;

/// Texts in other words, or in another language.
const TEXTS: &str = "texts.yaml";

/// The newest content, for all that read it.
pub(crate) type Shared = Arc<ArcSwap<Content>>;

/// All of it. By default there is none.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// What the portal is called, if that is said.
    pub(crate) title: Option<String>,
    /// Where the logo is.
    pub(crate) logo: Option<String>,
    /// A style sheet with the colours that are said.
    pub(crate) theme: Option<Theme>,
    /// Above the list of APIs.
    pub(crate) landing: Option<Page>,
    /// In the order in which they are shown.
    pub(crate) pages: Vec<Page>,
    /// Links at the top of each page.
    pub(crate) navigation: Vec<Item>,
    pub(crate) texts: Texts,
    files: BTreeMap<String, File>,
    /// What of it is not shown, and why.
    pub(crate) problems: Vec<String>,
}

/// A link at the top of each page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) title: String,
    pub(crate) link: String,
    /// The groups that its page is for.
    visible_to: Option<Vec<String>>,
}

impl Item {
    /// The groups that it is for; none where it is for everybody.
    pub(crate) fn visible_to(&self) -> Option<&[String]> {
        self.visible_to.as_deref()
    }
}

/// A style sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    /// Its address, which changes with it.
    pub(crate) path: String,
    pub(crate) css: String,
}

impl Content {
    /// Nothing but a reason.
    fn missing(why: String) -> Self {
        Self { problems: vec![why], ..Self::default() }
    }

    /// Nothing but words.
    #[cfg(test)]
    pub(crate) fn in_words(texts: Texts) -> Self {
        Self { texts, ..Self::default() }
    }

    /// A page by its name in URLs.
    #[cfg(test)]
    fn page(&self, slug: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.slug == slug)
    }

    /// A picture by its path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Makes all of it of the files of a directory.
    fn of(files: Files) -> Self {
        let Files { mut files, mut problems } = files;
        let settings = files.remove(settings::FILE).map_or(Ok(Settings::default()), |text| Settings::read(&text));
        let Settings { title, logo, colors, navigation } = settings.unwrap_or_else(|error| {
            problems.push(error);
            Settings::default()
        });
        let mut texts = Texts::default();
        if let Some(text) = files.remove(TEXTS) {
            texts = Texts::read(&text, &mut problems);
        }
        let pictures = files.iter().filter_map(|(path, bytes)| Some((path.clone(), File::new(path, bytes.clone())?)));
        let pictures: BTreeMap<_, _> = pictures.collect();
        let written = files.into_iter().filter(|(path, _)| !pictures.contains_key(path));
        let (landing, sources) = sources::of(written, &mut problems);
        let place = page::Place {
            pages: sources.keys().cloned().collect(),
            files: pictures.iter().map(|(path, picture)| (path.clone(), picture.size())).collect(),
        };
        let landing = landing.and_then(|(path, bytes)| Page::read("", &path, &bytes, &place, &mut problems));
        let mut pages: Vec<_> = sources
            .iter()
            .filter_map(|(slug, (path, bytes))| Page::read(slug, path, bytes, &place, &mut problems))
            .collect();
        pages.sort_by_key(|page| page.order());
        let logo = logo.and_then(|logo| match pictures.contains_key(&logo) {
            true => Some(file_link(&logo)),
            false => {
                problems.push(format!("{}: logo: there is no picture {logo}", settings::FILE));
                None
            }
        });
        let navigation = settings::navigation(navigation, &pages, &mut problems);
        let theme = theme::of(&colors, &mut problems);
        Self { title, logo, theme, landing, pages, navigation, texts, files: pictures, problems }
    }
}

/// Where a picture is.
fn file_link(path: &str) -> String {
    format!("/docs/files/{}", escape(path))
}

/// Where a page is.
pub(crate) fn page_link(slug: &str) -> String {
    format!("/docs/pages/{}", escape(slug))
}

/// A path as a part of a URL: its slashes stay.
fn escape(path: &str) -> String {
    path.split('/').map(crate::web::escape_path).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn content(files: &[(&str, &str)]) -> Content {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Bytes::copy_from_slice(text.as_bytes())));
        Content::of(Files { files: files.collect(), problems: Vec::new() })
    }

    #[test]
    fn pages_are_in_order_and_lead_to_each_other() {
        let content = content(&[
            ("landing.md", "Welcome. [Begin](pages/first.md)."),
            (
                "pages/first.md",
                "# First call\n\nSee [auth](guides/auth.md#keys), ![a picture](../img/a.png), ![\"a\" <b>](../img/b.gif).",
            ),
            ("pages/guides/auth.md", "---\ntitle: Keys\norder: -1\n---\nBack to [the first](../first.md)."),
            ("img/a.png", "png"),
            ("img/b.gif", "GIF89a\x40\x01\x70\x00\0\0\0"),
        ]);
        assert_eq!(content.problems, Vec::<String>::new());
        let titles: Vec<_> = content.pages.iter().map(|page| (page.slug.as_str(), page.title.as_str())).collect();
        assert_eq!(titles, [("guides/auth", "Keys"), ("first", "First call")]);
        let first = content.page("first").unwrap().html.to_string();
        assert!(first.contains("href=\"/docs/pages/guides/auth#keys\""), "{first}");
        assert!(first.contains("src=\"/docs/files/img/a.png\"") && !first.contains("<h1"), "{first}");
        // What says how large it is moves nothing when it comes.
        assert!(first.contains("alt=\"&quot;a&quot;"), "{first}");
        assert!(first.contains("/docs/files/img/b.gif") && first.contains("width=\"320\" height=\"112\""), "{first}");
        assert!(content.landing.as_ref().unwrap().html.to_string().contains("href=\"/docs/pages/first\""));
        assert!(content.page("guides/auth").unwrap().html.to_string().contains("href=\"/docs/pages/first\""));
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_shown() {
        let content = content(&[
            ("a.md", "[x](b.md) ![y](z.png)"),
            ("c.md", "---\ntitel: C\n---\ntext"),
            ("d.md", "---\ntitle: never ends"),
            ("landing.gomd", "{{ range }}"),
            ("notes.txt", "x"),
            (
                "portal.yaml",
                "title: Shop\nlogo: no.svg\nnavigation: [{page: nowhere}, {title: S, url: 'javascript:x'}]",
            ),
        ]);
        assert_eq!(content.title.as_deref(), Some("Shop"));
        assert_eq!(content.pages.iter().map(|page| page.slug.as_str()).collect::<Vec<_>>(), ["a"]);
        for part in [
            "a.md: b.md is not there",
            "a.md: z.png",
            "c.md: ",
            "titel",
            "d.md: ",
            "landing.gomd: ",
            "notes.txt: ",
            "logo: ",
            "nowhere",
            "javascript:x",
        ] {
            assert!(content.problems.iter().any(|problem| problem.contains(part)), "{part}: {:?}", content.problems);
        }
    }

    #[test]
    fn no_page_takes_the_place_of_another_unsaid() {
        let content = content(&[
            ("index.md", "The index"),
            ("landing.md", "The landing"),
            ("pages/a.md", "# Below"),
            ("a.md", "# Above"),
        ]);
        let titles: Vec<_> = content.pages.iter().map(|page| (page.slug.as_str(), page.title.as_str())).collect();
        assert_eq!(titles, [("a", "Above")]);
        assert!(content.landing.as_ref().unwrap().html.to_string().contains("The landing"));
        assert_eq!(
            content.problems,
            ["pages/a.md: has the address of a.md, which is shown", "index.md: landing.md is shown instead"]
        );
        let index = self::content(&[("index.md", "The index")]);
        assert!(index.landing.is_some() && index.problems.is_empty(), "{:?}", index.problems);
    }

    #[test]
    fn a_page_runs_and_fetches_nothing() {
        let attack = "<script>alert(1)</script><img src=x onerror=alert(1)>\n\n![p](https://evil.example/p.png) \
                      <a href=\"javascript:alert(1)\">x</a><img src='/docs/files/../api'><style>*{}</style>";
        let content = content(&[("a.md", attack)]);
        let html = content.page("a").unwrap().html.to_string();
        for bad in ["<script", "onerror", "evil.example", "javascript:", "/docs/files/..", "<style"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
    }
}
