//! Where Previews are written: into files of their own in the directory that the gateway reads, or into its cluster.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nuncio_api::{Object, ObjectId};

use super::cluster::{InCluster, MANAGED_BY};
use super::store::Manifest;
use crate::admin::PreviewError;
use crate::manifests::Opened;
use crate::run::Config;

/// Where the files are, below the directory.
const BELOW: &str = "previews";

/// Where Previews are.
#[derive(Debug)]
pub(super) enum Place {
    Directory(PathBuf),
    Cluster(InCluster),
    /// There is no such place.
    Nowhere,
}

impl Place {
    /// Where a controller reads that was told whether previews may be changed.
    pub(super) fn of(config: &Config, source: &Opened) -> Self {
        match (config.manifests.directory(), source.cluster()) {
            (Some(directory), _) => {
                if config.allow_previews {
                    // A directory that is there is watched: what is first written into it is seen at once. That there can be none
                    // is told when something is to be written.
                    let _ = fs::create_dir_all(directory.join(BELOW));
                }
                Self::Directory(directory.to_owned())
            }
            (None, Some(cluster)) => Self::Cluster(InCluster::new(cluster)),
            (None, None) => Self::Nowhere,
        }
    }

    /// A Preview as it is written there: an object of a cluster says who looks after it.
    pub(super) fn marked(&self, mut manifest: Manifest) -> Manifest {
        if matches!(self, Self::Cluster(_)) {
            manifest.labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
        }
        manifest
    }

    /// Writes a Preview, in the place of the one that is there. What somebody has written elsewhere stays his.
    pub(super) fn write(&self, id: &ObjectId, old: Option<&Object>, text: &str) -> Result<(), PreviewError> {
        self.is_own(id, old)?;
        match self {
            Self::Directory(directory) => replace(&directory.join(name(id)), text)
                .map_err(|error| PreviewError::Conflict(format!("{} cannot be written: {error}", name(id)))),
            Self::Cluster(cluster) => cluster.apply(id, text),
            Self::Nowhere => Err(PreviewError::Missing(id.to_string())),
        }
    }

    /// Takes a Preview away.
    pub(super) fn remove(&self, old: &Object) -> Result<(), PreviewError> {
        let id = &old.id;
        self.is_own(id, Some(old))?;
        match self {
            Self::Directory(directory) => fs::remove_file(directory.join(name(id)))
                .map_err(|error| PreviewError::Conflict(format!("{} cannot be removed: {error}", name(id)))),
            Self::Cluster(cluster) => cluster.delete(id),
            Self::Nowhere => Err(PreviewError::Missing(id.to_string())),
        }
    }

    fn is_own(&self, id: &ObjectId, old: Option<&Object>) -> Result<(), PreviewError> {
        let Some(old) = old else { return Ok(()) };
        let is_own = match self {
            Self::Directory(_) => *old.location.file == *name(id),
            Self::Cluster(_) | Self::Nowhere => InCluster::is_own(old),
        };
        if is_own {
            return Ok(());
        }
        Err(PreviewError::Conflict(format!("{id} was not made by a request: change {} instead", old.location.file)))
    }
}

/// A namespace has no dot in it, so no two objects share a file.
fn name(id: &ObjectId) -> String {
    format!("{BELOW}/{}.{}.json", id.namespace, id.name)
}

/// The file is the old one or the new one at any moment, and nothing between.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Hidden files are no manifests.
    let beside = path.with_file_name(format!(".{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
