//! Texts that stand for all that a condition takes.

use std::collections::BTreeSet;

use nuncio_ir::PathMatch;
use regex_syntax::hir::{Class, Hir, HirKind};

/// The most texts that are made of an expression.
const MOST: usize = 16;
/// The longest text that is repeated.
const LONGEST: usize = 1024;
/// Characters that are taken of a class, where it has them.
const USUAL: [char; 7] = ['x', '0', '-', 'X', '.', '/', ' '];
/// The most paths that are made of the beginning of one glob and the ending of another.
const MIXED: usize = 256;
/// What a star of a glob may stand for.
const FILLED: [&str; 4] = ["", "x", "0", "x/x"];

/// Paths that a condition may take: some of its own, and one or more for each of these globs. Those that it does not take are
/// for the caller to leave out.
pub(super) fn paths<'g>(condition: &PathMatch, globs: impl Iterator<Item = &'g str>) -> BTreeSet<String> {
    let globs: BTreeSet<&str> = globs.collect();
    let starts = match condition {
        PathMatch::Prefix { value, .. } | PathMatch::Exact { value, .. } | PathMatch::Segments(value) => {
            vec![value.clone()]
        }
        PathMatch::Regex(expression) => texts(expression),
    };
    let own = starts.iter().flat_map(|start| [start.clone(), format!("{start}x"), format!("{start}/x")]);
    let of_globs = globs.iter().flat_map(|glob| {
        let filled = FILLED.map(|text| glob.replace('*', text).replace('?', text.get(..1).unwrap_or("x")));
        let ends = starts.iter().flat_map(|start| [start.as_str(), start.trim_end_matches('/')]);
        let beneath: Vec<_> = ends.map(|start| format!("{start}{}", filled[0])).collect();
        beneath.into_iter().chain(filled)
    });
    own.chain(of_globs).chain(mixed(&globs)).filter(|path| path.starts_with('/')).collect()
}

/// Paths that two globs take: the beginning of one before the ending of another.
fn mixed(globs: &BTreeSet<&str>) -> Vec<String> {
    let heads: BTreeSet<&str> = globs.iter().filter_map(|glob| Some(glob.split_once('*')?.0)).collect();
    let tails: BTreeSet<&str> = globs.iter().filter_map(|glob| Some(glob.rsplit_once('*')?.1)).collect();
    let pairs = heads.iter().flat_map(|head| tails.iter().map(move |tail| (head.trim_end_matches('/'), *tail)));
    let whole = pairs.filter(|(head, tail)| !head.is_empty() && !tail.is_empty());
    whole.take(MIXED).flat_map(|(head, tail)| [format!("{head}{tail}"), format!("{head}/x{tail}")]).collect()
}

/// Texts that an expression takes as a whole: one for each of its alternatives, as far as these are few. None where it is not
/// one that is understood here.
pub(super) fn texts(expression: &str) -> Vec<String> {
    let understood = regex_syntax::parse(expression);
    understood.map(|expression| texts_of(&expression)).unwrap_or_default()
}

fn texts_of(expression: &Hir) -> Vec<String> {
    few(match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => characters(class),
        HirKind::Capture(capture) => texts_of(&capture.sub),
        HirKind::Alternation(alternatives) => in_turn(alternatives.iter().map(texts_of).collect()),
        HirKind::Concat(parts) => {
            let each = parts.iter().map(texts_of);
            each.fold(vec![String::new()], |texts, ends| few(joined(&texts, &ends)))
        }
        HirKind::Repetition(repetition) => {
            let [least, more] = [repetition.min, repetition.min.max(1)];
            let counts: BTreeSet<u32> =
                [least, more].into_iter().filter(|n| repetition.max.is_none_or(|max| *n <= max)).collect();
            let once = texts_of(&repetition.sub);
            let repeated = |count: u32| {
                let most = |text: &str| LONGEST / text.len().max(1);
                once.iter().map(|text| text.repeat(most(text).min(count as usize))).collect()
            };
            in_turn(counts.into_iter().rev().map(repeated).collect())
        }
    })
}

/// Each once, none that no request has room for, and not too many.
fn few(mut texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.retain(|text| text.len() <= 4 * LONGEST && seen.insert(text.clone()));
    texts.truncate(MOST);
    texts
}

/// The first of each, then the second of each, and so on.
fn in_turn(mut all: Vec<Vec<String>>) -> Vec<String> {
    let longest = all.iter().map(Vec::len).max().unwrap_or_default();
    all.iter_mut().for_each(|texts| texts.reverse());
    (0..longest).flat_map(|_| all.iter_mut().filter_map(Vec::pop).collect::<Vec<_>>()).collect()
}

/// Each of these with each of those behind it, so that every one is in some.
fn joined(texts: &[String], ends: &[String]) -> Vec<String> {
    let longest = texts.len().max(ends.len());
    let join = |at: usize, shift: usize| {
        Some(format!("{}{}", texts.get(at % texts.len().max(1))?, ends.get((at + shift) % ends.len().max(1))?))
    };
    (0..longest).flat_map(|shift| (0..longest).filter_map(move |at| join(at, shift))).take(4 * MOST).collect()
}

fn characters(class: &Class) -> Vec<String> {
    let class = match class {
        Class::Unicode(class) => class.clone(),
        Class::Bytes(class) => match class.to_unicode_class() {
            Some(class) => class,
            None => return Vec::new(),
        },
    };
    let has = |c: char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&c));
    let mut all: Vec<char> = USUAL.into_iter().filter(|c| has(*c)).take(3).collect();
    // What is named one by one is meant one by one.
    let named = class.ranges().iter().flat_map(|range| [range.start(), range.end()]);
    if all.is_empty() {
        all.extend(named.collect::<BTreeSet<_>>().into_iter().take(4));
    }
    all.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_alternative_has_a_text() {
        assert_eq!(texts("/api/(v1|v2)/x?"), ["/api/v1/x", "/api/v2/", "/api/v1/", "/api/v2/x"]);
        assert_eq!(texts("/[0-9]{3}"), ["/000"]);
        assert_eq!(texts("("), Vec::<String>::new());
    }

    #[test]
    fn paths_that_two_globs_take_are_among_them() {
        let all = PathMatch::Prefix { value: "/".to_owned(), case_sensitive: true };
        let paths = paths(&all, ["*/admin", "/public*"].into_iter());
        assert!(paths.contains("/public/admin"), "{paths:?}");
    }

    #[test]
    fn globs_are_met_on_the_condition_s_own_paths() {
        let paths = paths(&PathMatch::Regex("/v[12]/.*".to_owned()), ["*/admin", "/v2/*"].into_iter());
        for path in ["/v1/admin", "/v2/"] {
            assert!(paths.contains(path), "{path} in {paths:?}");
        }
    }

    proptest! {
        #[test]
        fn texts_are_taken(expression in r"(/[ab]{0,2}(\(c\|d\*\)|\[a-f\]\{1,3\}|\.\*|e\+\?|\[\^/\]\+){0,3}){1,3}") {
            let whole = regex::Regex::new(&format!("^(?:{expression})$")).unwrap();
            let texts = texts(&expression);
            prop_assert!(!texts.is_empty());
            for text in texts {
                prop_assert!(whole.is_match(&text), "{} by {}", text, expression);
            }
        }
    }
}
