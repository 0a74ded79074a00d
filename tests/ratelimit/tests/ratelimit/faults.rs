//! Redis goes away in all its ways: calls fail soon, and are answered again soon after it is back.

mod memory;
mod password;

use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, free_port, request};
use nuncio_test_support::eventually;
use rustix::process::Signal;

const RULES: &str = "
domain: d
descriptors:
- {key: k, rate_limit: {unit: year, requests_per_unit: 1000000}}
- {key: second, rate_limit: {unit: second, requests_per_unit: 1000000}}
";
/// How long a reply is awaited where that is not the subject: however busy the machine is, a Redis that does not hang
/// has answered by then.
const PATIENT: (&str, &str) = ("NUNCIO_REDIS_REPLY_TIMEOUT", "5s");
/// What is more than that is the machine's.
const SOON: Duration = Duration::from_secs(10);
const RECOVERY: Duration = Duration::from_secs(20);

struct Scene {
    redis: Redis,
    service: Service,
    client: Client,
    /// Of the rule that it asks for.
    key: &'static str,
}

impl Scene {
    async fn new(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start(arguments, &[&[PATIENT][..], variables].concat()).await
    }

    /// With these variables and no others.
    async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let redis = Redis::start(arguments).unwrap();
        let url = redis.address();
        let mut variables = variables.to_vec();
        variables.push(("REDIS_URL", &url));
        let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
        let client = service.client().await.unwrap();
        let mut scene = Self { redis, service, client, key: "k" };
        scene.recovers().await;
        scene
    }

    async fn ask(&mut self) -> Result<u32, tonic::Status> {
        let begun = Instant::now();
        let answer = self.client.should_rate_limit(request("d", vec![descriptor(&[(self.key, "v")])])).await;
        assert!(begun.elapsed() < SOON, "answered after {:?}", begun.elapsed());
        answer.map(|reply| reply.into_inner().statuses[0].limit_remaining)
    }

    async fn recovers(&mut self) {
        let begun = Instant::now();
        while self.ask().await.is_err() {
            assert!(begun.elapsed() < RECOVERY, "not back after {:?}", begun.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn fails(&mut self) -> tonic::Status {
        let begun = Instant::now();
        loop {
            if let Err(status) = self.ask().await {
                assert_eq!(status.code(), tonic::Code::Unknown);
                return status;
            }
            assert!(begun.elapsed() < RECOVERY, "does not fail");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn killed_and_started_again() {
    let mut scene = Scene::new(&[], &[]).await;
    for _ in 0..3 {
        scene.redis.kill();
        scene.fails().await;
        scene.redis.restart().unwrap();
        scene.recovers().await;
        for _ in 0..60 {
            scene.ask().await.unwrap();
        }
    }
}

#[tokio::test]
async fn hung_and_awake_again() {
    let mut scene = Scene::new(&[], &[]).await;
    scene.redis.process().signal(Signal::STOP).unwrap();
    scene.fails().await;
    let begun = Instant::now();
    for _ in 0..50 {
        scene.ask().await.unwrap_err();
    }
    // If each waited it would be 250 s.
    assert!(begun.elapsed() < Duration::from_secs(20), "the breaker is open: {:?}", begun.elapsed());
    scene.redis.process().signal(Signal::CONT).unwrap();
    scene.recovers().await;
    for _ in 0..60 {
        scene.ask().await.unwrap();
    }
}

/// The machine may add to that, but not each time.
#[tokio::test]
async fn a_redis_that_hangs_is_awaited_for_a_second() {
    let mut scene = Scene::start(&[], &[]).await;
    let mut least = Duration::MAX;
    for _ in 0..10 {
        scene.redis.process().signal(Signal::STOP).unwrap();
        let begun = Instant::now();
        scene.fails().await;
        least = least.min(begun.elapsed());
        scene.redis.process().signal(Signal::CONT).unwrap();
        scene.recovers().await;
        if least < Duration::from_millis(1_500) {
            return;
        }
    }
    panic!("it fails after {least:?} at the soonest");
}

#[tokio::test]
async fn counts_that_redis_kept_are_kept() {
    let mut scene = Scene::new(&[], &[]).await;
    let before = scene.ask().await.unwrap();
    let clients = scene.redis.call(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    assert!(clients.parse::<u32>().unwrap() > 0);
    scene.recovers().await;
    let after = scene.ask().await.unwrap();
    assert!(after < before && before - after <= 5, "{before} and then {after}");
}

#[tokio::test]
async fn passwords_and_rights_that_change_while_it_runs() {
    let known = ["--user", "limits", "on", ">old", "~*", "+@all"];
    let mut scene = Scene::new(&known, &[("REDIS_AUTH", "limits:old")]).await;
    let user = |scene: &Scene, change: &[&str]| {
        scene.redis.call(&[&["ACL", "SETUSER", "limits"], change].concat()).unwrap();
    };
    let before = scene.ask().await.unwrap();
    user(&scene, &["resetpass", ">new"]);
    assert_eq!(scene.ask().await.unwrap(), before - 1, "who was let in stays");
    scene.redis.call(&["CLIENT", "KILL", "USER", "limits"]).unwrap();
    fails_with(&mut scene, "WRONGPASS").await;
    user(&scene, &["resetpass", ">old"]);
    scene.recovers().await;

    user(&scene, &["-incrby"]);
    fails_with(&mut scene, "NOPERM").await;
    user(&scene, &["+incrby"]);
    scene.recovers().await;
    let after = scene.ask().await.unwrap();
    assert_eq!(after, before - 4, "two of recovering, and what was asked");
}

/// Fails, in the end with this: who is cut off says so first.
async fn fails_with(scene: &mut Scene, text: &str) {
    let begun = Instant::now();
    loop {
        let status = scene.fails().await;
        if status.message().contains(text) {
            return;
        }
        assert!(begun.elapsed() < RECOVERY, "{status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn full_memory() {
    let mut scene = Scene::new(&[], &[]).await;
    scene.redis.call(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let status = scene.fails().await;
    assert!(status.message().contains("OOM"), "{status}");
    scene.redis.call(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    scene.recovers().await;
}

#[tokio::test]
async fn a_server_that_does_nothing_is_left_alone_for_a_while() {
    let redis = Redis::start(&["--replicaof", "127.0.0.1", &free_port().unwrap().to_string()]).unwrap();
    let service = Service::start(Which::Ours, RULES, &[("REDIS_URL", &redis.address()), PATIENT]).await.unwrap();
    let mut client = service.client().await.unwrap();
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < Duration::from_secs(2) || calls < 100 {
        let status = client.should_rate_limit(request("d", vec![descriptor(&[("k", "v")])])).await.unwrap_err();
        assert!(status.message().contains("READONLY"), "{status}");
        calls += 1;
    }
    let stats = redis.call(&["INFO", "stats"]).unwrap();
    let made = stats.split("total_connections_received:").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(made.trim().parse::<u32>().unwrap() < 30, "{made} connections for {calls} calls");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_counted() {
    let mut scene = Scene::new(&[], &[("NUNCIO_REDIS_REPLY_TIMEOUT", "20s")]).await;
    let call = |value: &str| {
        let (mut client, asked) = (scene.client.clone(), request("d", vec![descriptor(&[("k", value)])]));
        async move { client.should_rate_limit(asked).await }
    };
    scene.redis.process().signal(Signal::STOP).unwrap();
    // More than are sent before a reply is here.
    let mut waiting = tokio::task::JoinSet::new();
    for value in ["1", "2", "3", "4", "5", "6"] {
        waiting.spawn(call(value));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::timeout(Duration::from_millis(100), call("gone")).await.unwrap_err();
    waiting.spawn(call("last"));
    // No rule, and so no Redis: when this is answered, the service has read what came before.
    let unlimited = request("d", vec![descriptor(&[("none", "v")])]);
    scene.client.clone().should_rate_limit(unlimited).await.unwrap();
    scene.redis.process().signal(Signal::CONT).unwrap();
    while let Some(answer) = waiting.join_next().await {
        answer.unwrap().unwrap();
    }
    let keys = scene.redis.call(&["KEYS", "*"]).unwrap();
    assert!(keys.contains("d_k_last_") && !keys.contains("d_k_gone_"), "{keys}");
    scene.ask().await.unwrap();
}

#[tokio::test]
async fn rules_that_break_leave_the_last_in_force() {
    let mut scene = Scene::new(&[], &[]).await;
    scene.service.write_rules("domain: d\ndescriptors: [{key: k, rate_limit: {unit: x}}]").unwrap();
    let debug = scene.service.debug_port();
    eventually("the error is counted", async || match Service::get(debug, "/stats").await.unwrap() {
        stats if stats.contains("config_load_error\": 1") => Ok(()),
        stats => Err(stats),
    })
    .await;
    scene.ask().await.unwrap();
    scene
        .service
        .write_rules("domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 7}}]")
        .unwrap();
    eventually("the new rules are in force", async || match Service::get(debug, "/rlconfig").await.unwrap() {
        rules if rules.contains("requests_per_unit=7") => Ok(()),
        rules => Err(rules),
    })
    .await;
    assert!(Service::get(scene.service.http_port(), "/healthcheck").await.unwrap().ends_with("OK"));
}

/// The other limits do not need it.
#[tokio::test]
async fn the_redis_for_seconds_killed_and_hung() {
    let mut seconds = Redis::start(&[]).unwrap();
    let url = seconds.address();
    let mut scene = Scene::new(&[], &[("REDIS_PERSECOND", "true"), ("REDIS_PERSECOND_URL", &url)]).await;
    for hung in [false, true] {
        scene.key = "second";
        scene.recovers().await;
        if hung {
            seconds.process().signal(Signal::STOP).unwrap();
        } else {
            seconds.kill();
        }
        scene.fails().await;
        scene.key = "k";
        let before = scene.ask().await.unwrap();
        for asked in 1..=50 {
            assert_eq!(scene.ask().await.unwrap(), before - asked);
        }
        scene.key = "second";
        scene.ask().await.unwrap_err();
        if hung {
            seconds.process().signal(Signal::CONT).unwrap();
        } else {
            seconds.restart().unwrap();
        }
        scene.recovers().await;
    }
}
