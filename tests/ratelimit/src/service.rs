//! The service, ours or the original.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::Entry;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_client::RateLimitServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::Channel;

use crate::process::{Process, command, free_port, root};

/// Where rules are written.
const FILES: [&str; 3] = ["rules.yaml", "more.yaml", "other.yaml"];

/// A client of a service.
pub type Client = RateLimitServiceClient<Channel>;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This project's.
    Ours,
    /// envoyproxy/ratelimit.
    Original,
}

impl Which {
    fn program(self) -> anyhow::Result<PathBuf> {
        let path = match self {
            // Beside the program that asks, or one directory up from a test.
            Self::Ours => match std::env::var_os("NUNCIO_RATELIMIT") {
                Some(path) => path.into(),
                None => {
                    let here = std::env::current_exe()?;
                    let directories = here.ancestors().skip(1).take(2);
                    let mut found = directories.map(|directory| directory.join("ratelimit"));
                    found.find(|path| path.is_file()).context("run first: cargo build -p nuncio-ratelimit")?
                }
            },
            Self::Original => root().join(".tools/bin/ratelimit-oracle"),
        };
        if !path.is_file() {
            bail!("{} is missing: run scripts/setup.sh ratelimit", path.display());
        }
        Ok(path)
    }
}

/// A running service with rules of its own.
#[derive(Debug)]
pub struct Service {
    process: Process,
    grpc: u16,
    http: u16,
    debug: u16,
    rules: tempfile::TempDir,
    log: tempfile::NamedTempFile,
}

impl Service {
    /// Starts one with these rules and variables, and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(which: Which, rules: &str, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_with(command(which.program()?, None), &[rules], variables).await
    }

    /// The same, with rules in several files.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_of(which: Which, files: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_with(command(which.program()?, None), files, variables).await
    }

    /// The same, on one processor.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_pinned(
        which: Which,
        processor: usize,
        rules: &str,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        Self::start_with(command(which.program()?, Some(processor)), &[rules], variables).await
    }

    async fn start_with(mut command: Command, files: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        std::fs::create_dir(directory.path().join("config"))?;
        for (rules, name) in files.iter().zip(FILES) {
            std::fs::write(directory.path().join("config").join(name), rules)?;
        }
        let (grpc, http, debug) = (free_port()?, free_port()?, free_port()?);
        command
            .env("RUNTIME_ROOT", directory.path())
            .env("RUNTIME_WATCH_ROOT", "false")
            .env("GRPC_PORT", grpc.to_string())
            .env("PORT", http.to_string())
            .env("DEBUG_PORT", debug.to_string())
            .env("HOST", "127.0.0.1")
            .env("GRPC_HOST", "127.0.0.1")
            .env("DEBUG_HOST", "127.0.0.1")
            .env("USE_STATSD", "false")
            .env("REDIS_SOCKET_TYPE", "tcp")
            .env("REDIS_PERSECOND_SOCKET_TYPE", "tcp")
            .env("LOG_LEVEL", "error")
            .envs(variables.iter().copied());
        let log = tempfile::NamedTempFile::new()?;
        let process = Process::start_logging(&mut command, log.reopen()?)?;
        let service = Self { process, grpc, http, debug, rules: directory, log };
        service.wait().await?;
        Ok(service)
    }

    async fn wait(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        // The original opens them in any order.
        for port in [self.grpc, self.http, self.debug] {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                if Instant::now() > deadline {
                    bail!("the service does not start");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Tells it to end, and gives how it ended.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(mut self) -> anyhow::Result<std::process::ExitStatus> {
        self.process.signal(rustix::process::Signal::TERM)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.process.ended()? {
                Some(status) => return Ok(status),
                None if Instant::now() > deadline => bail!("the service does not end"),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// What it logged until now; nothing but errors, unless `LOG_LEVEL` is among the variables.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.log.path())?)
    }

    /// The port of `/json` and `/healthcheck`.
    pub fn http_port(&self) -> u16 {
        self.http
    }

    /// The port of `/stats` and `/rlconfig`.
    pub fn debug_port(&self) -> u16 {
        self.debug
    }

    /// Writes other rules, in one step: nobody reads half of them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_rules(&self, rules: &str) -> anyhow::Result<()> {
        let beside = self.rules.path().join("next");
        std::fs::write(&beside, rules)?;
        Ok(std::fs::rename(&beside, self.rules_directory().join(FILES[0]))?)
    }

    /// Where the files of rules are.
    pub fn rules_directory(&self) -> PathBuf {
        self.rules.path().join("config")
    }

    /// The port of gRPC.
    pub fn grpc_port(&self) -> u16 {
        self.grpc
    }

    /// A client with a connection of its own.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{}", self.grpc))?
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(16 << 20);
        Ok(Client::new(endpoint.connect().await?))
    }

    /// The body of a page, in one piece: in HTTP/1.0 there are no chunks.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn body(port: u16, path: &str) -> anyhow::Result<String> {
        let page = exchange(port, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")).await?;
        page.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).context("no body")
    }

    /// A page, with its head.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn get(port: u16, path: &str) -> anyhow::Result<String> {
        exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
    }

    /// The answer to a body of JSON, with its head.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn post(port: u16, path: &str, body: &str) -> anyhow::Result<String> {
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        exchange(port, &(head + body)).await
    }
}

/// What is answered until the other side ends the connection.
async fn exchange(port: u16, request: &str) -> anyhow::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

/// A descriptor of keys and values.
pub fn descriptor(entries: &[(&str, &str)]) -> RateLimitDescriptor {
    let entries = entries.iter().map(|(key, value)| Entry { key: (*key).to_owned(), value: (*value).to_owned() });
    RateLimitDescriptor { entries: entries.collect(), ..RateLimitDescriptor::default() }
}

/// A request of these descriptors.
pub fn request(domain: &str, descriptors: Vec<RateLimitDescriptor>) -> RateLimitRequest {
    RateLimitRequest { domain: domain.to_owned(), descriptors, hits_addend: 0 }
}
