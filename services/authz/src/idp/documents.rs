//! Documents of identity providers: fetched once for all who wait, and the last good one kept while there is no newer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use nuncio_ir::auth::HttpClient;
use tokio::sync::Mutex as AsyncMutex;

use super::{Clients, IdpError};

/// How long a document may be used that does not say, and at least and at most where it does.
const USUAL: Duration = Duration::from_secs(300);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// After a failure, how long nobody tries again.
const REST: Duration = Duration::from_secs(2);
/// How often at most a fresh document is fetched anew since it does not hold what somebody looks for.
const RENEW: Duration = Duration::from_secs(15);

/// Documents of one kind, by address.
pub(crate) struct Documents<T> {
    clients: Arc<Clients>,
    parse: fn(&[u8]) -> Result<T, String>,
    entries: Mutex<Entries<T>>,
}

/// By address, and by how it is asked.
type Entries<T> = HashMap<(String, HttpClient), Arc<Entry<T>>>;

struct Entry<T> {
    current: ArcSwapOption<Document<T>>,
    /// Held by who fetches.
    tried: AsyncMutex<Option<(Instant, Option<IdpError>)>>,
}

/// A document.
#[derive(Debug)]
pub(crate) struct Document<T> {
    pub(crate) value: T,
    /// Differs for each fetch.
    pub(crate) generation: u64,
    fresh_until: Instant,
}

impl<T> std::fmt::Debug for Documents<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Documents<T> {
    pub(crate) fn new(clients: Arc<Clients>, parse: fn(&[u8]) -> Result<T, String>) -> Self {
        Self { clients, parse, entries: Mutex::default() }
    }

    /// The document at an address: a fresh one where it can be had, else the last good one.
    pub(crate) async fn get(&self, setup: &HttpClient, url: &str) -> Result<Arc<Document<T>>, IdpError> {
        let entry = self.entry(setup, url);
        let fresh = || entry.current.load_full().filter(|document| document.fresh_until > Instant::now());
        if let Some(document) = fresh() {
            return Ok(document);
        }
        let mut tried = entry.tried.lock().await;
        if let Some(document) = fresh() {
            return Ok(document);
        }
        if let Some((at, Some(error))) = tried.as_ref()
            && at.elapsed() < REST
        {
            return entry.current.load_full().ok_or_else(|| error.clone());
        }
        let result = self.fetch(setup, url, &entry).await;
        *tried = Some((Instant::now(), result.as_ref().err().cloned()));
        result.or_else(|error| {
            tracing::warn!("{url}: {error}");
            entry.current.load_full().ok_or(error)
        })
    }

    /// A newer document than this one, unless it has been looked for only just now.
    pub(crate) async fn renew(&self, setup: &HttpClient, url: &str, old: &Document<T>) -> Option<Arc<Document<T>>> {
        let entry = self.entry(setup, url);
        let newer = || entry.current.load_full().filter(|document| document.generation != old.generation);
        let mut tried = entry.tried.lock().await;
        if let Some(document) = newer() {
            return Some(document);
        }
        if tried.as_ref().is_some_and(|(at, _)| at.elapsed() < RENEW) {
            return None;
        }
        let result = self.fetch(setup, url, &entry).await;
        *tried = Some((Instant::now(), result.as_ref().err().cloned()));
        result.inspect_err(|error| tracing::warn!("{url}: {error}")).ok()
    }

    fn entry(&self, setup: &HttpClient, url: &str) -> Arc<Entry<T>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Entry { current: ArcSwapOption::empty(), tried: AsyncMutex::default() });
        entries.entry((url.to_owned(), setup.clone())).or_insert_with(new).clone()
    }

    async fn fetch(&self, setup: &HttpClient, url: &str, entry: &Entry<T>) -> Result<Arc<Document<T>>, IdpError> {
        let answer = self.clients.send(setup, url, |client, url| client.get(url)).await?;
        if answer.status != http::StatusCode::OK {
            return Err(IdpError::Unavailable(format!("the answer's status is {}", answer.status)));
        }
        let value = (self.parse)(&answer.body).map_err(IdpError::Unavailable)?;
        let lifetime = lifetime(&answer.headers, setup.max_stale);
        let generation = entry.current.load().as_ref().map_or(0, |old| old.generation + 1);
        let document = Arc::new(Document { value, generation, fresh_until: Instant::now() + lifetime });
        entry.current.store(Some(document.clone()));
        Ok(document)
    }
}

/// How long a document may be used.
fn lifetime(headers: &HeaderMap, max_stale: Option<Duration>) -> Duration {
    let control = headers.get("cache-control").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let directives = || control.split(',').map(str::trim);
    let is_forbidden = max_stale.is_none() && directives().any(|word| matches!(word, "no-store" | "no-cache"));
    let max_age = directives().find_map(|word| word.strip_prefix("max-age=")?.parse().ok()).map(Duration::from_secs);
    let lifetime = if is_forbidden { Duration::ZERO } else { max_age.unwrap_or(USUAL) };
    (lifetime + max_stale.unwrap_or_default()).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_how_long_within_bounds() {
        let lifetime = |control: &str, stale: Option<u64>| {
            let headers = [("cache-control", control)]
                .into_iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            super::lifetime(&headers, stale.map(Duration::from_secs)).as_secs()
        };
        assert_eq!(lifetime("", None), 300);
        assert_eq!(lifetime("public, max-age=600", None), 600);
        assert_eq!(lifetime("max-age=600", Some(100)), 700);
        assert_eq!((lifetime("no-store", None), lifetime("no-store", Some(30))), (60, 330));
        assert_eq!(lifetime("max-age=99999999", None), 86_400);
    }
}
