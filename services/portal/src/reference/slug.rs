//! Names of operations in URLs: they stay when a document is written in another order.

use std::collections::BTreeMap;

/// The names that are taken.
#[derive(Default)]
pub(super) struct Slugs {
    taken: BTreeMap<String, u32>,
}

impl Slugs {
    /// The name of an operation. Of several that would have the same, the later ones have a number.
    pub(super) fn name(&mut self, id: Option<&str>, method: &str, path: &str) -> String {
        let name = slug(id.unwrap_or_default());
        let name = if name.is_empty() { slug(&format!("{}-{path}", method.to_lowercase())) } else { name };
        let times = self.taken.entry(name.clone()).or_insert(0);
        *times += 1;
        match *times {
            1 => name,
            // A name that ends so by itself is taken as well.
            times => self.name(Some(&format!("{name}-{times}")), method, path),
        }
    }
}

/// Letters, digits, dots, dashes and underscores; one dash for whatever else there is.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(100) {
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
    use super::*;

    #[test]
    fn names_are_unique_and_fit_into_a_path() {
        let mut slugs = Slugs::default();
        let mut name = |id: Option<&str>| slugs.name(id, "GET", "/carts/{user}/lines");
        assert_eq!(name(None), "get-carts-user-lines");
        assert_eq!(name(Some("show cart/1?")), "show-cart-1");
        assert_eq!(name(Some("a")), "a");
        assert_eq!(name(Some("a-2")), "a-2");
        assert_eq!(name(Some("a")), "a-2-2");
        assert_eq!(name(Some("../..")), "get-carts-user-lines-2");
    }
}
