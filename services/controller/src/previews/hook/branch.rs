//! A branch as a part of names.

use nuncio_api::LONGEST_BRANCH;
use nuncio_auth::crypto;

/// Hexadecimal digits of the digest, which stand where something was changed or cut.
const DIGEST: usize = 8;

/// Lower-case letters, digits and single dashes, whatever a branch is called. Where that is not just what it is called, a dash and
/// the beginning of the name's SHA-256 stand behind, so that `Fix/tax` and `fix-tax` are two.
pub(super) fn part_of_name(branch: &str) -> String {
    let plain = branch.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let plain: String = plain.collect();
    let words: Vec<_> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let mut part = words.join("-");
    if part == branch && (1..=LONGEST_BRANCH).contains(&part.len()) {
        return part;
    }
    part.truncate(LONGEST_BRANCH - DIGEST - 1);
    let part = part.trim_end_matches('-');
    let part = if part.is_empty() { "branch" } else { part };
    let digest = crypto::hex(&crypto::sha256(branch.as_bytes()));
    format!("{part}-{}", &digest[..DIGEST])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    const BRANCHES: [&str; 14] = [
        "fix-tax",
        "Fix-tax",
        "fix/tax",
        "fix_tax",
        "--a__b--",
        "a-b",
        "{number}",
        "",
        "\u{1f600}",
        "a/b@evil.example:80",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaab",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaac",
        "aaaaaaaaaaaaaaaaaa-bcdefghij",
    ];

    #[test]
    fn branches_that_come_out_alike_are_told_apart() {
        let parts: BTreeSet<_> = BRANCHES.iter().map(|branch| part_of_name(branch)).collect();
        assert_eq!(parts.len(), BRANCHES.len(), "{parts:?}");
        for part in &parts {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(part.len() <= LONGEST_BRANCH && part.bytes().all(is_plain) && !part.contains("--"), "{part}");
            assert!(!part.starts_with('-') && !part.ends_with('-'), "{part}");
        }
        assert_eq!(part_of_name("fix-tax"), "fix-tax");
        assert!(part_of_name("fix/tax").starts_with("fix-tax-"));
    }

    /// What the documentation has pipelines run, so that what they deploy is called so.
    #[test]
    fn pipelines_come_to_the_same() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/previews.md");
        let text = std::fs::read_to_string(docs).unwrap();
        let (_, script) = text.split_once("```sh\npart=").unwrap();
        let script = format!("part={}\nprintf %s \"$part\"", script.split("```").next().unwrap());
        for branch in BRANCHES {
            let output = Command::new("sh").args(["-c", &script]).env("BRANCH", branch).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), part_of_name(branch), "{branch}: {output:?}");
        }
    }
}
