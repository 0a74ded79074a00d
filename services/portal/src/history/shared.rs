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
    seen: Seen,
}

/// Its entries, as they were then.
#[derive(Debug, Default)]
struct Seen {
    /// Those that this portal is in step with.
    entries: Entries,
    /// Those of which something could not be read, as that of a newer portal: until one is another it is not read again.
    unread: Entries,
}

/// Which life of the store, and how often it was changed.
type Stamp = (Option<String>, u64);
/// The keys of versions, the oldest first.
type Entry = Vec<String>;
/// The entries of APIs, by their digests.
type Entries = BTreeMap<String, Entry>;

impl Seen {
    /// The entries as the store had them when they were read last.
    fn told(&self) -> Entries {
        let mut told = self.entries.clone();
        told.extend(self.unread.iter().map(|(digest, entry)| (digest.clone(), entry.clone())));
        told
    }

    /// Which APIs have to be brought into step with these entries: those that are wanted, and those whose entry is another;
    /// but none whose entry could not be read, and is what it was. What was recorded of that is told once it is another.
    fn behind(&self, entries: &Entries, mut wanted: BTreeSet<String>) -> BTreeSet<String> {
        let all = entries.keys().chain(self.entries.keys());
        wanted.extend(all.filter(|digest| entries.get(*digest) != self.entries.get(*digest)).cloned());
        wanted.extend(self.unread.keys().cloned());
        wanted.retain(|digest| self.unread.get(digest).is_none_or(|unread| entries.get(digest) != Some(unread)));
        wanted
    }
}

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
            seen: Seen::default(),
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
            self.seen = Seen::default();
            wanted.extend(ids.keys().cloned());
        }
        let (stamp, entries) = if stamp == self.stamp { (stamp, self.seen.told()) } else { self.index().await? };
        let mut is_in_step = true;
        for digest in self.seen.behind(&entries, wanted) {
            let entry = entries.get(&digest).cloned().unwrap_or_default();
            if !self.one(history, news, ids.get(&digest), digest, &entry).await? {
                is_in_step = false;
            }
        }
        // What was not done is done by what the store has then.
        self.stamp = if is_in_step { stamp } else { (stamp.0, 0) };
        Ok(())
    }

    /// All entries, and how often they were changed until then.
    async fn index(&self) -> Result<(Stamp, Entries), Error> {
        let mut all: BTreeMap<String, String> = self.link.run(redis::cmd("HGETALL").arg(INDEX)).await?;
        let revision = all.remove(REVISION).and_then(|revision| revision.parse().ok()).unwrap_or(0);
        let stamp = (all.remove(LIFE), revision);
        let keys = |entry: String| entry.split(',').map(str::to_owned).collect();
        Ok((stamp, all.into_iter().map(|(digest, entry)| (digest, keys(entry))).collect()))
    }

    /// Brings one API into step, of which the store has this entry; `false` where that has to be done another time.
    async fn one(
        &mut self,
        history: &Arc<History>,
        news: &News,
        id: Option<&ApiId>,
        digest: String,
        entry: &[String],
    ) -> Result<bool, Error> {
        let own = id.map(|id| history.known(id)).unwrap_or_default();
        let Some((named, remote)) = self.versions(&digest, entry, &own).await? else {
            self.seen.unread.insert(digest, entry.to_vec());
            return Ok(true);
        };
        let Some(id) = id.cloned().or(named) else {
            self.seen.unread.remove(&digest);
            return Ok(true);
        };
        let base = self.seen.entries.get(&digest).cloned().unwrap_or_default();
        let api = lock(&news.apis).get(&id).cloned();
        let (at, known) = (Arc::clone(history), id.clone());
        let merged = task::spawn_blocking(move || {
            let merged = merge(&base, &remote, &own, api.as_ref());
            at.replace(&known, &own, merged).then(|| at.known(&known))
        });
        // Something was recorded in the meantime, or it cannot be read: another time.
        let Ok(Some(merged)) = merged.await else {
            news.touch([id]);
            return Ok(false);
        };
        if !self.write(&id, &digest, entry, &merged).await? {
            news.touch([id]);
            return Ok(false);
        }
        self.seen.unread.remove(&digest);
        self.seen.entries.insert(digest, merged.iter().map(|version| version.key()).collect());
        Ok(true)
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
                    if !self.seen.unread.contains_key(digest) {
                        tracing::warn!("{VERSIONS} has no version of a document as {digest}-{key}: {error}");
                    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `a:1,2` is an entry of two versions.
    fn entries(text: &str) -> Entries {
        let entry = |(digest, keys): (&str, &str)| (digest.to_owned(), keys.split(',').map(str::to_owned).collect());
        text.split(' ').filter_map(|entry| entry.split_once(':')).map(entry).collect()
    }

    /// One that is in step with the first version of `a` and of `b`, and could not read the second of `b`.
    fn seen() -> Seen {
        Seen { entries: entries("a:1 b:1"), unread: entries("b:1,2") }
    }

    fn behind(told: &str, wanted: &[&str]) -> Vec<String> {
        let wanted = wanted.iter().map(|digest| (*digest).to_owned()).collect();
        seen().behind(&entries(told), wanted).into_iter().collect()
    }

    #[test]
    fn what_cannot_be_read_is_read_again_once_it_is_another() {
        assert!(behind("a:1 b:1,2", &[]).is_empty());
        // Another API has a version more, and this portal has recorded something of that which it cannot read.
        assert_eq!(behind("a:1,2 b:1,2", &["b"]), ["a"]);
        assert_eq!(behind("a:1 b:1,2,3", &[]), ["b"]);
        assert_eq!(behind("a:1", &[]), ["b"]);
        // It is again what it was: what was recorded in the meantime is told.
        assert_eq!(behind("a:1 b:1", &[]), ["b"]);
    }

    #[test]
    fn where_the_store_was_not_changed_its_entries_are_known() {
        assert_eq!(seen().told(), entries("a:1 b:1,2"));
    }
}
