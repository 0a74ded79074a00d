//! What is told of a server that closes connections, or does not do what it is asked.

use std::sync::atomic::AtomicUsize;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;
use crate::store::Reason;
use crate::store::redis::resp::{self, Reply};

/// A server that says what it is told to, and a link to it.
struct Scene {
    script: Arc<Script>,
    link: Link,
    told: watch::Receiver<Reason>,
    pool: Arc<Pool>,
    name: String,
    _server: JoinSet<()>,
}

struct Script {
    /// How long each connection is kept.
    lives: Duration,
    /// The answer to hits; with none, the connection is closed.
    answer: watch::Sender<&'static str>,
    connections: watch::Sender<usize>,
    hits: AtomicUsize,
}

impl Scene {
    async fn new(lives: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let answer = watch::channel(":1\r\n").0;
        let script = Arc::new(Script { lives, answer, connections: watch::channel(0).0, hits: AtomicUsize::new(0) });
        let mut server = JoinSet::new();
        server.spawn(listen(listener, script.clone()));
        let options = Arc::new(RedisOptions { url, ..RedisOptions::default() });
        let resolver = Resolver::new(&options).unwrap();
        let (pool, name) = (Arc::<Pool>::default(), resolver.name());
        let told = pool.outage.subscribe();
        let setup = Setup { resolver, options, pool: pool.clone(), alive: Arc::new(watch::channel(false).0) };
        Self { script, link: Link::start(setup), told, pool, name, _server: server }
    }

    async fn hit(&self) -> Result<Count, StoreError> {
        let op = Op { key: Bytes::from_static(b"k"), action: Action::Add(1), meter: Meter::Number(60) };
        self.link.send_one(&op, How::default(), None).await
    }

    /// Hits until the server has seen so many more of them: none reaches it while it is away.
    async fn reach(&self, more: usize) {
        let seen = || self.script.hits.load(Ordering::Relaxed);
        let enough = seen() + more;
        while seen() < enough {
            self.hit().await.unwrap_err();
            tokio::task::yield_now().await;
        }
    }

    async fn connections(&self, count: usize) {
        self.script.connections.subscribe().wait_for(|so_far| *so_far >= count).await.unwrap();
    }

    /// Nothing was ever told, to those who watch or in the log.
    fn expect_quiet(&self) {
        assert!(!self.told.has_changed().unwrap(), "{:?}", self.told.borrow());
        assert_eq!(self.pool.outage.works(&self.name, std::time::Instant::now()), None);
    }

    fn reason(&mut self) -> Option<String> {
        self.told.borrow_and_update().as_deref().map(str::to_owned)
    }
}

async fn listen(listener: TcpListener, script: Arc<Script>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        script.connections.send_modify(|count| *count += 1);
        _ = tokio::time::timeout(script.lives, answer(stream, &script)).await;
    }
}

async fn answer(mut stream: TcpStream, script: &Script) {
    let mut input = BytesMut::new();
    while let Ok(1..) = stream.read_buf(&mut input).await {
        while let Some(Reply::Array(command)) = resp::take(&mut input).unwrap() {
            let mut answer = "+OK\r\n";
            if command[0] == Reply::Bulk(Some(Bytes::from_static(b"INCRBY"))) {
                script.hits.fetch_add(1, Ordering::Relaxed);
                answer = *script.answer.borrow();
            }
            if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test]
async fn closing_what_is_idle_is_no_outage() {
    // The link measures less than the server, by what the machine takes for its connection.
    let scene = Scene::new(2 * BACK_OFF.1).await;
    scene.connections(3).await;
    assert_eq!(scene.hit().await, Ok(Count::from(1)));
    scene.expect_quiet();
}

#[tokio::test]
async fn a_connection_that_breaks_and_is_back_is_no_outage() {
    let scene = Scene::new(Duration::from_secs(60)).await;
    assert_eq!(scene.hit().await, Ok(Count::from(1)));
    scene.script.answer.send_replace("");
    scene.hit().await.unwrap_err();
    // It is connecting again by now, as that waits for the network.
    scene.expect_quiet();
    scene.script.answer.send_replace(":2\r\n");
    assert_eq!(scene.hit().await, Ok(Count::from(2)));
    scene.expect_quiet();
}

/// Each connection to a replica is given up, and each to a full server kept.
#[tokio::test]
async fn refusing_what_it_is_asked_is_an_outage_until_it_does_it() {
    for (answer, why) in [
        ("-READONLY You can't write.\r\n", "READONLY You can't write"),
        ("-OOM command not allowed.\r\n", "OOM command not allowed"),
    ] {
        let mut scene = Scene::new(Duration::from_secs(60)).await;
        scene.script.answer.send_replace(answer);
        scene.hit().await.unwrap_err();
        scene.told.changed().await.unwrap();
        assert_eq!(scene.reason().as_deref(), Some(why));
        scene.reach(3).await;
        assert!(!scene.told.has_changed().unwrap(), "it is told once");
        scene.script.answer.send_replace(":1\r\n");
        while scene.hit().await.is_err() {
            tokio::task::yield_now().await;
        }
        scene.told.changed().await.unwrap();
        assert_eq!(scene.reason(), None);
    }
}
