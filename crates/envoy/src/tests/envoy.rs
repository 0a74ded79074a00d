//! The real Envoy.

use std::path::{Path, PathBuf};
use std::process::Command;

/// From `NUNCIO_ENVOY`, or where `make` puts it. A missing Envoy is an error.
pub(super) fn binary() -> PathBuf {
    let path = std::env::var_os("NUNCIO_ENVOY")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/envoy"), PathBuf::from);
    assert!(path.is_file(), "no Envoy at {}: set NUNCIO_ENVOY or run `make test`", path.display());
    path
}

/// Has Envoy check a bootstrap file in full, as far as it can without a controller.
pub(super) fn validate(file: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("envoy.json");
    std::fs::write(&path, file).unwrap();
    let output = Command::new(binary())
        .args(["--mode", "validate", "--disable-hot-restart", "-l", "warn", "-c"])
        .arg(&path)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(!log.to_lowercase().contains("deprecated"), "{log}");
}
