//! Rules in a directory, watched as the original does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Active;
use crate::aside::aside;
use crate::config::{ConfigError, Source};
use crate::settings::Files;

/// How long to wait for more changes: writing a file is several.
const SETTLE: Duration = Duration::from_millis(20);
/// Looked at this often without being told of a change: watches miss some on network file systems.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The largest file: 100 000 rules are 15 MB.
const LARGEST: u64 = 256 << 20;

/// The directory to read, and which of its files hold rules.
fn place(files: &Files) -> (PathBuf, String) {
    let base = Path::new(&files.root).join(&files.subdirectory);
    if files.watch_root {
        // Everything below the root is read, and then what is not of the application left out.
        (base, format!("{}.", files.app_directory))
    } else {
        (base.join(&files.app_directory), String::new())
    }
}

/// Reads all files of rules, in the order of their names. A file `config/a/b.yaml` is called `config.a.b.yaml`.
///
/// # Errors
/// When one cannot be read or is wrong.
pub fn read(files: &Files) -> Result<Vec<Source>, ConfigError> {
    read_texts(files)?.into_iter().map(|(name, text)| Source::parse(&name, &text)).collect()
}

fn read_texts(files: &Files) -> Result<Vec<(String, String)>, ConfigError> {
    let (directory, prefix) = place(files);
    let mut found = Vec::new();
    collect(&directory, "", files.ignore_dot_files, &mut found)
        .map_err(|error| problem(&directory.display().to_string(), &error.to_string()))?;
    found.retain(|(name, _)| name.starts_with(&prefix));
    found.sort();
    found.into_iter().map(|(name, path)| read_file(&name, &path).map(|text| (name, text))).collect()
}

fn collect(directory: &Path, prefix: &str, skip_dots: bool, found: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if skip_dots && name.starts_with('.') {
            continue;
        }
        let full_name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        // Links are followed, as a ConfigMap's files are some.
        let Ok(kind) = std::fs::metadata(entry.path()) else { continue };
        // A link to a directory is not entered: `..data` holds the same files again.
        if kind.is_dir() && entry.file_type()?.is_dir() {
            collect(&entry.path(), &full_name, skip_dots, found)?;
        } else if kind.is_file() {
            found.push((full_name, entry.path()));
        }
    }
    Ok(())
}

fn read_file(name: &str, path: &Path) -> Result<String, ConfigError> {
    let size = std::fs::metadata(path).map_err(|error| problem(name, &error.to_string()))?.len();
    if size > LARGEST {
        return Err(problem(name, &format!("larger than {LARGEST} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| problem(name, &error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| problem(name, "error loading config file: yaml: invalid leading UTF-8 octet"))
}

fn problem(file: &str, message: &str) -> ConfigError {
    ConfigError { file: file.to_owned(), message: message.to_owned(), line: 0, path: String::new() }
}

/// Loads the rules, and again whenever they change, until stopped.
pub(crate) async fn watch(files: Files, active: Active, stop: CancellationToken) {
    let (changed, mut changes) = mpsc::channel(1);
    let mut watching = Watching::default();
    let mut last = None;
    loop {
        watching.renew(&files, &changed);
        let (files, active) = (files.clone(), active.clone());
        last = Some(aside(move || load_changed(&files, &active, last)).await);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = changes.recv() => {
                tokio::time::sleep(SETTLE).await;
                _ = changes.try_recv();
            }
        }
    }
}

/// Loads the rules unless their digest is the last one; gives the new one.
fn load_changed(files: &Files, active: &Active, last: Option<u128>) -> u128 {
    let found = read_texts(files);
    let digest = digest(&found);
    if last != Some(digest) {
        let sources = found.and_then(|texts| {
            texts.iter().map(|(name, text)| Source::parse(name, text)).collect::<Result<Vec<_>, _>>()
        });
        // Told where it is counted.
        _ = active.load(sources);
    }
    digest
}

/// Tells whether files have changed, without keeping them.
fn digest(found: &Result<Vec<(String, String)>, ConfigError>) -> u128 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    match found {
        Ok(texts) => texts.iter().for_each(|(name, text)| [name, text].into_iter().for_each(|text| add(text))),
        Err(error) => add(&error.to_string()),
    }
    hash.digest128()
}

/// The watch on the directory, and on the one that holds the root's link.
#[derive(Default)]
struct Watching {
    watcher: Option<RecommendedWatcher>,
    /// Where the link led when the watch was made.
    target: Option<PathBuf>,
}

impl Watching {
    /// Makes the watch, unless it is there and the link leads where it did.
    fn renew(&mut self, files: &Files, changed: &mpsc::Sender<()>) {
        let (directory, _) = place(files);
        let target = std::fs::canonicalize(&directory).ok();
        if self.watcher.is_some() && target == self.target {
            return;
        }
        let tell = changed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
                // Where one is waiting, another says no more.
                _ = tell.try_send(());
            }
        });
        self.watcher = None;
        match watcher {
            Ok(mut watcher) => {
                let root = Path::new(&files.root);
                let parent = root.parent().filter(|_| files.watch_root);
                let watched = watcher.watch(&directory, RecursiveMode::Recursive);
                let parent = parent.map_or(Ok(()), |parent| watcher.watch(parent, RecursiveMode::NonRecursive));
                if let Err(error) = watched.and(parent) {
                    tracing::debug!("cannot watch {}: {error}", directory.display());
                }
                self.watcher = Some(watcher);
                self.target = target;
            }
            Err(error) => tracing::warn!("cannot watch files, they are looked at every {LOOK_EVERY:?}: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::Arc;

    use super::*;
    use crate::limiter::{Options, Shared};

    #[tokio::test]
    async fn nobody_waits_while_rules_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let mut rules = "domain: d\ndescriptors:\n".to_owned();
        for value in 0..50_000 {
            writeln!(rules, "- {{key: k, value: v{value}, rate_limit: {{unit: day, requests_per_unit: 1}}}}").unwrap();
        }
        std::fs::write(directory.path().join("rules.yaml"), rules).unwrap();
        let files = Files {
            root: directory.path().display().to_string(),
            subdirectory: String::new(),
            app_directory: String::new(),
            ignore_dot_files: true,
            watch_root: false,
        };
        let active = Active::new(Arc::new(Shared::new(Options::default(), None)), false);
        let mut loads = active.loads();
        let watching = tokio::spawn(watch(files, active, CancellationToken::new()));
        // On this thread both take turns.
        tokio::task::yield_now().await;
        assert_eq!(loads.borrow().events, 0, "the rules are being read");
        loads.wait_for(|loads| loads.has_domains).await.unwrap();
        watching.abort();
    }
}
