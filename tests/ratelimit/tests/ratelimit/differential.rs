//! The same requests to the service and to envoyproxy/ratelimit, each with a Redis of its own: the same replies, the same
//! keys with the same values and times to live, the same metrics. Rules come in files or over xDS, metrics go to statsd or are served to Prometheus.
//!
//! `RATELIMIT_SEED` repeats a run, `RATELIMIT_ROUNDS` makes it longer.

mod json;
mod likeness;
mod metrics;
mod rules;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::google::protobuf::Value;
use envoy_types::pb::google::protobuf::value::Kind;
use likeness::{Moment, Seconds, align_times, now, without_seconds};
use metrics::Metrics;
use nuncio_ratelimit_tests::{Client, Generator, RESET_HEADER, Redis, Service, Which};
use rules::Rules;

use crate::gateway::Conversation;

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
    per_second: Redis,
    metrics: Metrics,
    client: Client,
    service: Service,
    _management: Option<Conversation>,
}

impl Side {
    async fn new(which: Which, rules: &Rules, settings: &[(&str, &str)], metrics: Metrics) -> Self {
        let (redis, per_second) = (Redis::start(&[]).unwrap(), Redis::start(&[]).unwrap());
        let addresses = [("REDIS_URL", redis.address()), ("REDIS_PERSECOND_URL", per_second.address())];
        let own: Vec<_> = metrics.variables().into_iter().chain(addresses).collect();
        let mut variables = settings.to_vec();
        // Ours: however busy the machine is.
        variables.push(("NUNCIO_REDIS_REPLY_TIMEOUT", "30s"));
        variables.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        let (service, management) = rules.start(which, variables).await;
        let client = service.client().await.unwrap();
        Self { redis, per_second, metrics, client, service, _management: management }
    }

    async fn ask(&mut self, request: &RateLimitRequest) -> Result<RateLimitResponse, (tonic::Code, String)> {
        let answer = self.client.should_rate_limit(request.clone()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| (status.code(), status.message().to_owned()))
    }
}

struct Round {
    generator: Generator,
    rules: Rules,
    settings: Vec<(&'static str, &'static str)>,
    ours: Side,
    original: Side,
}

impl Round {
    async fn new(seed: u64) -> Self {
        let mut generator = Generator::new(seed);
        let (settings, domains) = (generator.settings(), generator.rules());
        let rules = if generator.over_xds() { Rules::OverXds(domains) } else { Rules::InFiles(domains) };
        let metrics = async || Metrics::new(generator.prometheus()).await;
        let ours = Side::new(Which::Ours, &rules, &settings, metrics().await).await;
        let original = Side::new(Which::Original, &rules, &settings, metrics().await).await;
        Self { generator, rules, settings, ours, original }
    }

    async fn run(mut self) {
        let begun = Instant::now();
        let (ours, original) = (self.ours.per_second.monitor().unwrap(), self.original.per_second.monitor().unwrap());
        let mut seconds = Seconds::default();
        for index in 0..REQUESTS {
            let request = self.generator.request();
            let moment = Moment::within_a_minute().await;
            // What is left of a second is compared over gRPC.
            if index % 5 == 0 && !self.generator.per_second() {
                self.compare_json(&request).await;
                continue;
            }
            let (mut ours, mut original) = (self.ours.ask(&request).await, self.original.ask(&request).await);
            if let (Ok(ours), Ok(original)) = (&mut ours, &mut original) {
                let same_second = seconds.are_the_same(&moment);
                for reply in [&mut *ours, &mut *original] {
                    as_of_july(reply);
                    if !same_second {
                        without_seconds(reply);
                    }
                }
                align_times(ours, original, &moment, self.reset_header());
            }
            let about = || format!("request {index}: {request:#?}\n{}", self.about());
            assert_eq!(ours, original, "ours and the original's, {}", about());
        }
        assert_eq!(ours.added().unwrap(), original.added().unwrap(), "what was added a second, {}", self.about());
        self.compare_keys(begun);
        self.compare_metrics().await;
    }

    async fn compare_json(&self, request: &RateLimitRequest) {
        let body = json::of(request);
        let mut answers = Vec::new();
        for side in [&self.ours, &self.original] {
            let answer = Service::post(side.service.http_port(), "/json", &body).await.unwrap();
            answers.push(json::comparable(&answer, self.reset_header()));
        }
        assert_eq!(answers[0], answers[1], "ours and the original's, of {body}\n{}", self.about());
    }

    fn reset_header(&self) -> &'static str {
        let named = self.settings.iter().find(|(name, _)| *name == RESET_HEADER);
        named.map_or("RateLimit-Reset", |(_, value)| value)
    }

    fn about(&self) -> String {
        format!("{:?}\n{}", self.settings, self.rules)
    }

    fn compare_keys(&self, begun: Instant) {
        let (mut ours, mut original) = (self.ours.redis.dump().unwrap(), self.original.redis.dump().unwrap());
        // The original sets it with every hit, we with the first.
        let between = i64::try_from(begun.elapsed().as_secs()).unwrap() + 1;
        let now = i64::try_from(now()).unwrap();
        for dump in [&mut ours, &mut original] {
            dump.retain(|key, _| !may_be_gone(key, now - between, now));
        }
        let values = |dump: &BTreeMap<String, (String, i64)>| -> BTreeMap<String, String> {
            dump.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
        };
        assert_eq!(values(&ours), values(&original), "keys and values, {}", self.about());
        let jitter = if self.settings.contains(&("EXPIRATION_JITTER_MAX_SECONDS", "0")) { 0 } else { 300 };
        for (key, (_, ttl)) in ours {
            let (_, original) = original[&key];
            let (least, most) = (original, original.max(longest_window(&key)));
            let lives = (least - jitter - between)..=(most + jitter + between);
            assert!(lives.contains(&ttl), "{key} lives {ttl} s, with the original {original} s");
            assert!(ttl > 0, "{key} lives for ever");
        }
    }

    async fn compare_metrics(&self) {
        let mut last = (BTreeMap::new(), BTreeMap::new());
        // Each tells its own once a second.
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            last = (self.ours.metrics.shared().await, self.original.metrics.shared().await);
            if last.0 == last.1 && !last.0.is_empty() {
                return;
            }
        }
        assert_eq!(last.0, last.1, "metrics, {}", self.about());
    }
}

/// When the window of a counter began.
fn begin_of(key: &str) -> i64 {
    key.rsplit('_').next().unwrap().parse().unwrap()
}

/// Whether the counter may be one of a minute, the shortest window here, that only the original still keeps: it does
/// for a minute from the last hit, and we from the first. None is gone before a round has lasted for about a minute.
fn may_be_gone(key: &str, begun: i64, now: i64) -> bool {
    let begin = begin_of(key);
    // Times to live are rounded: at the last there is 0 left of them.
    begin > begun - 60 && now >= begin.max(begun) + 59
}

/// The length of the longest window that begins when the counter's does. Those that begin together have one key, which the
/// original keeps for the one that was counted last, and we for the longest.
fn longest_window(key: &str) -> i64 {
    let begin = begin_of(key);
    let lengths = [1, 60, 3_600, 86_400, 604_800, 2_592_000, 31_536_000];
    lengths.into_iter().rfind(|length| begin % length == 0).unwrap()
}

/// Without what the original of January says of quotas, and of its text for a limit the spaces, which are left to chance.
fn as_of_july(reply: &mut RateLimitResponse) {
    let Some(metadata) = &mut reply.dynamic_metadata else { return };
    metadata.fields.retain(|name, _| !name.starts_with("quotaMode"));
    for Value { kind } in metadata.fields.values_mut() {
        let Some(Kind::ListValue(descriptors)) = kind else { continue };
        for descriptor in &mut descriptors.values {
            let Some(Kind::StructValue(descriptor)) = &mut descriptor.kind else { continue };
            if let Some(Kind::StringValue(limit)) =
                descriptor.fields.get_mut("limit").and_then(|limit| limit.kind.as_mut())
            {
                *limit = limit.split_whitespace().collect::<Vec<_>>().join(" ");
            }
        }
    }
}
