//! Faults that come again and again leave no memory behind.

use nuncio_ratelimit_tests::{descriptor, request};
use nuncio_test_support::usage::resident;

use super::Scene;

/// Calls at a time, and what each has to hold: were it kept, two MB a cycle.
const CALLS: usize = 16;
const BYTES: usize = 64 << 10;
/// Until buffers are as large as they get, and then.
const FIRST: usize = 8;
const MORE: usize = 24;
/// In MB: less than half of what would be kept.
const GROWTH: f64 = 20.0;

#[tokio::test]
async fn cycles_of_faults_leave_memory_flat() {
    let mut scene = Scene::new(&[], &[]).await;
    let process = scene.service.process().id();
    cycles(&mut scene, FIRST).await;
    let before = resident(process);
    cycles(&mut scene, MORE).await;
    let after = resident(process);
    assert!(after - before < GROWTH, "{before} MB, and {after} MB after {MORE} more");
}

async fn cycles(scene: &mut Scene, count: usize) {
    for _ in 0..count {
        scene.redis.kill();
        scene.fails().await;
        assert_eq!(crowd(scene).await, 0, "answered without a Redis");
        scene.redis.restart().unwrap();
        scene.recovers().await;
        assert_eq!(crowd(scene).await, CALLS, "answered");
    }
}

/// Asks at once, with long values, and gives how many were answered.
async fn crowd(scene: &Scene) -> usize {
    let value = "v".repeat(BYTES);
    let calls = (0..CALLS).map(|_| {
        let mut client = scene.client.clone();
        let asked = request("d", vec![descriptor(&[("k", &value)])]);
        async move { client.should_rate_limit(asked).await.is_ok() }
    });
    futures_util::future::join_all(calls).await.into_iter().filter(|answered| *answered).count()
}
