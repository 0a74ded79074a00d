//! Where keys are kept.

use std::io;
use std::path::PathBuf;

use tokio::sync::Mutex;

use super::KeysError;
use super::cluster::ClusterSecret;
use super::manifest::Manifest;
use crate::settings::Cluster;

/// Where keys are to be kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the manifest of a Secret, in the directory that the gateway reads.
    File(PathBuf),
    /// In a Secret of a cluster.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Which cluster.
        cluster: Cluster,
    },
}

/// The place, when it can be reached.
#[derive(Debug)]
pub(super) enum Store {
    /// One change at a time.
    File(PathBuf, Mutex<()>),
    /// The API server says when another was faster.
    Secret(ClusterSecret),
}

/// It is on the disk before anybody is told of it, which holds up nobody else.
async fn write(manifest: Manifest, path: PathBuf) -> Result<(), KeysError> {
    let place = path.display().to_string();
    let written = tokio::task::spawn_blocking(move || manifest.write(&path)).await;
    written.unwrap_or_else(|error| Err(KeysError::File(place, io::Error::other(error))))
}

impl Store {
    pub(super) async fn open(place: &Place) -> Result<Self, KeysError> {
        Ok(match place {
            Place::File(path) => Self::File(path.clone(), Mutex::default()),
            Place::Secret { namespace, name, cluster } => {
                Self::Secret(ClusterSecret::find(namespace, name, cluster).await?)
            }
        })
    }

    /// All that is there.
    pub(super) async fn read(&self) -> Result<Manifest, KeysError> {
        match self {
            Self::File(path, _) => Manifest::read(path),
            Self::Secret(secret) => secret.read().await.map(|(manifest, _)| manifest),
        }
    }

    /// Changes it as a whole, or not at all. The change is made again where another was faster.
    pub(super) async fn change<T>(
        &self,
        change: impl Fn(&mut Manifest) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        match self {
            Self::File(path, turn) => {
                let _turn = turn.lock().await;
                let mut manifest = Manifest::read(path)?;
                let changed = change(&mut manifest)?;
                write(manifest, path.clone()).await?;
                Ok(changed)
            }
            Self::Secret(secret) => secret.change(change).await,
        }
    }
}
