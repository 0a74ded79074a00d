//! Where the parts of a cluster listen and keep their files.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use nuncio_test_support::own_address;
use tempfile::TempDir;

/// The usual ports of the parts. The address is the cluster's own, so they are free.
pub(crate) const ETCD: u16 = 2379;
pub(crate) const ETCD_PEERS: u16 = 2380;
pub(crate) const API_SERVER: u16 = 6443;

/// The addresses of Services, where nothing listens.
pub(crate) const SERVICES: &str = "10.247.0.0/16";
/// The first of them, which is the API server's.
pub(crate) const KUBERNETES_SERVICE: &str = "10.247.0.1";

/// An address and a directory.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) ip: Ipv4Addr,
    directory: TempDir,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("nuncio-kube-").tempdir().expect("a temporary directory");
        Self { ip: own_address(), directory }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A file or directory of this name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// Keeps the directory when the cluster is gone, also when the group of its processes ends it (see
    /// [`nuncio_test_support::Group`]).
    pub(crate) fn keep(&self) {
        std::fs::write(self.file("keep"), "").expect("a file");
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        let keep = self.file("keep").exists();
        self.directory.disable_cleanup(keep);
    }
}
