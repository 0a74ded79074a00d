//! Counters that are more than a number: in Redis they come to what they come to in memory, step by step, and none is
//! counted twice or lost when many meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use nuncio_ratelimit::store::{Action, Count, Counts, MemoryStore, Meter, Op, Ops, RedisOptions, RedisStore, Store};
use nuncio_ratelimit::{Gcra, Sliding, Window};
use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, request};
use nuncio_test_support::eventually;
use rustix::process::Signal;

const STEPS: u64 = 4_000;

async fn store(redis: &Redis) -> RedisStore {
    // However busy the machine is.
    let reply_timeout = Duration::from_secs(30);
    let options = RedisOptions { url: redis.address(), reply_timeout, ..RedisOptions::default() };
    let store = RedisStore::start(options, Arc::default()).unwrap();
    store.connected().wait_for(|connected| *connected).await.unwrap();
    store
}

fn meter(random: &mut fastrand::Rng, kind: u64, now: u64) -> Meter {
    let window = Window::from_name(["second", "7s", "minute", "year"][random.usize(..4)]).unwrap();
    let requests = random.u32(1..40);
    if kind == 0 {
        Meter::Gcra(Gcra::new(requests, window, random.u32(1..40)), now)
    } else {
        Meter::Sliding(Sliding::new(requests, window, [1, 4, 10][random.usize(..3)]).unwrap(), now)
    }
}

fn at(meter: Meter, now: u64) -> Meter {
    match meter {
        Meter::Gcra(gcra, _) => Meter::Gcra(gcra, now),
        Meter::Sliding(sliding, _) => Meter::Sliding(sliding, now),
        Meter::Number(window) => Meter::Number(window),
    }
}

fn action(random: &mut fastrand::Rng) -> Action {
    match random.u32(..8) {
        0 => Action::Read,
        1 => Action::Refund(random.u64(..6)),
        _ => Action::Add(random.u64(..5)),
    }
}

#[tokio::test]
async fn redis_and_memory_come_to_the_same() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into();
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let server = Redis::start(&[]).unwrap();
    let (redis, memory) = (store(&server).await, MemoryStore::default());
    // Keys in Redis live by its clock, so that time must not stand still here for longer than there.
    let mut now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let meters: Vec<Meter> = (0..12).map(|index| meter(&mut random, index % 2, now)).collect();
    for step in 0..STEPS {
        let longest = [1, 30, 900, 4_000][random.usize(..4)];
        now += random.u64(..longest);
        // Now and then a replica whose clock is behind.
        let seen = now - if random.u32(..20) == 0 { random.u64(..2_000) } else { 0 };
        let mut ops = Ops::new();
        for _ in 0..random.usize(1..4) {
            let index = random.usize(..meters.len());
            let key = format!("key-{index}").into();
            ops.push(Op { key, action: action(&mut random), meter: at(meters[index], seen) });
        }
        if step % 1_000 == 500 {
            server.call(&["SCRIPT", "FLUSH"]).unwrap();
        }
        let all = |counts: Counts| counts.into_iter().collect::<Result<Vec<Count>, _>>().unwrap();
        let expected = all(memory.run(ops.clone(), None).await);
        let counted = all(redis.run(ops.clone(), None).await);
        let values = |counts: &[Count]| counts.iter().map(|count| count.value).collect::<Vec<_>>();
        assert_eq!(values(&counted), values(&expected), "seed {seed}, step {step}: {ops:?}");
        // A command's last action leaves the state that all of it are told about.
        if ops.len() == 1 && expected[0].value > 0 {
            assert_eq!(counted, expected, "seed {seed}, step {step}: {ops:?}");
        }
    }
}

/// However busy the machine is: what is counted and not answered would be missed.
const PATIENT: (&str, &str) = ("NUNCIO_REDIS_REPLY_TIMEOUT", "30s");

const RULES: &str = "
domain: d
descriptors:
- {key: bucket, rate_limit: {unit: year, requests_per_unit: 500, algorithm: gcra}}
- {key: sliding, rate_limit: {unit: year, requests_per_unit: 500, algorithm: sliding_window}}
- {key: leased, rate_limit: {unit: year, requests_per_unit: 500, lease: 7}}
";

/// Sends 64 × 25 hits on `key` over several connections to several services, and says how many passed.
async fn passed(services: &[&Service], key: &'static str) -> u32 {
    let passed = Arc::new(AtomicU32::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..64 {
        let mut client: Client = services[index % services.len()].client().await.unwrap();
        let passed = passed.clone();
        tasks.spawn(async move {
            for _ in 0..25 {
                let reply = client.should_rate_limit(request("d", vec![descriptor(&[(key, "v")])])).await.unwrap();
                let is_over = reply.into_inner().overall_code == i32::from(Code::OverLimit);
                passed.fetch_add(u32::from(!is_over), Ordering::Relaxed);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    passed.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_pass_exactly_as_many_as_may() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let variables = [("REDIS_URL", url.as_str()), PATIENT];
    let one = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let other = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    assert_eq!(passed(&[&one, &other], "bucket").await, 500);
    assert_eq!(passed(&[&one, &other], "sliding").await, 500);
    let leased = passed(&[&one, &other], "leased").await;
    assert!((480..=500).contains(&leased), "{leased} of 500 passed");
    let memory = Service::start(Which::Ours, RULES, &[("BACKEND_TYPE", "memory")]).await.unwrap();
    for key in ["bucket", "sliding", "leased"] {
        assert_eq!(passed(&[&memory], key).await, 500, "{key}");
    }
}

#[tokio::test]
async fn leases_ask_redis_seldom_and_give_back_what_is_left() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let rules = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1000000, lease: 100}}]";
    let service = Service::start(Which::Ours, rules, &[("REDIS_URL", url.as_str()), PATIENT]).await.unwrap();
    let mut client = service.client().await.unwrap();
    // What a busy machine leaves unused for a second is given back too soon: then another value is asked about.
    for value in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        redis.call(&["CONFIG", "RESETSTAT"]).unwrap();
        let mut ask = async || {
            let reply = client.should_rate_limit(request("d", vec![descriptor(&[("k", value)])])).await.unwrap();
            reply.into_inner().statuses[0].limit_remaining
        };
        let (mut remaining, mut unused, mut begun) = (Vec::new(), Duration::ZERO, Instant::now());
        for _ in 0..=250 {
            let before = std::mem::replace(&mut begun, Instant::now());
            remaining.push(ask().await);
            unused = unused.max(before.elapsed());
        }
        let commands = redis.call(&["INFO", "commandstats"]).unwrap();
        unused = unused.max(begun.elapsed());
        let key = format!("d_k_{value}_");
        eventually("what is left is given back", async || match counted(&redis, &key) {
            251 => Ok(()),
            other => Err(format!("{other} counted of 251")),
        })
        .await;
        if unused < Duration::from_secs(1) {
            assert!(remaining.windows(2).all(|two| two[0] == two[1] + 1), "{remaining:?}");
            assert!(commands.contains("cmdstat_incrby:calls=3,"), "{commands}");
            return;
        }
    }
    panic!("each time the machine was too busy to ask every second");
}

/// What the counter with this beginning of its key stands at.
fn counted(redis: &Redis, key: &str) -> u32 {
    let all = redis.dump().unwrap();
    all.iter().find(|(name, _)| name.starts_with(key)).map_or(0, |(_, (value, _))| value.parse().unwrap())
}

#[tokio::test]
async fn a_lease_that_is_had_while_stopping_is_given_back() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let rules = "domain: d\ndescriptors:\n- {key: k, rate_limit: {unit: year, requests_per_unit: 1000, lease: 100}}\n\
                 - {key: plain, rate_limit: {unit: year, requests_per_unit: 1000}}";
    // The counter is read before a lease is asked for: by then the service is told to stop.
    let variables = [("STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT", "true"), PATIENT, ("REDIS_URL", &url)];
    let service = Service::start(Which::Ours, rules, &variables).await.unwrap();
    let client = service.client().await.unwrap();
    let call = |key: &'static str| {
        let mut client = client.clone();
        tokio::spawn(async move { client.should_rate_limit(request("d", vec![descriptor(&[(key, "v")])])).await })
    };
    call("plain").await.unwrap().unwrap();
    redis.process().signal(Signal::STOP).unwrap();
    let leased = call("k");
    // No rule, and so no Redis: when this is answered, the service has read what came before.
    call("none").await.unwrap().unwrap();
    service.process().signal(Signal::TERM).unwrap();
    eventually("the service stops", async || {
        match tokio::net::TcpStream::connect(("127.0.0.1", service.grpc_port())).await {
            Ok(_) => Err("it takes connections"),
            Err(_) => Ok(()),
        }
    })
    .await;
    redis.process().signal(Signal::CONT).unwrap();
    leased.await.unwrap().unwrap();
    eventually("what is left is given back", async || match counted(&redis, "d_k_v_") {
        1 => Ok(()),
        other => Err(format!("{other} counted of 1")),
    })
    .await;
}

#[tokio::test]
async fn leases_bear_a_counter_that_is_below_nothing() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let rules = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1000, lease: 5}}]";
    let service = Service::start(Which::Ours, rules, &[("REDIS_URL", url.as_str())]).await.unwrap();
    let mut client = service.client().await.unwrap();
    let asked = || request("d", vec![descriptor(&[("k", "v")])]);
    client.should_rate_limit(asked()).await.unwrap();
    let key = redis.call(&["KEYS", "*"]).unwrap();
    redis.call(&["SET", &key, "-1000"]).unwrap();
    for _ in 0..20 {
        let status = client.should_rate_limit(asked()).await.unwrap().into_inner().statuses[0].clone();
        assert!((900..=1_000).contains(&status.limit_remaining), "{status:?}");
    }
}

#[tokio::test]
async fn keys_go_when_nothing_is_left_in_them() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let rules = "
domain: d
descriptors:
- {key: bucket, rate_limit: {unit: second, requests_per_unit: 5, algorithm: gcra}}
- {key: sliding, rate_limit: {unit: second, requests_per_unit: 5, algorithm: sliding_window}}
";
    let service = Service::start(Which::Ours, rules, &[("REDIS_URL", url.as_str())]).await.unwrap();
    let mut client = service.client().await.unwrap();
    let asked = request("d", vec![descriptor(&[("bucket", "v")]), descriptor(&[("sliding", "v")])]);
    client.should_rate_limit(asked).await.unwrap();
    let keys = redis.call(&["KEYS", "*"]).unwrap();
    assert!(keys.contains("d_bucket_v_gcra_200") && keys.contains("d_sliding_v_sliding_100"), "{keys}");
    eventually("keys go", async || match redis.call(&["KEYS", "*"]).unwrap() {
        keys if keys.is_empty() => Ok(()),
        keys => Err(keys),
    })
    .await;
}
