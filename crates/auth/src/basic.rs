//! Names and passwords (RFC 7617), held in an `htpasswd` file.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Request, crypto};

/// The users of a filter.
#[derive(Clone)]
pub struct Users {
    hashes: HashMap<String, Hash>,
}

#[derive(Clone)]
enum Hash {
    Bcrypt(String),
    Sha1([u8; 20]),
}

/// A line that is no user. Says which line, not what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsers {
    /// `name:hash` is missing.
    #[error("line {0} is not name:hash")]
    Line(usize),
    /// The hash is of a kind that is not safe, or none.
    #[error("line {0} has no password in bcrypt ($2y$, as `htpasswd -B` writes it) or SHA-1 ({{SHA}})")]
    Hash(usize),
}

/// A name and a password from a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub name: String,
    password: String,
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.hashes.len())
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({:?}, …)", self.name)
    }
}

impl Credentials {
    /// Those of `Authorization: Basic`.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let mut lines = request.headers().get_all(http::header::AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        let (scheme, encoded) = line.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, password) = text.split_once(':')?;
        Some(Self { name: name.to_owned(), password: password.to_owned() })
    }

    /// A digest by which a result can be remembered, for one set of users.
    #[must_use]
    pub fn digest(&self, filter: &str) -> [u8; 32] {
        crypto::sha256(format!("{filter}\0{}\0{}", self.name, self.password).as_bytes())
    }
}

impl Users {
    /// Reads an `htpasswd` file.
    ///
    /// # Errors
    /// When a line is no user with a password in a form that is accepted.
    pub fn parse(text: &str) -> Result<Self, InvalidUsers> {
        let mut hashes = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) =
                line.split_once(':').filter(|(name, _)| !name.is_empty()).ok_or(InvalidUsers::Line(index + 1))?;
            hashes.insert(name.to_owned(), Hash::read(hash).ok_or(InvalidUsers::Hash(index + 1))?);
        }
        Ok(Self { hashes })
    }

    /// Whether the password is the user's. Takes a while, as bcrypt is to; for a name that is not there, too.
    #[must_use]
    pub fn verify(&self, credentials: &Credentials) -> bool {
        // bcrypt passes over what is behind a zero or the 72nd byte: what it would not see is refused.
        if credentials.password.len() > 72 || credentials.password.contains('\0') {
            return false;
        }
        match self.hashes.get(&credentials.name) {
            Some(Hash::Bcrypt(hash)) => bcrypt::verify(&credentials.password, hash).unwrap_or(false),
            Some(Hash::Sha1(digest)) => crypto::same(&sha1(credentials.password.as_bytes()), digest),
            None => {
                // Nobody's password: the time is that of a name that is there.
                let slow = self.hashes.values().find_map(|hash| match hash {
                    Hash::Bcrypt(hash) => Some(hash),
                    Hash::Sha1(_) => None,
                });
                if let Some(hash) = slow {
                    _ = bcrypt::verify(&credentials.password, hash);
                }
                false
            }
        }
    }
}

impl Hash {
    fn read(hash: &str) -> Option<Self> {
        if let Some(encoded) = hash.strip_prefix("{SHA}") {
            return STANDARD.decode(encoded).ok()?.try_into().ok().map(Self::Sha1);
        }
        let is_bcrypt = ["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind));
        let cost: u32 = hash.get(4..6)?.parse().ok()?;
        // A larger cost would take a core for seconds for each guess.
        (is_bcrypt && hash.len() == 60 && (4..=14).contains(&cost)).then(|| Self::Bcrypt(hash.to_owned()))
    }
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn credentials(text: &str) -> Option<Credentials> {
        let mut request = Request::new("GET", "https", "a", "/");
        request.add_header("authorization", format!("basic {}", STANDARD.encode(text)).as_bytes());
        Credentials::of(&request)
    }

    #[test]
    fn passwords_are_those_of_the_file() {
        let hash = bcrypt::hash("open:sesame", 4).unwrap();
        let sha = STANDARD.encode(sha1(b"pw"));
        let users = Users::parse(&format!("# people\nann:{hash}\n\nbob:{{SHA}}{sha}\n")).unwrap();
        let verify = |text: &str| users.verify(&credentials(text).unwrap());
        assert!(verify("ann:open:sesame") && verify("bob:pw"));
        assert!(!verify("ann:open") && !verify("eve:open:sesame") && !verify("bob:") && !verify("ann:open:sesame\0x"));
        assert!(credentials("nobody").is_none());
        assert!(!format!("{users:?} {:?}", credentials("ann:pw")).contains("pw"));
    }

    #[test]
    fn other_lines_are_mistakes() {
        assert_eq!(Users::parse("a:b").unwrap_err(), InvalidUsers::Hash(1));
        assert_eq!(Users::parse("\nann").unwrap_err(), InvalidUsers::Line(2));
        let costly = format!("a:$2y$31${}", "a".repeat(53));
        assert_eq!(Users::parse(&costly).unwrap_err(), InvalidUsers::Hash(1));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,80}") {
            _ = Users::parse(&text);
            _ = credentials(&text);
        }
    }
}
