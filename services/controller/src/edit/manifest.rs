//! The text of an object, wherever it stands.

use std::path::PathBuf;
use std::sync::Arc;

use nuncio_api::{Location, ObjectId, says_same};

use super::cluster::{ClusterObject, InCluster};
use super::file::File;
use super::patch;
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

    /// Where a new object is to stand that begins with this text: in a directory in that file.
    pub(super) fn place(&self, id: &ObjectId, file: Option<&str>, text: String) -> Result<Manifest, ChangeError> {
        match self {
            Self::Directory(directory) => {
                let usual = || format!("{}-{}.yaml", id.kind.as_str().to_ascii_lowercase(), id.name);
                let file = file.map(str::trim).filter(|file| !file.is_empty()).map_or_else(usual, ToOwned::to_owned);
                File::end_of(directory, &file, text)
            }
            Self::Cluster(cluster) => cluster.place(id, text),
            Self::Nowhere => Err(ChangeError::Missing),
        }
    }
}

impl Manifest {
    /// The line on which the object begins, behind comments: its place as it is told everywhere.
    pub(super) fn line_of_object(&self) -> u32 {
        let is_before = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let before = self.text.lines().take_while(is_before).count();
        u32::try_from(before).map_or(self.line, |before| self.line.saturating_add(before))
    }

    /// Whether a patch of it is one of a file.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// Whether a text is there already of which this is shown. An API server keeps what a text says, and not how.
    pub(super) fn has(&self, shown: &str, text: &str) -> bool {
        match &self.place {
            Place::File(_) => shown == text,
            Place::Cluster(_) => says_same(shown, text),
        }
    }

    /// Puts another text in its place. Where others have a say in what comes of that, `is_same` tells whether it is still what was wanted.
    pub(super) fn write(&self, text: &str, is_same: impl Fn(&str) -> bool) -> Result<(), ChangeError> {
        match &self.place {
            Place::File(file) => file.write(&self.name, text),
            Place::Cluster(object) => object.write(text, is_same),
        }
    }

    /// The new object, where there is none yet.
    pub(super) fn create(&self, text: &str, is_same: impl Fn(&str) -> bool) -> Result<(), ChangeError> {
        match &self.place {
            Place::File(file) => file.write(&self.name, text),
            Place::Cluster(object) => object.create(text, is_same),
        }
    }

    /// Takes the object away.
    pub(super) fn remove(&self) -> Result<(), ChangeError> {
        match &self.place {
            Place::File(file) => file.remove(&self.name),
            Place::Cluster(object) => object.remove(),
        }
    }

    /// What else stands in the file; nothing of an object in a cluster.
    pub(super) fn rest(&self) -> Option<String> {
        match &self.place {
            Place::File(file) => Some(file.rest()),
            Place::Cluster(_) => None,
        }
    }

    /// As a patch: that what is told of it becomes this.
    pub(super) fn change(&self, old: &str, new: &str) -> String {
        match &self.place {
            Place::File(file) => file.change(&self.name, self.line, old, new),
            Place::Cluster(_) => patch::unified(&self.name, self.line, old, new),
        }
    }

    /// As a patch: that there is this.
    pub(super) fn creation(&self, text: &str) -> String {
        match &self.place {
            Place::File(file) => file.creation(&self.name, text),
            Place::Cluster(_) => patch::appended(&self.name, None, text),
        }
    }

    /// As a patch: that this is there no more.
    pub(super) fn removal(&self, text: &str) -> String {
        match &self.place {
            Place::File(file) => file.removal(&self.name, text),
            Place::Cluster(_) => patch::removed(&self.name, 0, text, true),
        }
    }
}
