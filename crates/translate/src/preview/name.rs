//! What the hosts of previews are called: `ENTRYPOINT--SLUG-DIGEST.DOMAIN`.

use std::sync::Arc;

use nuncio_api::{ObjectId, Problem};

use super::key::Seed;

/// With the rest of a label, 63 characters.
const LONGEST_SLUG: usize = 28;
/// Of the alphabet of base 32 (RFC 4648), in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Characters of the digest: nobody finds a name of an object that makes it another's.
const DIGEST: usize = 16;

/// What a preview is called by its visitors. The same Preview always has the same: its end is made of its namespace and name, and
/// of the secret of previews.
pub(crate) fn selector(id: &ObjectId, slug: Option<&str>, seed: &Seed) -> Arc<str> {
    let slug = slug.map_or_else(|| slug_of(&id.name), ToOwned::to_owned);
    format!("{slug}-{}", seed.name(id, DIGEST)).into()
}

/// The host of a preview at an entrypoint.
pub(crate) fn host_name(selector: &str, entrypoint: &str, domain: &str) -> Arc<str> {
    format!("{entrypoint}--{selector}.{}", domain.to_ascii_lowercase()).into()
}

/// Why an API server would not take a Preview that is called so (RFC 1123, as Kubernetes reads it): it cannot be moved to a
/// cluster, nor changed by requests.
pub(super) fn unusual(id: &ObjectId) -> Option<Problem> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str, longest: usize| {
        let bytes = label.as_bytes();
        let has_ends = bytes.first().is_some_and(|it| is_plain(*it)) && bytes.last().is_some_and(|it| is_plain(*it));
        has_ends && bytes.len() <= longest && bytes.iter().all(|byte| is_plain(*byte) || *byte == b'-')
    };
    let is_name = id.name.len() <= 253 && id.name.split('.').all(|label| is_label(label, 253));
    let wrong = |field: &str, what: &str| {
        let message = format!(
            "no cluster would take it: expected lower-case letters, digits and dashes{what} between letters or digits"
        );
        Some(Problem::warning("InvalidName", field, message))
    };
    match (is_name, is_label(&id.namespace, 63)) {
        (false, _) => wrong("metadata.name", ", or dots,"),
        (true, false) => wrong("metadata.namespace", ""),
        (true, true) => None,
    }
}

/// Whether a name is right below a domain.
pub(crate) fn is_below(domain: &str, name: &str) -> bool {
    let label = name.strip_suffix(&domain.to_ascii_lowercase()).and_then(|rest| rest.strip_suffix('.'));
    label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

/// An object's name as part of a label: what may not stand there becomes a dash, and no two dashes follow each other.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }) {
        if c != '-' || !(slug.is_empty() || slug.ends_with('-')) {
            slug.push(c);
        }
    }
    slug.truncate(LONGEST_SLUG);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "preview".to_owned() } else { slug.to_owned() }
}

/// Five bits of each byte.
pub(super) fn letters(digest: &[u8; 32], count: usize) -> String {
    digest.iter().take(count).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    fn name(object: &str, slug: Option<&str>) -> String {
        let selector = selector(&ObjectId::new(Kind::Preview, "shop", object), slug, &Seed::new(b"secret"));
        host_name(&selector, "web", "Preview.example").to_string()
    }

    #[test]
    fn a_host_is_one_label_below_the_domain() {
        for object in ["pr-42", "fix.tax", "feature--x", "xn--bcher-kva", "-", &"long-".repeat(50)] {
            let name = name(object, None);
            let label = name.strip_suffix(".preview.example").unwrap();
            assert!(label.len() <= 63 && !label.contains('.'), "{name}");
            let (entrypoint, slug) = label.split_once("--").unwrap();
            assert_eq!(entrypoint, "web", "{name}");
            assert!(!slug.contains("--") && !slug.starts_with('-') && !slug.ends_with('-'), "{name}");
            assert!(is_below("preview.example", &name), "{name}");
        }
    }

    #[test]
    fn names_that_come_out_alike_are_told_apart_by_their_end() {
        assert_ne!(name("fix.tax", None), name("fix-tax", None));
        assert_ne!(name("a", Some("same")), name("b", Some("same")));
        assert_eq!(name("a", Some("same")), name("a", Some("same")));
        assert!(name("a", Some("same")).starts_with("web--same-"));
    }

    #[test]
    fn names_that_no_cluster_takes_are_told() {
        let told = |namespace: &str, name: &str| {
            unusual(&ObjectId::new(Kind::Preview, namespace, name)).map(|problem| problem.field)
        };
        for name in ["pr-42", "fix.tax", "feature--x", &"a".repeat(253)] {
            assert_eq!(told("shop", name), None, "{name}");
        }
        for name in ["", "-", "Fix", "a_b", "a/b", "a.", "a..b", "a-.b", &"a".repeat(254), "b\u{fc}cher"] {
            assert_eq!(told("shop", name).as_deref(), Some("metadata.name"), "{name}");
        }
        for namespace in ["a.b", "Shop", &"a".repeat(64)] {
            assert_eq!(told(namespace, "pr-42").as_deref(), Some("metadata.namespace"), "{namespace}");
        }
    }

    #[test]
    fn only_what_is_right_below_is_below() {
        assert!(is_below("p.example", "a.p.example"));
        for name in ["p.example", ".p.example", "a.b.p.example", "ap.example", "a.example"] {
            assert!(!is_below("p.example", name), "{name}");
        }
    }
}
