//! Documents of identity providers: fetched once for all who wait, and the last good one kept while there is no newer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use nuncio_ir::auth::HttpClient;
use tokio::sync::Mutex as AsyncMutex;

use super::client::told;
use super::{Clients, IdpError};

/// How long a document may be used that does not say, and at least and at most where it does.
const USUAL: Duration = Duration::from_secs(300);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// After a failure, how long nobody tries again.
const REST: Duration = Duration::from_secs(2);
/// How long after its time a document is used while a newer one is fetched, without a failure.
const HARDLY_OLD: Duration = Duration::from_secs(600);
/// How often at most a fresh document is fetched anew since it does not hold what somebody looks for who may be anybody.
pub(crate) const NOW_AND_THEN: Duration = Duration::from_secs(15);
/// The same where its own server says that there is something to look for: one look for each login that is completed there.
pub(crate) const AT_ONCE: Duration = Duration::ZERO;

/// Documents of one kind, by address.
pub(crate) struct Documents<T> {
    source: Arc<Source<T>>,
    entries: Mutex<Entries<T>>,
}

/// Where they come from.
struct Source<T> {
    clients: Arc<Clients>,
    parse: fn(&[u8]) -> Result<T, String>,
    /// How many were fetched.
    fetched: AtomicU64,
}

/// By address; those of one differ in how it is asked.
type Entries<T> = HashMap<String, Vec<Arc<Entry<T>>>>;

struct Entry<T> {
    setup: HttpClient,
    url: String,
    current: ArcSwapOption<Document<T>>,
    /// Held by who fetches.
    tried: Arc<AsyncMutex<Tried>>,
    /// Why it could not be fetched when that was last tried.
    failing: ArcSwapOption<IdpError>,
}

/// When it was last tried to fetch, and why that failed.
type Tried = Option<(Instant, Option<IdpError>)>;

/// A document.
#[derive(Debug)]
pub(crate) struct Document<T> {
    pub(crate) value: T,
    /// Differs for each fetch, of whatever address and however it is asked.
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
        Self { source: Arc::new(Source { clients, parse, fetched: AtomicU64::default() }), entries: Mutex::default() }
    }

    /// The document at an address. Nobody waits for a newer one where there is one that is hardly too old, or whose successor
    /// could not be had: it is fetched meanwhile.
    pub(crate) async fn get(&self, setup: &HttpClient, url: &str) -> Result<Arc<Document<T>>, IdpError> {
        let entry = self.entry(setup, url);
        match entry.current.load_full() {
            Some(document) if document.fresh_until > Instant::now() => Ok(document),
            Some(document) if entry.is_failing() || document.fresh_until.elapsed() < HARDLY_OLD => {
                self.fetch_meanwhile(entry);
                Ok(document)
            }
            _ => Box::pin(self.wait(&entry)).await,
        }
    }

    async fn wait(&self, entry: &Entry<T>) -> Result<Arc<Document<T>>, IdpError> {
        let mut tried = entry.tried.lock().await;
        if let Some(document) = entry.current.load_full()
            && document.fresh_until > Instant::now()
        {
            return Ok(document);
        }
        if let Some((at, Some(error))) = tried.as_ref()
            && at.elapsed() < REST
        {
            return entry.current.load_full().ok_or_else(|| error.clone());
        }
        self.source.fetch(entry, &mut tried).await.or_else(|error| entry.current.load_full().ok_or(error))
    }

    fn fetch_meanwhile(&self, entry: Arc<Entry<T>>) {
        let Ok(mut tried) = entry.tried.clone().try_lock_owned() else { return };
        if tried.as_ref().is_some_and(|(at, _)| at.elapsed() < REST) {
            return;
        }
        let source = self.source.clone();
        tokio::spawn(async move { source.fetch(&entry, &mut tried).await.ok() });
    }

    /// A newer document than this one, unless it has been looked for within this time. After a failure nobody tries again for a
    /// while, however much it is needed: those who waited for it would do so one after another.
    pub(crate) async fn renew(
        &self,
        setup: &HttpClient,
        url: &str,
        old: &Document<T>,
        rest: Duration,
    ) -> Option<Arc<Document<T>>> {
        let entry = self.entry(setup, url);
        let newer = || entry.current.load_full().filter(|document| document.generation != old.generation);
        let mut tried = entry.tried.lock().await;
        if let Some(document) = newer() {
            return Some(document);
        }
        let rest_after = |error: &Option<IdpError>| if error.is_some() { rest.max(REST) } else { rest };
        if tried.as_ref().is_some_and(|(at, error)| at.elapsed() < rest_after(error)) {
            return None;
        }
        self.source.fetch(&entry, &mut tried).await.ok()
    }

    /// Why the document at an address could not be fetched when that was last tried; nothing where it could.
    pub(crate) fn failure(&self, setup: &HttpClient, url: &str) -> Option<Arc<IdpError>> {
        self.entry(setup, url).failing.load_full()
    }

    /// Whether there is one, however old.
    pub(crate) fn has(&self, setup: &HttpClient, url: &str) -> bool {
        self.entry(setup, url).current.load().is_some()
    }

    fn entry(&self, setup: &HttpClient, url: &str) -> Arc<Entry<T>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = entries.get(url).and_then(|of_url| of_url.iter().find(|entry| entry.setup == *setup)) {
            return known.clone();
        }
        let entry = Arc::new(Entry::new(setup, url));
        entries.entry(url.to_owned()).or_default().push(entry.clone());
        entry
    }
}

impl<T> Entry<T> {
    fn new(setup: &HttpClient, url: &str) -> Self {
        Self {
            setup: setup.clone(),
            url: url.to_owned(),
            current: ArcSwapOption::empty(),
            tried: Arc::default(),
            failing: ArcSwapOption::empty(),
        }
    }

    fn is_failing(&self) -> bool {
        self.failing.load().is_some()
    }
}

impl<T> Source<T> {
    async fn fetch(&self, entry: &Entry<T>, tried: &mut Tried) -> Result<Arc<Document<T>>, IdpError> {
        let result = self.ask(entry).await;
        let failed = result.as_ref().err();
        *tried = Some((Instant::now(), failed.cloned()));
        if let Ok(document) = &result {
            entry.current.store(Some(document.clone()));
        }
        if let Some(error) = failed {
            tracing::debug!("{}: {error}", told(&entry.url));
        }
        let before = entry.failing.swap(failed.cloned().map(Arc::new));
        if before.as_deref() != failed {
            self.clients.turned.notify_one();
        }
        result
    }

    async fn ask(&self, entry: &Entry<T>) -> Result<Arc<Document<T>>, IdpError> {
        let answer = self.clients.send(&entry.setup, &entry.url, |client, url| client.get(url)).await?;
        if answer.status != http::StatusCode::OK {
            return Err(IdpError::Unavailable(format!("the answer's status is {}", answer.status)));
        }
        let value = (self.parse)(&answer.body).map_err(IdpError::Unavailable)?;
        let fresh_until = Instant::now() + lifetime(&answer.headers, entry.setup.max_stale);
        let generation = self.fetched.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Document { value, generation, fresh_until }))
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
    use tokio::sync::watch;

    use super::*;

    /// Documents, and the address of one that is served while nobody says `hang`; and how often it was asked for.
    async fn documents(hang: &watch::Sender<bool>) -> (Documents<()>, String, watch::Receiver<usize>) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (count, asked) = watch::channel(0);
        let hang = hang.subscribe();
        let serve = move || {
            count.send_modify(|asked| *asked += 1);
            let mut hang = hang.clone();
            async move { hang.wait_for(|hang| !hang).await.map(drop).unwrap() }
        };
        let router = axum::Router::new().route("/", axum::routing::get(serve));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let metrics = crate::metrics::AuthzMetrics::new();
        (Documents::new(Clients::new(Duration::from_secs(60), metrics), |_| Ok(())), url, asked)
    }

    #[tokio::test]
    async fn nobody_waits_for_a_newer_one_while_there_is_one_that_will_do() {
        let hang = watch::Sender::new(false);
        let (documents, url, mut asked) = documents(&hang).await;
        let setup = HttpClient::default();
        let first = documents.get(&setup, &url).await.unwrap();
        let entry = documents.entry(&setup, &url);
        let old = Document { value: (), generation: first.generation, fresh_until: Instant::now() };
        entry.current.store(Some(Arc::new(old)));
        *entry.tried.lock().await = None;
        hang.send_replace(true);
        for _ in 0..3 {
            assert_eq!(documents.get(&setup, &url).await.unwrap().generation, first.generation);
        }
        asked.wait_for(|asked| *asked == 2).await.unwrap();
        hang.send_replace(false);
        // Who fetches holds this until it is done.
        drop(entry.tried.lock().await);
        assert_ne!(documents.get(&setup, &url).await.unwrap().generation, first.generation);
    }

    /// Many logins at once, at a provider that has stopped to tell its keys.
    #[tokio::test]
    async fn those_who_need_a_newer_one_at_once_do_not_ask_in_vain_one_after_another() {
        let hang = watch::Sender::new(true);
        let (_, url, mut asked) = documents(&hang).await;
        let clients = Clients::new(Duration::from_secs(60), crate::metrics::AuthzMetrics::new());
        let broken = Documents::<()>::new(clients, |_| Err("no keys".to_owned()));
        let (setup, old) = (HttpClient::default(), Document { value: (), generation: 7, fresh_until: Instant::now() });
        let renew = || broken.renew(&setup, &url, &old, AT_ONCE);
        let all = futures_util::future::join_all((0..5).map(|_| renew()));
        let release = async {
            asked.wait_for(|asked| *asked == 1).await.unwrap();
            hang.send_replace(false);
        };
        let (found, ()) = tokio::join!(all, release);
        assert!(found.iter().all(Option::is_none), "{found:?}");
        assert_eq!(*asked.borrow(), 1, "one look for all of them");
    }

    #[tokio::test]
    async fn what_is_fetched_in_another_way_is_another_document() {
        let (documents, url, _) = documents(&watch::Sender::new(false)).await;
        let one = documents.get(&HttpClient::default(), &url).await.unwrap();
        let unsafely = HttpClient { insecure_tls: true, ..HttpClient::default() };
        assert_ne!(documents.get(&unsafely, &url).await.unwrap().generation, one.generation);
    }

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
