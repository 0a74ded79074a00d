//! Names of operations in URLs: they stay when a document is written in another order.

use crate::taken::Taken;

/// The letters of a name.
const MAX_LEN: usize = 100;
/// Those of a name that a number follows: it has room, however many there are.
const MAX_NUMBERED: usize = 90;

/// The names that are taken.
#[derive(Default)]
pub(super) struct Slugs {
    taken: Taken,
}

impl Slugs {
    /// The name of an operation. Of several that would have the same, the later ones have a number.
    pub(super) fn name(&mut self, id: Option<&str>, method: &str, path: &str) -> String {
        let name = slug(id.unwrap_or_default());
        let name = if name.is_empty() { slug(&format!("{}-{path}", method.to_lowercase())) } else { name };
        self.taken.free(name, |name| name.chars().take(MAX_NUMBERED).chain(['-']).collect())
    }
}

/// Letters, digits, dots, dashes and underscores; one dash for whatever else there is.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(MAX_LEN) {
        if c.is_alphanumeric() || matches!(c, '.' | '_') {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_fit_into_a_path() {
        let mut slugs = Slugs::default();
        let mut name = |id: Option<&str>| slugs.name(id, "GET", "/carts/{user}/lines");
        assert_eq!(name(None), "get-carts-user-lines");
        assert_eq!(name(Some("show cart/1?")), "show-cart-1");
        assert_eq!(name(Some("a")), "a");
        assert_eq!(name(Some("a-2")), "a-2");
        assert_eq!(name(Some("a")), "a-3");
        assert_eq!(name(Some("../..")), "get-carts-user-lines-2");
    }

    #[test]
    fn long_names_that_are_the_same_have_numbers_too() {
        let mut slugs = Slugs::default();
        let ids = [98, 99, 100, 101, 300].map(|length| "a".repeat(length));
        let names: Vec<_> = (0..1000).flat_map(|_| &ids).map(|id| slugs.name(Some(id), "GET", "/a")).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| name.len() <= MAX_LEN));
    }
}
