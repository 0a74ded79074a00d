//! Addresses that are had, at ports and at paths.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::run::RunError;
use crate::settings::Address;

/// What listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, Place),
}

/// The path of a socket, which goes with it, unless another has been put in its place.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    inode: u64,
}

impl Place {
    fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self { path: path.to_owned(), inode: std::fs::symlink_metadata(path)?.ino() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let is_ours = std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode);
        if let Err(error) = if is_ours { std::fs::remove_file(&self.path) } else { Ok(()) } {
            tracing::debug!("the socket {} stays: {error}", self.path.display());
        }
    }
}

impl Listener {
    pub(crate) async fn bind(address: &Address) -> Result<Self, RunError> {
        let bound = match address {
            Address::Tcp(tcp) => TcpListener::bind(tcp).await.map(Self::Tcp),
            Address::Unix(path) => bind_unix(path).and_then(|socket| Ok(Self::Unix(socket, Place::of(path)?))),
        };
        bound.map_err(|error| RunError::Listen(address.to_string(), error))
    }

    /// Serves pages until stopped.
    pub(crate) async fn serve(self, pages: Router, stop: CancellationToken) -> std::io::Result<()> {
        let stopped = stop.cancelled_owned();
        match self {
            Self::Tcp(listener) => axum::serve(listener, pages).with_graceful_shutdown(stopped).await,
            Self::Unix(listener, _place) => axum::serve(listener, pages).with_graceful_shutdown(stopped).await,
        }
    }
}

/// Listens at a path, for this user alone. A socket that is left there is replaced; any other file is not.
fn bind_unix(path: &Path) -> std::io::Result<UnixListener> {
    if std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
