//! A Redis cluster: which node has which slot, and what to do while slots move.

mod places;

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
use super::pool::{Pool, Server};
use super::resolve::Resolver;
use super::script;
use super::slots;
use crate::store::{Count, Counts, Op, Ops, StoreError};
use places::{redirected, table_of};

/// How often an operation is sent on to where a node says that its slot is.
const MOVES: usize = 5;
/// How long the table of slots is trusted, as nodes may be added that none has spoken of.
const TRUST: Duration = Duration::from_secs(60);
/// How long to wait before asking for the table again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a node is asked alone, before the next is too.
const HEAD_START: Duration = Duration::from_millis(50);

/// How long to wait where a node cannot do anything yet.
const AGAIN: Duration = Duration::from_millis(20);

/// The nodes of a cluster, each with a link.
#[derive(Debug)]
pub(super) struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    options: Arc<RedisOptions>,
    pool: Arc<Pool>,
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

/// A node that can be asked.
#[derive(Clone)]
struct Node {
    address: Address,
    link: Link,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    pub(super) fn start(
        options: Arc<RedisOptions>,
        pool: Arc<Pool>,
        alive: Arc<watch::Sender<bool>>,
    ) -> Result<Self, String> {
        let seeds = seeds(&options)?;
        let shared = Arc::new(Shared {
            options,
            pool,
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
        let mut groups: Vec<(Node, Ops, Vec<usize>)> = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            match self.shared.node_for(&op.key) {
                Err(error) => results[index] = Err(error),
                Ok(node) => match groups.iter_mut().find(|(known, ..)| known.link.is(&node.link)) {
                    Some((_, ops, places)) => {
                        ops.push(op.clone());
                        places.push(index);
                    }
                    None => groups.push((node, Ops::from_iter([op.clone()]), vec![index])),
                },
            }
        }
        let answers = join_all(groups.into_iter().map(async |(node, ops, places)| {
            let answers = node.link.send(ops, How::default(), by).await;
            (node, places, answers)
        }));
        let ops = &ops;
        let followed = answers.await.into_iter().flat_map(|(node, places, answers)| {
            places.into_iter().zip(answers).map(move |(place, answer)| {
                let node = node.clone();
                async move { (place, self.follow(&ops[place], node, answer, by).await) }
            })
        });
        for (place, answer) in join_all(followed).await {
            results[place] = answer;
        }
        results
    }

    /// Sends an operation on while nodes answer that its slot is elsewhere; they have not done it then.
    async fn follow(
        &self,
        op: &Op,
        mut asked: Node,
        mut answer: Result<Count, StoreError>,
        by: Option<Instant>,
    ) -> Result<Count, StoreError> {
        for _ in 0..MOVES {
            let Err(error) = &answer else { break };
            let Some((node, how)) = self.elsewhere(op, &asked, error, by).await else { break };
            asked = node?;
            answer = asked.link.send_one(op, how, by).await;
        }
        answer
    }

    /// Where an operation is to be sent on to, and how, after this error of the node that was asked; none where that is no
    /// use.
    async fn elsewhere(
        &self,
        op: &Op,
        asked: &Node,
        error: &StoreError,
        by: Option<Instant>,
    ) -> Option<(Result<Node, StoreError>, How)> {
        let StoreError::Reply(text) = error else {
            self.shared.stale.notify_one();
            return None;
        };
        if script::is_missing(error) {
            return Some((Ok(asked.clone()), How { whole: true, asking: false }));
        }
        if text.starts_with("TRYAGAIN") || text.starts_with("CLUSTERDOWN") {
            self.shared.stale.notify_one();
            let again = Instant::now() + AGAIN;
            if by.is_some_and(|by| by <= again) {
                return None;
            }
            tokio::time::sleep_until(again).await;
            return Some((self.shared.node_for(&op.key), How::default()));
        }
        let (asking, address) = redirected(text, &asked.address)?;
        if !asking {
            self.shared.moved(&op.key, &address);
        }
        Some((Ok(self.shared.node(address)), How { asking, whole: asking }))
    }
}

/// The nodes that are configured.
pub(super) fn seeds(options: &RedisOptions) -> Result<Vec<Target>, String> {
    let login = Login::parse(&options.auth);
    let mut seeds = Target::list(options.url.split(','), options.unix)?;
    for seed in &mut seeds {
        seed.login = Login::of_both(login.clone(), seed.login.take());
    }
    Ok(seeds)
}

impl Shared {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node_for(&self, key: &[u8]) -> Result<Node, StoreError> {
        let address = self.table().slots.get(usize::from(slots::slot(key))).cloned().flatten();
        let Some(address) = address else {
            self.stale.notify_one();
            return Err(StoreError::Unavailable("the cluster's slots are not known".to_owned()));
        };
        Ok(self.node(address))
    }

    fn node(&self, address: Address) -> Node {
        let link = self.table().links.entry(address.clone()).or_insert_with(|| self.start_link(&address)).clone();
        Node { address, link }
    }

    fn start_link(&self, address: &Address) -> Link {
        let login = self.seeds.first().and_then(|seed| seed.login.clone());
        // The cluster is alive when its table is known; one node does not say.
        let (alive, _) = watch::channel(false);
        Link::start(Setup {
            resolver: Resolver::Fixed(Target { address: address.clone(), login, database: 0 }),
            options: self.options.clone(),
            pool: self.pool.clone(),
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
    let told = |shared: Arc<Shared>| Server::new(&shared.pool, "the cluster".to_owned());
    let Some(mut cluster) = shared.upgrade().map(told) else { return };
    while let Some(shared) = shared.upgrade() {
        match shared.refresh().await {
            Ok(()) => {
                shared.alive.send_replace(true);
                cluster.works();
            }
            Err(error) => {
                shared.alive.send_replace(false);
                cluster.fails(&format!("its slots are not known: {error}"));
            }
        }
        tokio::time::sleep(PAUSE).await;
        let wait = if *shared.alive.borrow() { TRUST } else { PAUSE };
        _ = tokio::time::timeout(wait, shared.stale.notified()).await;
    }
}
