//! A place of its own for a test: a directory, and an address.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nuncio_test_support::{own_address, processes_of};
use tempfile::TempDir;

use crate::tools;

/// Where Listeners of tests listen for clear text. Below the ports that the system gives to clients, and below those of
/// the corpus, whose Listeners are at every address.
const HTTP: u16 = 7080;
const HTTPS: u16 = 7443;
const ADMIN: u16 = 7877;
const XDS: u16 = 7003;

/// A directory and a loopback address that no other test uses.
#[derive(Debug)]
pub struct Site {
    ip: Ipv4Addr,
    root: TempDir,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    /// A new one, with an empty directory of manifests.
    ///
    /// # Panics
    /// If no directory can be made.
    #[must_use]
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("nuncio-e2e-").tempdir().expect("a temporary directory");
        for name in ["manifests", "run"] {
            fs::create_dir(root.path().join(name)).expect("a directory");
        }
        Self { ip: own_address(), root }
    }

    /// Its address.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.ip.into()
    }

    /// A port on its address.
    #[must_use]
    pub fn at(&self, port: u16) -> SocketAddr {
        (self.ip, port).into()
    }

    /// Where clear text is served by [`yaml::listeners`](crate::yaml::listeners).
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.at(HTTP)
    }

    /// Where TLS is served by [`yaml::listeners`](crate::yaml::listeners).
    #[must_use]
    pub fn https(&self) -> SocketAddr {
        self.at(HTTPS)
    }

    /// Where diagnostics are served.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.at(ADMIN)
    }

    /// Where a controller serves xDS.
    #[must_use]
    pub fn xds(&self) -> SocketAddr {
        self.at(XDS)
    }

    /// The directory that everything of this test is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The directory of manifests.
    #[must_use]
    pub fn manifests(&self) -> PathBuf {
        self.root().join("manifests")
    }

    /// The directory in which gateways make their private directories.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.root().join("run")
    }

    /// Writes a manifest file as editors do: whole, under another name, then moved into place.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.manifests().join(file);
        fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory");
        let aside = self.root().join("aside");
        fs::write(&aside, content).expect("a file");
        fs::rename(&aside, path).expect("a file that can be moved");
    }

    /// Removes a manifest file.
    ///
    /// # Panics
    /// If there is none.
    pub fn remove(&self, file: &str) {
        fs::remove_file(self.manifests().join(file)).expect("a file to remove");
    }

    /// Puts files into the directory as Kubernetes puts a `ConfigMap` into a volume: each is a link through `..data`, which
    /// is a link to a directory that is changed in one step.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn mount(&self, version: &str, files: &[(&str, &str)]) {
        let manifests = self.manifests();
        let hidden = format!("..{version}");
        fs::create_dir(manifests.join(&hidden)).expect("a directory");
        for (name, content) in files {
            fs::write(manifests.join(&hidden).join(name), content).expect("a file");
        }
        let [data, new] = ["..data", "..data_tmp"].map(|name| manifests.join(name));
        let old = fs::read_link(&data).ok();
        symlink(&hidden, &new).expect("a link");
        fs::rename(&new, &data).expect("a link that can be moved");
        for (name, _) in files {
            let link = manifests.join(name);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(name), link).expect("a link");
            }
        }
        if let Some(old) = old {
            fs::remove_dir_all(manifests.join(old)).expect("the old version can be removed");
        }
    }

    /// `nuncio` with these arguments, at home in this place.
    #[must_use]
    pub fn nuncio(&self, args: &[&str]) -> Command {
        let mut command = Command::new(tools::nuncio());
        command.args(args).env("XDG_RUNTIME_DIR", self.run()).env("TMPDIR", self.run()).current_dir(self.root());
        for name in
            ["NUNCIO_ADMIN", "NUNCIO_ENVOY", "NUNCIO_LOG", "NUNCIO_XDS", "AMBASSADOR_ID", "AMBASSADOR_NAMESPACE"]
        {
            command.env_remove(name);
        }
        command
    }

    /// `nuncio up` on this place's manifests and addresses.
    #[must_use]
    pub fn up(&self) -> Command {
        self.up_at(self.ip())
    }

    /// The same with another Envoy.
    #[must_use]
    pub fn up_on(&self, envoy: &Path) -> Command {
        self.command(self.ip(), envoy)
    }

    /// The same with Listeners at another address.
    #[must_use]
    pub fn up_at(&self, bind: IpAddr) -> Command {
        self.command(bind, &tools::envoy())
    }

    /// The same with diagnostics at all of the machine's addresses: for one that has a network of its own.
    #[must_use]
    pub fn up_for_others(&self, bind: IpAddr) -> Command {
        let admin = SocketAddr::from((Ipv4Addr::UNSPECIFIED, self.admin().port()));
        let mut command = self.up_with(bind, &tools::envoy(), admin);
        command.arg(self.manifests());
        command
    }

    fn command(&self, bind: IpAddr, envoy: &Path) -> Command {
        let mut command = self.up_without_manifests(bind, envoy);
        command.arg(self.manifests());
        command
    }

    /// `nuncio up` at this place's addresses, not told yet where manifests are.
    #[must_use]
    pub fn up_without_manifests(&self, bind: IpAddr, envoy: &Path) -> Command {
        self.up_with(bind, envoy, self.admin())
    }

    fn up_with(&self, bind: IpAddr, envoy: &Path, admin: SocketAddr) -> Command {
        let mut command = self.nuncio(&["up", "--concurrency", "1"]);
        command.arg("--envoy").arg(envoy);
        command.args(["--bind", &bind.to_string(), "--admin", &admin.to_string()]);
        command
    }

    /// What is left of gateways: processes, and files in their runtime directories.
    ///
    /// # Panics
    /// If the directory cannot be read.
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let processes = processes_of(self.root()).into_iter().map(|(id, command)| format!("process {id}: {command}"));
        let files = fs::read_dir(self.run()).expect("the runtime directory");
        processes.chain(files.map(|file| file.expect("a file").path().display().to_string())).collect()
    }
}

impl Drop for Site {
    /// Whatever a test started has ended before its place goes.
    fn drop(&mut self) {
        let processes = processes_of(self.root());
        if !processes.is_empty() {
            let text = format!("left behind: {processes:?}");
            assert!(thread::panicking(), "{text}");
            eprintln!("{text}");
        }
    }
}
