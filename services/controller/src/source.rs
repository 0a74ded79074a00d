//! Where manifests come from: a directory, read once and then watched.
//!
//! [`DirectorySource::open`] puts the watches in place, [`DirectorySource::scan`] reads every file, and
//! [`DirectorySource::changes`] then gives a batch for each change. What a batch holds is bytes: parsing is the caller's.
//!
//! Rules, in the order in which they win:
//! - a file that is being written is not read before it is closed (or has been quiet for [`Options::quiet`]);
//! - a file that disappears is given [`Options::removal_grace`] to come back, because many editors save by moving the old
//!   file away and then writing the new one, and a manifest that is gone takes its routes with it;
//! - a file that held something and is empty now is given [`Options::empty_grace`], because some editors save by truncating
//!   the file before they write it, and a full disk leaves it so;
//! - a directory that disappears as a whole, or cannot be read, is an error and not a removal: what it held stays;
//! - all else is read [`Options::settle`] after it happened.

mod debounce;
mod follow;
pub(crate) mod kubernetes;
mod links;
mod tree;
pub(crate) mod walk;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::follow::{Follower, Message};
use self::tree::Tree;
pub(crate) use self::walk::ROOT;
use self::walk::Unwatched;
use self::watch::Watches;

/// Batches that may wait for the consumer. While they wait, further changes to the same file merge into one.
const QUEUED_BATCHES: usize = 4;

/// What happened to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileChange {
    /// Path relative to the directory, with `/` between its parts: `shop/cart.yaml`. For an error of a directory, the
    /// directory; `.` for the source itself.
    pub(crate) file: Arc<str>,
    /// What the file holds now.
    pub(crate) content: Content,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The bytes of the file, not necessarily UTF-8.
    Bytes(Vec<u8>),
    /// An object that has no file, as JSON.
    Json(Vec<u8>),
    /// The file is gone, or the error that this name stood for is.
    Gone,
    /// The file is there and cannot be read, for the reason given. What was read before should be kept.
    Unreadable(String),
}

/// The changes that were seen together, ordered by file.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// One entry for each file that differs from what was given before.
    pub(crate) changes: Vec<FileChange>,
    /// When the first of them was noticed.
    pub(crate) noticed: Instant,
}

/// How long to wait for what, and how much to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Time without further events after which complete files (closed, moved into place) are read. Default 1 ms: enough
    /// for the files of one `mv` or `git checkout` to arrive together.
    pub(crate) settle: Duration,
    /// Longest time that complete files wait for others. Default 50 ms.
    pub(crate) max_delay: Duration,
    /// Time for which a file must have been missing before it counts as gone. Default 300 ms: an editor's save
    /// by two processes on a busy machine.
    pub(crate) removal_grace: Duration,
    /// Time for which a file that held something must have been empty before it counts as such. Default 1 s: whoever
    /// truncates a file to write it anew does so sooner.
    pub(crate) empty_grace: Duration,
    /// Time without a write after which a file counts as complete although nobody closed it. Default 2 s: a writer that
    /// pauses has not finished.
    pub(crate) quiet: Duration,
    /// Longest time to wait for a file that is written to all the time. Default 10 s.
    pub(crate) max_open: Duration,
    /// How often to look where nothing can be watched. Default 1 s.
    pub(crate) poll: Duration,
    /// Size in bytes from which on a file is an error. Default 64 MiB.
    pub(crate) size_limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(1),
            max_delay: Duration::from_millis(50),
            removal_grace: Duration::from_millis(300),
            empty_grace: Duration::from_secs(1),
            quiet: Duration::from_secs(2),
            max_open: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            size_limit: 64 << 20,
        }
    }
}

/// Why a directory cannot be a source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The path is missing or may not be looked at.
    #[error("cannot read the directory {path}: {error}")]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// The path is a file.
    #[error("{0} is not a directory")]
    NotADirectory(PathBuf),
}

/// A directory of manifests: `*.yaml`, `*.yml` and `*.json` at any depth, without hidden files and directories.
///
/// Symbolic links are followed, so that a mounted `ConfigMap`, whose files are links through a hidden directory that is
/// swapped as a whole, is read once and under the names that the user sees.
#[derive(Debug)]
pub(crate) struct DirectorySource {
    tree: Tree,
    watches: Watches,
    events: std::sync::mpsc::Receiver<Message>,
    stop: std::sync::mpsc::Sender<Message>,
}

impl DirectorySource {
    /// Opens `path`, to be scanned and then followed.
    ///
    /// # Errors
    /// When `path` is not a directory that can be read.
    pub(crate) fn open(path: &Path, options: Options) -> Result<Self, SourceError> {
        check_directory(path)?;
        let (stop, events) = std::sync::mpsc::channel();
        let watches = Watches::new(stop.clone());
        Ok(Self { tree: Tree::new(path, options), watches, events, stop })
    }

    /// Reads all files. Call it once, before [`Self::changes`].
    pub(crate) fn scan(&mut self) -> Vec<FileChange> {
        self.tree.read_all(&mut self.watches)
    }

    /// Follows the directory from here on, on a thread of its own, until the result is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn changes(self) -> std::io::Result<Changes> {
        let (batches, receiver) = mpsc::channel(QUEUED_BATCHES);
        let follower = Follower::new(self.tree, self.watches, self.events, batches);
        std::thread::Builder::new().name("directory-source".to_owned()).spawn(move || follower.run())?;
        Ok(Changes { batches: receiver, stop: self.stop })
    }
}

/// Reads all files of `path` once, without watching: for commands that look and leave.
///
/// # Errors
/// When `path` is not a directory that can be read.
pub(crate) fn read(path: &Path, options: Options) -> Result<Vec<FileChange>, SourceError> {
    check_directory(path)?;
    Ok(Tree::new(path, options).read_all(&mut Unwatched))
}

fn check_directory(path: &Path) -> Result<(), SourceError> {
    let unreadable = |error| SourceError::Unreadable { path: path.to_owned(), error };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Err(SourceError::NotADirectory(path.to_owned()));
    }
    std::fs::read_dir(path).map_err(unreadable)?;
    Ok(())
}

/// The changes of a directory. Dropping it ends the watch.
#[derive(Debug)]
pub(crate) struct Changes {
    batches: mpsc::Receiver<Batch>,
    stop: std::sync::mpsc::Sender<Message>,
}

impl Changes {
    /// The next batch, never empty. `None` only if the watching thread died. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // The thread may have ended already: then there is nobody to tell.
        let _ = self.stop.send(Message::Stop);
    }
}

#[cfg(test)]
mod tests;
