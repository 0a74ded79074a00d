//! Requests and rules that nobody should send: each is answered or refused, and the service goes on as before.

use std::time::Duration;

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::RateLimitOverride;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use envoy_types::pb::google::protobuf::UInt64Value;
use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, request};
use nuncio_test_support::eventually;
use prost::bytes::Bytes;

const RULES: &str = "
domain: d
descriptors:
- {key: k, rate_limit: {unit: year, requests_per_unit: 4294967295}}
- {key: bucket, rate_limit: {unit: 30m, requests_per_unit: 1, algorithm: gcra, burst: 4294967295}}
- {key: sliding, rate_limit: {unit: year, requests_per_unit: 4294967295, algorithm: sliding_window}}
";
/// What is awaited comes, unless it never does.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    _redis: Redis,
    service: Service,
    client: Client,
}

impl Scene {
    async fn new() -> Self {
        let redis = Redis::start(&[]).unwrap();
        let url = redis.address();
        // However busy the machine is.
        let variables = [("REDIS_URL", url.as_str()), ("NUNCIO_REDIS_REPLY_TIMEOUT", "30s")];
        let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
        let client = service.client().await.unwrap().max_decoding_message_size(64 << 20);
        let mut scene = Self { _redis: redis, service, client };
        let fine = || request("d", vec![descriptor(&[("k", "fine")])]);
        eventually("redis is used", async || scene.ask(fine()).await).await;
        scene
    }

    async fn goes_on(&mut self) {
        self.ask(request("d", vec![descriptor(&[("k", "fine")])])).await.unwrap();
    }

    async fn ask(&mut self, asked: RateLimitRequest) -> Result<Vec<u32>, tonic::Status> {
        let reply = tokio::time::timeout(PATIENCE, self.client.should_rate_limit(asked)).await.unwrap();
        Ok(reply?.into_inner().statuses.iter().map(|status| status.limit_remaining).collect())
    }
}

fn adding(key: &str, value: u64) -> RateLimitDescriptor {
    RateLimitDescriptor { hits_addend: Some(UInt64Value { value }), ..descriptor(&[(key, "addend")]) }
}

#[tokio::test]
async fn requests_of_any_size_and_number() {
    let mut scene = Scene::new().await;
    // Nothing at all.
    for asked in [request("", vec![descriptor(&[("k", "v")])]), request("d", vec![])] {
        let status = scene.ask(asked).await.unwrap_err();
        assert!(status.message().contains("must not be empty"), "{status}");
    }
    assert_eq!(scene.ask(request("d", vec![descriptor(&[])])).await.unwrap(), [0], "no entries, no limit");
    assert_eq!(scene.ask(request("d", vec![descriptor(&[("", "")])])).await.unwrap(), [0]);
    // Many descriptors, all alike: each counts.
    let many = scene.ask(request("d", vec![descriptor(&[("k", "many")]); 10_000])).await.unwrap();
    assert_eq!((many[0], many[9_999]), (u32::MAX - 1, u32::MAX - 10_000));
    // Many entries, and long ones.
    let entries = vec![("k", "v"); 10_000];
    assert_eq!(scene.ask(request("d", vec![descriptor(&entries)])).await.unwrap(), [0]);
    let long = "x".repeat(1 << 20);
    for count in 1..3 {
        assert_eq!(scene.ask(request("d", vec![descriptor(&[("k", &long)])])).await.unwrap(), [u32::MAX - count]);
    }
    let huge = "x".repeat(5 << 20);
    scene.ask(request("d", vec![descriptor(&[("k", &huge)])])).await.unwrap_err();
    scene.goes_on().await;
}

#[tokio::test]
async fn numbers_at_their_ends() {
    let mut scene = Scene::new().await;
    for key in ["k", "bucket", "sliding"] {
        // Left: below the limit, at it, beyond.
        assert_eq!(scene.ask(request("d", vec![adding(key, u64::from(u32::MAX) - 1)])).await.unwrap(), [1], "{key}");
        assert_eq!(scene.ask(request("d", vec![adding(key, 1)])).await.unwrap(), [0], "{key}");
        assert_eq!(scene.ask(request("d", vec![adding(key, 1 << 40)])).await.unwrap(), [0], "{key}");
        let status = scene.ask(request("d", vec![adding(key, 1 << 63)])).await.unwrap_err();
        assert!(status.message().contains("hits_addend"), "{status}");
        // The largest that is taken: a plain counter may overflow in Redis, which is an error of that call alone.
        let largest = scene.ask(request("d", vec![adding(key, (1 << 63) - 1)])).await;
        if let Err(status) = largest {
            assert!(key == "k" && status.message().contains("overflow"), "{status}");
        }
        let refund = RateLimitDescriptor { is_negative_hits: true, ..adding(key, (1 << 63) - 1) };
        assert_eq!(scene.ask(request("d", vec![refund])).await.unwrap(), [u32::MAX], "{key}");
    }
    for unit in [-1, 0, 9, i32::MAX, i32::MIN] {
        let limit = Some(RateLimitOverride { requests_per_unit: u32::MAX, unit });
        let own = RateLimitDescriptor { limit, ..descriptor(&[("k", "own")]) };
        let status = scene.ask(request("d", vec![own])).await.unwrap_err();
        assert!(status.message().contains("no valid unit"), "{status}");
    }
    let most = RateLimitRequest { hits_addend: u32::MAX, ..request("d", vec![descriptor(&[("k", "u32")])]) };
    assert_eq!(scene.ask(most.clone()).await.unwrap(), [0]);
    assert_eq!(scene.ask(most).await.unwrap(), [0]);
    scene.goes_on().await;
}

/// Bytes as a message, whatever they are.
#[derive(Clone, Debug, Default)]
struct Raw(Bytes);

impl prost::Message for Raw {
    fn encode_raw(&self, buffer: &mut impl prost::bytes::BufMut) {
        buffer.put_slice(&self.0);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: prost::encoding::WireType,
        buffer: &mut impl prost::bytes::Buf,
        context: prost::encoding::DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        prost::encoding::skip_field(wire_type, tag, buffer, context)
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0 = Bytes::new();
    }
}

#[tokio::test]
async fn bytes_that_are_no_request() {
    let mut scene = Scene::new().await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{}", scene.service.grpc_port()));
    let channel = channel.unwrap().connect().await.unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    // domain: a string of bytes that are no UTF-8; then whatever comes.
    let mut bodies = vec![Bytes::from_static(b"\x0a\x02\xff\xfe"), Bytes::from_static(b"\x0a\xff\xff\xff\xff\x0f")];
    bodies.extend((0..50).map(|_| (0..random.usize(1..200)).map(|_| random.u8(..)).collect()));
    for body in bodies {
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit");
        let codec = tonic_prost::ProstCodec::<Raw, Raw>::default();
        // Some may be requests by chance; none may be left without an answer.
        let answer = client.unary(tonic::Request::new(Raw(body.clone())), path, codec);
        let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap();
        if body.starts_with(b"\x0a\x02\xff") {
            let status = answer.unwrap_err();
            assert_eq!(status.code(), tonic::Code::Internal, "{status}");
        }
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn rules_that_would_never_end() {
    let mut scene = Scene::new().await;
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let list = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let deep = format!("domain: d\ndescriptors: {}", "[".repeat(100_000));
    let cyclic = "domain: d\ndescriptors: &a\n- key: k\n  descriptors: *a\n".to_owned();
    for (index, text) in [bomb, deep, cyclic, "domain: \u{0}".to_owned()].iter().enumerate() {
        scene.service.write_rules(text).unwrap();
        let wanted = format!("config_load_error\": {}", index + 1);
        eventually(&wanted, async || match Service::get(scene.service.debug_port(), "/stats").await.unwrap() {
            stats if stats.contains(&wanted) => Ok(()),
            stats => Err(stats),
        })
        .await;
        assert!(Service::get(scene.service.debug_port(), "/rlconfig").await.unwrap().contains("d.k: "));
        scene.goes_on().await;
    }
}
