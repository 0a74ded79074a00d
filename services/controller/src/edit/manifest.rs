//! The text of an object, wherever it stands.

use std::path::PathBuf;
use std::sync::Arc;

use nuncio_api::{Location, ObjectId};

use super::cluster::{ClusterObject, InCluster};
use super::file::File;
use crate::admin::ChangeError;
use crate::manifests::{Manifests, Opened};

/// Where manifests are.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Directory(PathBuf),
    Cluster(InCluster),
    /// There is no such place.
    Nowhere,
}

/// The text of an object.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The file as people know it.
    pub(super) name: Arc<str>,
    /// The line on which the text begins in it.
    pub(super) line: u32,
    pub(super) text: String,
    /// Another whenever what is shown of it is another.
    pub(super) digest: String,
    pub(super) place: Place,
}

/// How it is written.
#[derive(Debug)]
pub(super) enum Place {
    File(File),
    Cluster(ClusterObject),
}

impl Origin {
    /// What a controller reads.
    pub(super) fn of(manifests: &Manifests, source: &Opened) -> Self {
        match (manifests.directory(), source.cluster()) {
            (Some(directory), _) => Self::Directory(directory.to_owned()),
            (None, Some(cluster)) => Self::Cluster(InCluster::new(cluster)),
            (None, None) => Self::Nowhere,
        }
    }

    /// The text of the object that has this place.
    pub(super) fn read(&self, id: &ObjectId, location: &Location) -> Result<Manifest, ChangeError> {
        match self {
            Self::Directory(directory) => File::read(directory, id.kind, location),
            Self::Cluster(cluster) => cluster.read(id, location),
            Self::Nowhere => Err(ChangeError::Missing),
        }
    }
}

impl Manifest {
    /// Whether a patch of it is one of a file.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// Puts another text in its place. Where others have a say in what comes of that, `is_same` tells whether it is still what was wanted.
    pub(super) fn write(&self, text: &str, is_same: impl Fn(&str) -> bool) -> Result<(), ChangeError> {
        match &self.place {
            Place::File(file) => file.write(&self.name, text),
            Place::Cluster(object) => object.write(text, is_same),
        }
    }
}
