//! Sessions that nobody logged in for, as the service writes them into Redis.

use std::ops::Range;
use std::sync::Arc;

use nuncio_auth::crypto::{Keys, hex, sha256};
use nuncio_auth::login::Session;
use nuncio_authz_tests::Redis;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// So many are sent at once.
const BATCH: u64 = 1_000;
/// So many connections write at a time: one seals while Redis reads what another has sealed.
const WRITERS: u64 = 4;
/// What Redis says to each.
const OK: &[u8] = b"+OK\r\n";
/// Before what is sealed: the revision, of ten digits.
const FIRST_REVISION: &[u8] = b"0000000001";

/// What a browser calls the session of a number.
pub(crate) fn id(number: u64) -> String {
    format!("{number:043}")
}

/// Writes this session under as many names: a multiple of what is sent at once by all.
pub(crate) async fn sessions(redis: &Redis, keys: &Arc<Keys>, count: u64, session: &Value) {
    // Read once, so that a change of the form is noticed.
    let session: Session = serde_json::from_value(session.clone()).unwrap();
    let session: Arc<[u8]> = serde_json::to_vec(&session).unwrap().into();
    let (url, share) = (redis.url(), count / WRITERS);
    let parts = (0..WRITERS).map(|writer| writer * share..(writer + 1) * share);
    let writers = parts.map(|part| tokio::spawn(write(url.clone(), keys.clone(), part, session.clone())));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

async fn write(url: String, keys: Arc<Keys>, numbers: Range<u64>, session: Arc<[u8]>) {
    let mut stream = TcpStream::connect(url.trim_start_matches("redis://")).await.unwrap();
    let mut said = vec![0; OK.len() * BATCH as usize];
    for first in numbers.step_by(BATCH as usize) {
        let mut commands = Vec::new();
        for number in first..first + BATCH {
            let place = format!("s:{}", hex(&sha256(id(number).as_bytes())));
            let value = [FIRST_REVISION, &keys.seal(&place, &session)].concat();
            command(&mut commands, &[b"SET", format!("nuncio:authz:{place}").as_bytes(), &value]);
        }
        stream.write_all(&commands).await.unwrap();
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(said, OK.repeat(BATCH as usize));
    }
}

/// A command in the protocol of Redis.
fn command(commands: &mut Vec<u8>, words: &[&[u8]]) {
    commands.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        commands.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        commands.extend_from_slice(word);
        commands.extend_from_slice(b"\r\n");
    }
}
