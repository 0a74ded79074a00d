//! How the developer's command ends.

use tokio::task::JoinHandle;

use super::*;

/// Who waits without need waits for 5 s. Until the gateway's Envoys know, 2 s may pass.
const BEFORE_THE_END: Duration = Duration::from_millis(4500);

/// How often it is tried: on a busy machine anything may take that long.
const TRIES: usize = 3;

#[tokio::test]
async fn an_interrupted_command_waits_for_requests_in_flight_alone_and_says_so() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    is_soon("nothing was in flight", async || {
        let mut process = desk.serve(desk.team.branch.address(), &[]);
        desk.answers(&host, "branch").await;
        let began = Instant::now();
        process.signal(Signal::INT);
        assert_eq!(process.exit().await.code(), Some(0), "{:?}", process.stderr());
        let took = began.elapsed();
        let told = process.stdout();
        assert!(!told.iter().any(|line| line.contains("Stopping")), "{told:?}");
        desk.answers(&host, "503").await;
        took
    })
    .await;
    is_soon("nothing is in flight any more", async || {
        let mut process = desk.serve(desk.team.branch.address(), &[]);
        desk.answers(&host, "branch").await;
        let held = hold(&desk, desk.team.client(), &host).await;
        let began = Instant::now();
        process.signal(Signal::INT);
        process.line(&["Stopping: what is in flight has 5 s to finish"]).await;
        desk.team.branch.release();
        assert_eq!(held.await.unwrap().by(), "branch", "it is finished");
        assert_eq!(process.exit().await.code(), Some(0), "{:?}", process.stderr());
        began.elapsed()
    })
    .await;
    gateway.stop().await;
}

/// Holds that the command ends before it would have waited in vain.
async fn is_soon(why: &str, mut end: impl AsyncFnMut() -> Duration) {
    let mut took = Vec::new();
    while took.len() < TRIES {
        took.push(end().await);
        if took.last() < Some(&BEFORE_THE_END) {
            return;
        }
    }
    panic!("{why}: {took:?}");
}

#[tokio::test]
async fn one_that_is_interrupted_while_another_takes_over_does_not_say_that_it_tries_again() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let (client, host) = (desk.team.client(), desk.host(&gateway).await);
    let mut first = desk.serve(desk.team.branch.address(), &[]);
    desk.answers(&host, "branch").await;
    let held = hold(&desk, client, &host).await;
    let bob = desk.team.token(&json!({"iss": "https://people.example", "sub": "bob", "groups": ["team-cart"]}));
    let second = desk.serve_as(&bob, desk.team.web.address(), &["--replace"]);
    desk.answers(&host, "web").await;
    first.signal(Signal::INT);
    // What is answered before it knows has it lose its connection, as nobody has told it to.
    first.line(&["Stopping"]).await;
    desk.team.branch.release();
    assert_eq!(first.exit().await.code(), Some(0), "{:?}", first.stderr());
    let told = first.stdout();
    assert!(!told.iter().any(|line| line.contains("Not connected")), "{told:?}");
    held.abort();
    interrupt(second).await;
    gateway.stop().await;
}

/// A request that the branch has, and keeps until it is released.
async fn hold(desk: &Desk, client: Client, host: &str) -> JoinHandle<Reply> {
    let before = desk.team.branch.requests();
    let ask = get(host, CART).with("x-echo-hold", "1");
    let held = tokio::spawn(async move { client.ask(&ask).await });
    eventually("it has arrived", async || match desk.team.branch.requests() {
        count if count > before => Ok(()),
        count => Err(count),
    })
    .await;
    held
}
