//! Links to previews: who has one is let in, until it is over or all of its generation are.
//!
//! A link holds a *pass*: `GENERATION.EXPIRES.CODE`, where the code is one that only who knows the preview's key can make. It is
//! exchanged for a cookie with a pass of its own, so that neither is good in the other's place.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::{hmac_sha256, same};

/// Where a pass is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// In a URL.
    Link,
    /// In the cookie that it was exchanged for.
    Cookie,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Link => "nuncio share link",
            Self::Cookie => "nuncio share cookie",
        }
    }
}

/// What lets somebody see a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// That of the preview when it was made.
    pub generation: u32,
    /// Until when it is good, in seconds since 1970.
    pub expires: u64,
}

/// Why a pass lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was not made for this preview, or somebody has changed it.
    Forged,
    /// Its preview has another generation by now.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Pass {
    /// The pass as it is shown.
    #[must_use]
    pub fn sign(self, key: &[u8], purpose: Purpose) -> String {
        let Self { generation, expires } = self;
        format!("{generation}.{expires}.{}", URL_SAFE_NO_PAD.encode(self.code(key, purpose)))
    }

    /// Reads a pass that somebody shows.
    ///
    /// # Errors
    /// Why it is none, or none any more.
    pub fn read(text: &str, key: &[u8], purpose: Purpose, generation: u32, now: u64) -> Result<Self, Refused> {
        let pass = Self::parse(text, key, purpose).ok_or(Refused::Forged)?;
        match (pass.generation == generation, now < pass.expires) {
            (false, _) => Err(Refused::Revoked),
            (true, false) => Err(Refused::Expired),
            (true, true) => Ok(pass),
        }
    }

    fn parse(text: &str, key: &[u8], purpose: Purpose) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (generation, expires) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let code = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let pass = Self { generation, expires };
        same(&code, &pass.code(key, purpose)).then_some(pass)
    }

    fn code(self, key: &[u8], purpose: Purpose) -> [u8; 32] {
        hmac_sha256(key, format!("{}\n{}\n{}", purpose.label(), self.generation, self.expires).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASS: Pass = Pass { generation: 3, expires: 1_000 };

    #[test]
    fn a_pass_is_good_for_its_preview_in_its_place_until_it_is_over() {
        let shown = PASS.sign(b"key", Purpose::Link);
        let read = |key: &[u8], purpose, generation, now| Pass::read(&shown, key, purpose, generation, now);
        assert_eq!(read(b"key", Purpose::Link, 3, 999), Ok(PASS));
        assert_eq!(read(b"key", Purpose::Link, 3, 1_000), Err(Refused::Expired));
        assert_eq!(read(b"key", Purpose::Link, 4, 0), Err(Refused::Revoked));
        assert_eq!(read(b"key", Purpose::Cookie, 3, 0), Err(Refused::Forged));
        assert_eq!(read(b"other", Purpose::Link, 3, 0), Err(Refused::Forged));
    }

    #[test]
    fn nobody_makes_one_last_longer_or_of_another_generation() {
        let shown = PASS.sign(b"key", Purpose::Link);
        let code = shown.rsplit_once('.').unwrap().1;
        let changed =
            [format!("3.2000.{code}"), format!("4.1000.{code}"), format!("31.000.{code}"), "3.1000.".to_owned()];
        for text in changed.iter().map(String::as_str).chain(["", "3", "3.1000", &shown[..shown.len() - 1]]) {
            assert_eq!(Pass::read(text, b"key", Purpose::Link, 3, 0), Err(Refused::Forged), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_shown_is_read(text in "\\PC*") {
            prop_assert_eq!(Pass::read(&text, b"key", Purpose::Link, 0, 0), Err(Refused::Forged));
        }
    }
}
