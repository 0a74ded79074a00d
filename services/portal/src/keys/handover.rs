//! A new key, on its way from the request that made it to the page that shows it once.
//!
//! The browser carries it there, sealed under the digest that the Secret has of it: any portal that reads the Secret can open
//! it, as long as it is the key, and nothing else that sees the cookie can.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nuncio_auth::crypto;

use super::manifest::Manifest;
use super::{Keys, KeysError, NewKey};
use crate::access::Identity;

/// What is between the id, which stands there as it is, and what is sealed.
const BETWEEN: char = '.';

impl NewKey {
    /// Text for the browser.
    pub(crate) fn sealed(&self) -> String {
        let sealing = sealing(&crypto::sha256(self.secret.as_bytes()));
        let sealed = sealing.map(|keys| keys.seal_text(&purpose(&self.id), self.secret.as_bytes()));
        format!("{}{BETWEEN}{}", self.id, sealed.unwrap_or_default())
    }
}

impl Keys {
    /// The key that was sealed so, if it is this owner's, and good still. Of several texts the first that is one counts: others
    /// may have been put there by a host of the same domain.
    ///
    /// # Errors
    /// When the keys cannot be read at the moment.
    pub(crate) async fn opened<'a>(
        &self,
        owner: &Identity,
        sealed: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<NewKey>, KeysError> {
        let manifest = self.store.read().await?;
        Ok(sealed.into_iter().find_map(|sealed| opened(&manifest, owner, sealed)))
    }
}

fn opened(manifest: &Manifest, owner: &Identity, sealed: &str) -> Option<NewKey> {
    let (id, sealed) = sealed.split_once(BETWEEN)?;
    manifest.keys.get(id).filter(|key| key.is_of(owner))?;
    let secret = sealing(&manifest.digest(id)?)?.open_text(&purpose(id), sealed)?;
    Some(NewKey { id: id.to_owned(), secret: String::from_utf8(secret).ok()? })
}

fn sealing(digest: &[u8]) -> Option<crypto::Keys> {
    crypto::Keys::parse(&STANDARD.encode(digest)).ok()
}

fn purpose(id: &str) -> String {
    format!("portal key {id}")
}
