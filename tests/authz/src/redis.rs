//! A Redis server of the test's own.

use std::process::Command;

use nuncio_test_support::{Process, eventually};

use crate::free_address;

/// A running `redis-server` that keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    address: String,
    process: Process,
}

impl Redis {
    /// Starts one.
    pub async fn start() -> Self {
        let address = free_address();
        let process = launch(&address).await;
        Self { address, process }
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
        self.process = launch(&self.address).await;
    }

    /// Everything that it holds, as `redis-cli` prints it.
    #[must_use]
    pub fn dump(&self) -> String {
        let (host, port) = self.address.split_once(':').unwrap();
        let call = |arguments: &[&str]| {
            let output = Command::new("redis-cli").args(["-h", host, "-p", port]).args(arguments).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let keys = call(&["KEYS", "*"]);
        keys.lines().map(|key| format!("{key}: {}{}\n", call(&["GET", key]), call(&["SMEMBERS", key]))).collect()
    }
}

async fn launch(address: &str) -> Process {
    let (host, port) = address.split_once(':').unwrap();
    let process = Process::spawn(
        Command::new("redis-server")
            .args(["--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir"])
            .arg(std::env::temp_dir()),
    );
    eventually("Redis listens", async || tokio::net::TcpStream::connect(address).await).await;
    process
}
