//! Many policies and many sessions in Redis, beside few: what a check costs that meets a session for the first time, and what
//! the service holds of those that it has met.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nuncio_auth::crypto::Keys;
use nuncio_authz_tests::{Provider, Redis, Service, Upstream, replace};
use nuncio_test_support::load::Write;
use nuncio_test_support::{Goal, number, usage};
use serde_json::{Value, json};

use crate::direct::{Asked, By};
use crate::{check, place, seed};

/// Policies, and sessions in Redis.
const FEW: Size = Size { policies: 10, sessions: 200_000 };
const MANY: Size = Size { policies: 10_000, sessions: 1_000_000 };
/// How often each side is asked, by turns.
const ROUNDS: usize = 3;
/// How long a slow machine may take to meet as many sessions as it should.
const PATIENCE: Duration = Duration::from_secs(60);
const AT_A_TIME: usize = 64;

/// What browsers call the gateway.
const AUTHORITY: &str = "bench.test";
/// Thirty-two bytes in base64.
const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

#[derive(Clone, Copy)]
struct Size {
    policies: u64,
    sessions: u64,
}

/// A service with a Redis of its own.
struct Side {
    service: Service,
    message: Write,
    _redis: Redis,
    _directory: tempfile::TempDir,
}

/// Prints both, and the memory when this many sessions have been met.
pub(crate) async fn bench(length: Duration, wanted: u64) {
    let upstream = Upstream::start().await;
    let callback = format!("http://{}/callback", upstream.address);
    let provider = Provider::start(std::slice::from_ref(&callback), &json!({})).await;
    let token = provider.tokens_of("ann", &callback).await["access_token"].as_str().unwrap().to_owned();
    let (few, many) = (Side::start(FEW, &provider, &token).await, Side::start(MANY, &provider, &token).await);
    let (mut of_few, mut of_many) = (f64::MAX, f64::MAX);
    let mut met = 0.0;
    let begun = Instant::now();
    for round in 0.. {
        if round < ROUNDS {
            of_few = of_few.min(few.asked().run(AT_A_TIME, length).await.cpu);
        } else if met >= wanted as f64 || begun.elapsed() > PATIENCE {
            break;
        }
        let figures = many.asked().run(AT_A_TIME, length).await;
        of_many = of_many.min(figures.cpu);
        met += figures.rate * length.as_secs_f64();
    }
    let (ratio, goal) = (of_many / of_few, Goal::AtMost(1.1));
    println!(
        "\n10 000 policies, 1 000 000 sessions in Redis, each met once: {} µs, {} among 10 and 200 000: {ratio:.2}, {goal} {}",
        number(of_many),
        number(of_few),
        goal.mark(ratio),
    );
    let (memory, goal) = (usage::resident(many.service.running().id()), Goal::AtMost(100.0));
    println!("memory after {} sessions: {} MB, {goal} {}", number(met), number(memory), goal.mark(memory));
}

impl Side {
    async fn start(size: Size, provider: &Provider, token: &str) -> Self {
        let (redis, directory) = (Redis::start().await, tempfile::tempdir().unwrap());
        let keys = directory.path().join("keys");
        replace(&keys, KEY);
        let sealed = Arc::new(Keys::parse(KEY).unwrap());
        place::everywhere(seed::sessions(&redis, &sealed, size.sessions, &session(provider, token))).await;
        let arguments = ["--redis", &redis.url(), "--keys", keys.to_str().unwrap()];
        let service =
            place::measured(Service::start_as_operators_do(&rules(provider, size.policies), &arguments)).await;
        Self { service, message: message(size), _redis: redis, _directory: directory }
    }

    fn asked(&self) -> Asked<'_> {
        let by = By::Grpc(self.service.grpc.clone(), self.message.clone());
        Asked { process: self.service.running(), by }
    }
}

fn rules(provider: &Provider, policies: u64) -> Value {
    let rule = json!([{ "origin": "bench", "path": "*", "filters": [{ "filter": "login" }] }]);
    let sets: Vec<Value> = (0..policies).map(|index| json!({ "id": policy(index), "rules": rule })).collect();
    json!({
        "rule_sets": sets,
        "filters": [{ "id": "login", "kind": { "oauth2": { "issuer": provider.issuer, "grant": { "authorization_code": {
            "client_id": "edge", "client_secret": "edge-secret", "protected_origins": [{ "origin": format!("http://{AUTHORITY}") }],
        } } } } }],
    })
}

fn session(provider: &Provider, token: &str) -> Value {
    json!({
        "filter": "login", "client_id": "edge", "revision": 1, "access_token": token, "asked": ["openid"],
        "granted": ["openid"], "claims": { "iss": provider.issuer, "sub": "ann" }, "begun": 1, "idle": 3_600, "xsrf": "x",
    })
}

fn policy(index: u64) -> String {
    format!("s{index:05}")
}

/// Each message is for the next policy and the next session: both have names of one length, which are written into one
/// message.
fn message(Size { policies, sessions }: Size) -> Write {
    let (set, id) = (policy(99_999), seed::id(u64::MAX));
    let whole = check::message(AUTHORITY, &set, ("cookie", &format!("ambassador_session.login={id}")));
    let place = |text: &str| whole.windows(text.len()).position(|bytes| bytes == text.as_bytes()).unwrap();
    let (set, id) = (place(&set), place(&id));
    let next = AtomicU64::new(0);
    Arc::new(move |_, bytes| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let start = bytes.len();
        bytes.extend_from_slice(&whole);
        for (at, text) in [(set, policy(number % policies)), (id, seed::id(number % sessions))] {
            bytes[start + at..][..text.len()].copy_from_slice(text.as_bytes());
        }
    })
}
