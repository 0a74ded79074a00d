//! The routes of a preview, on its page. A host may have any number of them: those that lead elsewhere are shown by
//! themselves where all of them are too many for a page.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::link;
use super::model::{Preview, Url};
use super::problem::ProblemDetails;
use crate::gateway::{ObjectRef, host_of};
use crate::texts::Texts;
use crate::web::{Visit, escape_path};

/// How many are on a page.
const ROWS: usize = 100;

/// A part of the routes of a host.
#[derive(Debug, Deserialize)]
struct Routes {
    items: Vec<Route>,
    /// How many there are in all.
    total: usize,
}

/// One of them.
#[derive(Debug, Deserialize)]
struct Route {
    #[serde(rename = "match")]
    matches: String,
    action: String,
    backends: Vec<Backend>,
    /// The objects that it is made of.
    origin: Vec<ObjectRef>,
}

#[derive(Debug, Deserialize)]
struct Backend {
    cluster: Option<String>,
    invalid: Option<String>,
}

impl Route {
    /// Where it leads, in words. A cluster's name ends in a digest that says nothing to people.
    fn leads(&self) -> String {
        let name = |cluster: &String| cluster.rsplit_once('-').map_or(cluster.as_str(), |(name, _)| name).to_owned();
        let words = self.backends.iter().filter_map(|it| it.cluster.as_ref().map(name).or_else(|| it.invalid.clone()));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that lead elsewhere than at the baseline.
    #[default]
    Differing,
    /// All.
    All,
}

impl Which {
    /// What the controller is asked for, before the host: routes by the objects that make them.
    fn query(self) -> &'static str {
        match self {
            Self::Differing => "kind=Preview&",
            Self::All => "",
        }
    }

    /// The page of those from a place on.
    fn page(self, link: &str, from: usize) -> String {
        let which = if self == Self::All { "routes=all&" } else { "" };
        format!("{link}?{which}from={from}#routes")
    }
}

/// The part of them that a page shows, where they are too many for one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) which: Which,
    pub(super) from: usize,
}

/// What a page shows of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RouteMap {
    pub(super) rows: Vec<RouteRow>,
    /// How many there are, and how many of them lead elsewhere.
    pub(super) words: String,
    /// Where the others are; none where all are on the page.
    pub(super) other: Option<Other>,
    /// Where those before these are, and those after.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// A link, and the text that it has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) link: String,
    pub(super) text: &'static str,
}

/// A route of a preview.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteRow {
    pub(super) host: String,
    pub(super) matches: String,
    pub(super) leads: String,
    pub(super) differs: bool,
}

/// A part of a list.
#[derive(Debug)]
struct Listed {
    /// Those of it that are for the reader.
    rows: Vec<RouteRow>,
    total: usize,
    /// It is the whole list.
    is_whole: bool,
}

/// A part of the routes of a preview, as far as they are for the reader.
pub(super) async fn routes(visit: &Visit, preview: &Preview, part: Part) -> Result<RouteMap, ProblemDetails> {
    let from = |which: Which| if part.which == which { part.from } else { 0 };
    let all = listed(visit, preview, Which::All, from(Which::All)).await?;
    if all.is_whole {
        return Ok(RouteMap::whole(visit.texts(), all.rows));
    }
    let differing = listed(visit, preview, Which::Differing, from(Which::Differing)).await?;
    Ok(RouteMap::part(visit.texts(), &link(&preview.namespace, &preview.name), part, all, differing))
}

/// A page of a list: the routes of its hosts, one host after the other.
async fn listed(visit: &Visit, preview: &Preview, which: Which, from: usize) -> Result<Listed, ProblemDetails> {
    let (mut rows, mut taken, mut total) = (Vec::new(), 0, 0);
    for url in &preview.urls {
        let host = escape_path(&host_of(&url.url).unwrap_or_default());
        let (offset, limit) = (from.saturating_sub(total), ROWS.saturating_sub(taken));
        let path = format!("/api/v1/routes?{}host={host}&offset={offset}&limit={limit}", which.query());
        let of_host: Routes = visit.console.admin.get(&path).await?;
        total += of_host.total;
        taken += of_host.items.len();
        // Those of an API that is not for the reader are as little his in a preview.
        let is_his = |route: &&Route| differs(route) || visit.may_see_route(&route.origin);
        let forwarding = of_host.items.iter().filter(|route| route.action == "forward");
        rows.extend(forwarding.filter(is_his).map(|route| shown(route, url)));
    }
    Ok(Listed { rows: once(rows), total, is_whole: taken == total })
}

impl RouteMap {
    /// Whether there is nothing to be said of them.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.other.is_none()
    }

    /// All of them, those first that lead elsewhere.
    fn whole(texts: &Texts, mut rows: Vec<RouteRow>) -> Self {
        rows.sort_by_key(|row| !row.differs);
        let words = differ_words(texts, rows.iter().filter(|row| row.differs).count(), rows.len());
        Self { rows, words, other: None, before: None, after: None }
    }

    /// Those of a page, of more.
    fn part(texts: &Texts, link: &str, Part { which, from }: Part, all: Listed, differing: Listed) -> Self {
        let differ = if differing.is_whole { differing.rows.len() } else { differing.total };
        let words = differ_words(texts, differ, all.total);
        let (shown, other, text) = match which {
            Which::Differing => (differing, Which::All, "previews_routes_all"),
            Which::All => (all, Which::Differing, "previews_routes_differing"),
        };
        let after = from.saturating_add(ROWS);
        Self {
            rows: shown.rows,
            words,
            other: Some(Other { link: other.page(link, 0), text }),
            before: (from > 0).then(|| which.page(link, from.saturating_sub(ROWS))),
            after: (after < shown.total).then(|| which.page(link, after)),
        }
    }
}

/// Each row once: what several kinds of Listeners serve is in the table of each.
fn once(mut rows: Vec<RouteRow>) -> Vec<RouteRow> {
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.clone()));
    rows
}

fn differ_words(texts: &Texts, differ: usize, routes: usize) -> String {
    let routes = texts.count("count_route", routes);
    texts.fill("previews_differ", &[("number", &differ), ("routes", &routes)])
}

fn shown(route: &Route, url: &Url) -> RouteRow {
    RouteRow {
        host: url.baseline.clone(),
        matches: route.matches.clone(),
        leads: route.leads(),
        differs: differs(route),
    }
}

/// Whether the preview leads it elsewhere.
fn differs(route: &Route) -> bool {
    route.origin.iter().any(|object| object.kind == "Preview")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(matches: &str, leads: &str, differs: bool) -> RouteRow {
        RouteRow { host: "shop.example".into(), matches: matches.into(), leads: leads.into(), differs }
    }

    #[test]
    fn what_two_kinds_of_listeners_serve_is_told_once() {
        let (cart, web) = (row("prefix /cart/", "branch", true), row("prefix /", "web", false));
        let other = row("prefix /cart/", "cart", false);
        let rows = vec![cart.clone(), web.clone(), other.clone(), cart.clone(), web.clone()];
        assert_eq!(once(rows), [cart, web, other]);
    }

    #[test]
    fn routes_that_lead_elsewhere_come_first() {
        let (web, cart) = (row("prefix /", "web", false), row("prefix /cart/", "branch", true));
        let map = RouteMap::whole(&Texts::default(), vec![web.clone(), cart.clone()]);
        assert_eq!((map.rows, map.other), (vec![cart, web], None));
        assert!(map.words.starts_with("1 of 2 routes"), "{}", map.words);
    }

    #[test]
    fn more_than_a_page_holds_are_counted_and_turned_over() {
        let (webs, carts) = (vec![row("prefix /", "web", false)], vec![row("prefix /cart/", "branch", true)]);
        let part = |which, from, differing| {
            let all = Listed { rows: webs.clone(), total: 1200, is_whole: false };
            let differing = Listed { rows: carts.clone(), total: differing, is_whole: differing == carts.len() };
            RouteMap::part(&Texts::default(), "/p", Part { which, from }, all, differing)
        };
        let turns = |map: &RouteMap| (map.before.clone(), map.after.clone());
        let at = |page: &str| Some(format!("/p?{page}#routes"));

        let map = part(Which::Differing, 0, 1);
        assert!(map.words.starts_with("1 of 1200 routes"), "{}", map.words);
        assert_eq!((&map.rows, turns(&map)), (&carts, (None, None)));
        assert_eq!(map.other.unwrap().link, "/p?routes=all&from=0#routes");

        let map = part(Which::All, 1000, 1);
        assert_eq!((&map.rows, turns(&map)), (&webs, (at("routes=all&from=900"), at("routes=all&from=1100"))));
        assert_eq!(map.other.unwrap().link, "/p?from=0#routes");
        assert_eq!(part(Which::All, 1100, 1).after, None);
        assert_eq!(part(Which::All, usize::MAX, 1).after, None, "whatever an address says");

        let map = part(Which::Differing, 100, 205);
        assert!(map.words.starts_with("205 of 1200 routes"), "{}", map.words);
        assert_eq!(turns(&map), (at("from=0"), at("from=200")));
    }
}
