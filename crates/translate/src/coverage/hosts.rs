//! Globs of hosts by the names that they take, so that a name is not held against each of thousands.

use std::collections::BTreeMap;

use crate::glob::Glob;

/// Places of globs in a list: those of one name by that name, the others in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hosts {
    exact: BTreeMap<String, Vec<usize>>,
    others: Vec<(usize, Glob)>,
}

impl Hosts {
    /// The places of those that take a name in lower case, in order.
    pub(super) fn taking(&self, name: &str) -> Vec<usize> {
        let others = self.others.iter().filter(|(_, host)| host.matches(name)).map(|(at, _)| *at);
        let mut found: Vec<_> = self.exact.get(name).into_iter().flatten().copied().chain(others).collect();
        found.sort_unstable();
        found
    }

    /// Whether one takes a name in lower case.
    pub(super) fn take(&self, name: &str) -> bool {
        self.exact.contains_key(name) || self.others.iter().any(|(_, host)| host.matches(name))
    }
}

impl<'g> FromIterator<&'g Glob> for Hosts {
    fn from_iter<I: IntoIterator<Item = &'g Glob>>(hosts: I) -> Self {
        let mut found = Self::default();
        for (at, host) in hosts.into_iter().enumerate() {
            match host.exact() {
                Some(name) => found.exact.entry(name).or_default().push(at),
                None => found.others.push((at, host.clone())),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_taken_by_those_that_match_it(globs in prop::collection::vec("[ab*?]{0,3}", 0..9), name in "[ab]{0,4}") {
            let globs: Vec<_> = globs.iter().map(|text| Glob::new(text)).collect();
            let hosts: Hosts = globs.iter().collect();
            let matching: Vec<_> = (0..globs.len()).filter(|at| globs[*at].matches(&name)).collect();
            prop_assert_eq!(hosts.take(&name), !matching.is_empty());
            prop_assert_eq!(hosts.taking(&name), matching);
        }
    }
}
