//! Where Previews are written: into files of their own in the directory that the gateway reads, or into its cluster.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use nuncio_api::{Object, ObjectId, Spec};
use nuncio_telemetry::replace_file;
use serde_json::Value;

use super::cluster::{InCluster, MANAGED_BY};
use super::manifest::{self, Manifest};
use crate::admin::PreviewError;
use crate::clock;
use crate::engine::Engine;
use crate::manifests::Opened;
use crate::run::{Config, lock};
use crate::source::kubernetes::object::file_of;
use crate::source::kubernetes::resources::api_kind;

/// Where the files are, below the directory.
pub(super) const BELOW: &str = "previews";

/// Where Previews are.
#[derive(Debug)]
pub(super) enum Place {
    Directory(PathBuf),
    Cluster(InCluster),
    /// There is no such place.
    Nowhere,
}

/// A Preview as it is where it is written.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) object: Arc<Object>,
    /// All that an API server says of it; nothing where there is none.
    told: Value,
}

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// It is not as it was found any more: what is to become of it has to be decided anew.
    Stale,
    Refused(PreviewError),
}

impl From<PreviewError> for Unwritten {
    fn from(error: PreviewError) -> Self {
        Self::Refused(error)
    }
}

impl From<Unwritten> for PreviewError {
    fn from(error: Unwritten) -> Self {
        match error {
            Unwritten::Stale => Self::Conflict("somebody else changes it all the time".to_owned()),
            Unwritten::Refused(error) => error,
        }
    }
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
        if self.is_shared() {
            manifest.labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
        }
        manifest
    }

    /// Whether others set fields of what is written there.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// A Preview as it is there now, whatever the gateway has seen of it: another replica may have written since.
    pub(super) fn find(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<Option<Found>, PreviewError> {
        let Self::Cluster(cluster) = self else {
            let object = lock(engine).files.object(id).map(Arc::clone);
            return Ok(object.map(|object| Found { object, told: Value::Null }));
        };
        let Some(told) = cluster.find(id)? else { return Ok(None) };
        let object = Arc::new(read(id, &told)?);
        Ok(Some(Found { object, told }))
    }

    /// Writes a Preview, in the place of the one that was found, if it is there still; gives it as it is there now. What
    /// somebody has written elsewhere stays his.
    pub(super) fn write(&self, old: Option<&Found>, manifest: &Manifest) -> Result<Object, Unwritten> {
        let id = &manifest.id;
        self.is_own(id, old.map(|old| &*old.object))?;
        match self {
            Self::Directory(directory) => Ok(write_file(directory, old, manifest)?),
            Self::Cluster(cluster) => {
                let told = match old {
                    Some(old) => write_over(cluster, old, manifest)?,
                    None => cluster.create(id, &manifest.json())?,
                };
                Ok(read(id, &told)?)
            }
            Self::Nowhere => Err(PreviewError::Missing(id.to_string()).into()),
        }
    }

    /// Writes when a Preview ends, what is known of its source, and which of its links are good. All else is as it was, and in a
    /// cluster whose it was.
    pub(super) fn change(&self, old: &Found, manifest: &Manifest) -> Result<Object, Unwritten> {
        let Self::Cluster(cluster) = self else { return self.write(Some(old), manifest) };
        let id = &manifest.id;
        self.is_own(id, Some(&old.object))?;
        let mut told = old.told.clone();
        let news = manifest.news(&old.object);
        if news.as_object().is_some_and(|news| !news.is_empty()) {
            // That it ends comes last: one that has ended would be found where this is decided anew, and its links would stay good.
            told = cluster.note(id, &told, &news)?;
        }
        if manifest.end().is_some_and(|new| end(&old.object) != Some(new)) {
            told = cluster.end_at(id, &told, Some(manifest))?;
        }
        Ok(read(id, &told)?)
    }

    /// Writes an annotation of an object in a cluster, whoever has made it.
    pub(super) fn annotate(&self, id: &ObjectId, annotation: (&str, &str)) -> Result<(), PreviewError> {
        match self {
            Self::Cluster(cluster) => cluster.annotate(id, annotation),
            Self::Directory(_) | Self::Nowhere => Ok(()),
        }
    }

    /// Takes a Preview away, if it still is as it was found.
    pub(super) fn remove(&self, old: &Found) -> Result<(), Unwritten> {
        let id = &old.object.id;
        self.is_own(id, Some(&old.object))?;
        match self {
            Self::Directory(directory) => fs::remove_file(directory.join(name(id)))
                .map_err(|error| PreviewError::Conflict(format!("{} cannot be removed: {error}", name(id))).into()),
            Self::Cluster(cluster) => cluster.delete(id, &old.told),
            Self::Nowhere => Err(PreviewError::Missing(id.to_string()).into()),
        }
    }

    /// That there is nothing where a Preview would be that was not found: neither a text that is none.
    pub(super) fn has_nothing_of(&self, id: &ObjectId) -> Result<(), PreviewError> {
        match self {
            Self::Directory(directory) if directory.join(name(id)).exists() => Err(PreviewError::Conflict(format!(
                "{} is there, and {id} cannot be read in it: remove the file, or send another manifest in its place",
                name(id)
            ))),
            _ => Ok(()),
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

fn write_file(directory: &Path, old: Option<&Found>, manifest: &Manifest) -> Result<Object, PreviewError> {
    let file = name(&manifest.id);
    let created = old.and_then(|old| old.object.created).unwrap_or_else(clock::now);
    let text = Manifest { created: Some(created), ..manifest.clone() }.text();
    replace(&directory.join(&file), &text)
        .map_err(|error| PreviewError::Conflict(format!("{file} cannot be written: {error}")))?;
    manifest.written(&text).ok_or_else(|| unreadable(&manifest.id))
}

fn write_over(cluster: &InCluster, old: &Found, manifest: &Manifest) -> Result<Value, Unwritten> {
    let told = cluster.apply(&manifest.id, &old.told, manifest.json())?;
    // An end that it was given meanwhile was that of what it said before.
    match end(&old.object).is_some() && manifest.end().is_none() {
        true => cluster.end_at(&manifest.id, &told, None),
        false => Ok(told),
    }
}

/// The object that an API server has told of.
fn read(id: &ObjectId, told: &Value) -> Result<Object, PreviewError> {
    let file = api_kind(id.kind).map(|api| file_of(&api, &id.namespace, &id.name));
    manifest::read(id, &told.to_string(), file.as_deref().unwrap_or_default()).ok_or_else(|| unreadable(id))
}

fn unreadable(id: &ObjectId) -> PreviewError {
    PreviewError::Conflict(format!("{id} is there, and cannot be read"))
}

/// When a Preview ends, as far as it says that itself.
fn end(object: &Object) -> Option<&str> {
    match &object.spec {
        Spec::Preview(spec) => spec.lifetime.as_ref()?.expires_at.as_deref(),
        _ => None,
    }
}

/// The file of a Preview in a directory. A namespace has no dot in it, so no two objects share one.
pub(super) fn name(id: &ObjectId) -> String {
    format!("{BELOW}/{}.{}.json", id.namespace, id.name)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    replace_file(path, text.as_bytes(), 0o644)
}
