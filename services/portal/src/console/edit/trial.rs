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
    /// How far it reaches, or why it is not applied and what serves then.
    pub(super) verdict: String,
    /// What becomes of routes: first of those that are of no preview.
    pub(super) parts: Vec<Part>,
    pub(super) lost: Vec<Lost>,
    /// More may be lost than is told.
    pub(super) is_bounded: bool,
    /// What the loss of exactly that is confirmed by.
    pub(super) confirm: Option<String>,
}

/// Routes that are told together.
pub(super) struct Part {
    /// The text that says which these are.
    pub(super) title: &'static str,
    /// Shown to those who ask for them: there may be as many as there are previews.
    pub(super) is_folded: bool,
    pub(super) total: String,
    pub(super) effects: Vec<Effect>,
    pub(super) left_out: usize,
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
            verdict: verdict(texts, &told),
            parts: parts(texts, told.routes, told.routes_total, told.routes_in_previews),
            lost: lost(texts, told.lost),
            is_bounded: told.is_bounded,
            confirm: told.confirm,
        };
        (told.manifest, trial)
    }
}

/// Those of no preview, then those of previews.
fn parts(texts: &Texts, effects: Vec<Effect>, total: usize, in_previews: usize) -> Vec<Part> {
    let (previews, others): (Vec<_>, Vec<_>) = effects.into_iter().partition(|effect| effect.in_preview);
    let part = |title, is_folded, effects: Vec<Effect>, total: usize| Part {
        title,
        is_folded,
        total: texts.with("edit_in_previews", "routes", &texts.count("count_route", total)),
        left_out: total.saturating_sub(effects.len()),
        effects,
    };
    let all = [
        part("edit_affected", false, others, total.saturating_sub(in_previews)),
        part("edit_affected_previews", true, previews, in_previews),
    ];
    all.into_iter().filter(|part| !part.effects.is_empty()).collect()
}

/// What comes of it, in a sentence or two.
fn verdict(texts: &Texts, told: &DryRun) -> String {
    match (told.is_valid, told.is_usable) {
        (true, _) => radius(texts, told),
        (false, true) => texts.with("edit_faulty", "radius", &radius(texts, told)),
        (false, false) => texts.text("edit_invalid").to_owned(),
    }
}

/// How far it reaches.
fn radius(texts: &Texts, told: &DryRun) -> String {
    let name_or_number = |listeners: &[String]| match listeners {
        [only] => texts.with("count_listener_one", "name", only),
        all => texts.count("count_listener", all.len()),
    };
    // Previews have copies of routes: what is at the baseline is told first.
    let (baseline, in_previews) = (told.routes_total.saturating_sub(told.routes_in_previews), told.routes_in_previews);
    let (routes, hosts) = match baseline {
        0 => (in_previews, told.hosts.len()),
        _ => (baseline, told.hosts.len().saturating_sub(told.hosts_in_previews)),
    };
    let name = match (routes, &told.listeners[..]) {
        (0, []) => "radius_none",
        (0, _) => "radius_none_listeners",
        (_, []) => "radius",
        _ => "radius_listeners",
    };
    let (routes, hosts) = (texts.count("count_route", routes), texts.count("count_host", hosts));
    let listeners = name_or_number(&told.listeners);
    let mut words = vec![texts.fill(name, &[("routes", &routes), ("hosts", &hosts), ("listeners", &listeners)])];
    words.extend(match (baseline, in_previews) {
        (_, 0) => None,
        (0, _) => Some(texts.text("radius_previews_alone").to_owned()),
        (_, number) => Some(texts.with("radius_previews", "routes", &texts.count("count_route", number))),
    });
    let whole = Some(&told.whole_listeners[..]).filter(|whole| !whole.is_empty());
    words.extend(whole.map(|whole| texts.with("radius_whole", "listeners", &name_or_number(whole))));
    words.join(" ")
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A change that reaches routes on as many hosts, so many of them previews', with listeners.
    fn told(routes: usize, in_previews: usize, listeners: &[&str]) -> DryRun {
        let effect = |at: usize| {
            let in_preview = at >= routes - in_previews;
            json!({ "in_preview": in_preview, "host": format!("h{at}"), "match": "prefix /", "effect": "changed" })
        };
        let manifest = json!({ "file": "a.yaml", "line": 1, "text": "", "digest": "", "fields": [], "sections": [], "adds": [],
            "sections_left_out": 0, "is_file": true, "has_secret": false, "may_apply": true, "is_read": true });
        let hosts: Vec<_> = (0..routes).map(|at| format!("h{at}")).collect();
        let told = json!({ "manifest": manifest, "is_valid": true, "problems": [], "patch": "", "hosts": hosts,
            "routes": (0..routes).map(effect).collect::<Vec<_>>(), "routes_total": routes,
            "routes_in_previews": in_previews, "hosts_in_previews": in_previews, "listeners": listeners,
            "whole_listeners": listeners, "lost": [], "is_bounded": false, "confirm": null });
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn what_is_reached_in_previews_is_told_behind_the_rest() {
        let texts = Texts::default();
        for (routes, in_previews, listeners, words) in [
            (0, 0, &[][..], "This affects no route."),
            (2, 0, &[], "This affects 2 routes on 2 hosts."),
            (41, 40, &[], "This affects 1 route on 1 host. And 40 routes in previews."),
            (1, 1, &[], "This affects 1 route on 1 host. All of these are in previews."),
            (
                3,
                1,
                &["http"],
                "This affects 2 routes on 2 hosts, and the listener http. And 1 route in previews. \
                 All routes of the listener http are among them.",
            ),
        ] {
            assert_eq!(radius(&texts, &told(routes, in_previews, listeners)), words);
        }
    }

    #[test]
    fn what_is_wrong_is_said_to_be_in_force_only_where_it_would_be() {
        let texts = Texts::default();
        let with = |is_valid, is_usable| verdict(&texts, &DryRun { is_valid, is_usable, ..told(1, 0, &[]) });
        let (reach, stays) = ("This affects 1 route on 1 host.", "what serves would stay");
        assert_eq!(with(true, true), reach);
        let faulty = with(false, true);
        assert!(faulty.contains("all the same") && faulty.ends_with(reach) && !faulty.contains(stays), "{faulty}");
        let unusable = with(false, false);
        assert!(unusable.contains(stays) && !unusable.contains(reach), "{unusable}");
    }

    #[test]
    fn routes_of_previews_are_folded_away() {
        let (_, trial) = Trial::of(&Texts::default(), told(5, 3, &[]));
        let parts: Vec<_> = trial.parts.iter().map(|part| (part.is_folded, part.effects.len(), &*part.total)).collect();
        assert_eq!(parts, [(false, 2, "2 routes in previews"), (true, 3, "3 routes in previews")]);
        assert!(trial.parts.iter().all(|part| part.left_out == 0));
    }
}
