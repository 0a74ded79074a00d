//! Globs: `*` is any run of characters, `?` any one.

/// A compiled glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// What is between the stars.
    parts: Vec<String>,
}

impl Glob {
    /// Every text is a glob.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self { parts: pattern.split('*').map(str::to_owned).collect() }
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self.parts.as_slice() {
            [] => text.is_empty(),
            [only] => part_length(only, text) == Some(text.len()),
            [first, middle @ .., last] => {
                let Some(taken) = part_length(first, text) else { return false };
                let mut rest = &text[taken..];
                for part in middle {
                    let Some(found) = find(part, rest) else { return false };
                    rest = &rest[found..];
                }
                let wanted = last.chars().count();
                let have = rest.chars().count();
                have >= wanted
                    && rest
                        .char_indices()
                        .nth(have - wanted)
                        .map_or(wanted == 0, |(at, _)| part_length(last, &rest[at..]).is_some())
            }
        }
    }
}

/// How much of the beginning of `text` the part takes.
fn part_length(part: &str, text: &str) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in part.chars() {
        let have = rest.next()?;
        if wanted != '?' && wanted != have {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

/// Where the first occurrence of the part ends.
fn find(part: &str, text: &str) -> Option<usize> {
    text.char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .find_map(|at| part_length(part, &text[at..]).map(|length| at + length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_cross_slashes() {
        let matches = |glob: &str, text: &str| Glob::new(glob).matches(text);
        assert!(matches("*", "") && matches("*", "/a/b") && matches("", "") && !matches("", "a"));
        assert!(matches("/admin/*", "/admin/") && matches("/admin/*", "/admin/a/b") && !matches("/admin/*", "/admin"));
        assert!(matches("*.css", "/a.css") && !matches("*.css", "/a.css/x") && matches("/a*c*e", "/abcde"));
        assert!(matches("/?/x", "/é/x") && !matches("/?/x", "/ab/x") && matches("a*a", "aa") && !matches("a*a", "a"));
    }

    proptest! {
        #[test]
        fn is_what_a_regular_expression_says(pattern in "[ab*?é]{0,8}", text in "[abé]{0,8}") {
            let regex: String = pattern.chars().map(|c| match c {
                '*' => "(?s:.*)".to_owned(), '?' => "(?s:.)".to_owned(), c => regex::escape(&c.to_string()),
            }).collect();
            let expected = regex::Regex::new(&format!("^{regex}$")).unwrap().is_match(&text);
            prop_assert_eq!(Glob::new(&pattern).matches(&text), expected);
        }
    }
}
