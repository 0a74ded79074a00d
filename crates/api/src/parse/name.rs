//! Whether an object may be called what it is called.

use super::issues::Issues;
use crate::yaml::Path;

/// The longest name.
const LONGEST: usize = 253;

/// Warns of a name that Kubernetes takes for no object. Here it serves all the same.
pub(super) fn check(name: &str, issues: &mut Issues<'_>) {
    if !is_name(name) {
        let (root, key) = (Path::Root, "name");
        let metadata = root.key("metadata");
        let message = format!(
            "{name:?} is no name that Kubernetes takes: at most {LONGEST} lower-case letters, digits, dashes and dots, with a \
             letter or digit at each end"
        );
        issues.warning(&metadata.key(key), "InvalidName", message);
    }
}

/// RFC 1123, as Kubernetes reads it for subdomains.
fn is_name(name: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.iter().all(|byte| is_alphanumeric(*byte) || *byte == b'-')
            && [bytes.first(), bytes.last()].into_iter().all(|end| end.is_some_and(|byte| is_alphanumeric(*byte)))
    };
    name.len() <= LONGEST && name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        for name in ["cart", "cart-2", "a.b-c.9", "0"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["Bad_Name!", "Cart", "a_b", "-a", "a-", "a..b", ".a", "a b", &"a".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
