//! Programs that the tools' set-up brought.

use std::path::{Path, PathBuf};

/// The program `name` of `.tools/bin`, which `scripts/setup.sh` brings with `group`.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn tool(name: &str, group: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository's root");
    let path = root.join(".tools/bin").join(name);
    assert!(path.is_file(), "{} is missing: scripts/setup.sh {group}", path.display());
    path
}
