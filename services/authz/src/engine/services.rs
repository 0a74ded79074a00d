//! What filters share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use nuncio_auth::jwt::{KeySet, Verified};
use nuncio_auth::login::Provider;
use nuncio_ir::auth::Trouble;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::assertions::Assertions;
use super::key_uses::KeyUses;
use super::recent::Recent;
use crate::clock::now;
use crate::filter::oauth2::{MachineToken, Refreshed, UntilExpiry};
use crate::idp::{Clients, Documents};
use crate::metrics::AuthzMetrics;
use crate::session::Sessions;

/// How many verified tokens, introspected tokens and passwords are remembered.
const TOKENS: u64 = 50_000;
const PASSWORDS: u64 = 10_000;
/// How long a password that was good is not verified again.
const PASSWORD_LIFE: Duration = Duration::from_secs(60);
/// How long a token that was verified is kept at most; its claims are held against the clock each time.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
/// How long what came of a refresh is told to requests that still have the old state.
const GRACE: Duration = Duration::from_secs(10);
/// How long a provider's last good word on a token is relied on while it cannot be asked again.
const VOUCHED_LIFE: Duration = Duration::from_secs(600);
/// How long what failed is not tried again.
const REST: Duration = Duration::from_secs(2);

/// What filters share.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) clients: Arc<Clients>,
    pub(crate) metrics: AuthzMetrics,
    /// Sets of keys, by address.
    pub(crate) keys: Documents<KeySet>,
    /// Tokens whose signature is good, by digest.
    pub(crate) verified: Cache<[u8; 32], Arc<Verified>>,
    /// What issuers said of tokens, by digest.
    pub(crate) introspected: Cache<[u8; 32], Introspected>,
    /// Descriptions of identity providers.
    pub(crate) providers: Documents<Provider>,
    pub(crate) sessions: Sessions,
    /// What came of refreshes, by place and revision: requests that come late are told the same.
    pub(crate) refreshing: Cache<String, Refreshed>,
    /// What failed only just now: who waits for a provider that is down waits once.
    pub(crate) failing: Cache<String, String>,
    /// Tokens that their providers have vouched for not long ago, by digest.
    pub(crate) vouched: Cache<[u8; 32], ()>,
    /// Tokens that providers gave for credentials in requests, by digest.
    pub(crate) machines: Cache<[u8; 32], MachineToken>,
    /// When sessions were last told to live on.
    touched: Recent,
    /// Passwords that were good, by digest.
    pub(crate) passwords: Cache<[u8; 32], ()>,
    pub(crate) guesses: Arc<Semaphore>,
    pub(crate) assertions: Assertions,
    pub(crate) key_uses: KeyUses,
    /// What filters need of others and cannot have.
    pub(crate) troubles: watch::Sender<Vec<Trouble>>,
}

/// What an issuer said of a token.
#[derive(Clone, Debug)]
pub(crate) struct Introspected {
    /// Where it is active.
    pub(crate) claims: Option<Arc<Json>>,
    /// How long that may be relied on.
    pub(crate) lifetime: Duration,
}

struct ByLifetime;

impl moka::Expiry<[u8; 32], Introspected> for ByLifetime {
    fn expire_after_create(&self, _: &[u8; 32], value: &Introspected, _: Instant) -> Option<Duration> {
        Some(value.lifetime)
    }
}

impl Services {
    pub(crate) fn new(clients: Arc<Clients>, sessions: Sessions, metrics: AuthzMetrics) -> Self {
        let parse = |bytes: &[u8]| {
            let keys = KeySet::parse(bytes).map_err(|error| error.to_string())?;
            // An empty set would refuse everybody: the last good one is better.
            if keys.is_empty() { Err("the set holds no key that can be used".to_owned()) } else { Ok(keys) }
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let lru = EvictionPolicy::tiny_lfu();
        Self {
            keys: Documents::new(clients.clone(), parse),
            providers: Documents::new(clients.clone(), Provider::parse),
            sessions,
            metrics,
            refreshing: Cache::builder().max_capacity(TOKENS).time_to_live(GRACE).build(),
            vouched: Cache::builder().max_capacity(TOKENS).time_to_live(VOUCHED_LIFE).build(),
            failing: Cache::builder().max_capacity(TOKENS).time_to_live(REST).build(),
            machines: Cache::builder().max_capacity(TOKENS).expire_after(UntilExpiry).build(),
            touched: Recent::default(),
            clients,
            verified: Cache::builder()
                .max_capacity(TOKENS)
                .time_to_live(TOKEN_LIFE)
                .eviction_policy(lru.clone())
                .build(),
            introspected: Cache::builder().max_capacity(TOKENS).expire_after(ByLifetime).build(),
            passwords: Cache::builder()
                .max_capacity(PASSWORDS)
                .time_to_live(PASSWORD_LIFE)
                .eviction_policy(lru)
                .build(),
            // One core is for everybody else.
            guesses: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            assertions: Assertions::default(),
            key_uses: KeyUses::default(),
            troubles: watch::Sender::default(),
        }
    }

    /// With sessions in memory.
    #[cfg(test)]
    pub(crate) fn alone() -> Self {
        use crate::session::{MemoryStore, Store};
        let metrics = AuthzMetrics::new();
        let store = Store::Memory(MemoryStore::default());
        let sessions = Sessions::new(store, nuncio_auth::crypto::Keys::ephemeral(), Duration::from_secs(15));
        Self::new(Clients::new(Duration::from_secs(4), metrics.clone()), sessions, metrics)
    }

    /// Whether a session has not been told to live on for so many seconds; from now on it has.
    pub(crate) fn touched(&self, place: &str, every: u64) -> bool {
        self.touched.is_due(place, every, now())
    }

    /// A turn to verify a password; none when too many others wait, since each takes a core for a while. It is held until
    /// that is done, whether or not the client still waits.
    pub(crate) async fn password_turn(&self) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(Duration::from_secs(1), self.guesses.clone().acquire_owned()).await.ok()?.ok()
    }
}
