//! A service that has the documents of many APIs: at `/apiN/openapi.json` that of the one with this number.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

/// Starts it, for the life of this process.
pub(super) fn start(documents: &[Value]) -> SocketAddr {
    let documents: Arc<Vec<String>> = Arc::new(documents.iter().map(Value::to_string).collect());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let documents = Arc::clone(&documents);
            // Whoever asked may have gone away.
            thread::spawn(move || drop(answer(stream, &documents)));
        }
    });
    address
}

/// Answers one request. A document that the client has is not sent again.
fn answer(mut stream: TcpStream, documents: &[String]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let number = first.strip_prefix("GET /api").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
    let mut is_known = false;
    for line in lines {
        let line = line?.to_lowercase();
        is_known |= line.starts_with("if-none-match:");
        if line.is_empty() {
            break;
        }
    }
    let head = "etag: \"1\"\r\nconnection: close\r\n";
    match number.and_then(|number| documents.get(number)) {
        Some(_) if is_known => write!(stream, "HTTP/1.1 304 Not Modified\r\n{head}\r\n"),
        Some(document) => {
            write!(stream, "HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n{document}", document.len())
        }
        None => write!(stream, "HTTP/1.1 404 Not Found\r\n{head}content-length: 0\r\n\r\n"),
    }
}
