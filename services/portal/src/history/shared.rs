//! A history that several portals share, in a Redis: each has all of it in memory, tells what it records, and hears what others
//! do. While Redis is away each goes on by itself; afterwards what all have recorded becomes one.
//!
//! Of each API an entry of [`INDEX`] names its versions, and [`VERSIONS`] has them. An entry is only ever replaced by who
//! knows what was there before, so nobody writes over what he has not read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nuncio_redis::{Error, Link, Place};
use redis::Script;
use tokio::task;

use super::merge::merge;
use super::{History, News, Version, Versions, lock, stored};
use crate::api::ApiId;
use crate::catalog::Outage;
use crate::cause::Cause;

/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked what others have recorded.
const TICK: Duration = Duration::from_secs(2);

// Both in one slot of a cluster.
const INDEX: &str = "{nuncio:portal:history}";
const VERSIONS: &str = "{nuncio:portal:history}:versions";
/// Names of entries that are no API's: which life of the store it is, and how often it was changed in that.
const LIFE: &str = "life";
const REVISION: &str = "revision";

/// Puts an entry in the place of the one that was there, with the versions that it names and without those that it does not.
const PUT: &str = "if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
local first = 6 + tonumber(ARGV[5])
for i = 6, first - 1 do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = first, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('HSETNX', KEYS[1], 'life', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'revision', 1)
return 1";

/// The store, as it was when it was read last.
#[derive(Debug)]
pub(crate) struct Shared {
    link: Link,
    put: Script,
    /// Which life it would be if it began here.
    life: String,
    stamp: Stamp,
    /// The entries of APIs, by their digests.
    entries: BTreeMap<String, Entry>,
}

/// Which life of the store, and how often it was changed.
type Stamp = (Option<String>, u64);
/// The keys of versions, the oldest first.
type Entry = Vec<String>;

impl Shared {
    /// That of a Redis.
    ///
    /// # Errors
    /// When its addresses cannot be understood.
    pub(crate) fn new(place: &Place) -> Result<Self, Error> {
        Ok(Self {
            link: Link::new(place, PATIENCE)?,
            put: Script::new(PUT),
            life: format!("{:016x}", fastrand::u64(..)),
            stamp: Stamp::default(),
            entries: BTreeMap::new(),
        })
    }

    /// Keeps a history and the store in step, for ever.
    pub(crate) async fn follow(mut self, history: Arc<History>) {
        let Some(news) = &history.news else { return };
        loop {
            self.round(&history).await;
            tokio::select! {
                () = news.wake.notified() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Once; what could not be done is left for the next time.
    pub(crate) async fn round(&mut self, history: &Arc<History>) {
        let Some(news) = &history.news else { return };
        let touched = std::mem::take(&mut *lock(&news.touched));
        let outage = news.outage.load_full();
        match self.keep(history, news, &touched).await {
            Ok(()) => {
                if let Some(outage) = outage {
                    tracing::info!("changes of APIs are shared by Redis again; they were not since {}", outage.since);
                    news.outage.store(None);
                }
            }
            Err(error) => {
                lock(&news.touched).extend(touched);
                if outage.is_none() {
                    let why = Cause::setup(format!("Redis cannot keep what has changed in APIs: {error}"));
                    tracing::warn!("{why}; it is in memory alone until then");
                    news.outage.store(Some(Arc::new(Outage { since: Timestamp::now(), why })));
                }
            }
        }
    }

    async fn keep(&mut self, history: &Arc<History>, news: &News, touched: &BTreeSet<ApiId>) -> Result<(), Error> {
        let told: (Option<String>, Option<u64>) =
            self.link.run(redis::cmd("HMGET").arg(INDEX).arg(LIFE).arg(REVISION)).await?;
        let stamp = (told.0, told.1.unwrap_or(0));
        if stamp == self.stamp && touched.is_empty() {
            return Ok(());
        }
        let mut ids: BTreeMap<String, ApiId> =
            lock(&history.kept).keys().map(|id| (stored::digest(id), id.clone())).collect();
        let mut wanted: BTreeSet<String> = touched.iter().map(stored::digest).collect();
        ids.extend(touched.iter().map(|id| (stored::digest(id), id.clone())));
        // A store that has lost what it had is told all of it again.
        if stamp.0 != self.stamp.0 || stamp.1 < self.stamp.1 {
            self.entries.clear();
            wanted.extend(ids.keys().cloned());
        }
        let (stamp, entries) = if stamp == self.stamp { (stamp, self.entries.clone()) } else { self.index().await? };
        let all = entries.keys().chain(self.entries.keys());
        wanted.extend(all.filter(|digest| entries.get(*digest) != self.entries.get(*digest)).cloned());
        for digest in wanted {
            let entry = entries.get(&digest).cloned().unwrap_or_default();
            self.one(history, news, ids.get(&digest), digest, &entry).await?;
        }
        self.stamp = stamp;
        Ok(())
    }

    /// All entries, and how often they were changed until then.
    async fn index(&self) -> Result<(Stamp, BTreeMap<String, Entry>), Error> {
        let mut all: BTreeMap<String, String> = self.link.run(redis::cmd("HGETALL").arg(INDEX)).await?;
        let revision = all.remove(REVISION).and_then(|revision| revision.parse().ok()).unwrap_or(0);
        let stamp = (all.remove(LIFE), revision);
        let keys = |entry: String| entry.split(',').map(str::to_owned).collect();
        Ok((stamp, all.into_iter().map(|(digest, entry)| (digest, keys(entry))).collect()))
    }

    /// Brings one API into step, of which the store has this entry.
    async fn one(
        &mut self,
        history: &Arc<History>,
        news: &News,
        id: Option<&ApiId>,
        digest: String,
        entry: &[String],
    ) -> Result<(), Error> {
        let own = id.map(|id| history.known(id)).unwrap_or_default();
        let Some((named, remote)) = self.versions(&digest, entry, &own).await? else { return Ok(()) };
        let Some(id) = id.cloned().or(named) else { return Ok(()) };
        let base = self.entries.get(&digest).cloned().unwrap_or_default();
        let api = lock(&news.apis).get(&id).cloned();
        let (at, known) = (Arc::clone(history), id.clone());
        let merged = task::spawn_blocking(move || {
            let merged = merge(&base, &remote, &own, api.as_ref());
            at.replace(&known, &own, merged).then(|| at.known(&known))
        });
        // Something was recorded in the meantime, or it cannot be read: another time.
        let Ok(Some(merged)) = merged.await else {
            news.touch([id]);
            return Ok(());
        };
        if self.write(&id, &digest, entry, &merged).await? {
            self.entries.insert(digest, merged.iter().map(|version| version.key()).collect());
        } else {
            news.touch([id]);
        }
        Ok(())
    }

    /// The versions that an entry names, and whose they are; those that are known are not read again. Nothing where one cannot
    /// be read, as that of a newer portal: then all of the API's are left as they are.
    async fn versions(
        &self,
        digest: &str,
        entry: &[String],
        own: &[Arc<Version>],
    ) -> Result<Option<(Option<ApiId>, Versions)>, Error> {
        let (mut id, mut versions) = (None, Versions::new());
        let known: BTreeMap<String, &Arc<Version>> = own.iter().map(|version| (version.key(), version)).collect();
        for key in entry {
            if let Some(version) = known.get(key) {
                versions.push(Arc::clone(version));
                continue;
            }
            let text: Option<Vec<u8>> =
                self.link.run(redis::cmd("HGET").arg(VERSIONS).arg(format!("{digest}-{key}"))).await?;
            // Somebody has dropped it since, or somebody else has written it.
            let Some(text) = text else { continue };
            match stored::read(&text) {
                Ok((of, version)) => {
                    id = Some(of);
                    versions.push(Arc::new(version));
                }
                Err(error) => {
                    tracing::warn!("{VERSIONS} has no version of a document as {digest}-{key}: {error}");
                    return Ok(None);
                }
            }
        }
        Ok(Some((id, versions)))
    }

    /// Writes what an API has in the place of what the entry names; `false` where the store has another by now.
    async fn write(
        &self,
        id: &ApiId,
        digest: &str,
        entry: &[String],
        versions: &[Arc<Version>],
    ) -> Result<bool, Error> {
        let keys: Entry = versions.iter().map(|version| version.key()).collect();
        if keys == entry {
            return Ok(true);
        }
        let gone: Vec<_> = entry.iter().filter(|key| !keys.contains(key)).collect();
        let mut call = self.put.prepare_invoke();
        call.key(INDEX)
            .key(VERSIONS)
            .arg(digest)
            .arg(entry.join(","))
            .arg(keys.join(","))
            .arg(&self.life)
            .arg(gone.len());
        for key in gone {
            call.arg(format!("{digest}-{key}"));
        }
        for (key, version) in keys.iter().zip(versions).filter(|(key, _)| !entry.contains(key)) {
            let text = stored::write(id, version).map_err(|error| Error(error.to_string()))?;
            call.arg(format!("{digest}-{key}")).arg(text);
        }
        Ok(self.link.invoke::<u8>(&call).await? == 1)
    }
}
