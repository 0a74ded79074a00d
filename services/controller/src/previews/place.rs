//! Where Previews are written: into files of their own in the directory that the gateway reads, or into its cluster.

use std::path::{Path, PathBuf};
use std::{fs, io};

use nuncio_api::{Object, ObjectId, Spec};
use nuncio_telemetry::replace_file;

use super::cluster::{InCluster, MANAGED_BY};
use super::manifest::Manifest;
use crate::admin::PreviewError;
use crate::clock;
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

/// What an object of a cluster has to be still, for it to be taken away: other replicas write there as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    /// The same object, not one that was made anew under its name.
    Same,
    /// And one of which nobody wants anything else by now.
    Unchanged,
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

    /// Writes a Preview, in the place of the one that is there; gives it as it is there now. What somebody has written
    /// elsewhere stays his.
    pub(super) fn write(&self, old: Option<&Object>, manifest: &Manifest) -> Result<Object, PreviewError> {
        let id = &manifest.id;
        self.is_own(id, old)?;
        let text = match self {
            Self::Directory(directory) => {
                let created = old.and_then(|old| old.created).unwrap_or_else(clock::now);
                let text = Manifest { created: Some(created), ..manifest.clone() }.text();
                replace(&directory.join(name(id)), &text)
                    .map_err(|error| PreviewError::Conflict(format!("{} cannot be written: {error}", name(id))))?;
                text
            }
            Self::Cluster(cluster) => {
                let text = cluster.apply(id, &manifest.text())?;
                // An end that it was given meanwhile was that of what it said before.
                match old.filter(|old| end(old).is_some() && manifest.end().is_none()) {
                    Some(old) => cluster.end_at(old, None)?,
                    None => text,
                }
            }
            Self::Nowhere => return Err(PreviewError::Missing(id.to_string())),
        };
        read(manifest, &text)
    }

    /// Writes when a Preview ends and what is known of its source. All else is as it was, and in a cluster whose it was.
    pub(super) fn change(&self, old: &Object, manifest: &Manifest) -> Result<Object, PreviewError> {
        let Self::Cluster(cluster) = self else { return self.write(Some(old), manifest) };
        self.is_own(&manifest.id, Some(old))?;
        let mut text = None;
        if let Some(new) = manifest.end().filter(|new| end(old) != Some(new)) {
            let changed = clock::text(manifest.changed.unwrap_or_else(clock::now));
            text = Some(cluster.end_at(old, Some((new, &changed)))?);
        }
        let news = manifest.news_of_source(old);
        if news.as_object().is_some_and(|news| !news.is_empty()) {
            text = Some(cluster.note_source(&manifest.id, &news)?);
        }
        text.map_or_else(|| Ok(old.clone()), |text| read(manifest, &text))
    }

    /// Writes an annotation of an object in a cluster, whoever has made it.
    pub(super) fn annotate(&self, id: &ObjectId, annotation: (&str, &str)) -> Result<(), PreviewError> {
        match self {
            Self::Cluster(cluster) => cluster.annotate(id, annotation),
            Self::Directory(_) | Self::Nowhere => Ok(()),
        }
    }

    /// Takes a Preview away.
    pub(super) fn remove(&self, old: &Object, only: Only) -> Result<(), PreviewError> {
        let id = &old.id;
        self.is_own(id, Some(old))?;
        match self {
            Self::Directory(directory) => fs::remove_file(directory.join(name(id)))
                .map_err(|error| PreviewError::Conflict(format!("{} cannot be removed: {error}", name(id)))),
            Self::Cluster(cluster) => cluster.delete(old, only),
            Self::Nowhere => Err(PreviewError::Missing(id.to_string())),
        }
    }

    /// Whether what is there, if anything, was made by a request.
    pub(super) fn is_own(&self, id: &ObjectId, old: Option<&Object>) -> Result<(), PreviewError> {
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

/// What is there of a Preview that was written.
fn read(manifest: &Manifest, text: &str) -> Result<Object, PreviewError> {
    let unreadable = || PreviewError::Conflict(format!("{} is there, and cannot be read", manifest.id));
    manifest.written(text).ok_or_else(unreadable)
}

/// When a Preview ends, as far as it says that itself.
fn end(object: &Object) -> Option<&str> {
    match &object.spec {
        Spec::Preview(spec) => spec.lifetime.as_ref()?.expires_at.as_deref(),
        _ => None,
    }
}

/// A namespace has no dot in it, so no two objects share a file.
fn name(id: &ObjectId) -> String {
    format!("{BELOW}/{}.{}.json", id.namespace, id.name)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    replace_file(path, text.as_bytes(), 0o644)
}
