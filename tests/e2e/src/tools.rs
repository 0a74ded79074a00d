//! The programs under test.

use std::env;
use std::path::PathBuf;

use nuncio_test_support::tool;

/// The binary: what `NUNCIO` names, else the one beside this test in the target directory.
///
/// # Panics
/// If there is none: build it first (`cargo build -p nuncio`).
#[must_use]
pub fn nuncio() -> PathBuf {
    let beside = || {
        let test = env::current_exe().expect("the path of this test");
        test.ancestors().nth(2).expect("target/PROFILE/deps").join("nuncio")
    };
    let path = env::var_os("NUNCIO").map_or_else(beside, PathBuf::from);
    assert!(path.is_file(), "{} is missing: cargo build -p nuncio", path.display());
    path
}

/// The Envoy that the tools' set-up fetched.
///
/// # Panics
/// If there is none: `scripts/setup.sh envoy` fetches it.
#[must_use]
pub fn envoy() -> PathBuf {
    tool("envoy", "envoy")
}
