//! A directory of versions, each in a file of its own.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Version;
use crate::api::ApiId;
use crate::changes::Change;

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the history cannot be kept in {}: {error}", .directory.display())]
pub struct DiskError {
    directory: PathBuf,
    error: io::Error,
}

/// A version as a file has it.
#[derive(Serialize, Deserialize)]
struct Stored<'s> {
    namespace: Cow<'s, str>,
    name: Cow<'s, str>,
    /// Which API of the object it is, where that may have several.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    part: Cow<'s, str>,
    number: u64,
    since: String,
    version: Option<Cow<'s, str>>,
    changes: Cow<'s, [Change]>,
    more_changes: usize,
    /// The groups whose it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visible_to: Option<Cow<'s, [String]>>,
    /// As the service gave it.
    document: Cow<'s, str>,
}

/// The directory.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
}

impl Disk {
    /// Makes the directory if it is not there, and makes sure that it can be written.
    pub(super) fn open(directory: &Path) -> Result<Self, DiskError> {
        let disk = Self { directory: directory.to_owned() };
        let probe = directory.join(".probe");
        let tried =
            fs::create_dir_all(directory).and_then(|()| fs::write(&probe, "")).and_then(|()| fs::remove_file(&probe));
        tried.map_err(|error| disk.error(error))?;
        Ok(disk)
    }

    fn error(&self, error: io::Error) -> DiskError {
        DiskError { directory: self.directory.clone(), error }
    }

    /// All versions. A file that cannot be read is told of and passed over.
    pub(super) fn load(&self) -> Result<Vec<(ApiId, Version)>, DiskError> {
        let mut all = Vec::new();
        for file in fs::read_dir(&self.directory).map_err(|error| self.error(error))? {
            let path = file.map_err(|error| self.error(error))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(version) => all.push(version),
                Err(error) => tracing::warn!("{} is no version of a document: {error}", path.display()),
            }
        }
        Ok(all)
    }

    /// Writes a version. Where that fails, it is in memory all the same.
    pub(super) fn write(&self, id: &ApiId, version: &Version) {
        if let Err(error) = self.try_write(id, version) {
            let error = self.error(error);
            tracing::error!("version {} of {id} is lost with this process: {error}", version.number);
        }
    }

    /// A file is there as a whole or not at all.
    fn try_write(&self, id: &ApiId, version: &Version) -> io::Result<()> {
        let stored = Stored {
            namespace: Cow::Borrowed(&id.namespace),
            name: Cow::Borrowed(&id.name),
            part: Cow::Borrowed(&id.part),
            number: version.number,
            since: version.since.to_string(),
            version: version.label.as_deref().map(Cow::Borrowed),
            changes: Cow::Borrowed(&version.changes),
            more_changes: version.more_changes,
            visible_to: version.visible_to.as_deref().map(Cow::Borrowed),
            document: String::from_utf8_lossy(&version.document),
        };
        let path = self.path(id, version.number);
        let aside = path.with_extension("new");
        let mut file = File::create(&aside)?;
        file.write_all(&serde_json::to_vec(&stored)?)?;
        file.sync_all()?;
        fs::rename(&aside, &path)
    }

    /// Removes versions.
    pub(super) fn remove(&self, versions: &[(ApiId, u64)]) {
        for (id, number) in versions {
            if let Err(error) = fs::remove_file(self.path(id, *number)) {
                tracing::warn!("version {number} of {id} stays in {}: {error}", self.directory.display());
            }
        }
    }

    /// Names of objects may be anything, and those of files may not.
    fn path(&self, id: &ApiId, number: u64) -> PathBuf {
        let named = format!("{}\n{}", id.namespace, id.segment());
        let digest = xxhash_rust::xxh3::xxh3_128(named.as_bytes());
        self.directory.join(format!("{digest:032x}-{number}.json"))
    }
}

fn read(path: &Path) -> io::Result<(ApiId, Version)> {
    let text = fs::read(path)?;
    let stored: Stored<'_> = serde_json::from_slice(&text)?;
    let version = Version {
        number: stored.number,
        since: stored.since.parse().map_err(io::Error::other)?,
        label: stored.version.map(Cow::into_owned),
        changes: stored.changes.into_owned(),
        more_changes: stored.more_changes,
        visible_to: stored.visible_to.map(Cow::into_owned),
        document: stored.document.into_owned().into(),
    };
    let (namespace, name) = (stored.namespace.into_owned(), stored.name.into_owned());
    Ok((ApiId { namespace, name, part: stored.part.into_owned() }, version))
}
