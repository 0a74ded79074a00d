//! The names of a virtual host, by the rules that apply to them.

use std::cmp::Reverse;

use super::{Applying, Coverage, CoveredBy};
use crate::glob::{Glob, Takes};
use crate::pattern::HostPattern;

/// Sorts of names into which globs of several hosts may divide those of one Host: each is one more route of each Mapping.
pub(crate) const MOST_SORTS: usize = 64;

/// The names of a virtual host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// By the rules that apply to them, those with more conditions first. The last has none.
    pub(crate) parts: Vec<Part>,
    /// Rules whose globs would make too many parts: what their hosts take cannot be told apart, and is refused.
    pub(crate) refused: Applying,
    /// Whether logins have endpoints at some.
    pub(crate) endpoints: bool,
}

/// Some of the names, to which the same rules apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The names are those that all of these take: as expressions.
    pub(crate) names: Vec<String>,
    pub(crate) rules: Applying,
}

impl Names {
    /// Names to all of which the same rules apply.
    pub(crate) fn alike(rules: Applying, endpoints: bool) -> Self {
        Self { parts: vec![Part { names: Vec::new(), rules }], refused: Applying::new(), endpoints }
    }
}

impl Coverage {
    /// The names of a pattern.
    pub(crate) fn names(&self, pattern: &HostPattern) -> Names {
        let takes_some = |rule: &&CoveredBy| rule.host.takes_hosts(pattern) == Takes::Some;
        let partly: Vec<&Glob> = self.rules.iter().filter(takes_some).map(|rule| &rule.host).collect();
        let mut exact: Vec<String> = partly.iter().filter_map(|host| host.exact()).collect();
        exact.sort_unstable();
        exact.dedup();
        let mut several: Vec<&Glob> = partly.into_iter().filter(|host| host.exact().is_none()).collect();
        several.sort_unstable_by_key(|host| (host.regex().len(), host.regex()));
        several.dedup();
        let Sorts { sorts, beyond } = Sorts::of(&several);
        let exact = exact.iter().map(|name| Part { names: vec![regex::escape(name)], rules: self.of_name(name) });
        let sorts = sorts.into_iter().map(|taken| Part {
            names: taken.iter().map(|glob| glob.regex()).collect(),
            rules: self.positions(|rule| rule.host.takes_hosts(pattern) == Takes::All || taken.contains(&&rule.host)),
        });
        Names {
            parts: exact.chain(sorts).collect(),
            refused: self.positions(|rule| beyond.contains(&&rule.host)),
            endpoints: self.has_endpoints(pattern),
        }
    }
}

/// The sorts of names that globs make, by those that take them, most first; and the globs that would make too many.
struct Sorts<'g> {
    sorts: Vec<Vec<&'g Glob>>,
    beyond: Vec<&'g Glob>,
}

impl<'g> Sorts<'g> {
    fn of(globs: &[&'g Glob]) -> Self {
        let (mut sorts, mut beyond): (Vec<Vec<&Glob>>, _) = (vec![Vec::new()], Vec::new());
        for (at, glob) in globs.iter().enumerate() {
            // What it takes those take too that cover it, and none that it has no name in common with.
            let covering: Vec<_> = globs[..at].iter().filter(|other| other.covers(glob)).collect();
            let may_take = |taken: &&Vec<&Glob>| {
                covering.iter().all(|other| beyond.contains(*other) || taken.contains(*other))
                    && taken.iter().all(|other| other.meets(glob))
            };
            let more: Vec<Vec<&Glob>> =
                sorts.iter().filter(may_take).map(|taken| taken.iter().copied().chain([*glob]).collect()).collect();
            match sorts.len() + more.len() > MOST_SORTS {
                true => beyond.push(*glob),
                false => sorts.extend(more),
            }
        }
        sorts.sort_by_key(|taken| Reverse(taken.len()));
        Self { sorts, beyond }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorts(globs: &[Glob]) -> (Vec<Vec<String>>, usize) {
        let Sorts { sorts, beyond } = Sorts::of(&globs.iter().collect::<Vec<_>>());
        (sorts.iter().map(|taken| taken.iter().map(ToString::to_string).collect()).collect(), beyond.len())
    }

    #[test]
    fn names_are_of_as_many_sorts_as_there_can_be() {
        let apart: Vec<_> = (0..40).map(|n| Glob::of_host(&format!("*.t{n}.test"))).collect();
        assert_eq!(sorts(&apart).0.len(), 41, "no name is of two");
        let nested: Vec<_> = (1..40).map(|n| Glob::of_host(&format!("*{}", ".a".repeat(n)))).collect();
        assert_eq!(sorts(&nested).0.len(), 40, "who is in one is in all around it");
        let crossing = ["a.*", "b.*", "*.x", "*.y"].map(Glob::of_host);
        assert_eq!(sorts(&crossing).0.len(), 9);
        let many: Vec<_> = (0..9).map(|n| Glob::of_host(&format!("*{n}*"))).collect();
        let (found, beyond) = sorts(&many);
        assert_eq!((found.len(), beyond), (MOST_SORTS, 3));
    }

    proptest! {
        #[test]
        fn a_name_is_of_the_first_sort_that_takes_it(
            globs in prop::collection::btree_set("[ab*?]{1,4}", 1..7), name in "[ab]{0,5}",
        ) {
            let globs: Vec<_> = globs.iter().map(|text| Glob::new(text)).collect();
            let Sorts { sorts, beyond } = Sorts::of(&globs.iter().collect::<Vec<_>>());
            let first = sorts.iter().find(|taken| taken.iter().all(|glob| glob.matches(&name))).unwrap();
            let taking: Vec<_> = globs.iter().filter(|glob| glob.matches(&name) && !beyond.contains(glob)).collect();
            prop_assert_eq!(first, &taking);
        }
    }
}
