//! Many at once on one counter: none is lost, none counts twice, and each sees a count of its own.

use std::collections::HashSet;

use futures_util::StreamExt;
use nuncio_ratelimit_tests::{Redis, Service, Which, descriptor, request};

const CONNECTIONS: u32 = 64;
const REQUESTS: u32 = 1_000;
/// Of a connection: enough that they meet in batches, and no more than any machine answers within a second.
const SIDE_BY_SIDE: usize = 16;
const RULES: &str = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 4000000000}}]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hit_counts_once() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    // However busy the machine is.
    let variables = [("REDIS_URL", url.as_str()), ("NUNCIO_REDIS_REPLY_TIMEOUT", "30s")];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = service.client().await.unwrap();
        tasks.spawn(async move {
            let calls = (0..REQUESTS).map(|_| {
                let mut client = client.clone();
                async move {
                    let asked = request("d", vec![descriptor(&[("k", "v")])]);
                    client.should_rate_limit(asked).await.unwrap().into_inner().statuses[0].limit_remaining
                }
            });
            futures_util::stream::iter(calls).buffer_unordered(SIDE_BY_SIDE).collect::<Vec<_>>().await
        });
    }
    let mut seen = HashSet::new();
    while let Some(remaining) = tasks.join_next().await {
        seen.extend(remaining.unwrap());
    }
    let total = CONNECTIONS * REQUESTS;
    assert_eq!(seen.len(), total as usize, "each sees another count");
    assert_eq!(seen.iter().min(), Some(&(4_000_000_000 - total)));
    let dump = redis.dump().unwrap();
    assert_eq!(dump.len(), 1);
    assert_eq!(dump.values().next().unwrap().0, total.to_string());
}
