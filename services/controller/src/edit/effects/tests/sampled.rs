//! Whoever got nothing without a login, and gets something now, is among what is told: by the decisions of the service itself.

use nuncio_auth::{Denial, Match, Next, Reply, Request, Rules, Verdict, Walk};
use nuncio_ir::{Model, PathMatch, Route, RouteAction};
use proptest::prelude::*;

use super::*;
use crate::edit::effects::lost::forwards;
use crate::edit::tests::object_of;

const PATHS: [&str; 9] = ["/", "/a/", "/a/b", "/a/b/c", "/a/x", "/b/", "/b/a", "/c", "/b/c.css"];
const PREFIXES: [(&str, bool); 5] =
    [("/", false), ("/a/", false), ("/a/b", false), ("/(a|b)/.*", true), ("/[ab]/c[.]css", true)];
const GLOBS: [&str; 7] = ["*", "/a/*", "/a/b*", "*.css", "/b/?", "*/c", "/c"];
const FILTERS: [&str; 6] = [
    "",
    "{name: key}",
    "{name: key, ifRequestHeader: {name: x-a}}",
    "{name: key, ifRequestHeader: {name: x-a, negate: true}}",
    "{name: key, onDeny: continue}",
    "{name: key, onDeny: continue}, {name: key, ifRequestHeader: {name: x-b}}",
];

type Written = Vec<(usize, usize)>;

fn rules(written: &Written) -> String {
    let rule = |(glob, filters): &(usize, usize)| {
        format!("{{host: shop.example, path: '{}', filters: [{}]}}", GLOBS[*glob], FILTERS[*filters])
    };
    format!("{{rules: [{}]}}", written.iter().map(rule).collect::<Vec<_>>().join(", "))
}

/// Whether a request that shows nothing gets to a service.
fn passes(model: &Model, path: &str, headers: &[&str]) -> bool {
    let Some(route) = route(model, path) else { return false };
    let Some(check) = &route.rules else { return true };
    let rules = Rules::new(&model.rule_sets[&check.set]).unwrap();
    let mut request = Request::new("GET", "http", "shop.example", path);
    headers.iter().for_each(|name| request.add_header(name, b"1"));
    let steps = match rules.find(&request) {
        Match::Rule(rule) => rule.steps.clone(),
        Match::Open => return true,
        Match::Ambiguous => return false,
    };
    let mut walk = Walk::new(steps);
    loop {
        match walk.next(&request) {
            Next::Ask(step) => {
                let reply = Reply::new(http::StatusCode::FORBIDDEN);
                walk.answer(step, Verdict::Deny(Denial::new("no", "", reply)));
            }
            Next::Done(verdict) => return matches!(verdict, Verdict::Allow(_)),
            Next::Undecided => return true,
        }
    }
}

fn route<'m>(model: &'m Model, path: &str) -> Option<&'m Route> {
    let table = model.tables.values().find(|table| *table.scope.host == *"shop.example")?;
    let takes = |route: &&Route| match &route.matches.path {
        PathMatch::Prefix { value, .. } => path.starts_with(value.as_str()),
        PathMatch::Regex(expression) => regex::Regex::new(&format!("^(?:{expression})$")).unwrap().is_match(path),
        other => panic!("{other:?}"),
    };
    let mut routes = table.hosts[0].known_routes().filter(takes);
    routes.next().filter(|route| matches!(route.action, RouteAction::Forward(_)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_needed_a_login_and_needs_none_is_told(
        prefixes in proptest::sample::subsequence((0..PREFIXES.len()).collect::<Vec<_>>(), 1..4),
        old in proptest::collection::vec((0..GLOBS.len(), 0..FILTERS.len()), 1..4),
        new in proptest::collection::vec((0..GLOBS.len(), 0..FILTERS.len()), 1..4),
    ) {
        let key = object("Filter", "key", KEY) + KEYS;
        let mappings = prefixes.iter().map(|at| {
            let (prefix, is_expression) = PREFIXES[*at];
            let spec = format!("{{hostname: shop.example, prefix: '{prefix}', prefix_regex: {is_expression}, service: s{at}}}");
            object("Mapping", &format!("m{at}"), &spec)
        });
        let frame = object("Listener", "http", LISTENER) + &object("Host", "shop", HOST) + &key;
        let policy = |written: &Written| object("FilterPolicy", "policy", &rules(written));
        let all = frame + &mappings.collect::<String>() + &policy(&old);
        let (_directory, editor, engine) = editor_of(&all);
        let new = object_of(&policy(&new));
        let mut world = editor.copy(&engine);
        let before = world.model().clone();
        let effects = crate::edit::effects::effects(editor.copy(&engine), &new);
        world.apply([(new.id.clone(), Some(new))]);
        for (path, headers) in PATHS.iter().flat_map(|path| [&[][..], &["x-a"], &["x-b"], &["x-a", "x-b"]].map(|headers| (*path, headers))) {
            if passes(&before, path, headers) || !passes(world.model(), path, headers) {
                continue;
            }
            let Some(was) = route(&before, path).filter(|route| forwards(route)) else { continue };
            let matches = crate::view::conditions(was);
            let is_told = effects.lost.iter().any(|loss| loss.what == LossKind::Login && loss.matches == matches);
            prop_assert!(is_told, "{path} {headers:?} of {matches} in {:#?}", effects.lost);
        }
    }
}
