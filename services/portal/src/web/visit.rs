//! The site as one reader sees it.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::page::Frame;
use super::{Site, escape_path, feeds};
use crate::access::Viewer;
use crate::api::ApiId;
use crate::catalog::Catalog;
use crate::cause::Cause;
use crate::console;
use crate::content::{Content, Page};
use crate::gateway::{ObjectRef, PreviewAddress, Scope, Upstream, host_of};
use crate::history::Version;
use crate::texts::Texts;

/// What pages are made of: nothing else tells them of APIs, so that none can tell somebody of an API that is not for him.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    site: Site,
    catalog: Arc<Catalog>,
    content: Arc<Content>,
    pub(crate) viewer: Viewer,
    /// Where a login would begin that leads back here; empty where there is none to be had. Who is logged in may need another
    /// before he has left the page.
    login: String,
    /// The console is for the reader, too.
    sees_console: bool,
    /// He runs the gateway, or reads at the portal's own port where nobody says who does.
    is_operator: bool,
    is_apple: bool,
    section: &'static str,
    /// Where he asks: scheme and host; nothing where that is not told well.
    pub(crate) origin: String,
}

impl Visit {
    /// The APIs that are for the reader.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// What is shown beside the APIs.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// The words of pages.
    pub(crate) fn texts(&self) -> &Texts {
        &self.content.texts
    }

    /// What the portal is called.
    pub(crate) fn title(&self) -> &str {
        self.content.title.as_deref().unwrap_or(&self.site.title)
    }

    /// What stands above the list of APIs, if it is for the reader.
    pub(crate) fn landing(&self) -> Option<&Page> {
        self.content.landing.as_ref().filter(|page| self.viewer.may_see(page.visible_to()))
    }

    /// The pages that are for the reader.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.content.pages.iter().filter(|page| self.viewer.may_see(page.visible_to()))
    }

    /// What documents of an API were before, as far as they were for the reader: the newest first.
    pub(crate) fn versions(&self, id: &ApiId) -> Vec<Arc<Version>> {
        let mut versions = self.site.history.of(id);
        versions.retain(|version| self.viewer.may_see(version.visible_to.as_deref()));
        versions
    }

    /// Whether the reader is known to run the gateway, by the groups that the console is for.
    pub(crate) fn is_by_operator(&self) -> bool {
        self.viewer.is_in(&self.console.groups)
    }

    /// Whether what only those can mend who run the gateway is for the reader.
    pub(crate) fn may_operate(&self) -> bool {
        self.is_operator
    }

    /// Whether the console is for the reader.
    pub(crate) fn sees_console(&self) -> bool {
        self.sees_console
    }

    /// Why something is not there, as far as it is for the reader.
    pub(crate) fn told(&self, cause: &Cause) -> String {
        cause.told(self.texts(), self.is_operator)
    }

    /// Whether a route that is made of these may be told of.
    pub(crate) fn may_see_route(&self, origin: &[ObjectRef]) -> bool {
        self.is_by_operator() || self.catalog.has_any(origin)
    }

    /// Whether a service is that of an API, or of a route, which is not for the reader.
    pub(crate) fn keeps_from_reader(&self, service: &Upstream) -> bool {
        let all = self.site.catalog.load_full();
        let undocumented = all.undocumented.iter().flat_map(|service| &service.routes);
        let mut routes = all.entries.iter().flat_map(|entry| entry.api.routes()).chain(undocumented);
        routes.any(|route| route.upstream.is_same(service) && !self.viewer.may_see(route.visible_to()))
    }

    /// Where previews of these addresses are. As elsewhere, previews are for who may know of them.
    pub(crate) async fn preview_addresses(&self, origins: &[String]) -> Vec<PreviewAddress> {
        match self.viewer.is_somebody() {
            true => self.console.admin.preview_addresses(&self.viewer, origins, self.texts()).await,
            false => Vec::new(),
        }
    }

    /// Addresses of an API, those first that pages here may ask: to a browser another scheme or port is another site, which has
    /// to let them, and of https it wants a certificate that it trusts.
    pub(crate) fn nearest(&self, origins: &[String]) -> Vec<String> {
        let here = scheme(&self.origin);
        let mut nearest = origins.to_vec();
        // Those that are as near stay in their order.
        nearest.sort_by_key(|origin| (!origin.eq_ignore_ascii_case(&self.origin), scheme(origin) != here));
        nearest
    }

    /// What is around every page.
    pub(crate) fn frame(&self) -> Frame<'_> {
        let who = self.viewer.identity.as_ref().map_or("", |identity| &identity.subject);
        let has_search = self.catalog.portal.search != Scope::Off;
        let Content { logo, theme, navigation, texts, .. } = &*self.content;
        let usual = Frame::new(&self.site);
        Frame {
            title: self.title(),
            logo: logo.as_deref().unwrap_or(usual.logo),
            theme: theme.as_ref().map(|theme| theme.path.as_str()),
            navigation: navigation.iter().filter(|item| self.viewer.may_see(item.visible_to())).collect(),
            texts,
            who,
            section: self.section,
            login: if who.is_empty() { &self.login } else { "" },
            login_again: if who.is_empty() { "" } else { &self.login },
            has_keys: self.keys.is_some(),
            has_search,
            has_console: self.sees_console,
            is_apple: self.is_apple,
            ..usual
        }
    }
}

impl Deref for Visit {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl FromRequestParts<Site> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let viewer = site.access.viewer(&parts.headers).await;
        let here = parts.uri.path_and_query().map_or("/docs/", |here| here.as_str());
        let catalog = site.catalog.load_full().seen_by(&viewer);
        let has_login = viewer.identity.is_some() || (site.access.knows_people() && catalog.has_login);
        let is_console = section(parts.uri.path()) == "console";
        let address = login_address(&catalog, &parts.headers, is_console).filter(|_| has_login);
        let login = address.map(|address| format!("{address}/docs/login?to={}", escape_path(here))).unwrap_or_default();
        let sees_console = console::is_shown(&site.console, &viewer, parts);
        let is_operator = console::is_for_operators(&site.console, &viewer, parts);
        let section = section(parts.uri.path());
        Ok(Self {
            site: site.clone(),
            catalog,
            content: site.content.load_full(),
            viewer,
            login,
            sees_console,
            is_operator,
            is_apple: is_apple(&parts.headers),
            section,
            origin: feeds::origin(&parts.headers),
        })
    }
}

/// Where somebody logs in who came by a name that is none of the gateway's: empty where he came by one. `None` where the gateway
/// would not lead him back to the page.
fn login_address<'c>(catalog: &'c Catalog, headers: &HeaderMap, is_console: bool) -> Option<&'c str> {
    let all = &catalog.addresses;
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let asked = host_of(&format!("http://{asked}"));
    if all.is_empty() || all.iter().any(|address| host_of(address) == asked) {
        return Some("");
    }
    let back = if is_console { &catalog.console_addresses } else { all };
    let is_over_tls = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let scheme = if is_over_tls { "https://" } else { "http://" };
    back.iter().find(|address| address.starts_with(scheme)).or(back.first()).map(String::as_str)
}

/// The scheme of an address; nothing where there is none.
fn scheme(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(scheme, _)| scheme)
}

/// Whether a browser says that it runs on a machine of Apple's: their keyboards have other names for the same keys.
fn is_apple(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    ["Mac OS", "iPhone", "iPad"].iter().any(|name| agent.contains(name))
}

/// The part of the site that a page belongs to, as the bar at the top marks it.
fn section(path: &str) -> &'static str {
    match path {
        path if path.starts_with("/console") => "console",
        path if path.starts_with("/docs/changes") => "changes",
        path if path.starts_with("/docs/keys") => "keys",
        path if path.starts_with("/docs/previews") => "previews",
        path if path == "/docs/" || path.starts_with("/docs/doc/") => "",
        _ => "none",
    }
}
