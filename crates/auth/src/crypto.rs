//! Encryption of what is kept outside of the process, and comparing in constant time.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The version of the format.
const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const SALT: usize = 32;
const TAG: usize = 16;

/// Keys for sealing: the first seals, all open. Two at a time let keys change without a session lost.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID],
    secret: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.keys.len())
    }
}

/// Keys that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// There are none, or too many for a mistake not to be behind it.
    #[error("between one and four keys are needed, each on a line of its own")]
    Number,
    /// One is not 32 bytes.
    #[error("a key must be 32 random bytes in base64, as `openssl rand -base64 32` writes them")]
    Length,
}

impl Keys {
    /// Reads keys in base64, one a line, the one that seals first.
    ///
    /// # Errors
    /// When there are none or one is not 32 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let decode = |line: &str| {
            let line = line.trim_end_matches('=').replace('+', "-").replace('/', "_");
            URL_SAFE_NO_PAD.decode(line).ok()?.try_into().ok()
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<[u8; 32]> = lines.map(decode).collect::<Option<_>>().ok_or(InvalidKeys::Length)?;
        if secrets.is_empty() || secrets.len() > 4 {
            return Err(InvalidKeys::Number);
        }
        Ok(Self { keys: secrets.into_iter().map(Key::new).collect() })
    }

    /// A key that only this process knows.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { keys: vec![Key::new(random())] }
    }

    /// Encrypts and authenticates, together with what it is for.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let (key, salt) = (&self.keys[0], random::<SALT>());
        let mut sealed = Vec::with_capacity(1 + KEY_ID + SALT + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend(key.id);
        sealed.extend(salt);
        let mut text = plain.to_vec();
        // Fails for texts of 64 GiB alone.
        if key.cipher(&salt, purpose).is_some_and(|cipher| {
            cipher.seal_in_place_append_tag(zero(), Aad::from(purpose.as_bytes()), &mut text).is_ok()
        }) {
            sealed.extend(text);
        }
        sealed
    }

    /// What was sealed for this purpose by one of the keys; nothing in any other case.
    #[must_use]
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&version, rest) = sealed.split_first()?;
        let (id, rest) = rest.split_at_checked(KEY_ID)?;
        let (salt, text) = rest.split_at_checked(SALT)?;
        let key = self.keys.iter().find(|key| key.id == id).filter(|_| version == VERSION)?;
        let mut text = text.to_vec();
        let cipher = key.cipher(salt, purpose)?;
        let plain = cipher.open_in_place(zero(), Aad::from(purpose.as_bytes()), &mut text).ok()?;
        Some(plain.to_vec())
    }

    /// [`Self::seal`] as text for a cookie or a URL.
    #[must_use]
    pub fn seal_text(&self, purpose: &str, plain: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(purpose, plain))
    }

    /// [`Self::open`] of that.
    #[must_use]
    pub fn open_text(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        self.open(purpose, &URL_SAFE_NO_PAD.decode(sealed).ok()?)
    }
}

impl Key {
    fn new(secret: [u8; 32]) -> Self {
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&sha256(&secret)[..KEY_ID]);
        Self { id, secret }
    }

    /// A key for one text alone, so that its nonce can be a constant.
    fn cipher(&self, salt: &[u8], purpose: &str) -> Option<LessSafeKey> {
        let mut bytes = [0; 32];
        Salt::new(HKDF_SHA256, salt)
            .extract(&self.secret)
            .expand(&[b"nuncio seal v1", purpose.as_bytes()], HKDF_SHA256)
            .ok()?
            .fill(&mut bytes)
            .ok()?;
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?))
    }
}

fn zero() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Bytes that nobody can guess.
///
/// # Panics
/// Where the system has none to give: nothing safe can be done then.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    assert!(SystemRandom::new().fill(&mut bytes).is_ok(), "the system has no randomness");
    bytes
}

/// 256 bits that nobody can guess, as text for URLs and cookies.
#[must_use]
pub fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// A code that only who knows the key can make (HMAC-SHA-256, RFC 2104).
#[must_use]
pub fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut code = [0; 32];
    code.copy_from_slice(&tag.as_ref()[..32]);
    code
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// A digest of several things, by which no others are taken for them.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// In hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(half)]));
        }
    }
    text
}

/// What hexadecimal digits of either case stand for.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?).ok();
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Whether both are the same, in a time that tells nothing but whether their lengths are.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_as_they_are_written() {
        assert_eq!(unhex(&hex(&[0, 9, 0xaf])), Some(vec![0, 9, 0xaf]));
        assert_eq!(unhex("AF"), Some(vec![0xaf]));
        for text in ["a", "abc", "xy", "+1", "\u{e9}"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    /// Case 28.
    #[test]
    fn only_what_was_sealed_opens() {
        let (old, new) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
        let before = Keys::parse(&old).unwrap();
        let sealed = before.seal("session a", b"text");
        assert_eq!(Keys::parse(&format!("{new}\n{old}\n")).unwrap().open("session a", &sealed).unwrap(), b"text");
        assert_eq!(Keys::parse(&new).unwrap().open("session a", &sealed), None, "an old key past its window");
        assert_eq!(before.open("session b", &sealed), None, "another's");
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(before.open("session a", &flipped), None, "bit of byte {at}");
            assert_eq!(before.open("session a", &sealed[..at]), None, "cut at {at}");
        }
        assert_ne!(before.seal("session a", b"text"), sealed, "each has a key of its own");
    }

    #[test]
    fn keys_are_read_or_refused() {
        assert_eq!(Keys::parse("\n").unwrap_err(), InvalidKeys::Number);
        assert_eq!(Keys::parse("c2hvcnQ=").unwrap_err(), InvalidKeys::Length);
        assert!(!format!("{:?}", Keys::ephemeral()).contains('['));
    }

    proptest! {
        #[test]
        fn nothing_makes_opening_panic(bytes: Vec<u8>, text in "\\PC*") {
            let keys = Keys::ephemeral();
            prop_assert_eq!(keys.open("p", &bytes), None);
            prop_assert_eq!(keys.open_text("p", &text), None);
        }
    }
}
