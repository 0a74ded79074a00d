//! What checks cost, in one run, by turns: our service beside oauth2-proxy, Envoy's own filter for tokens, and a server that
//! lets everything through; asked directly, and by an Envoy.
//!
//! Tells which goals were missed, and fails for none. The load, Envoys, providers and upstreams share a core, and are not
//! counted but where it says so.
//! usage: `bench-authz [seconds for each measurement [sessions that are held and met]]`
// Whatever cannot be measured ends the run, as in a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod check;
mod contender;
mod direct;
mod envoy;
mod held;
mod many;
mod only_ok;
mod place;
mod seed;
mod sessions;
mod tokens;
mod wrk;

use std::time::Duration;

use nuncio_test_support::Goal;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [argument, address] = &*arguments
        && argument == only_ok::ARGUMENT
    {
        return only_ok::serve(address).await;
    }
    let argument = |index: usize, usual| {
        arguments.get(index).map_or(usual, |text| text.parse().expect("usage: bench-authz [seconds [sessions]]"))
    };
    place::step_aside();
    bench(Duration::from_secs(argument(0, 1)), argument(1, 100_000)).await;
}

async fn bench(length: Duration, sessions: u64) {
    let (memory, redis) = (sessions::start(false).await, sessions::start(true).await);
    let tokens = tokens::start().await;
    direct::head(["ours", "oauth2-proxy"]);
    direct::compare("session in memory, theirs in the cookie", memory.asked(), length).await;
    direct::compare("session in Redis", redis.asked(), length).await;
    direct::beside_protocol("bearer token, known", tokens.asked(), length, Goal::AtMost(15.0)).await;
    drop(redis);
    envoy::head();
    envoy::compare("session's cookie", memory.contenders(), length, &envoy::SESSION).await;
    envoy::compare("bearer token", tokens.contenders(), length, &envoy::TOKEN).await;
    drop((memory, tokens));
    many::bench(length, sessions).await;
    held::bench(usize::try_from(sessions).unwrap()).await;
}
