//! What a change would do, in words.

use std::collections::BTreeMap;

use super::super::model::{DryRun, Effect, Loss, Manifest, Problem, Protection as What};
use super::super::problems::ProblemRow;
use crate::texts::Texts;

/// Routes of one sort that are told.
const MOST: usize = 100;

/// What a change would do.
pub(super) struct Trial {
    pub(super) is_valid: bool,
    pub(super) problems: Vec<ProblemRow>,
    /// Lines of the patch, each with its class.
    pub(super) lines: Vec<(&'static str, String)>,
    pub(super) radius: String,
    pub(super) effects: Vec<Effect>,
    pub(super) left_out: usize,
    pub(super) lost: Vec<Lost>,
    /// More may be lost than is told.
    pub(super) is_bounded: bool,
    /// What the loss of exactly that is confirmed by.
    pub(super) confirm: Option<String>,
}

/// Protection of one sort that would go.
pub(super) struct Lost {
    pub(super) title: String,
    /// How it is confirmed.
    pub(super) wish: String,
    pub(super) routes: Vec<Loss>,
    pub(super) left_out: usize,
}

impl Trial {
    /// In these words; beside it what it is a trial of.
    pub(super) fn of(texts: &Texts, mut told: DryRun) -> (Manifest, Self) {
        let mut named = |problem: Problem| {
            let label = told.manifest.blame(texts, &problem.field, &problem.message);
            ProblemRow { label: label.unwrap_or_default(), ..ProblemRow::new(problem) }
        };
        let trial = Self {
            problems: std::mem::take(&mut told.problems).into_iter().map(&mut named).collect(),
            is_valid: told.is_valid,
            lines: lines(&told.patch),
            radius: radius(texts, &told),
            left_out: told.routes_total.saturating_sub(told.routes.len()),
            lost: lost(texts, told.lost),
            is_bounded: told.is_bounded,
            confirm: told.confirm,
            effects: told.routes,
        };
        (told.manifest, trial)
    }
}

/// How far it reaches.
fn radius(texts: &Texts, told: &DryRun) -> String {
    let name_or_number = |listeners: &[String]| match listeners {
        [only] => texts.with("count_listener_one", "name", only),
        all => texts.count("count_listener", all.len()),
    };
    let name = match (told.routes_total, &told.listeners[..]) {
        (0, []) => "radius_none",
        (0, _) => "radius_none_listeners",
        (_, []) => "radius",
        _ => "radius_listeners",
    };
    let (routes, hosts) = (texts.count("count_route", told.routes_total), texts.count("count_host", told.hosts.len()));
    let listeners = name_or_number(&told.listeners);
    let reach = texts.fill(name, &[("routes", &routes), ("hosts", &hosts), ("listeners", &listeners)]);
    match &told.whole_listeners[..] {
        [] => reach,
        whole => format!("{reach} {}", texts.with("radius_whole", "listeners", &name_or_number(whole))),
    }
}

/// By sort, the gravest first.
fn lost(texts: &Texts, losses: Vec<Loss>) -> Vec<Lost> {
    let mut sorts: BTreeMap<What, Vec<Loss>> = BTreeMap::new();
    for loss in losses {
        sorts.entry(loss.what).or_default().push(loss);
    }
    let of = |(what, mut routes): (What, Vec<Loss>)| {
        let (unit, [title, wish]) = match what {
            What::Login => ("count_route", ["lost_login", "lost_login_wish"]),
            What::Weaker => ("count_route", ["lost_weaker", "lost_weaker_wish"]),
            What::Limit => ("count_route", ["lost_limit", "lost_limit_wish"]),
            What::Tls => ("count_route", ["lost_tls", "lost_tls_wish"]),
            What::Certificate => ("count_host", ["lost_certificate", "lost_certificate_wish"]),
            What::Address => ("count_route", ["lost_address", "lost_address_wish"]),
        };
        let number = texts.count(unit, routes.len());
        let text = |name: &str| texts.with(name, "routes", &number);
        let left_out = routes.len().saturating_sub(MOST);
        routes.truncate(MOST);
        Lost { title: text(title), wish: text(wish), routes, left_out }
    };
    sorts.into_iter().map(of).collect()
}

/// Lines of a patch, each with how it is marked.
pub(super) fn lines(patch: &str) -> Vec<(&'static str, String)> {
    patch.lines().map(|line| (class(line), line.to_owned())).collect()
}

fn class(line: &str) -> &'static str {
    match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'@', ..] => "quiet",
        [b'+', ..] => "added",
        [b'-', ..] => "removed",
        _ => "same",
    }
}
