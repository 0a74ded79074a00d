//! A directory of versions, each in a file of its own.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Version, stored};
use crate::api::ApiId;

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the history cannot be kept in {}: {error}", .directory.display())]
pub struct DiskError {
    directory: PathBuf,
    error: io::Error,
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
            match fs::read(&path).and_then(|text| stored::read(&text)) {
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
        let path = self.path(id, version.number);
        let aside = path.with_extension("new");
        let mut file = File::create(&aside)?;
        file.write_all(&stored::write(id, version)?)?;
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

    fn path(&self, id: &ApiId, number: u64) -> PathBuf {
        self.directory.join(format!("{}-{number}.json", stored::digest(id)))
    }
}
