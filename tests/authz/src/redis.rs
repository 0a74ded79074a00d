//! A Redis server of the test's own, and a Sentinel that knows it.

use std::path::Path;
use std::process::Command;

use nuncio_test_support::{Process, eventually};
use rustix::process::Signal;
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
        Self::launch_at(&free_address(), more).await
    }

    async fn launch_at(address: &str, more: &[&str]) -> Self {
        let (address, directory) = (address.to_owned(), tempfile::tempdir().unwrap());
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

    /// Has it take what it is asked, and not answer.
    pub fn hang(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Has it answer again.
    pub fn go_on(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Starts one that follows this one, and waits until it has what this one has; both want a password.
    pub async fn start_replica(&self, password: &str) -> Self {
        let (host, port) = self.address.split_once(':').unwrap();
        let own = free_address();
        let (own_host, own_port) = own.split_once(':').unwrap();
        let follow = format!("{host} {port}");
        let secret = ["--requirepass", password, "--masterauth", password, "--replicaof", &follow];
        let known_as = ["--replica-announce-ip", own_host, "--replica-announce-port", own_port];
        let replica = Self::launch_at(&own, &[&secret[..], &known_as].concat()).await;
        eventually("the replica follows", async || match replica.call(&["-a", password, "INFO", "replication"]) {
            told if told.contains("master_link_status:up") => Ok(()),
            told => Err(told),
        })
        .await;
        replica
    }

    /// Starts it again at the same address, empty.
    pub async fn restart(&mut self) {
        self.process.end();
        self.process = launch(&self.address, self.directory.path(), &self.arguments).await;
    }

    /// What it says to a command, as `redis-cli` prints it.
    #[must_use]
    pub fn call(&self, arguments: &[&str]) -> String {
        call(&self.address, arguments)
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
            "bind {host}\nport {port}\nsentinel monitor mymaster {at} 1\nsentinel auth-pass mymaster {password}\n\
             sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n"
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

    /// Has it take a server for down that has said nothing for so many milliseconds.
    pub fn waits(&self, milliseconds: u32) {
        let text = milliseconds.to_string();
        let said = call(&self.address, &["SENTINEL", "SET", "mymaster", "down-after-milliseconds", &text]);
        assert_eq!(said.trim(), "OK");
    }

    /// Waits until it knows a replica that can take over.
    pub async fn knows_a_replica(&self) {
        eventually("it knows a replica", async || match call(&self.address, &["SENTINEL", "REPLICAS", "mymaster"]) {
            told if told.contains("master-link-status\nok") => Ok(()),
            told => Err(told),
        })
        .await;
    }
}

/// What a server says to a command, as `redis-cli` prints it.
fn call(address: &str, arguments: &[&str]) -> String {
    let (host, port) = address.split_once(':').unwrap();
    let output = Command::new("redis-cli").args(["-h", host, "-p", port]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn launch(address: &str, directory: &Path, arguments: &[String]) -> Process {
    let process = Process::spawn(Command::new("redis-server").args(arguments).current_dir(directory));
    eventually("Redis listens", async || tokio::net::TcpStream::connect(address).await).await;
    process
}
