//! Sessions, sealed, in a store that replicas may share.

mod ended;
mod memory;
mod redis;
mod store;
mod weight;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use moka::future::Cache;
use nuncio_auth::crypto::{Keys, hex, random_text, sha256};
use nuncio_auth::login::{LogoutToken, Session};
use nuncio_redis::Subscriber;
use tokio_util::sync::CancellationToken;

pub(crate) use self::memory::{MemoryStore, Name, name};
pub(crate) use self::redis::{RedisStore, STORE_PATIENCE};
pub(crate) use store::{Store, StoreError};

/// How long a replica uses a session without looking whether another one ended it. It is told so, but what is told may be
/// lost.
const LOCAL_LIFE: Duration = Duration::from_secs(2);
/// How many bytes of them it remembers so, about.
const LOCAL_MOST: u64 = 32 << 20;
/// How long it is known at least which sessions a user has.
const SHORTEST_LIST: Duration = Duration::from_secs(86_400);

/// Sessions and what else must be known to all replicas.
#[derive(Debug)]
pub(crate) struct Sessions {
    store: Store,
    keys: ArcSwap<Keys>,
    opened: Cache<String, Opened>,
    /// How long a refresh may hold the lock of a session.
    lock_life: Duration,
}

/// A session that was opened not long ago, and of a store in this process what was.
#[derive(Clone, Debug)]
struct Opened {
    sealed: Option<Arc<[u8]>>,
    session: Arc<Session>,
    /// How many bytes it takes, about.
    weight: u32,
}

impl Opened {
    fn new(sealed: Option<Arc<[u8]>>, session: Arc<Session>) -> Self {
        let weight = weight::weight(&session, sealed.as_deref());
        Self { sealed, session, weight }
    }
}

impl Sessions {
    pub(crate) fn new(store: Store, keys: Keys, lock_life: Duration) -> Self {
        let opened = Cache::builder()
            .max_capacity(LOCAL_MOST)
            .weigher(|_, opened: &Opened| opened.weight)
            .time_to_live(LOCAL_LIFE)
            .build();
        Self { store, keys: ArcSwap::from_pointee(keys), opened, lock_life }
    }

    /// The keys that seal.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// Seals by other keys from now on, one a line. What none of them opens is as if it were not there.
    pub(crate) fn take_keys(&self, text: &[u8]) -> Result<(), String> {
        let keys = Keys::parse(&String::from_utf8_lossy(text)).map_err(|error| error.to_string())?;
        self.keys.store(Arc::new(keys));
        self.opened.invalidate_all();
        Ok(())
    }

    /// Where a session of this name is: who reads the store learns no name.
    pub(crate) fn place(id: &str) -> String {
        format!("s:{}", hex(&sha256(id.as_bytes())))
    }

    /// A name for a new session.
    pub(crate) fn new_id() -> String {
        random_text()
    }

    /// The session at a place; one that was read just now may come from this replica's memory. A store in this process is
    /// asked all the same, and only what it still has is not opened again.
    pub(crate) async fn get(&self, place: &str) -> Result<Option<Arc<Session>>, StoreError> {
        let sealed = match &self.store {
            Store::Redis(_) => None,
            Store::Memory(store) => match store.get(place) {
                None => return Ok(None),
                sealed => sealed,
            },
        };
        match self.opened.get(place).await {
            Some(opened) if sealed.as_ref().map(Arc::as_ptr) == opened.sealed.as_ref().map(Arc::as_ptr) => {
                Ok(Some(opened.session))
            }
            _ => Box::pin(self.open_anew(place, sealed)).await,
        }
    }

    async fn open_anew(&self, place: &str, sealed: Option<Arc<[u8]>>) -> Result<Option<Arc<Session>>, StoreError> {
        let session = match &sealed {
            Some(sealed) => self.open(place, sealed),
            None => self.read(place).await?,
        };
        if let Some(session) = &session {
            self.opened.insert(place.to_owned(), Opened::new(sealed, session.clone())).await;
        }
        Ok(session)
    }

    /// The session at a place, as the store has it.
    pub(crate) async fn read(&self, place: &str) -> Result<Option<Arc<Session>>, StoreError> {
        let sealed = self.store.get(place).await?;
        Ok(sealed.and_then(|sealed| self.open(place, &sealed)))
    }

    /// What does not open is of a key that is gone, or no session: as if it were not there.
    fn open(&self, place: &str, sealed: &[u8]) -> Option<Arc<Session>> {
        let plain = self.keys().open(place, sealed)?;
        let session = match &self.store {
            Store::Memory(_) => Session::unpack(&plain),
            Store::Redis(_) => serde_json::from_slice(&plain).ok(),
        };
        session.map(Arc::new)
    }

    /// Packed where no other process reads it, which may be of another version.
    fn seal(&self, place: &str, session: &Session) -> Result<Vec<u8>, StoreError> {
        let plain = match &self.store {
            Store::Memory(_) => session.pack(),
            Store::Redis(_) => serde_json::to_vec(session).ok(),
        };
        let plain = plain.ok_or_else(|| StoreError("a session cannot be written".to_owned()))?;
        Ok(self.keys().seal(place, &plain))
    }

    /// Writes a session. One with a revision above the first replaces only the revision before it: who was overtaken
    /// changes nothing.
    pub(crate) async fn write(&self, place: &str, session: &Session, now: u64) -> Result<bool, StoreError> {
        let sealed = self.seal(place, session)?;
        let life = Duration::from_secs(session.lifetime(now));
        let written = self.store.put(place, session.revision, &sealed, life).await?;
        self.opened.invalidate(place).await;
        if written && session.revision == 1 {
            self.list(place, session, life).await?;
        }
        Ok(written)
    }

    /// Lists a session with others of its user, for as long as any of them may live.
    async fn list(&self, place: &str, session: &Session, life: Duration) -> Result<(), StoreError> {
        for index in indexes(session) {
            self.store.add(&index, place, life.max(SHORTEST_LIST)).await?;
        }
        Ok(())
    }

    /// Has a session live on from now.
    pub(crate) async fn touch(&self, place: &str, session: &Session, now: u64) -> Result<(), StoreError> {
        let life = Duration::from_secs(session.lifetime(now));
        self.store.expire(place, life).await?;
        self.list(place, session, life).await
    }

    /// Ends a session.
    pub(crate) async fn end(&self, place: &str) -> Result<(), StoreError> {
        let session = self.read(place).await?;
        self.store.remove(place).await?;
        self.opened.invalidate(place).await;
        if let Err(error) = self.store.tell_ended(place).await {
            tracing::warn!("other replicas are not told of a logout: {error}");
        }
        for index in session.iter().flat_map(|session| indexes(session)) {
            self.store.remove_member(&index, place).await?;
        }
        Ok(())
    }

    /// Forgets what other replicas end, until stopped.
    pub(crate) fn follow(&self, others: Subscriber, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        ended::follow(self.opened.clone(), others, stop)
    }

    /// Ends all sessions of a user, or of one session of the provider's; how many there were.
    pub(crate) async fn end_all(&self, issuer: &str, claim: &str, value: &str) -> Result<usize, StoreError> {
        self.end_where(issuer, claim, value, |_| true).await
    }

    /// Ends what a provider says has ended. Where it names one session of a user, those of that user that are of none that
    /// was ever named may be that one.
    pub(crate) async fn end_named(&self, issuer: &str, logout: &LogoutToken) -> Result<usize, StoreError> {
        let LogoutToken { session, subject, .. } = logout;
        let mut count = 0;
        if let Some(session) = session {
            count += self.end_all(issuer, "sid", session).await?;
        }
        if let Some(subject) = subject {
            let may_be_meant = |found: &Session| session.is_none() || found.text("sid").is_none();
            count += self.end_where(issuer, "sub", subject, may_be_meant).await?;
        }
        Ok(count)
    }

    async fn end_where(
        &self,
        issuer: &str,
        claim: &str,
        value: &str,
        is_meant: impl Fn(&Session) -> bool,
    ) -> Result<usize, StoreError> {
        let index = index(issuer, claim, value);
        let mut count = 0;
        for place in self.store.members(&index).await? {
            match self.read(&place).await? {
                Some(session) if is_meant(&session) => {
                    self.end(&place).await?;
                    count += 1;
                }
                Some(_) => {}
                // It is over by itself.
                None => self.store.remove_member(&index, &place).await?,
            }
        }
        Ok(count)
    }

    /// The lock for a refresh; none while another has it. Given back by [`Self::unlock`], or by itself after a while.
    pub(crate) async fn lock(&self, place: &str) -> Result<Option<String>, StoreError> {
        let token = random_text();
        let key = format!("lock:{place}");
        Ok(self.store.put_new(&key, token.as_bytes(), self.lock_life).await?.then_some(token))
    }

    pub(crate) async fn unlock(&self, place: &str, token: &str) -> Result<(), StoreError> {
        self.store.remove_if(&format!("lock:{place}"), token.as_bytes()).await
    }

    /// Whether this is the first time within a while: states and logout tokens are good once.
    pub(crate) async fn once(&self, what: &str, within: Duration) -> Result<bool, StoreError> {
        self.store.put_new(&once(what), b"1", within).await
    }

    /// Whether it has been already.
    pub(crate) async fn has_been(&self, what: &str) -> Result<bool, StoreError> {
        Ok(self.store.get(&once(what)).await?.is_some())
    }
}

fn once(what: &str) -> String {
    format!("once:{}", hex(&sha256(what.as_bytes())))
}

/// Where the places of a user's sessions are.
fn indexes(session: &Session) -> Vec<String> {
    let issuer = session.text("iss").unwrap_or_default();
    ["sub", "sid"].iter().filter_map(|claim| Some(index(issuer, claim, session.text(claim)?))).collect()
}

fn index(issuer: &str, claim: &str, value: &str) -> String {
    format!("i:{}", hex(&sha256(format!("{issuer}\0{claim}\0{value}").as_bytes())))
}

#[cfg(test)]
mod tests;
