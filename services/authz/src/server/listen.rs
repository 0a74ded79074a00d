//! Addresses that are had, at ports and at paths.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use axum::Router;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::run::RunError;
use crate::settings::Address;

/// What listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(crate) async fn bind(address: &Address) -> Result<Self, RunError> {
        let bound = match address {
            Address::Tcp(tcp) => TcpListener::bind(tcp).await.map(Self::Tcp),
            Address::Unix(path) => bind_unix(path).map(Self::Unix),
        };
        bound.map_err(|error| RunError::Listen(address.to_string(), error))
    }

    /// Serves pages until stopped.
    pub(crate) async fn serve(self, pages: Router, stop: CancellationToken) -> std::io::Result<()> {
        let stopped = stop.cancelled_owned();
        match self {
            Self::Tcp(listener) => axum::serve(listener, pages).with_graceful_shutdown(stopped).await,
            Self::Unix(listener) => axum::serve(listener, pages).with_graceful_shutdown(stopped).await,
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
