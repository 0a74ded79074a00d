//! Files that others read while they are written.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

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

/// Makes a file that has all of its contents as soon as it is there, unless there is one: of several who do that at once, the
/// first. Gives whether it was this one.
///
/// # Errors
/// When it cannot be written.
pub fn make_file(path: &Path, contents: &[u8], mode: u32) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}-{:x}", std::process::id(), nanoseconds()));
    replace_file(&beside, contents, mode)?;
    // Who watches the directory sees it come, as he would not see a link.
    match renameat_with(CWD, &beside, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(error) => {
            fs::remove_file(&beside)?;
            if error == Errno::EXIST { Ok(false) } else { Err(error.into()) }
        }
    }
}

/// Processes of several machines may be called the same.
fn nanoseconds() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
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

    #[test]
    fn of_several_who_make_a_file_one_does() {
        let directory = std::env::temp_dir().join(format!("nuncio-made-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("keys.yaml");
        let texts = ["one", "two", "three", "four"];
        let made = std::thread::scope(|scope| {
            let threads = texts.map(|text| scope.spawn(|| make_file(&path, text.as_bytes(), 0o600).unwrap()));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(made.iter().filter(|is_made| **is_made).count(), 1, "{made:?}");
        let winner = made.iter().position(|is_made| *is_made).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), texts[winner]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(&directory).unwrap();
    }
}
