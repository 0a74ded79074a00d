//! The same requests to the service and to envoyproxy/ratelimit, each with a Redis of its own: the same replies, the same
//! keys with the same values and times to live, the same metrics.
//!
//! `RATELIMIT_SEED` repeats a run, `RATELIMIT_ROUNDS` makes it longer.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use nuncio_ratelimit_tests::{Client, Collector, Generator, Redis, Service, Which};

const REQUESTS: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_keys_and_metrics_are_those_of_the_original() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("RATELIMIT_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    for round in 0..number("RATELIMIT_ROUNDS").unwrap_or(3) {
        println!("RATELIMIT_SEED={} ({REQUESTS} requests)", seed + round);
        Round::new(seed + round).await.run().await;
    }
}

struct Side {
    redis: Redis,
    collector: Collector,
    client: Client,
    _service: Service,
}

impl Side {
    async fn new(which: Which, rules: &str, settings: &[(&str, &str)]) -> Self {
        let redis = Redis::start(&[]).unwrap();
        let collector = Collector::start().await.unwrap();
        let (url, port) = (redis.address(), collector.port.to_string());
        let mut variables = settings.to_vec();
        variables.extend([("REDIS_URL", url.as_str()), ("USE_STATSD", "true"), ("STATSD_HOST", "127.0.0.1")]);
        variables.extend([("STATSD_PORT", port.as_str()), ("STATS_FLUSH_INTERVAL", "1s")]);
        let service = Service::start(which, rules, &variables).await.unwrap();
        Self { redis, collector, client: service.client().await.unwrap(), _service: service }
    }

    async fn ask(&mut self, request: &RateLimitRequest) -> Result<RateLimitResponse, (tonic::Code, String)> {
        let answer = self.client.should_rate_limit(request.clone()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| (status.code(), status.message().to_owned()))
    }
}

struct Round {
    generator: Generator,
    rules: String,
    settings: Vec<(&'static str, &'static str)>,
    ours: Side,
    original: Side,
}

impl Round {
    async fn new(seed: u64) -> Self {
        let mut generator = Generator::new(seed);
        let (settings, rules) = (generator.settings().0, generator.rules());
        let ours = Side::new(Which::Ours, &rules, &settings).await;
        let original = Side::new(Which::Original, &rules, &settings).await;
        Self { generator, rules, settings, ours, original }
    }

    async fn run(mut self) {
        keep_clear_of_the_minutes_end().await;
        for index in 0..REQUESTS {
            let request = self.generator.request();
            let ours = self.ours.ask(&request).await.map(without_time);
            let original = self.original.ask(&request).await.map(without_time);
            let about = || format!("request {index}: {request:#?}\n{:?}\n{}", self.settings, self.rules);
            assert_eq!(ours, original, "ours and the original's, {}", about());
        }
        self.compare_keys();
        self.compare_metrics().await;
    }

    fn compare_keys(&self) {
        let (ours, original) = (self.ours.redis.dump().unwrap(), self.original.redis.dump().unwrap());
        let values = |dump: &BTreeMap<String, (String, i64)>| -> BTreeMap<String, String> {
            dump.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
        };
        assert_eq!(values(&ours), values(&original), "keys and values, {:?}\n{}", self.settings, self.rules);
        for (key, (_, ttl)) in ours {
            let (_, original) = original[&key];
            assert!((ttl - original).abs() <= 300 + 60, "{key} lives {ttl} s, with the original {original} s");
            assert!(ttl > 0, "{key} lives for ever");
        }
    }

    async fn compare_metrics(&self) {
        let mut last = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            last = (self.ours.collector.limits(), self.original.collector.limits());
            if last.0 == last.1 && !last.0.is_empty() {
                return;
            }
        }
        assert_eq!(last.0, last.1, "metrics, {:?}\n{}", self.settings, self.rules);
    }
}

/// Seconds until reset may differ by one; headers carry them too.
fn without_time(mut reply: RateLimitResponse) -> RateLimitResponse {
    for status in &mut reply.statuses {
        if let Some(duration) = &mut status.duration_until_reset {
            assert!(duration.seconds >= 1);
            duration.seconds = 1;
        }
    }
    reply.response_headers_to_add.retain(|header| header.key != "RateLimit-Reset");
    reply
}

async fn keep_clear_of_the_minutes_end() {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
    if second > 50 {
        tokio::time::sleep(Duration::from_secs(61 - second)).await;
    }
}
