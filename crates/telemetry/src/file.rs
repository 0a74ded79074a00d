//! Files that others read while they are written.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file as a whole: it is the old one or the new one at any moment, and nothing between. One that is there keeps its
/// permissions; a new one has these.
///
/// # Errors
/// When it cannot be written; the old one is as it was then.
pub fn replace_file(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    // Hidden files are no manifests.
    let beside = path.with_file_name(format!(".{name}.{}-{number}", std::process::id()));
    let written = (|| {
        // One that a process left behind which was ended is none's any more.
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        let kept = fs::metadata(path).map(|old| old.permissions());
        file.set_permissions(kept.unwrap_or_else(|_| Permissions::from_mode(mode)))?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // What was left over is of no use; that it stays would be told by nobody.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_stays_who_may_read_it() {
        let directory = std::env::temp_dir().join(format!("nuncio-file-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("a.json");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        replace_file(&path, b"one", 0o600).unwrap();
        assert_eq!(mode(), 0o600);
        replace_file(&path, b"two", 0o644).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode()), ("two", 0o600));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
        assert!(replace_file(&directory.join("none/a.json"), b"x", 0o600).is_err());
        // Where a directory is in the way nothing is left either.
        fs::create_dir(directory.join("b.json")).unwrap();
        assert!(replace_file(&directory.join("b.json"), b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        fs::remove_dir_all(&directory).unwrap();
    }
}
