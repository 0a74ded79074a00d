//! What all pages share.

use std::fmt::Display;
use std::sync::LazyLock;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Site;
use super::assets::{Asset, ICON, PALETTE, STYLE};
use crate::content::Item;
use crate::texts::Texts;

/// The words of pages that are for operators.
static ENGLISH: LazyLock<Texts> = LazyLock::new(Texts::default);

/// The pages of the console: what each is called among them, the text that says so, and where it is.
const CONSOLE: [(&str, &str, &str); 7] = [
    ("topology", "console_topology", "/console/"),
    ("objects", "console_objects", "/console/objects"),
    ("problems", "console_problems", "/console/problems"),
    ("explain", "console_explain", "/console/explain"),
    ("traffic", "console_traffic", "/console/traffic"),
    ("certificates", "console_certificates", "/console/certificates"),
    ("envoys", "console_envoys", "/console/envoys"),
];

/// What is around the content of a page.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) style: &'a str,
    pub(crate) icon: &'a str,
    /// What finds things from every page.
    pub(crate) palette: &'a Asset,
    /// The reader's keyboard is Apple's.
    pub(crate) is_apple: bool,
    /// The part of the site that the page belongs to.
    pub(crate) section: &'static str,
    /// The picture beside the title.
    pub(crate) logo: &'a str,
    /// A style sheet with other colours.
    pub(crate) theme: Option<&'a str>,
    /// Links to pages of the operator's.
    pub(crate) navigation: Vec<&'a Item>,
    pub(crate) texts: &'a Texts,
    /// What was searched for.
    pub(crate) term: &'a str,
    /// Who is logged in; nothing where nobody knows.
    pub(crate) who: &'a str,
    /// Where a login begins; nothing where there is none to be had.
    pub(crate) login: &'a str,
    /// Where it begins anew for who is logged in, once that has ended.
    pub(crate) login_again: &'a str,
    /// There is a search.
    pub(crate) has_search: bool,
    /// There are keys for who is logged in.
    pub(crate) has_keys: bool,
    /// The console is for the reader.
    pub(crate) has_console: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        Self {
            title: &site.title,
            style: STYLE.path(),
            icon: ICON.path(),
            palette: &PALETTE,
            is_apple: false,
            section: "",
            logo: ICON.path(),
            theme: None,
            navigation: Vec::new(),
            texts: &ENGLISH,
            term: "",
            who: "",
            login: "",
            login_again: "",
            has_search: true,
            has_keys: false,
            has_console: false,
        }
    }

    /// The parts of the site that are for the reader: the text that says what each is called, where it is, and whether the
    /// page is of it.
    pub(crate) fn sections(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [
            ("", "apis", "/docs/", true),
            ("changes", "changes", "/docs/changes", true),
            ("previews", "previews", "/docs/previews", true),
            ("keys", "keys", "/docs/keys", self.has_keys),
            ("console", "console", "/console/", self.has_console),
        ];
        let own = all.into_iter().filter(|(_, _, _, is_there)| *is_there);
        own.map(|(section, title, link, _)| (title, link, section == self.section)).collect()
    }
}

impl Frame<'_> {
    /// The pages of the console.
    pub(crate) fn console_pages(&self) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
        CONSOLE.iter()
    }

    /// Where one can go from every page: what each place is called, what sort it is of, and where it is.
    pub(crate) fn places(&self) -> Vec<(&str, &str, &str)> {
        let portal = self.t("portal");
        let sections = self.sections().into_iter().map(|(title, link, _)| (self.t(title), portal, link));
        let own = self.navigation.iter().map(|item| (item.title.as_str(), portal, item.link.as_str()));
        let console = self.console_pages().filter(|_| self.has_console);
        let console = console.map(|(_, title, link)| (self.t(title), self.t("console"), *link));
        sections.chain(own).chain(console).collect()
    }

    /// The keys that open what finds things.
    pub(crate) fn shortcut(&self) -> &str {
        self.t(if self.is_apple { "palette_keys_apple" } else { "palette_keys" })
    }

    /// A text of pages.
    pub(crate) fn t<'t>(&'t self, name: &'t str) -> &'t str {
        self.texts.text(name)
    }

    /// A text with a value in it.
    pub(crate) fn say(&self, name: &str, value: &str, shown: &dyn Display) -> String {
        self.texts.with(name, value, shown)
    }
}

/// A page as an answer.
pub(crate) fn respond(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
