//! Whatever clients, providers and templates say, the login comes to an end with it, and nobody is let in by it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checks;
mod parsers;

use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use nuncio_fuzz::{broken, pieces, run};

/// What is not a hang, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Feeds case after case, none of which may take long.
fn each(mut target: impl FnMut(&[u8])) {
    run(|bytes| {
        let begun = Instant::now();
        target(bytes);
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    });
}

/// A text of these pieces, as many as there are bytes, some of it broken.
fn odd(bytes: &[u8], of: &[&str]) -> Vec<u8> {
    let text = pieces(&mut Unstructured::new(bytes), of).unwrap();
    let backwards: Vec<u8> = bytes.iter().rev().copied().collect();
    broken(&mut Unstructured::new(&backwards), text, of).unwrap()
}

/// The same as text, and short.
fn short(bytes: &[u8], of: &[&str]) -> String {
    let length = bytes.first().map_or(0, |byte| usize::from(byte % 64));
    String::from_utf8_lossy(&odd(&bytes[..length.min(bytes.len())], of)).into_owned()
}
