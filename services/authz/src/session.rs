//! Sessions, sealed, in a store that replicas may share.

mod memory;
mod redis;
mod store;

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use nuncio_auth::crypto::{Keys, random_text, sha256};
use nuncio_auth::login::Session;

pub(crate) use self::memory::MemoryStore;
pub(crate) use self::redis::RedisStore;
pub(crate) use store::{Store, StoreError};

/// How long a replica uses a session without looking whether another one ended it.
const LOCAL_LIFE: Duration = Duration::from_secs(2);
/// How many it remembers so.
const LOCAL_MOST: u64 = 100_000;
/// How long a refresh may hold the lock of a session.
const LOCK_LIFE: Duration = Duration::from_secs(15);

/// Sessions and what else must be known to all replicas.
#[derive(Debug)]
pub(crate) struct Sessions {
    store: Store,
    keys: Keys,
    local: Option<Cache<String, Arc<Session>>>,
}

impl Sessions {
    pub(crate) fn new(store: Store, keys: Keys) -> Self {
        let local =
            store.is_remote().then(|| Cache::builder().max_capacity(LOCAL_MOST).time_to_live(LOCAL_LIFE).build());
        Self { store, keys, local }
    }

    /// The keys that seal.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where a session of this name is: who reads the store learns no name.
    pub(crate) fn place(id: &str) -> String {
        format!("s:{}", hex(&sha256(id.as_bytes())))
    }

    /// A name for a new session.
    pub(crate) fn new_id() -> String {
        random_text()
    }

    /// The session at a place; one that was read just now may come from this replica's memory.
    pub(crate) async fn get(&self, place: &str) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(local) = &self.local else { return self.read(place).await };
        if let Some(session) = local.get(place).await {
            return Ok(Some(session));
        }
        let session = self.read(place).await?;
        if let Some(session) = &session {
            local.insert(place.to_owned(), session.clone()).await;
        }
        Ok(session)
    }

    /// The session at a place, as the store has it.
    pub(crate) async fn read(&self, place: &str) -> Result<Option<Arc<Session>>, StoreError> {
        let sealed = self.store.get(place).await?;
        // What does not open is of a key that is gone, or no session: as if it were not there.
        let open = |sealed: Vec<u8>| serde_json::from_slice(&self.keys.open(place, &sealed)?).ok();
        Ok(sealed.and_then(open).map(Arc::new))
    }

    /// Writes a session. One with a revision above the first replaces only the revision before it: who was overtaken
    /// changes nothing.
    pub(crate) async fn write(&self, place: &str, session: &Session, now: u64) -> Result<bool, StoreError> {
        let json = serde_json::to_vec(session).map_err(|error| StoreError(error.to_string()))?;
        let life = Duration::from_secs(session.lifetime(now));
        let written = self.store.put(place, session.revision, &self.keys.seal(place, &json), life).await?;
        if let Some(local) = &self.local {
            local.invalidate(place).await;
        }
        if written && session.revision == 1 {
            for index in indexes(session) {
                self.store.add(&index, place, Duration::from_secs(session.idle.max(86_400))).await?;
            }
        }
        Ok(written)
    }

    /// Has a session live on from now.
    pub(crate) async fn touch(&self, place: &str, session: &Session, now: u64) -> Result<(), StoreError> {
        self.store.expire(place, Duration::from_secs(session.lifetime(now))).await
    }

    /// Ends a session.
    pub(crate) async fn end(&self, place: &str) -> Result<(), StoreError> {
        if let Some(local) = &self.local {
            local.invalidate(place).await;
        }
        self.store.remove(place).await
    }

    /// Ends all sessions of a user, or of one session of the provider's; how many there were.
    pub(crate) async fn end_all(&self, issuer: &str, claim: &str, value: &str) -> Result<usize, StoreError> {
        let index = index(issuer, claim, value);
        let places = self.store.members(&index).await?;
        for place in &places {
            self.end(place).await?;
        }
        self.store.remove(&index).await?;
        Ok(places.len())
    }

    /// The lock for a refresh; none while another has it. Given back by [`Self::unlock`], or by itself after a while.
    pub(crate) async fn lock(&self, place: &str) -> Result<Option<String>, StoreError> {
        let token = random_text();
        let key = format!("lock:{place}");
        Ok(self.store.put_new(&key, token.as_bytes(), LOCK_LIFE).await?.then_some(token))
    }

    pub(crate) async fn unlock(&self, place: &str, token: &str) -> Result<(), StoreError> {
        self.store.remove_if(&format!("lock:{place}"), token.as_bytes()).await
    }

    /// Whether this is the first time within a while: states and logout tokens are good once.
    pub(crate) async fn once(&self, what: &str, within: Duration) -> Result<bool, StoreError> {
        self.store.put_new(&format!("once:{}", hex(&sha256(what.as_bytes()))), b"1", within).await
    }
}

/// Where the places of a user's sessions are.
fn indexes(session: &Session) -> Vec<String> {
    let issuer = session.text("iss").unwrap_or_default();
    ["sub", "sid"].iter().filter_map(|claim| Some(index(issuer, claim, session.text(claim)?))).collect()
}

fn index(issuer: &str, claim: &str, value: &str) -> String {
    format!("i:{}", hex(&sha256(format!("{issuer}\0{claim}\0{value}").as_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
