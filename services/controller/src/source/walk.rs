//! Which files of a directory are manifests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name under which the error of the root itself is reported.
pub(crate) const ROOT: &str = ".";

/// Is told what a walk depends on, before the walk looks at it: what changes afterwards gives an event.
pub(super) trait Observer {
    /// A walk begins: what it does not name again need not be watched any longer.
    fn begin(&mut self) {}
    /// The directory at `path`, whose files are named below `name` (empty for the root), is about to be listed.
    fn directory(&mut self, path: &Path, name: &str);
    /// `path`, called `name`, may be a symbolic link and is about to be followed.
    fn link(&mut self, path: &Path, name: &str);
    /// The walk is over.
    fn end(&mut self) {}
}

/// Watches nothing.
pub(super) struct Unwatched;

impl Observer for Unwatched {
    fn directory(&mut self, _: &Path, _: &str) {}
    fn link(&mut self, _: &Path, _: &str) {}
}

/// A manifest that a walk met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where to read it.
    pub(super) path: PathBuf,
    /// Whether a symbolic link leads to it.
    pub(super) linked: bool,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Manifests by name.
    pub(super) files: BTreeMap<Arc<str>, Found>,
    /// Directories that could not be listed and names that cannot be read, and why.
    pub(super) errors: BTreeMap<Arc<str>, String>,
    /// The device that each directory is on, or was before it could not be listed.
    pub(super) devices: Devices,
    /// Of the walk before.
    before: Devices,
}

/// Devices of directories, by name.
pub(super) type Devices = BTreeMap<Arc<str>, u64>;

/// Lists the manifests below `root`. `before` are the devices that the last walk found.
pub(super) fn walk(root: &Path, before: Devices, observer: &mut dyn Observer) -> Walk {
    let mut walk = Walk { before, ..Walk::default() };
    observer.begin();
    observer.link(root, ROOT);
    walk.directory(Place { path: root, name: "", linked: false }, &mut Vec::new(), observer);
    observer.end();
    walk
}

/// A directory on the way.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path,
    name: &'a str,
    linked: bool,
}

impl Walk {
    /// `above` holds the real paths of the directories around this one: a link back to one of them is not followed.
    fn directory(&mut self, place: Place<'_>, above: &mut Vec<PathBuf>, observer: &mut dyn Observer) {
        let name = if place.name.is_empty() { ROOT } else { place.name };
        if let Err(error) = self.list(place, name, above, observer) {
            self.devices.extend(self.before.get_key_value(name).map(|(name, device)| (Arc::clone(name), *device)));
            self.errors.insert(name.into(), format!("cannot list the directory: {error}"));
        }
    }

    fn list(
        &mut self,
        place: Place<'_>,
        name: &str,
        above: &mut Vec<PathBuf>,
        observer: &mut dyn Observer,
    ) -> io::Result<()> {
        let real = place.path.canonicalize()?;
        if above.contains(&real) {
            return Ok(());
        }
        observer.directory(place.path, place.name);
        let entries = fs::read_dir(place.path)?.collect::<io::Result<Vec<_>>>()?;
        let device = fs::metadata(place.path)?.dev();
        // What was mounted there is gone, and what is left is where it was mounted.
        if entries.is_empty() && self.before.get(name).is_some_and(|before| *before != device) {
            return Err(io::Error::other("it is not mounted any more"));
        }
        self.devices.insert(name.into(), device);
        above.push(real);
        for entry in entries {
            self.entry(&entry, place, above, observer);
        }
        above.pop();
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, place: Place<'_>, above: &mut Vec<PathBuf>, observer: &mut dyn Observer) {
        let (file_name, path) = (entry.file_name(), entry.path());
        if is_hidden(&file_name) {
            return;
        }
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let manifest = is_manifest(&file_name);
        // Most entries are told apart without a further system call.
        let is_directory = if is_link { path.is_dir() } else { entry.file_type().is_ok_and(|kind| kind.is_dir()) };
        if !is_directory && !manifest {
            return;
        }
        // Files are known, and read, by their names as text.
        if file_name.to_str().is_none() {
            self.errors.insert(join(place.name, &file_name).into(), "its name is not valid UTF-8".to_owned());
            return;
        }
        let (name, linked) = (join(place.name, &file_name), place.linked || is_link);
        if is_link {
            observer.link(&path, &name);
        }
        if is_directory {
            self.directory(Place { path: &path, name: &name, linked }, above, observer);
        } else {
            self.files.insert(name.into(), Found { path, linked });
        }
    }
}

/// `name` in the directory `directory` (empty for the root), as the user would name it.
pub(super) fn join(directory: &str, name: &OsStr) -> String {
    let name = name.to_string_lossy();
    if directory.is_empty() { name.into_owned() } else { format!("{directory}/{name}") }
}

/// Hidden files: editors' swap and lock files, version control, the inner directories of a mounted `ConfigMap`.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Whether a file of this name is read. Editors' other temporary files (`x.yaml~`, `#x.yaml#`, `x.yaml.tmp`, `4913`)
/// end in something else.
pub(crate) fn is_manifest(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    !is_hidden(name) && matches!(extension, Some("yaml" | "yml" | "json"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn tells_manifests_from_the_rest() {
        let is = |name: &str| is_manifest(OsStr::new(name));
        assert!(["a.yaml", "b.yml", "c.json", "a.b.yaml"].into_iter().all(is));
        assert!(
            !["a.yaml~", "#a.yaml#", ".#a.yaml", ".a.yaml.swp", "..data", "a.yaml.tmp", "4913", "README.md", ".yaml"]
                .into_iter()
                .any(is)
        );
    }

    #[test]
    fn names_that_are_no_text_are_errors() {
        let root = tempfile::tempdir().unwrap();
        let odd = OsStr::from_bytes(b"\xff.yaml");
        fs::write(root.path().join(odd), "").unwrap();
        fs::create_dir(root.path().join(OsStr::from_bytes(b"\xff"))).unwrap();
        fs::write(root.path().join("a.yaml"), "").unwrap();
        let walk = walk(root.path(), Devices::new(), &mut Unwatched);
        assert_eq!(walk.files.keys().map(|name| &**name).collect::<Vec<_>>(), ["a.yaml"]);
        assert_eq!(walk.errors.len(), 2, "{:?}", walk.errors);
    }
}
