//! What is made of the secret of previews: keys, which services hand on (who has one was let in), what links are signed by, and
//! the ends of names, which nobody is to guess.

use nuncio_api::ObjectId;
use nuncio_auth::crypto;
use nuncio_ir::auth::Sensitive;
use nuncio_ir::{KEY_LENGTH, KEY_PREFIX};

use super::name::letters;

/// Letters of five bits each: 128 bits are wanted.
const LETTERS: usize = KEY_LENGTH - KEY_PREFIX.len();

/// What keys are made of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Seed {
    code: [u8; 32],
    /// Others have it, and this process the next time: names may be made of it.
    is_kept: bool,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl Seed {
    /// Of a secret that is kept: the same for the same one, of which it tells nothing.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { code: crypto::hmac_sha256(secret, b"nuncio previews"), is_kept: true }
    }

    /// Of a secret that goes with this process, where there is to be none that is kept. What previews are called must outlast
    /// it, and be the same at every gateway.
    pub(crate) fn of_process(secret: &[u8]) -> Self {
        Self { is_kept: false, ..Self::new(secret) }
    }

    /// The key of a preview: without the seed nobody tells it from a random one. A cluster's object that was made anew has
    /// another, and so has one whose links were withdrawn.
    pub(crate) fn key(&self, id: &ObjectId, uid: Option<&str>, generation: u32) -> Sensitive {
        let text = format!("{}/{}\n{}\n{generation}", id.namespace, id.name, uid.unwrap_or_default());
        let code = crypto::hmac_sha256(&self.code, text.as_bytes());
        Sensitive(format!("{KEY_PREFIX}{}", letters(&code, LETTERS)).into())
    }

    /// By which links to a preview are signed: whoever has its key, such as its services, cannot make any.
    pub(crate) fn share_key(&self, id: &ObjectId) -> Sensitive {
        Sensitive(crypto::hex(&self.code_for(b"nuncio share links", id)).into())
    }

    /// How the ids of traces begin that gateways follow: the same at all that have the secret, and known to nobody else until a
    /// request that is followed reaches them. It tells nothing of the secret.
    pub(crate) fn probe_mark(&self) -> String {
        crypto::hex(&crypto::hmac_sha256(&self.code, b"nuncio probes")[..8])
    }

    /// The end of what a preview is called. The same Preview always has the same, and no other.
    pub(crate) fn name(&self, id: &ObjectId, count: usize) -> String {
        let code = match self.is_kept {
            true => self.code_for(b"nuncio preview names", id),
            false => crypto::sha256(format!("{}/{}", id.namespace, id.name).as_bytes()),
        };
        letters(&code, count)
    }

    /// For one use.
    fn code_for(&self, label: &[u8], id: &ObjectId) -> [u8; 32] {
        let own = crypto::hmac_sha256(&self.code, label);
        crypto::hmac_sha256(&own, format!("{}/{}", id.namespace, id.name).as_bytes())
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

    fn id(name: &str) -> ObjectId {
        ObjectId::new(Kind::Preview, "shop", name)
    }

    #[test]
    fn each_preview_has_its_key_and_each_secret_makes_others() {
        let (seed, other) = (Seed::new(b"secret"), Seed::new(b"other"));
        let key = |seed: &Seed, name: &str| seed.key(&id(name), None, 0);
        assert_eq!(key(&seed, "a"), key(&seed, "a"));
        assert_ne!(key(&seed, "a"), key(&seed, "b"));
        assert_ne!(key(&seed, "a"), key(&other, "a"));
        assert_eq!(key(&seed, "a").expose().len(), KEY_LENGTH);
        assert_eq!(fingerprint(&key(&seed, "a")).len(), 8);
        assert_eq!(seed.share_key(&id("a")), seed.share_key(&id("a")));
        for another in [seed.share_key(&id("b")), other.share_key(&id("a")), key(&seed, "a")] {
            assert_ne!(seed.share_key(&id("a")), another);
        }
        assert_eq!(seed.probe_mark(), Seed::new(b"secret").probe_mark());
        assert_ne!(seed.probe_mark(), other.probe_mark());
        assert_eq!(format!("{seed:?} {:?}", key(&seed, "a")), "Seed(…) Sensitive(…)");
    }

    #[test]
    fn a_key_is_another_for_another_object_and_when_links_are_withdrawn() {
        let seed = Seed::new(b"secret");
        let keys = [(None, 0), (None, 1), (Some("u1"), 0), (Some("u1"), 1), (Some("u2"), 0)];
        let keys = keys.map(|(uid, generation)| seed.key(&id("a"), uid, generation).expose().to_owned());
        assert_eq!(std::collections::BTreeSet::from(keys.clone()).len(), keys.len());
    }

    #[test]
    fn nobody_computes_a_name_without_the_secret() {
        let plain = letters(&crypto::sha256(b"shop/a"), 16);
        let name = |seed: Seed| seed.name(&id("a"), 16);
        assert_ne!(name(Seed::new(b"secret")), plain);
        assert_ne!(name(Seed::new(b"secret")), name(Seed::new(b"other")));
        assert_eq!(name(Seed::new(b"secret")), name(Seed::new(b"secret")));
        // What goes with the process must be in no name.
        assert_eq!(name(Seed::of_process(b"secret")), plain);
        assert_eq!(name(Seed::of_process(b"other")), plain);
    }
}
