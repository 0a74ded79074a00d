//! Keys of previews: secrets that services hand on. Who has one was let in.

use nuncio_api::ObjectId;
use nuncio_auth::crypto;
use nuncio_ir::auth::Sensitive;
use nuncio_ir::{KEY_LENGTH, KEY_PREFIX};

use super::name::letters;

/// Letters of five bits each: 128 bits are wanted.
const LETTERS: usize = KEY_LENGTH - KEY_PREFIX.len();

/// What keys are made of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Seed([u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl Seed {
    /// The same for the same secret, of which it tells nothing.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(crypto::hmac_sha256(secret, b"nuncio previews"))
    }

    /// The key of a preview: without the seed nobody tells it from a random one.
    pub(crate) fn key(&self, id: &ObjectId) -> Sensitive {
        let code = crypto::hmac_sha256(&self.0, format!("{}/{}", id.namespace, id.name).as_bytes());
        Sensitive(format!("{KEY_PREFIX}{}", letters(&code, LETTERS)).into())
    }

    /// By which links to a preview are signed: whoever has its key, such as its services, cannot make any.
    pub(crate) fn share_key(&self, id: &ObjectId) -> Sensitive {
        let of_links = crypto::hmac_sha256(&self.0, b"nuncio share links");
        let code = crypto::hmac_sha256(&of_links, format!("{}/{}", id.namespace, id.name).as_bytes());
        Sensitive(crypto::hex(&code).into())
    }
}

/// By which people tell keys apart without seeing them.
pub(crate) fn fingerprint(key: &Sensitive) -> String {
    crypto::hex(&crypto::sha256(key.expose().as_bytes())[..4])
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn each_preview_has_its_key_and_each_secret_makes_others() {
        let id = |name: &str| ObjectId::new(Kind::Preview, "shop", name);
        let (seed, other) = (Seed::new(b"secret"), Seed::new(b"other"));
        assert_eq!(seed.key(&id("a")), seed.key(&id("a")));
        assert_ne!(seed.key(&id("a")), seed.key(&id("b")));
        assert_ne!(seed.key(&id("a")), other.key(&id("a")));
        assert_eq!(seed.key(&id("a")).expose().len(), KEY_LENGTH);
        assert_eq!(fingerprint(&seed.key(&id("a"))).len(), 8);
        assert_eq!(seed.share_key(&id("a")), seed.share_key(&id("a")));
        for another in [seed.share_key(&id("b")), other.share_key(&id("a")), seed.key(&id("a"))] {
            assert_ne!(seed.share_key(&id("a")), another);
        }
        assert_eq!(format!("{seed:?} {:?}", seed.key(&id("a"))), "Seed(…) Sensitive(…)");
    }
}
