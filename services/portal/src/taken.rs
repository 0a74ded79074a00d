//! Names of which no two are the same.

use std::collections::{BTreeMap, BTreeSet};

/// The names that are taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    names: BTreeSet<String>,
    /// The last number that was given to each beginning: of many that are the same none is tried twice.
    numbers: BTreeMap<String, u32>,
}

impl Taken {
    /// The name, or where it is taken what it `begins` with and a number.
    pub(crate) fn free(&mut self, name: String, begins: impl FnOnce(&str) -> String) -> String {
        if !self.names.contains(&name) {
            self.names.insert(name.clone());
            return name;
        }
        let begin = begins(&name);
        let number = self.numbers.entry(begin.clone()).or_insert(1);
        loop {
            *number += 1;
            let numbered = format!("{begin}{number}");
            // A name that ends so by itself is taken as well.
            if self.names.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_that_are_the_same_have_numbers_at_once() {
        let mut taken = Taken::default();
        let begun = std::time::Instant::now();
        let names: BTreeSet<_> = (0..50_000).map(|_| taken.free("a".into(), |name| format!("{name}_"))).collect();
        assert_eq!(names.len(), 50_000);
        assert!(names.contains("a") && names.contains("a_2") && names.contains("a_50000"));
        assert_eq!(taken.free("a_7".into(), |name| format!("{name}_")), "a_7_2");
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
