//! The watches on a directory tree, and what their events mean for the manifests in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::warn;

use super::debounce::{Sign, Subject};
use super::follow::Message;
use super::links;
use super::walk::{Observer, is_hidden, is_manifest, join};

/// One watched directory, by its real path, and why it is watched.
#[derive(Debug, Default)]
struct Watched {
    /// The names under which its files are known. Several when links lead to it.
    names: BTreeSet<String>,
    /// Symbolic links in it that names lead through.
    links: BTreeSet<OsString>,
    /// Files in it that links end at, and the names of those links.
    targets: BTreeMap<OsString, BTreeSet<String>>,
}

impl Watched {
    fn is_unused(&self) -> bool {
        self.names.is_empty() && self.links.is_empty() && self.targets.is_empty()
    }
}

/// The watches that the last walk asked for. Each directory has one of its own, put in place before the directory is
/// listed, so that nothing falls between listing and watching.
#[derive(Debug)]
pub(super) struct Watches {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Watched>,
    /// Something could not be watched.
    incomplete: bool,
}

impl Watches {
    /// Watches whose events go to `events`.
    pub(super) fn new(events: Sender<Message>) -> Self {
        let handler = move |event: notify::Result<Event>| {
            if event.as_ref().is_ok_and(is_noise) {
                return;
            }
            // The follower is gone when the watch is being ended.
            let _ = events.send(Message::Event(event));
        };
        let mut watches = Self { watcher: None, watched: BTreeMap::new(), incomplete: false };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => watches.watcher = Some(watcher),
            Err(error) => watches.lack("any directory", &error),
        }
        watches
    }

    /// Whether the tree has to be looked at from time to time, because events do not tell everything.
    pub(super) fn are_incomplete(&self) -> bool {
        self.incomplete
    }

    fn lack(&mut self, what: impl std::fmt::Display, error: &notify::Error) {
        if !self.incomplete {
            warn!("cannot watch {what} for changes, polling instead: {error} (see fs.inotify.max_user_watches)");
        }
        self.incomplete = true;
    }

    fn watch(&mut self, directory: &Path) -> Option<&mut Watched> {
        if !self.watched.contains_key(directory) {
            match self.watcher.as_mut()?.watch(directory, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => return None,
                Err(error) => {
                    self.lack(directory.display(), &error);
                    return None;
                }
            }
        }
        Some(self.watched.entry(directory.to_owned()).or_default())
    }

    fn unwatch(&mut self, directory: &Path) {
        self.watched.remove(directory);
        if let Some(watcher) = &mut self.watcher {
            // A directory that is gone took its watch with it.
            let _ = watcher.unwatch(directory);
        }
    }

    /// Drops the watches on a directory that was removed or moved, and on those below it.
    fn forget(&mut self, directory: &Path) {
        let gone: Vec<_> = self
            .watched
            .range(directory.to_owned()..)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(directory))
            .collect();
        for path in gone {
            self.unwatch(&path);
        }
    }

    /// What an event says about which manifests.
    pub(super) fn interpret(&mut self, event: &notify::Result<Event>) -> Vec<(Subject, Sign)> {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.lack("everything", error);
                return vec![(Subject::Tree, Sign::Complete)];
            }
        };
        if event.need_rescan() {
            return vec![(Subject::Tree, Sign::Complete)];
        }
        event.paths.iter().flat_map(|path| self.interpret_path(&event.kind, path)).collect()
    }

    fn interpret_path(&mut self, kind: &EventKind, path: &Path) -> Vec<(Subject, Sign)> {
        let sign = sign(kind, path);
        let mut meant = Vec::new();
        if self.watched.contains_key(path) {
            if sign == Sign::Removed {
                self.forget(path);
            }
            meant.push((Subject::Tree, Sign::Complete));
        }
        let Some((directory, name)) = path.parent().zip(path.file_name()) else { return meant };
        let Some(watched) = self.watched.get(directory) else { return meant };
        if watched.links.contains(name) || changes_tree(kind, watched, path, name) {
            meant.push((Subject::Tree, Sign::Complete));
        }
        let targets = watched.targets.get(name).into_iter().flatten().cloned();
        let files = watched.names.iter().filter(|_| is_manifest(name)).map(|directory| join(directory, name));
        meant.extend(targets.chain(files).map(|file| (Subject::File(file.into()), sign)));
        meant
    }
}

impl Observer for Watches {
    fn begin(&mut self) {
        for watched in self.watched.values_mut() {
            *watched = Watched::default();
        }
    }

    fn directory(&mut self, path: &Path, name: &str) {
        if let Some(watched) = path.canonicalize().ok().and_then(|real| self.watch(&real)) {
            watched.names.insert(name.to_owned());
        }
    }

    fn link(&mut self, path: &Path, name: &str) {
        let Ok(path) = std::path::absolute(path) else { return };
        let resolved = links::resolve(&path);
        for (directory, link) in resolved.links {
            if let Some(watched) = self.watch(&directory) {
                watched.links.insert(link);
            }
        }
        if resolved.target.is_dir() {
            return;
        }
        // A file behind a link, or a root that is missing at present.
        let Some((directory, file)) = resolved.target.parent().zip(resolved.target.file_name()) else { return };
        if let Some(watched) = self.watch(directory) {
            watched.targets.entry(file.to_owned()).or_default().insert(name.to_owned());
        }
    }

    fn end(&mut self) {
        let unused = self.watched.iter().filter(|(_, watched)| watched.is_unused());
        for path in unused.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
            self.unwatch(&path);
        }
    }
}

/// Events that our own reading causes.
fn is_noise(event: &Event) -> bool {
    matches!(event.kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

fn sign(kind: &EventKind, path: &Path) -> Sign {
    match kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => Sign::Complete,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Sign::Removed,
        EventKind::Modify(ModifyKind::Metadata(_)) => Sign::Touched,
        EventKind::Create(_) if is_born_complete(path) => Sign::Complete,
        _ => Sign::Open,
    }
}

/// Links, hard ones too, come into being whole: nobody will close them.
fn is_born_complete(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file() || metadata.nlink() > 1)
}

/// Whether an event about an entry that need not be a manifest can bring or take manifests.
fn changes_tree(kind: &EventKind, watched: &Watched, path: &Path, name: &OsStr) -> bool {
    if watched.names.is_empty() || is_hidden(name) {
        return false;
    }
    match kind {
        EventKind::Create(CreateKind::Folder) => true,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_)) => {
            path.is_dir() || path.is_symlink()
        }
        _ => false,
    }
}
