//! Load over HTTP/1.1, and what `wrk` says of it.

use std::process::Command;
use std::time::Duration;

/// What it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) requests: usize,
    /// Milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Asks for this long, over so many connections, with a header by which requests are let through.
pub(crate) async fn run(url: &str, header: &str, connections: usize, length: Duration) -> Said {
    let seconds = length.as_secs().max(1);
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--connections", &connections.to_string(), "--duration", &format!("{seconds}s")]);
    wrk.args(["--latency", "--header", header, url]);
    let output = tokio::task::spawn_blocking(move || wrk.output()).await.unwrap();
    let output = output.expect("wrk is missing: scripts/setup.sh bench");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !text.contains("Non-2xx"), "{url}: {text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    let before = |word: &str| words[words.iter().position(|found| *found == word).expect(word) - 1];
    let after = |word: &str| words[words.iter().position(|found| *found == word).expect(word) + 1];
    Said {
        requests: before("requests").parse().unwrap(),
        p50: milliseconds(after("50%")),
        p99: milliseconds(after("99%")),
    }
}

fn milliseconds(text: &str) -> f64 {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number: f64 = digits.parse().unwrap();
    match &text[digits.len()..] {
        "us" => number / 1e3,
        "ms" => number,
        _ => number * 1e3,
    }
}
