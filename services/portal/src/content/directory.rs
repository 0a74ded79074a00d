//! The files of a directory: of a bounded number and size, and none outside of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

/// The most files.
const MAX_FILES: usize = 500;
/// The largest file, in bytes.
const MAX_FILE: u64 = 2 << 20;
/// All of them together.
const MAX_TOTAL: u64 = 32 << 20;
/// The deepest directory.
const MAX_DEPTH: usize = 8;

/// Why there is no directory. Its path is told to operators alone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// It cannot be read.
    #[error("cannot read the directory {path} (see --portal-content): {error}")]
    Unreadable { path: String, error: io::Error },
    /// It is outside of the one that may be shown.
    #[error("{0} is outside of the directory of --portal-content")]
    Outside(String),
    /// Nobody said what may be shown.
    #[error("pages are named, and no directory that may be shown: start the portal with --portal-content DIR")]
    NoRoot,
}

/// Files by their paths, with slashes.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) files: BTreeMap<String, Bytes>,
    pub(super) problems: Vec<String>,
}

/// A directory whose files are inside `root`, links followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    root: PathBuf,
    path: PathBuf,
}

impl Directory {
    /// The one at `url` (`file:///…`), or `root` where nobody says another; below it `below`.
    pub(super) fn new(root: &Path, url: Option<&str>, below: Option<&str>) -> Result<Self, ContentError> {
        let unreadable = |path: &Path| {
            let path = path.display().to_string();
            move |error| ContentError::Unreadable { path, error }
        };
        let root = root.canonicalize().map_err(unreadable(root))?;
        let place = url.and_then(|url| url.strip_prefix("file://")).map_or_else(|| root.clone(), PathBuf::from);
        let place = place.join(below.unwrap_or_default().trim_start_matches('/'));
        let path = place.canonicalize().map_err(unreadable(&place))?;
        match path.starts_with(&root) {
            true => Ok(Self { root, path }),
            false => Err(ContentError::Outside(place.display().to_string())),
        }
    }

    /// Something that is another when a file may be.
    pub(super) fn mark(&self) -> u64 {
        let mut seen = Vec::new();
        self.walk(&mut |path, place, size| {
            let modified = fs::metadata(place).and_then(|about| about.modified()).ok();
            seen.extend(format!("{path}\0{size}\0{modified:?}\n").into_bytes());
        });
        xxhash_rust::xxh3::xxh3_64(&seen)
    }

    /// Reads them.
    pub(super) fn read(&self) -> Files {
        let (mut files, mut total) = (BTreeMap::new(), 0);
        let mut too_large = Vec::new();
        let mut problems = self.walk(&mut |path, place, size| {
            if size > MAX_FILE {
                return too_large.push(format!("{path}: is larger than {} MiB", MAX_FILE >> 20));
            }
            if total + size > MAX_TOTAL {
                return too_large.push(format!("{path}: all files together are larger than {} MiB", MAX_TOTAL >> 20));
            }
            total += size;
            match fs::read(place) {
                Ok(bytes) => drop(files.insert(path.to_owned(), bytes.into())),
                Err(error) => too_large.push(format!("{path}: cannot be read: {}", error.kind())),
            }
        });
        problems.append(&mut too_large);
        Files { files, problems }
    }

    /// Visits every file, by name; says what is left out.
    fn walk(&self, visit: &mut dyn FnMut(&str, &Path, u64)) -> Vec<String> {
        let mut walk = Walk { directory: self, visit, count: 0, problems: Vec::new() };
        walk.enter(&self.path, 0);
        walk.problems
    }
}

struct Walk<'w> {
    directory: &'w Directory,
    visit: &'w mut dyn FnMut(&str, &Path, u64),
    count: usize,
    problems: Vec<String>,
}

impl Walk<'_> {
    fn enter(&mut self, at: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(at) else {
            return self.problems.push(format!("{}: cannot be read", self.name(at)));
        };
        let mut places: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        places.sort();
        // What is hidden is of Git, or where Kubernetes keeps what the others are links to.
        places.retain(|place| place.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
        for place in places {
            self.visit(&place, depth);
        }
    }

    fn visit(&mut self, place: &Path, depth: usize) {
        let name = self.name(place);
        let is_inside = place.canonicalize().is_ok_and(|path| path.starts_with(&self.directory.root));
        match fs::metadata(place) {
            _ if !is_inside => self.problems.push(format!("{name}: leads out of the directory")),
            Ok(about) if about.is_dir() && depth >= MAX_DEPTH => self.problems.push(format!("{name}: lies too deep")),
            Ok(about) if about.is_dir() => self.enter(place, depth + 1),
            Ok(about) if about.is_file() => {
                self.count += 1;
                match self.count {
                    ..=MAX_FILES => (self.visit)(&name, place, about.len()),
                    count if count == MAX_FILES + 1 => {
                        self.problems.push(format!("{name} and what follows: there are more than {MAX_FILES} files"));
                    }
                    _ => {}
                }
            }
            _ => self.problems.push(format!("{name}: is no file")),
        }
    }

    fn name(&self, place: &Path) -> String {
        let below = place.strip_prefix(&self.directory.path).unwrap_or(place);
        let parts = below.components().filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_inside_is_read() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("content");
        fs::create_dir_all(root.join("pages/..data")).unwrap();
        fs::write(place.path().join("secret.md"), "secret").unwrap();
        fs::write(root.join("pages/..data/a.md"), "a").unwrap();
        // As Kubernetes puts the keys of a ConfigMap into a volume.
        std::os::unix::fs::symlink("..data/a.md", root.join("pages/a.md")).unwrap();
        std::os::unix::fs::symlink(place.path().join("secret.md"), root.join("stolen.md")).unwrap();
        // More than all files together may be, and it keeps none out that comes after it.
        fs::File::create(root.join("large.md")).unwrap().set_len(MAX_TOTAL + 1).unwrap();
        let files = Directory::new(&root, None, None).unwrap().read();
        assert_eq!(files.files.keys().collect::<Vec<_>>(), ["pages/a.md"]);
        assert_eq!(files.problems, ["stolen.md: leads out of the directory", "large.md: is larger than 2 MiB"]);
        let below = Directory::new(&root, None, Some("/pages")).unwrap();
        assert_eq!(below.read().files.keys().collect::<Vec<_>>(), ["a.md"]);
        let url = format!("file://{}", root.join("pages").display());
        assert_eq!(Directory::new(&root, Some(&url), None).unwrap(), below);
        let mark = below.mark();
        fs::write(root.join("pages/..data/a.md"), "longer").unwrap();
        assert_ne!(below.mark(), mark);
        for (url, below) in [(Some("file:///"), None), (None, Some("../")), (None, Some("nowhere"))] {
            assert!(Directory::new(&root, url, below).is_err(), "{url:?} {below:?}");
        }
    }
}
