//! Names and tags for `DogStatsD`, made of the original's names by patterns (`USE_DOG_STATSD_MOGRIFIERS`).

use regex::Regex;

use super::template;

/// A pattern, and what is made of the names that it is found in.
#[derive(Clone, Debug)]
pub struct Mogrifier {
    pattern: Regex,
    name: String,
    tags: Vec<(String, String)>,
}

impl Mogrifier {
    /// `name` and the values of `tags` may hold `$1` and so on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(pattern: &str, name: &str, tags: Vec<(String, String)>) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("no PATTERN specified".to_owned());
        }
        if name.is_empty() {
            return Err("no NAME specified".to_owned());
        }
        if let Some((key, _)) = tags.iter().find(|(key, value)| key.is_empty() || value.is_empty()) {
            return Err(format!("the tag {key:?} needs a key and a value"));
        }
        let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
        Ok(Self { pattern, name: name.to_owned(), tags })
    }
}

/// The name and the tags that the first mogrifier whose pattern is found in `name` makes of it. In the order in which they
/// are listed: the original's order is left to chance.
pub(super) fn mogrify(mogrifiers: &[Mogrifier], name: &str) -> (String, Vec<(String, String)>) {
    let found = mogrifiers.iter().find_map(|mogrifier| Some((mogrifier, mogrifier.pattern.captures(name)?)));
    match found {
        None => (name.to_owned(), Vec::new()),
        Some((mogrifier, found)) => {
            let tag = |(key, value): &(String, String)| (key.clone(), template::expand(value, &found));
            (template::expand(&mogrifier.name, &found), mogrifier.tags.iter().map(tag).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn the_first_that_fits_makes_name_and_tags() {
        let limit = Mogrifier::new(
            r"^ratelimit\.service\.rate_limit\.(.*)\.(.*)\.(.*)$",
            "ratelimit.service.rate_limit.$3",
            vec![tag("domain", "$1"), tag("descriptor", "$2")],
        );
        let all = [limit.unwrap(), Mogrifier::new(".*", "other", vec![]).unwrap()];
        let (name, tags) = mogrify(&all, "ratelimit.service.rate_limit.d.k_v.total_hits");
        assert_eq!(name, "ratelimit.service.rate_limit.total_hits");
        assert_eq!(tags, [tag("domain", "d"), tag("descriptor", "k_v")]);
        assert_eq!(mogrify(&all, "x"), ("other".to_owned(), vec![]));
        assert_eq!(mogrify(&[], "x").0, "x");
    }

    #[test]
    fn what_is_incomplete_is_refused() {
        assert!(Mogrifier::new("", "n", vec![]).is_err());
        assert!(Mogrifier::new("(", "n", vec![]).is_err());
        assert!(Mogrifier::new("p", "", vec![]).is_err());
        assert!(Mogrifier::new("p", "n", vec![tag("a", "")]).is_err());
    }
}
