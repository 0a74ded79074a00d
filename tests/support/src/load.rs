//! Load that costs little beside what is measured: gRPC in HTTP/2 frames that are put together here.
//!
//! A client library needs as much time for a call as a fast service, so that it is the client that would be saturated. As an
//! Envoy does, a connection indexes its headers, and sends what it has at once.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Types and flags of frames (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const FRAME_HEADER: usize = 9;
/// What stands before a message of gRPC: whether it is compressed, and its length.
const PREFIX: usize = 5;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const LARGEST_WINDOW: u32 = i32::MAX as u32;
/// `:method: POST`, `:scheme: http`, and the four fields that the first request put into the table (RFC 7541).
const INDEXED: [u8; 6] = [0x83, 0x86, 0xc1, 0xc0, 0xbf, 0xbe];

/// Writes the message of a number.
pub type Write = Arc<dyn Fn(u64, &mut Vec<u8>) + Send + Sync>;

/// What a connection asks, and when.
#[derive(Clone)]
pub struct Plan {
    /// Whom.
    pub address: SocketAddr,
    /// Of the method: `/package.Service/Method`.
    pub path: &'static str,
    /// What.
    pub message: Write,
    /// Until when.
    pub end: Instant,
    /// Calls in flight at most.
    pub streams: usize,
    /// The first of its numbers, and how far apart they are.
    pub numbers: (u64, u64),
    /// Between two calls; none for as soon as a stream is free.
    pub pause: Option<Duration>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("path", &self.path).field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// A connection of HTTP/2.
struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    next_stream: u32,
    in_flight: HashMap<u32, Call>,
    /// How long calls took.
    times: Vec<Duration>,
}

struct Call {
    sent: Instant,
    /// A message came: an error has none.
    answered: bool,
}

/// Asks as planned, and says how long each answer took.
///
/// # Errors
/// When a call fails, or the connection does.
pub async fn run(plan: Plan) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(plan.address).await?;
    let (mut number, mut next) = (plan.numbers.0, Instant::now());
    if let Some(pause) = plan.pause {
        // Connections do not ask at the same time.
        next += pause.mul_f64(plan.numbers.0 as f64 / plan.numbers.1 as f64);
    }
    loop {
        let now = Instant::now();
        let over = now >= plan.end;
        while !over && connection.in_flight.len() < plan.streams && (plan.pause.is_none() || next <= now) {
            connection.ask(plan.path, |message| (plan.message)(number, message));
            number += plan.numbers.1;
            next += plan.pause.unwrap_or_default();
        }
        if over && connection.in_flight.is_empty() {
            return Ok(connection.times);
        }
        connection.flush().await?;
        let free = !over && connection.in_flight.len() < plan.streams;
        tokio::select! {
            received = connection.receive() => received?,
            () = tokio::time::sleep_until(next.into()), if free => {}
        }
    }
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (input, output) = (Vec::with_capacity(1 << 16), Vec::with_capacity(1 << 16));
        let mut connection =
            Self { stream, input, output, next_stream: 1, in_flight: HashMap::new(), times: Vec::new() };
        connection.output.extend_from_slice(PREFACE);
        // Windows that are never used up: SETTINGS_INITIAL_WINDOW_SIZE is 4.
        let mut settings = vec![0, 4];
        settings.extend_from_slice(&LARGEST_WINDOW.to_be_bytes());
        connection.frame(SETTINGS, 0, 0, &settings);
        connection.frame(WINDOW_UPDATE, 0, 0, &(LARGEST_WINDOW - 65_535).to_be_bytes());
        Ok(connection)
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        // Frames here are small: three bytes hold their length.
        self.output.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        self.output.extend_from_slice(&[kind, flags]);
        self.output.extend_from_slice(&stream.to_be_bytes());
        self.output.extend_from_slice(payload);
    }

    fn ask(&mut self, path: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let id = self.next_stream;
        self.next_stream += 2;
        if id == 1 {
            self.frame(HEADERS, END_HEADERS, id, &first_headers(path));
        } else {
            self.frame(HEADERS, END_HEADERS, id, &INDEXED);
        }
        let mut data = vec![0; PREFIX];
        write(&mut data);
        let length = (data.len() - PREFIX) as u32;
        data[1..PREFIX].copy_from_slice(&length.to_be_bytes());
        self.frame(DATA, END_STREAM, id, &data);
        self.in_flight.insert(id, Call { sent: Instant::now(), answered: false });
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    /// Waits for something, and takes all frames that are complete.
    async fn receive(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            return Err(io::Error::other("the service closed the connection"));
        }
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        while let Some((header, after)) = rest.split_first_chunk::<FRAME_HEADER>() {
            let [a, b, c, kind, flags, stream @ ..] = *header;
            let Some((payload, after)) = after.split_at_checked(u32::from_be_bytes([0, a, b, c]) as usize) else {
                break;
            };
            self.handle(kind, flags, u32::from_be_bytes(stream), payload)?;
            rest = after;
        }
        let taken = input.len() - rest.len();
        self.input = input;
        self.input.drain(..taken);
        Ok(())
    }

    fn handle(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        match kind {
            SETTINGS | PING if flags & ACK == 0 => {
                let payload = if kind == PING { payload } else { &[] };
                self.frame(kind, ACK, 0, payload);
            }
            DATA => self.in_flight.get_mut(&stream).ok_or_else(|| io::Error::other("data of no call"))?.answered = true,
            GOAWAY => return Err(io::Error::other("the service wants no more calls")),
            _ => {}
        }
        if kind == RESET || (matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0) {
            let call = self.in_flight.remove(&stream).ok_or_else(|| io::Error::other("the end of no call"))?;
            if !call.answered {
                return Err(io::Error::other("a call failed"));
            }
            self.times.push(call.sent.elapsed());
        }
        Ok(())
    }
}

/// What [`INDEXED`] stands for, written out and put into the table.
fn first_headers(path: &str) -> Vec<u8> {
    let mut block = vec![INDEXED[0], INDEXED[1]];
    // Names of the static table: `:path` is 4, `:authority` 1, `content-type` 31; `te` is in none.
    for (name, value) in [(0x44, path), (0x41, "localhost"), (0x5f, "application/grpc")] {
        block.push(name);
        // Below 127, and so one byte.
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
    }
    block.extend_from_slice(b"\x40\x02te\x08trailers");
    block
}
