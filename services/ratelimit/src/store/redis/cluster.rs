//! A Redis cluster: which node has which slot, and what to do while slots move.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, select_ok};
use tokio::sync::watch;
use tokio::time::Instant;

use super::RedisOptions;
use super::address::{Address, Login, Target};
use super::connect;
use super::job::How;
use super::link::{Link, Setup};
use super::resolve::Resolver;
use super::resp::Reply;
use super::script;
use super::slots::{self, SLOTS};
use crate::stats::Registry;
use crate::store::{Count, Counts, Op, Ops, StoreError};

/// How often an operation is sent on to where a node says that its slot is.
const MOVES: usize = 5;
/// How long the table of slots is trusted, as nodes may be added that none has spoken of.
const TRUST: Duration = Duration::from_secs(60);
/// How long to wait before asking for the table again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a node is asked alone, before the next is too.
const HEAD_START: Duration = Duration::from_millis(50);

/// The nodes of a cluster, each with a link.
#[derive(Debug)]
pub(super) struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    options: Arc<RedisOptions>,
    stats: Arc<Registry>,
    alive: Arc<watch::Sender<bool>>,
    seeds: Vec<Target>,
    table: Mutex<Table>,
    stale: tokio::sync::Notify,
}

#[derive(Default)]
struct Table {
    /// The node of each slot; empty until the first table is here.
    slots: Vec<Option<Address>>,
    links: HashMap<Address, Link>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    pub(super) fn start(
        options: Arc<RedisOptions>,
        stats: Arc<Registry>,
        alive: Arc<watch::Sender<bool>>,
    ) -> Result<Self, String> {
        let seeds = seeds(&options)?;
        let shared = Arc::new(Shared {
            options,
            stats,
            alive,
            seeds,
            table: Mutex::default(),
            stale: tokio::sync::Notify::new(),
        });
        tokio::spawn(keep_table(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// Does all operations, on all nodes at once. What one node does not do is no matter of the others.
    pub(super) async fn run(&self, ops: Ops, by: Option<Instant>) -> Counts {
        let mut results: Counts = ops.iter().map(|_| Ok(Count::from(0))).collect();
        let mut groups: Vec<(Link, Ops, Vec<usize>)> = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            match self.shared.link_for(&op.key) {
                Err(error) => results[index] = Err(error),
                Ok(link) => match groups.iter_mut().find(|(known, ..)| known.is(&link)) {
                    Some((_, ops, places)) => {
                        ops.push(op.clone());
                        places.push(index);
                    }
                    None => groups.push((link, Ops::from_iter([op.clone()]), vec![index])),
                },
            }
        }
        let answers = groups.into_iter().map(|(link, ops, places)| async move {
            let answers = link.send(ops, How::default(), by).await;
            places.into_iter().zip(answers)
        });
        for (place, answer) in join_all(answers).await.into_iter().flatten() {
            results[place] = answer;
        }
        for (op, result) in ops.iter().zip(&mut results) {
            self.follow(op, result, by).await;
        }
        results
    }

    /// Sends an operation on while nodes answer that its slot is elsewhere; they have not done it then.
    async fn follow(&self, op: &Op, result: &mut Result<Count, StoreError>, by: Option<Instant>) {
        for _ in 0..MOVES {
            let Err(error) = &*result else { return };
            let Some((link, how)) = self.elsewhere(op, error).await else { return };
            *result = match link {
                Ok(link) => link.send_one(op, how, by).await,
                Err(error) => Err(error),
            };
        }
    }

    /// Where an operation is to be sent on to, and how, after this error; none where that is no use.
    async fn elsewhere(&self, op: &Op, error: &StoreError) -> Option<(Result<Link, StoreError>, How)> {
        let StoreError::Reply(text) = error else {
            self.shared.stale.notify_one();
            return None;
        };
        let asking = text.starts_with("ASK ");
        if script::is_missing(error) {
            return Some((self.shared.link_for(&op.key), How { whole: true, asking: false }));
        }
        if text.starts_with("TRYAGAIN") || text.starts_with("CLUSTERDOWN") {
            self.shared.stale.notify_one();
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Some((self.shared.link_for(&op.key), How::default()));
        }
        if !asking && !text.starts_with("MOVED ") {
            return None;
        }
        let place = text.split(' ').nth(2)?;
        let address = Target::parse(place, false).ok()?.address;
        if !asking {
            self.shared.moved(&op.key, &address);
        }
        Some((Ok(self.shared.link_to(&address)), How { asking, whole: asking }))
    }
}

/// The nodes that are configured.
pub(super) fn seeds(options: &RedisOptions) -> Result<Vec<Target>, String> {
    let login = Login::parse(&options.auth);
    let target = |part| {
        let mut target = Target::parse(part, options.unix)?;
        target.login = login.clone().or(target.login);
        Ok(target)
    };
    options.url.split(',').map(target).collect()
}

impl Shared {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link_for(self: &Arc<Self>, key: &[u8]) -> Result<Link, StoreError> {
        let address = self.table().slots.get(usize::from(slots::slot(key))).cloned().flatten();
        let Some(address) = address else {
            self.stale.notify_one();
            return Err(StoreError::Unavailable("the cluster's slots are not known".to_owned()));
        };
        Ok(self.link_to(&address))
    }

    fn link_to(self: &Arc<Self>, address: &Address) -> Link {
        self.table().links.entry(address.clone()).or_insert_with(|| self.start_link(address)).clone()
    }

    fn start_link(&self, address: &Address) -> Link {
        let login = self.seeds.first().and_then(|seed| seed.login.clone());
        // The cluster is alive when its table is known; one node does not say.
        let (alive, _) = watch::channel(false);
        Link::start(Setup {
            resolver: Resolver::Fixed(Target { address: address.clone(), login, database: 0 }),
            options: self.options.clone(),
            stats: self.stats.clone(),
            alive: Arc::new(alive),
        })
    }

    fn moved(&self, key: &[u8], to: &Address) {
        if let Some(place) = self.table().slots.get_mut(usize::from(slots::slot(key))) {
            *place = Some(to.clone());
        }
        self.stale.notify_one();
    }

    /// Asks the nodes that are known, and then those configured, for the table of slots. Whoever answers first is believed: one
    /// that hangs costs no more than its head start.
    async fn refresh(&self) -> Result<(), String> {
        let login = self.seeds.first().and_then(|seed| seed.login.clone());
        let known: Vec<Target> = self
            .table()
            .links
            .keys()
            .map(|address| Target { address: address.clone(), login: login.clone(), database: 0 })
            .collect();
        let asked = known.iter().chain(&self.seeds).zip(0..).map(|(target, before)| {
            Box::pin(async move {
                tokio::time::sleep(HEAD_START * before).await;
                self.ask(target).await.map_err(|error| format!("{}: {error}", target.address))
            })
        });
        let (slots, _) = select_ok(asked).await?;
        self.adopt(slots);
        Ok(())
    }

    /// The table as one node knows it.
    async fn ask(&self, target: &Target) -> Result<Vec<Option<Address>>, String> {
        let asking = async {
            let mut connection = connect::connect(target, &self.options).await?;
            connection.call(&[b"CLUSTER", b"SLOTS"]).await
        };
        let answer = tokio::time::timeout(self.options.reply_timeout, asking).await;
        let reply = answer.map_err(|_| "no answer".to_owned())??;
        table_of(&reply, &target.address).ok_or_else(|| format!("no table of slots: {reply:?}"))
    }

    fn adopt(&self, slots: Vec<Option<Address>>) {
        let mut table = self.table();
        let nodes: std::collections::HashSet<&Address> = slots.iter().flatten().collect();
        table.links.retain(|address, _| nodes.contains(address));
        table.slots = slots;
    }
}

/// Keeps the table fresh for as long as the cluster is used.
async fn keep_table(shared: std::sync::Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        match shared.refresh().await {
            Ok(()) => _ = shared.alive.send_replace(true),
            Err(error) => {
                shared.alive.send_replace(false);
                tracing::warn!("the redis cluster's slots are not known: {error}");
            }
        }
        tokio::time::sleep(PAUSE).await;
        let wait = if *shared.alive.borrow() { TRUST } else { PAUSE };
        _ = tokio::time::timeout(wait, shared.stale.notified()).await;
    }
}

/// The node of each slot, as `CLUSTER SLOTS` tells: ranges with their nodes, the master first.
fn table_of(reply: &Reply, asked: &Address) -> Option<Vec<Option<Address>>> {
    let Reply::Array(ranges) = reply else { return None };
    let mut slots = vec![None; usize::from(SLOTS)];
    for range in ranges {
        let Reply::Array(range) = range else { return None };
        let [Reply::Int(first), Reply::Int(last), Reply::Array(master), ..] = range.as_slice() else { return None };
        let [Reply::Bulk(host), Reply::Int(port), ..] = master.as_slice() else { return None };
        let host = host.as_ref().and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
        let host = match (host, asked) {
            // A node that does not know its own address means the one it was asked at.
            ("" | "?", Address::Tcp { host, .. }) => host.clone(),
            _ => host.to_owned(),
        };
        let address = Address::Tcp { host, port: u16::try_from(*port).ok()? };
        for slot in slots.get_mut(usize::try_from(*first).ok()?..=usize::try_from(*last).ok()?)? {
            *slot = Some(address.clone());
        }
    }
    slots.iter().any(Option::is_some).then_some(slots)
}
