//! A Redis server of the test's own, and a Sentinel that knows it.

use std::path::Path;
use std::process::Command;

use nuncio_test_support::{Process, eventually};
use tempfile::TempDir;

use crate::free_address;

/// A running `redis-server` that keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    address: String,
    arguments: Vec<String>,
    process: Process,
    directory: TempDir,
}

impl Redis {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more arguments.
    pub async fn start_with(more: &[&str]) -> Self {
        let (address, directory) = (free_address(), tempfile::tempdir().unwrap());
        let (host, port) = address.split_once(':').unwrap();
        let own = ["--bind", host, "--port", port, "--save", "", "--appendonly", "no"];
        let arguments: Vec<String> = own.iter().chain(more).map(ToString::to_string).collect();
        let process = launch(&address, directory.path(), &arguments).await;
        Self { address, arguments, process, directory }
    }

    /// Its address as the service takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.process.end();
    }

    /// Starts it again at the same address, empty.
    pub async fn restart(&mut self) {
        self.process.end();
        self.process = launch(&self.address, self.directory.path(), &self.arguments).await;
    }

    /// What it says to a command, as `redis-cli` prints it.
    #[must_use]
    pub fn call(&self, arguments: &[&str]) -> String {
        let (host, port) = self.address.split_once(':').unwrap();
        let output = Command::new("redis-cli").args(["-h", host, "-p", port]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Everything that it holds.
    #[must_use]
    pub fn dump(&self) -> String {
        let keys = self.call(&["KEYS", "*"]);
        let shown = |key: &str| format!("{key}: {}{}\n", self.call(&["GET", key]), self.call(&["SMEMBERS", key]));
        keys.lines().map(shown).collect()
    }
}

/// A running Sentinel.
#[derive(Debug)]
pub struct Sentinel {
    address: String,
    _process: Process,
    _directory: TempDir,
}

impl Sentinel {
    /// Starts one that knows this Redis, which wants a password, as `mymaster`.
    pub async fn start(redis: &Redis, password: &str) -> Self {
        let (address, directory) = (free_address(), tempfile::tempdir().unwrap());
        let (host, port) = address.split_once(':').unwrap();
        let at = redis.address.replace(':', " ");
        let file = directory.path().join("sentinel.conf");
        let settings = format!(
            "bind {host}\nport {port}\nsentinel monitor mymaster {at} 1\nsentinel auth-pass mymaster {password}\n"
        );
        std::fs::write(&file, settings).unwrap();
        let arguments = [file.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        let process = launch(&address, directory.path(), &arguments).await;
        Self { address, _process: process, _directory: directory }
    }

    /// Its address as the service takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

async fn launch(address: &str, directory: &Path, arguments: &[String]) -> Process {
    let process = Process::spawn(Command::new("redis-server").args(arguments).current_dir(directory));
    eventually("Redis listens", async || tokio::net::TcpStream::connect(address).await).await;
    process
}
