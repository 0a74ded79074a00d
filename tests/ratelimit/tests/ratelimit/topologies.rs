//! Redis behind Sentinels, and as a cluster, with what happens to them.

use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Client, Process, Redis, Service, Which, call, descriptor, free_port, request};
use nuncio_test_support::{eventually, within};
use rustix::process::Signal;

/// A plain number, and both kinds of counters that are kept by scripts. None is free again within the time of a test.
const RULES: &str = "
domain: d
descriptors:
- {key: k, rate_limit: {unit: year, requests_per_unit: 100000}}
- {key: sliding, rate_limit: {unit: year, requests_per_unit: 100000, algorithm: sliding_window}}
- {key: bucket, rate_limit: {unit: year, requests_per_unit: 1, algorithm: gcra, burst: 100000}}
";
const KEYS: [&str; 3] = ["k", "sliding", "bucket"];
/// Servers find each other, and take over, as quickly as the machine lets them.
const PATIENCE: Duration = Duration::from_secs(60);
/// A call may take that long before it fails, unless it is the subject what happens then.
const LONG_REPLY: (&str, &str) = ("NUNCIO_REDIS_REPLY_TIMEOUT", "30s");
/// How long what hangs is awaited.
const SHORT_REPLY: (&str, &str) = ("NUNCIO_REDIS_REPLY_TIMEOUT", "5s");

/// How often each value of each key was counted.
async fn ask(client: &mut Client, values: &[&str]) -> Result<Vec<u32>, tonic::Status> {
    let descriptors = KEYS.iter().flat_map(|key| values.iter().map(|value| descriptor(&[(key, value)]))).collect();
    let reply = client.should_rate_limit(request("d", descriptors)).await?.into_inner();
    Ok(reply.statuses.iter().map(|status| 100_000 - status.limit_remaining).collect())
}

async fn answered(client: &mut Client) {
    within(PATIENCE, "an answer", async || ask(client, &["probe"]).await).await;
}

/// Waits until the replica of this master has what it has by now.
async fn replicated(master: &Redis) {
    let offset = |name: &str| {
        let told = master.call(&["INFO", "replication"]).unwrap();
        told.split(name).nth(1)?.split(['\r', ',']).next()?.parse::<u64>().ok()
    };
    let wanted = offset("master_repl_offset:").unwrap();
    eventually("the replica has what its master has", async || match offset("offset=") {
        Some(has) if has >= wanted => Ok(()),
        has => Err(format!("{has:?} of {wanted}")),
    })
    .await;
}

fn sentinel(directory: &std::path::Path, master: u16) -> (Process, u16) {
    let port = free_port().unwrap();
    let file = directory.join(format!("{port}.conf"));
    let text = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds main 600000\nsentinel failover-timeout main 2000\n",
        directory.display()
    );
    std::fs::write(&file, text).unwrap();
    let process = Process::start(std::process::Command::new("redis-sentinel").arg(&file)).unwrap();
    (process, port)
}

/// Waits until a Sentinel knows the two others, and a replica that can take over.
async fn knows_all(port: u16) {
    let ask = |about: &str| call(port, &["SENTINEL", about, "main"]);
    within(PATIENCE, "a Sentinel knows the others", async || match (ask("MASTER"), ask("REPLICAS")) {
        (Ok(master), Ok(replicas))
            if master.contains("num-other-sentinels\n2\n") && replicas.contains("master-link-status\nok\n") =>
        {
            Ok(())
        }
        told => Err(format!("{told:?}")),
    })
    .await;
}

#[tokio::test]
async fn sentinels_name_another_master_though_the_first_of_them_hangs() {
    let directory = tempfile::tempdir().unwrap();
    let mut master = Redis::start(&[]).unwrap();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &master.port.to_string()]).unwrap();
    within(PATIENCE, "the replica follows", async || match replica.call(&["INFO", "replication"]).unwrap() {
        told if told.contains("master_link_status:up") => Ok(()),
        told => Err(told),
    })
    .await;
    // They hear of the replica when they first ask the master, or ten seconds later.
    let sentinels: Vec<_> = (0..3).map(|_| sentinel(directory.path(), master.port)).collect();
    for (_, port) in &sentinels {
        knows_all(*port).await;
    }
    let places: Vec<_> = sentinels.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
    let url = format!("main,{}", places.join(","));
    let variables = [("REDIS_TYPE", "SENTINEL"), ("REDIS_URL", url.as_str()), SHORT_REPLY];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    answered(&mut client).await;
    for _ in 0..10 {
        ask(&mut client, &["kept"]).await.unwrap();
    }
    replicated(&master).await;
    sentinels[0].0.signal(Signal::STOP).unwrap();
    master.kill();
    // Until now a master that was slow would have been given up.
    for (_, port) in &sentinels[1..] {
        call(*port, &["SENTINEL", "SET", "main", "down-after-milliseconds", "500"]).unwrap();
    }
    answered(&mut client).await;
    assert_eq!(ask(&mut client, &["kept"]).await.unwrap(), [11; 3]);
}

struct Cluster {
    nodes: Vec<Redis>,
}

impl Cluster {
    /// Three nodes, or six with a replica each, that know each other and take keys. They give up one that says nothing
    /// for so many milliseconds.
    async fn start(directory: &std::path::Path, replicas: u8, node_timeout: &str) -> Self {
        let nodes: Vec<Redis> = (0..3 * (1 + replicas))
            .map(|index| {
                let file = directory.join(format!("nodes-{index}.conf"));
                let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", node_timeout];
                let named = ["--cluster-config-file", file.to_str().unwrap()];
                Redis::start(&[arguments.as_slice(), &named].concat()).unwrap()
            })
            .collect();
        let addresses: Vec<_> = nodes.iter().map(Redis::address).collect();
        let output = std::process::Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(&addresses)
            .args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"])
            .output()
            .unwrap();
        assert!(output.status.success(), "the cluster is not made: {}", String::from_utf8_lossy(&output.stdout));
        // Each sees for itself that there is a node for all slots, some of them seconds later.
        for node in &nodes {
            within(PATIENCE, "a node takes keys", async || match node.call(&["CLUSTER", "INFO"]).unwrap() {
                told if told.contains("cluster_state:ok") => Ok(()),
                told => Err(told),
            })
            .await;
        }
        Self { nodes }
    }

    fn url(&self) -> String {
        self.nodes.iter().map(Redis::address).collect::<Vec<_>>().join(",")
    }
}

#[tokio::test]
async fn slots_move_while_counting_and_some_nodes_hang() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(directory.path(), 0, "15000").await;
    // Nodes that hang, first in the list: one after the other they would take 80 s.
    let hung: Vec<_> = (0..8).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let hung = hung.iter().map(|node| node.local_addr().unwrap().to_string());
    let url = hung.chain([cluster.url()]).collect::<Vec<_>>().join(",");
    let variables = [("REDIS_TYPE", "CLUSTER"), ("REDIS_URL", url.as_str()), LONG_REPLY];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    answered(&mut client).await;
    let values = ["1", "2", "3", "4", "5", "6", "7", "8"];
    for count in 1..=10 {
        assert_eq!(ask(&mut client, &values).await.unwrap(), [count; 24]);
    }
    let id = |node: &Redis| node.call(&["CLUSTER", "MYID"]).unwrap();
    let status = std::process::Command::new("redis-cli")
        .args(["--cluster", "reshard", &cluster.nodes[0].address(), "--cluster-yes", "--cluster-slots", "3000"])
        .args(["--cluster-from", &id(&cluster.nodes[0]), "--cluster-to", &id(&cluster.nodes[1])])
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut reshard = status.unwrap();
    let mut count = 10;
    while reshard.try_wait().unwrap().is_none() {
        count += 1;
        assert_eq!(ask(&mut client, &values).await.unwrap(), [count; 24]);
    }
    for _ in 0..10 {
        count += 1;
        assert_eq!(ask(&mut client, &values).await.unwrap(), [count; 24]);
    }
}

#[tokio::test]
async fn a_node_fails_and_its_replica_takes_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(directory.path(), 1, "5000").await;
    let url = cluster.url();
    let variables = [("REDIS_TYPE", "CLUSTER"), ("REDIS_URL", url.as_str()), LONG_REPLY];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    answered(&mut client).await;
    // One that never had its master's counters cannot take over.
    let follows = |node: &Redis| node.call(&["INFO", "replication"]).unwrap().contains("master_link_status:up");
    within(PATIENCE, "the replicas follow", async || match cluster.nodes.iter().filter(|node| follows(node)).count() {
        3.. => Ok(()),
        count => Err(count),
    })
    .await;
    let values = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];
    for _ in 0..10 {
        ask(&mut client, &values).await.unwrap();
    }
    // What Redis keeps of a master that is gone is what its replica has.
    replicated(&cluster.nodes[0]).await;
    cluster.nodes[0].kill();
    let begun = Instant::now();
    let mut tries = 1;
    let counts = loop {
        match ask(&mut client, &values).await {
            Ok(counts) => break counts,
            Err(status) => assert!(begun.elapsed() < PATIENCE, "the others are not used: {status}"),
        }
        tries += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(counts.iter().all(|count| (11..=10 + tries).contains(count)), "{counts:?} after {tries} tries");
}

#[tokio::test]
async fn of_a_request_only_what_a_node_does_not_count_is_counted_here() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(directory.path(), 0, "15000").await;
    let url = cluster.url();
    let variables = [
        ("REDIS_TYPE", "CLUSTER"),
        ("REDIS_URL", url.as_str()),
        ("NUNCIO_STORE_FAILURE", "local"),
        ("NUNCIO_REPLICAS", "4"),
        SHORT_REPLY,
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    let values: Vec<String> = (0..32).map(|value| value.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    // In the cluster, and not in this replica's share.
    within(PATIENCE, "the cluster counts", async || match ask(&mut client, &["probe"]).await.unwrap() {
        counts if counts.iter().all(|count| *count < 100) => Ok(()),
        counts => Err(format!("{counts:?}")),
    })
    .await;
    assert_eq!(ask(&mut client, &values).await.unwrap(), [1; 96]);
    cluster.nodes[0].process().signal(Signal::STOP).unwrap();
    let counts = ask(&mut client, &values).await.unwrap();
    cluster.nodes[0].process().signal(Signal::CONT).unwrap();
    let (here, there): (Vec<u32>, Vec<u32>) = counts.iter().partition(|count| **count > 2);
    assert!(there.len() > 32 && there.iter().all(|count| *count == 2), "{counts:?}");
    assert!(here.len() > 8 && here.iter().all(|count| *count == 75_001), "a quarter, less one: {counts:?}");
}

/// Envoy does not wait for long, and would let requests through.
#[tokio::test]
async fn callers_are_answered_while_they_wait_though_the_cluster_is_down() {
    let rules = "
domain: d
descriptors:
- {key: deny, store_failure: deny, rate_limit: {unit: year, requests_per_unit: 1000}}
- {key: error, store_failure: error, rate_limit: {unit: year, requests_per_unit: 1000}}
";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nodes.conf");
    let node = Redis::start(&["--cluster-enabled", "yes", "--cluster-config-file", file.to_str().unwrap()]).unwrap();
    // The last one is missing, so nothing is counted.
    node.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16382"]).unwrap();
    let url = node.address();
    let variables = [("REDIS_TYPE", "CLUSTER"), ("REDIS_URL", url.as_str())];
    let service = Service::start(Which::Ours, rules, &variables).await.unwrap();
    let client = service.client().await.unwrap();
    let ask = async |key: &str, limit: Duration| {
        let mut asked = tonic::Request::new(request("d", vec![descriptor(&[(key, "")])]));
        asked.set_timeout(limit);
        client.clone().should_rate_limit(asked).await
    };
    eventually("the node says that it is down", async || match ask("error", Duration::from_secs(5)).await {
        Err(status) if status.message().contains("CLUSTERDOWN") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    eventually("who waits for 38 ms is answered five times in a row", async || {
        for _ in 0..5 {
            ask("deny", Duration::from_millis(38)).await?;
        }
        Ok::<_, tonic::Status>(())
    })
    .await;
}
