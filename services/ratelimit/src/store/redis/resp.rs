//! Redis' protocol, RESP2, as far as it is needed.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::counter_key::put_decimal;

/// How large a bulk string or an array of a reply may be; ours are small.
const LARGEST: i64 = 16 << 20;
/// How deep arrays of a reply may be nested: `CLUSTER SLOTS` has four.
const DEPTH: usize = 8;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Status(String),
    Error(String),
    Int(i64),
    Bulk(Option<Bytes>),
    Array(Vec<Reply>),
}

/// Writes a command.
pub(super) fn command(to: &mut BytesMut, arguments: &[&[u8]]) {
    header(to, b'*', arguments.len());
    for argument in arguments {
        bulk(to, argument);
    }
}

fn header(to: &mut BytesMut, kind: u8, length: usize) {
    to.put_u8(kind);
    put_decimal(to, length as u64);
    to.put_slice(b"\r\n");
}

fn bulk(to: &mut BytesMut, text: &[u8]) {
    header(to, b'$', text.len());
    to.put_slice(text);
    to.put_slice(b"\r\n");
}

/// Writes `INCRBY key hits` or another command of a key and a number; `head` is `*3\r\n` and the name as bulk string.
pub(super) fn key_and_number(to: &mut BytesMut, head: &'static [u8], key: &[u8], number: u64) {
    let mut digits = BytesMut::with_capacity(20);
    put_decimal(&mut digits, number);
    to.reserve(head.len() + key.len() + 48);
    to.put_slice(head);
    bulk(to, key);
    bulk(to, &digits);
}

/// What came is no RESP.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reply is not of Redis' protocol")]
pub(super) struct Garbage;

/// Takes a complete reply off the front; none where more must come first.
pub(super) fn take(from: &mut BytesMut) -> Result<Option<Reply>, Garbage> {
    let mut cursor = Cursor { bytes: from, at: 0 };
    match cursor.reply(0)? {
        Some(reply) => {
            let length = cursor.at;
            from.advance(length);
            Ok(Some(reply))
        }
        None => Ok(None),
    }
}

struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn reply(&mut self, depth: usize) -> Result<Option<Reply>, Garbage> {
        let Some(line) = self.line() else { return Ok(None) };
        let (kind, rest) = line.split_first().ok_or(Garbage)?;
        match kind {
            b'+' => Ok(Some(Reply::Status(String::from_utf8_lossy(rest).into_owned()))),
            b'-' => Ok(Some(Reply::Error(String::from_utf8_lossy(rest).into_owned()))),
            b':' => Ok(Some(Reply::Int(number(rest)?))),
            b'$' => self.bulk(number(rest)?),
            b'*' => self.array(number(rest)?, depth),
            _ => Err(Garbage),
        }
    }

    fn line(&mut self) -> Option<&'b [u8]> {
        let bytes: &'b [u8] = self.bytes;
        let rest = &bytes[self.at..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        self.at += end + 2;
        Some(&rest[..end])
    }

    fn bulk(&mut self, length: i64) -> Result<Option<Reply>, Garbage> {
        if length == -1 {
            return Ok(Some(Reply::Bulk(None)));
        }
        let length = usize::try_from(length).ok().filter(|_| length <= LARGEST).ok_or(Garbage)?;
        let Some(text) = self.bytes.get(self.at..self.at + length) else { return Ok(None) };
        if self.bytes.len() < self.at + length + 2 {
            return Ok(None);
        }
        self.at += length + 2;
        Ok(Some(Reply::Bulk(Some(Bytes::copy_from_slice(text)))))
    }

    fn array(&mut self, length: i64, depth: usize) -> Result<Option<Reply>, Garbage> {
        if depth >= DEPTH || length > LARGEST {
            return Err(Garbage);
        }
        let mut items = Vec::new();
        for _ in 0..length.max(0) {
            match self.reply(depth + 1)? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        Ok(Some(Reply::Array(items)))
    }
}

fn number(digits: &[u8]) -> Result<i64, Garbage> {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(Garbage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Reply> {
        let mut bytes = BytesMut::from(text);
        std::iter::from_fn(|| take(&mut bytes).unwrap()).collect()
    }

    #[test]
    fn replies_are_read_whole_or_not_at_all() {
        let text = "+OK\r\n:12\r\n-ERR no\r\n$3\r\nabc\r\n$-1\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n";
        let expected = vec![
            Reply::Status("OK".to_owned()),
            Reply::Int(12),
            Reply::Error("ERR no".to_owned()),
            Reply::Bulk(Some(Bytes::from_static(b"abc"))),
            Reply::Bulk(None),
            Reply::Array(vec![Reply::Int(1), Reply::Array(vec![Reply::Bulk(Some(Bytes::from_static(b"x")))])]),
        ];
        assert_eq!(all(text), expected);
        for end in 0..text.len() {
            assert!(expected.starts_with(&all(&text[..end])));
        }
    }

    #[test]
    fn garbage_is_refused() {
        for text in ["HTTP/1.1 400\r\n", ":x\r\n", "$99999999999\r\n", "\r\n"] {
            assert_eq!(take(&mut BytesMut::from(text)), Err(Garbage));
        }
    }

    #[test]
    fn commands_are_arrays_of_bulk_strings() {
        let mut to = BytesMut::new();
        command(&mut to, &[b"PING"]);
        key_and_number(&mut to, b"*3\r\n$6\r\nINCRBY\r\n", b"k", 10);
        assert_eq!(to, "*1\r\n$4\r\nPING\r\n*3\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$2\r\n10\r\n");
    }
}
