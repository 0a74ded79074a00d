//! Globs against sets of texts: which of them a glob takes, all, some or none.

use nuncio_ir::PathMatch;

use crate::pattern::HostPattern;

/// How many texts of a set a glob takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Takes {
    /// None of them.
    None,
    /// Perhaps some.
    Some,
    /// Every one.
    All,
}

/// A glob: `*` is any run of characters, `?` any one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glob {
    text: Vec<char>,
}

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

impl Glob {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.chars().collect() }
    }

    /// Of a host, whose case does not count. Ports are dropped, and the dot of a name that is complete: the gateway strips both
    /// from requests.
    pub(crate) fn of_host(text: &str) -> Self {
        let name = nuncio_api::without_port(text);
        Self::new(&name.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(name).to_lowercase())
    }

    /// The same where upper and lower case are one.
    pub(crate) fn folded(&self) -> Self {
        Self { text: self.text.iter().flat_map(|c| c.to_lowercase()).collect() }
    }

    /// The text, if it is no more than that.
    pub(crate) fn exact(&self) -> Option<String> {
        (!self.text.iter().any(|c| matches!(c, '*' | '?'))).then(|| self.text.iter().collect())
    }

    /// As an expression of RE2, for whole texts.
    pub(crate) fn regex(&self) -> String {
        let part = |c: &char| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(&c.to_string()),
        };
        self.text.iter().map(part).collect()
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.after(text.chars()).contains(&self.text.len())
    }

    /// Whether it is known to take every host that another one takes.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        HostPattern::parse(&other.to_string()).is_some_and(|pattern| self.takes_hosts(&pattern) == Takes::All)
    }

    /// Whether some text is taken by both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let mut seen = std::collections::BTreeSet::new();
        let mut open = vec![(0, 0)];
        while let Some((a, b)) = open.pop() {
            if !seen.insert((a, b)) {
                continue;
            }
            let star = |glob: &Self, at: usize| glob.text.get(at) == Some(&'*');
            // A star may be nothing, or one character more.
            open.extend(star(self, a).then_some((a + 1, b)));
            open.extend(star(other, b).then_some((a, b + 1)));
            match (self.text.get(a), other.text.get(b)) {
                (None, None) => return true,
                (Some(c), Some(d)) if c == d || matches!(c, '*' | '?') || matches!(d, '*' | '?') => {
                    open.push((a + usize::from(*c != '*'), b + usize::from(*d != '*')));
                }
                _ => {}
            }
        }
        false
    }

    /// Of host names.
    pub(crate) fn takes_hosts(&self, pattern: &HostPattern) -> Takes {
        match pattern {
            HostPattern::Exact(name) => self.takes_one(name),
            HostPattern::Prefix(prefix) => self.takes_beginning(prefix),
            HostPattern::Suffix(suffix) => {
                let reversed = Self { text: self.text.iter().rev().copied().collect() };
                reversed.takes_beginning(&suffix.chars().rev().collect::<String>())
            }
            HostPattern::Any => self.takes_beginning(""),
        }
    }

    /// Of paths.
    pub(crate) fn takes_paths(&self, paths: &PathMatch) -> Takes {
        match paths {
            PathMatch::Exact { value, case_sensitive: true } => self.takes_one(value),
            PathMatch::Prefix { value, case_sensitive: true } => self.takes_beginning(value),
            PathMatch::Exact { value, case_sensitive: false } => {
                self.in_any_case(self.folded().takes_one(&value.to_lowercase()))
            }
            PathMatch::Prefix { value, case_sensitive: false } => {
                self.in_any_case(self.folded().takes_beginning(&value.to_lowercase()))
            }
            PathMatch::Segments(value) => {
                let (own, below) = (self.takes_one(value), self.takes_beginning(&format!("{value}/")));
                if own == below { own } else { Takes::Some }
            }
            PathMatch::Regex(_) => match self.takes_beginning("") {
                Takes::All => Takes::All,
                _ => Takes::Some,
            },
        }
    }

    /// Of texts that are known but for their case: letters take one of both.
    fn in_any_case(&self, folded: Takes) -> Takes {
        match folded {
            Takes::All if self.text.iter().any(|c| c.is_alphabetic()) => Takes::Some,
            takes => takes,
        }
    }

    fn takes_one(&self, text: &str) -> Takes {
        if self.matches(text) { Takes::All } else { Takes::None }
    }

    /// Of all texts that begin so.
    fn takes_beginning(&self, beginning: &str) -> Takes {
        let positions = self.after(beginning.chars());
        let takes_rest = |at: &usize| *at < self.text.len() && self.text[*at..].iter().all(|c| *c == '*');
        match positions.iter().any(takes_rest) {
            true => Takes::All,
            false if positions.is_empty() => Takes::None,
            false => Takes::Some,
        }
    }

    /// The positions in the glob at which a text that begins so may be.
    fn after(&self, text: impl Iterator<Item = char>) -> Vec<usize> {
        let mut positions = self.beyond_stars([0]);
        for c in text {
            let next = positions.iter().filter_map(|at| match self.text.get(*at)? {
                '*' => Some(*at),
                '?' => Some(at + 1),
                wanted => (*wanted == c).then_some(at + 1),
            });
            positions = self.beyond_stars(next.collect::<Vec<_>>());
        }
        positions
    }

    /// A star may be nothing.
    fn beyond_stars(&self, positions: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut all = std::collections::BTreeSet::new();
        for mut at in positions {
            all.insert(at);
            while self.text.get(at) == Some(&'*') {
                at += 1;
                all.insert(at);
            }
        }
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix(value: &str) -> PathMatch {
        PathMatch::Prefix { value: value.to_owned(), case_sensitive: true }
    }

    #[test]
    fn paths_are_taken_wholly_partly_or_not() {
        for (glob, paths, takes) in [
            ("*", prefix("/"), Takes::All),
            ("/*", prefix("/"), Takes::All),
            ("/admin/*", prefix("/admin/"), Takes::All),
            ("/admin/*", prefix("/admin/x/"), Takes::All),
            ("/admin/*", prefix("/admin"), Takes::Some),
            ("/admin/*", prefix("/"), Takes::Some),
            ("/admin/*", prefix("/public/"), Takes::None),
            ("/admin", prefix("/admin/"), Takes::None),
            ("*.css", prefix("/public/"), Takes::Some),
            ("/a?c*", prefix("/abc"), Takes::All),
            ("/a?c", prefix("/abcd"), Takes::None),
            ("/Admin/*", PathMatch::Prefix { value: "/aDMIN/".to_owned(), case_sensitive: false }, Takes::Some),
            ("/*", PathMatch::Prefix { value: "/aDMIN/".to_owned(), case_sensitive: false }, Takes::All),
            ("/Admin/*", prefix("/admin/"), Takes::None),
            ("/x", PathMatch::Exact { value: "/x".to_owned(), case_sensitive: true }, Takes::All),
            ("/x/*", PathMatch::Segments("/x".to_owned()), Takes::Some),
            ("/x*", PathMatch::Segments("/x".to_owned()), Takes::All),
            ("/x*", PathMatch::Regex("/y.*".to_owned()), Takes::Some),
            ("**", PathMatch::Regex("/y.*".to_owned()), Takes::All),
        ] {
            assert_eq!(Glob::new(glob).takes_paths(&paths), takes, "{glob} {paths:?}");
        }
    }

    #[test]
    fn hosts_are_taken_wholly_partly_or_not() {
        for (glob, hosts, takes) in [
            ("*", "*", Takes::All),
            ("A.example.com:443", "a.example.com", Takes::All),
            ("a.example.com", "*.example.com", Takes::Some),
            ("*.example.com", "*.example.com", Takes::All),
            ("*.example.com", "*.org", Takes::None),
            ("*.com", "*.example.com", Takes::All),
            ("a.*", "*.example.com", Takes::Some),
            ("www.*", "www.*", Takes::All),
            ("a*b.com", "*.com", Takes::Some),
        ] {
            let pattern = HostPattern::parse(hosts).unwrap();
            assert_eq!(Glob::of_host(glob).takes_hosts(&pattern), takes, "{glob} {hosts}");
        }
    }

    proptest! {
        /// What is said of two globs holds for each text.
        #[test]
        fn globs_meet_and_cover_by_their_texts(a in "[ab*?.]{0,5}", b in "[ab*?.]{0,5}", text in "[ab.]{0,5}") {
            let (a, b) = (Glob::new(&a), Glob::new(&b));
            prop_assert_eq!(a.meets(&b), b.meets(&a));
            prop_assert!(a.meets(&b) || !(a.matches(&text) && b.matches(&text)));
            // Names of requests have no dot at the end.
            prop_assert!(!a.covers(&b) || !b.matches(&text) || text.ends_with('.') || a.matches(&text));
        }

        /// What is said of a set holds for each of its texts.
        #[test]
        fn a_set_is_its_texts(glob in "[ab*?/]{0,7}", beginning in "[ab/]{0,4}", rest in "[ab/]{0,4}") {
            let (glob, whole) = (Glob::new(&glob), format!("{beginning}{rest}"));
            match glob.takes_beginning(&beginning) {
                Takes::All => prop_assert!(glob.matches(&whole)),
                Takes::None => prop_assert!(!glob.matches(&whole)),
                Takes::Some => {}
            }
            let suffix = HostPattern::Suffix(rest.as_str().into());
            match glob.takes_hosts(&suffix) {
                Takes::All => prop_assert!(glob.matches(&whole)),
                Takes::None => prop_assert!(!glob.matches(&whole)),
                Takes::Some => {}
            }
            prop_assert_eq!(nuncio_auth::Glob::new(&glob.text.iter().collect::<String>()).matches(&whole), glob.matches(&whole));
            let regex = regex::Regex::new(&format!("^(?s:{})$", glob.regex())).unwrap();
            prop_assert_eq!(regex.is_match(&whole), glob.matches(&whole));
        }
    }
}
