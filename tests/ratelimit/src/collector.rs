//! A statsd server over TCP that adds up what it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Counters by name.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Where it listens.
    pub port: u16,
    counters: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Collector {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let collector = Self { port: listener.local_addr()?.port(), counters: Arc::default() };
        let counters = collector.counters.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(collect(stream, counters.clone()));
            }
        });
        Ok(collector)
    }

    /// All counters, so far.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn collect(stream: TcpStream, counters: Arc<Mutex<BTreeMap<String, u64>>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let counter = line.rsplit_once(':').and_then(|(name, value)| {
            let count = value.strip_suffix("|c")?.parse::<f64>().ok()?;
            Some((name.to_owned(), count))
        });
        if let Some((name, count)) = counter {
            // Counters are whole and small.
            *counters.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += count as u64;
        }
    }
}
