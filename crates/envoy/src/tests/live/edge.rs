//! An Envoy that serves tables on a port, with an upstream that answers with what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nuncio_ir::{Discovery, HttpSettings, Listener, Table};
use serde_json::json;
use tempfile::TempDir;

use super::super::build::{self, http_chain, local};
use super::super::envoy;
use super::super::world::World;
use crate::{cluster, listener, table};

pub(super) struct Edge {
    envoy: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
    }
}

/// A response.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Edge {
    /// Serves `tables`, whose routes may forward to the cluster `up`.
    pub(super) fn start(settings: HttpSettings, tables: &[Table]) -> Self {
        let address = own_address();
        let chains = vec![http_chain("edge", settings)];
        let served = Listener { address, ..build::listener("edge", address.port(), chains) };
        let world = World::default()
            .with([cluster(&build::cluster("up", Discovery::Static(vec![local(upstream())])))])
            .with(tables.iter().flat_map(table))
            .with([listener(&served)]);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("envoy.json");
        std::fs::write(&file, json!({"static_resources": world.without_controller()}).to_string()).unwrap();
        let envoy = Command::new(envoy::binary())
            .args(["--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "20", "-l", "error"])
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut edge = Self { envoy, address, _directory: directory };
        edge.wait();
        edge
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address).is_err() {
            assert!(self.envoy.try_wait().unwrap().is_none(), "Envoy is gone");
            assert!(Instant::now() < deadline, "Envoy does not listen");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn get(&self, host: &str, path: &str, headers: &[&str]) -> Reply {
        self.send(host, path, &[headers, &["connection: close"]].concat())
    }

    pub(super) fn upgrade(&self, host: &str, path: &str) -> Reply {
        self.send(host, path, &["connection: upgrade", "upgrade: websocket"])
    }

    fn send(&self, host: &str, path: &str, headers: &[&str]) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\n").as_bytes()).unwrap();
        read_reply(stream)
    }
}

fn read_reply(stream: TcpStream) -> Reply {
    let mut reader = BufReader::new(stream);
    let head = read_head(&mut reader);
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    Reply { status, headers, body: String::from_utf8(body).unwrap() }
}

fn read_head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    head
}

/// An upstream on a port of its own: answers every request with the request's head, and takes upgrades.
fn upstream() -> u16 {
    let listener = TcpListener::bind(local(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream));
        }
    });
    port
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let head = read_head(&mut reader);
        if head.is_empty() {
            return;
        }
        let reply = if head.contains("upgrade: websocket") {
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_owned()
        } else {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len())
        };
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// An address for this process and this call. Nobody else comes to it before its Envoy does: the system takes the ports
/// of others from 127.0.0.1.
fn own_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    ([127, 1 + high % 254, low, NEXT.fetch_add(1, Ordering::Relaxed)], 6080).into()
}
