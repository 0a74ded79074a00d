//! What was last given of each file, and how what is there now differs.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use nuncio_api::is_blank;
use xxhash_rust::xxh3::xxh3_128;

use super::debounce::{Debounce, Sign, Subject};
use super::walk::{Devices, Found, Observer, ROOT, Walk, walk};
use super::{Content, FileChange, Options};

/// A file that changed less than this before it was read may change again without its times showing it, because file
/// systems keep coarse times.
const TIME_GRAIN: Duration = Duration::from_secs(1);

/// The state of a directory as its consumer knows it.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    options: Options,
    files: BTreeMap<Arc<str>, Known>,
    /// Directories that could not be listed, and why.
    errors: BTreeMap<Arc<str>, String>,
    /// The device of each directory.
    devices: Devices,
}

/// What the consumer was last told of one file.
#[derive(Debug, Default)]
struct Known {
    /// Hash of the last content.
    hash: Option<u128>,
    /// The last content was more than blanks and comments.
    held: bool,
    /// The error that stands since then.
    error: Option<String>,
    /// Tells whether the file has to be read again. `None` when its times cannot be trusted.
    signature: Option<Signature>,
}

/// Changes whenever a file does, within [`TIME_GRAIN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signature {
    device: u64,
    inode: u64,
    size: u64,
    /// Of the last change to content or metadata, in seconds and nanoseconds.
    changed: (i64, i64),
}

impl Tree {
    pub(super) fn new(root: &Path, options: Options) -> Self {
        Self {
            root: root.to_owned(),
            options,
            files: BTreeMap::new(),
            errors: BTreeMap::new(),
            devices: Devices::new(),
        }
    }

    pub(super) fn options(&self) -> Options {
        self.options
    }

    /// Whether the root could not be listed at the last walk.
    pub(super) fn is_lost(&self) -> bool {
        self.errors.contains_key(ROOT)
    }

    /// Whether something could not be read. It may become readable where nothing is watched: behind a dangling link.
    pub(super) fn lacks_files(&self) -> bool {
        self.files.values().any(|known| known.error.is_some())
    }

    /// Reads everything there is.
    pub(super) fn read_all(&mut self, observer: &mut dyn Observer) -> Vec<FileChange> {
        let walk = self.walk(observer);
        let mut changes: Vec<_> = walk.files.keys().filter_map(|file| self.refresh(file)).collect();
        changes.append(&mut self.note_errors(walk.errors));
        changes
    }

    /// Walks the tree, reads what differs, and leaves to `debounce` what is missing or may still be being written.
    pub(super) fn reconcile(
        &mut self,
        observer: &mut dyn Observer,
        debounce: &mut Debounce,
        now: Instant,
    ) -> Vec<FileChange> {
        let walk = self.walk(observer);
        for file in self.missing(&walk) {
            if !debounce.is_pending(&file) {
                debounce.note(Subject::File(file), Sign::Removed, now);
            }
        }
        let mut changes = Vec::new();
        for (file, found) in &walk.files {
            if debounce.is_pending(file) || !self.differs(file, found) {
                continue;
            }
            if !found.linked && self.is_fresh(&found.path) {
                debounce.note(Subject::File(file.clone()), Sign::Open, now);
            } else {
                changes.extend(self.look(file, debounce, now));
            }
        }
        changes.append(&mut self.note_errors(walk.errors));
        changes
    }

    fn walk(&mut self, observer: &mut dyn Observer) -> Walk {
        let mut walk = walk(&self.root, std::mem::take(&mut self.devices), observer);
        self.devices = std::mem::take(&mut walk.devices);
        walk
    }

    /// Known files that the walk did not meet, although it could have.
    fn missing(&self, walk: &Walk) -> Vec<Arc<str>> {
        let hidden_by_error = |file: &str| {
            walk.errors.keys().any(|directory| {
                **directory == *ROOT || file.strip_prefix(&**directory).is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let missing = |file: &&Arc<str>| !walk.files.contains_key(*file) && !hidden_by_error(file);
        self.files.keys().filter(missing).cloned().collect()
    }

    fn differs(&self, file: &Arc<str>, found: &Found) -> bool {
        let known = self.files.get(file).and_then(|known| known.signature);
        let is = fs::metadata(&found.path).ok().map(|metadata| Signature::of(&metadata));
        known.is_none() || known != is
    }

    /// Whether the file was written so lately that its writer may not be done.
    fn is_fresh(&self, path: &Path) -> bool {
        let written = fs::metadata(path).and_then(|metadata| metadata.modified());
        written.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < self.options.quiet))
    }

    fn note_errors(&mut self, errors: BTreeMap<Arc<str>, String>) -> Vec<FileChange> {
        let mut changes = Vec::new();
        for directory in self.errors.keys().filter(|directory| !errors.contains_key(*directory)) {
            changes.push(FileChange { file: directory.clone(), content: Content::Gone });
        }
        for (directory, error) in &errors {
            if self.errors.get(directory) != Some(error) {
                changes.push(FileChange { file: directory.clone(), content: Content::Unreadable(error.clone()) });
            }
        }
        self.errors = errors;
        changes
    }

    /// Reads one file, and gives what differs from the last time; what was emptied is left to `debounce`.
    pub(super) fn look(&mut self, file: &Arc<str>, debounce: &mut Debounce, now: Instant) -> Option<FileChange> {
        let read = self.read(file);
        let held = self.files.get(file).is_some_and(|known| known.held);
        if held && matches!(&read, Ok(Some(read)) if is_blank(&read.bytes)) {
            debounce.note(Subject::File(file.clone()), Sign::Emptied, now);
            return None;
        }
        self.note(file, read)
    }

    /// Reads one file, and gives what differs from the last time.
    pub(super) fn refresh(&mut self, file: &Arc<str>) -> Option<FileChange> {
        let read = self.read(file);
        self.note(file, read)
    }

    fn read(&self, file: &str) -> Result<Option<Read>, String> {
        read(&self.root.join(file), self.options.size_limit)
    }

    fn note(&mut self, file: &Arc<str>, read: Result<Option<Read>, String>) -> Option<FileChange> {
        let content = match read {
            Ok(Some(read)) => self.note_bytes(file, read)?,
            Ok(None) => self.note_gone(file)?,
            Err(error) => self.note_error(file, error)?,
        };
        Some(FileChange { file: file.clone(), content })
    }

    fn note_bytes(&mut self, file: &Arc<str>, Read { bytes, signature }: Read) -> Option<Content> {
        let known = self.files.entry(file.clone()).or_default();
        let hash = Some(xxh3_128(&bytes));
        let same = known.hash == hash && known.error.is_none();
        *known = Known { hash, held: !is_blank(&bytes), error: None, signature };
        (!same).then_some(Content::Bytes(bytes))
    }

    fn note_error(&mut self, file: &Arc<str>, error: String) -> Option<Content> {
        let known = self.files.entry(file.clone()).or_default();
        known.signature = None;
        if known.error.as_ref() == Some(&error) {
            return None;
        }
        known.error = Some(error.clone());
        Some(Content::Unreadable(error))
    }

    fn note_gone(&mut self, file: &Arc<str>) -> Option<Content> {
        // With the root gone, its files are out of reach rather than removed.
        if !self.root.is_dir() {
            return None;
        }
        self.files.remove(file).map(|_| Content::Gone)
    }
}

impl Signature {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The signature, if a later change is sure to alter it.
    fn trusted(metadata: &Metadata) -> Option<Self> {
        let changed = Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?);
        let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.checked_sub(changed)?;
        (age > TIME_GRAIN).then(|| Self::of(metadata))
    }
}

/// What a file held when it was read.
struct Read {
    bytes: Vec<u8>,
    signature: Option<Signature>,
}

/// The content of a file. `None` when there is no file; an error is for people to read.
fn read(path: &Path, limit: u64) -> Result<Option<Read>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("a link to a file that is missing".into()),
        // A directory on the way became a file.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        Err(error) => return Err(format!("cannot read the file: {error}")),
    };
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err("not a regular file".into());
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length > limit) => Err(too_large(limit)),
        Ok(_) => Ok(Some(Read { bytes, signature: Signature::trusted(&metadata) })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read the file: {error}")),
    }
}

fn too_large(limit: u64) -> String {
    format!("larger than the limit of {limit} bytes")
}

#[cfg(test)]
mod tests {
    use super::super::walk::Unwatched;
    use super::*;

    #[test]
    fn a_mount_that_is_gone_takes_nothing_with_it() {
        let root = tempfile::tempdir().unwrap();
        let (shop, file) = (root.path().join("shop"), root.path().join("shop/a.yaml"));
        fs::create_dir(&shop).unwrap();
        fs::write(&file, "a: 1").unwrap();
        let mut tree = Tree::new(root.path(), Options::default());
        assert_eq!(tree.read_all(&mut Unwatched).len(), 1);
        // As if it had been on another device until now.
        *tree.devices.get_mut("shop").unwrap() += 1;
        fs::remove_file(&file).unwrap();
        let (mut debounce, now) = (Debounce::new(Options::default()), Instant::now());
        for expected in [1, 0] {
            let changes = tree.reconcile(&mut Unwatched, &mut debounce, now);
            assert_eq!(changes.len(), expected, "{changes:?}");
            assert!(
                changes
                    .iter()
                    .all(|change| &*change.file == "shop" && matches!(change.content, Content::Unreadable(_)))
            );
            assert_eq!(debounce.deadline(), None, "nothing is waited for to be removed");
        }
        // Mounted again.
        *tree.devices.get_mut("shop").unwrap() -= 1;
        fs::write(&file, "a: 1").unwrap();
        let changes = tree.reconcile(&mut Unwatched, &mut debounce, now);
        assert!(changes.iter().any(|change| &*change.file == "shop" && change.content == Content::Gone), "{changes:?}");
    }
}
