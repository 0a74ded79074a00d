//! Several gateways of the same previews: whichever is asked tells what all of them see.

use std::net::{Ipv4Addr, SocketAddr};

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on, text_secret};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::context::{INTERNAL, internal_listener};
use super::services::{caller, doctor, refusal};
use super::{SHOP, own, policy};

/// Two gateways with a shop in which what comes by the first asks the next service by the second.
struct Pair {
    sites: [Site; 2],
    cart: Backend,
    branch: Backend,
    _web: AbortOnDropHandle<()>,
}

impl Pair {
    async fn new() -> Self {
        let sites = [Site::new(), Site::new()];
        let (cart, branch) = (Backend::start("cart").await, Backend::start("branch").await);
        let (web, serving) = caller(sites[1].at(INTERNAL), &["traceparent", "baggage"]).await;
        let services = json!([{"baseline": cart.address().to_string(), "backend": branch.address().to_string()}]);
        let entrypoints = json!([{"name": "web", "host": SHOP}]);
        let spec = json!({"services": services, "entrypoints": entrypoints, "access": {"mode": "Public"}});
        for site in &sites {
            let mut policy = policy();
            policy["spec"]["secretName"] = json!("keys");
            let objects = [
                listener("http", site.http().port(), "HTTP"),
                internal_listener(site),
                host("any", "*"),
                mapping_on(SHOP, "web", "/", web),
                mapping_on("cart.internal", "cart", "/", cart.address()),
                text_secret("keys", "key", "the same at every gateway"),
                policy,
                own("Preview", "sale", &spec),
            ];
            site.write("shop.yaml", documents(&objects));
        }
        Self { sites, cart, branch, _web: serving }
    }

    /// One of them, which knows both, as by a name that stands for all: it is among those that it asks itself.
    async fn start(&self, at: usize) -> Gateway<'_> {
        self.start_among(at, &self.sites.each_ref().map(Site::admin)).await
    }

    async fn start_among(&self, at: usize, peers: &[SocketAddr]) -> Gateway<'_> {
        let peers = peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let gateway = Gateway::start_with(&self.sites[at], |command| {
            command.args(["--allow-previews", "--peers", &peers]);
        })
        .await;
        gateway.admin.state("Preview", "sale", "acked").await;
        gateway
    }

    /// Asks for the preview so often by each, by the URL that one of them tells.
    async fn visit(&self, gateway: &Gateway<'_>, counts: [usize; 2]) {
        let url = gateway.admin.list("previews").await.remove(0)["urls"][0]["url"].as_str().unwrap().to_owned();
        let preview = url.trim_start_matches("http://").trim_end_matches('/');
        for (site, count) in self.sites.iter().zip(counts) {
            for _ in 0..count {
                assert_eq!(Client::http(site.http()).ask(&get(preview, "/")).await.status, 200);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_asks_every_gateway_what_came_by_it() {
    let pair = Pair::new().await;
    let [one, two] = &pair.sites;
    let (gateway, other) = (pair.start(0).await, pair.start(1).await);
    // The second time none of them is still about the first.
    for count in 1..3 {
        let (told, found) = doctor(one, "sale", "/").await;
        assert!(found && told["services"][0]["key"] == "carried", "{told:#}");
        assert_eq!((&told["gateways"], &told["missed"]), (&json!(2), &json!([])), "{told:#}");
        let calls = told["calls"].as_array().unwrap();
        assert_eq!(calls.iter().map(|call| &call["path"]).collect::<Vec<_>>(), ["/", "/inner"], "{told:#}");
        assert_eq!((pair.branch.requests(), pair.cart.requests()), (count, 0));
    }
    // What may have come by one that is not heard is not said to be lost.
    other.stop().await;
    let (told, found) = doctor(one, "sale", "/").await;
    assert!(!found && told["services"][0]["key"] == "unknown", "{told:#}");
    let missed = told["missed"].as_array().unwrap();
    assert!(missed.len() == 1 && missed[0].as_str().unwrap().starts_with(&two.admin().to_string()), "{told:#}");
    let why = refusal(one, "sale").await;
    assert!(why.contains("--peers"), "{why}");
    gateway.stop().await;
}

/// One more address at which somebody can be reached.
async fn leading_to(to: SocketAddr) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let carrying = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(to).await {
                    _ = copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    (at, AbortOnDropHandle::new(carrying))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_with_two_addresses_is_one() {
    let pair = Pair::new().await;
    let [one, two] = &pair.sites;
    let (again, _carrying) = leading_to(two.admin()).await;
    let gateway = pair.start_among(0, &[one.admin(), two.admin(), again]).await;
    let other = pair.start(1).await;
    // Each has called the cart by the second.
    pair.visit(&gateway, [2, 0]).await;
    tells(&other, [4, 2]).await;
    tells(&gateway, [4, 2]).await;
    // Asked twice at the same time, it watches once.
    for _ in 0..2 {
        let (told, found) = doctor(one, "sale", "/").await;
        assert!(found && told["services"][0]["key"] == "carried", "{told:#}");
        assert_eq!((&told["gateways"], &told["missed"]), (&json!(2), &json!([])), "{told:#}");
    }
    gateway.stop().await;
    other.stop().await;
}

/// What a gateway tells of the preview: all requests, those of the service that is replaced, and what has happened.
async fn told(gateway: &Gateway<'_>) -> (Value, Value, Vec<(Value, Value)>) {
    let preview = gateway.admin.list("previews").await.remove(0);
    let events = gateway.admin.list("preview-details").await.remove(0)["events"].clone();
    let events = events.as_array().unwrap().iter().map(|event| (event["kind"].clone(), event["at"].clone()));
    (preview["requests"].clone(), preview["services"][0]["requests"].clone(), events.collect())
}

fn kinds(events: &[(Value, Value)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.as_str().unwrap()).collect()
}

/// Until a gateway tells of so many requests.
async fn tells(gateway: &Gateway<'_>, requests: [u64; 2]) -> Vec<(Value, Value)> {
    eventually("the sum", async || {
        let (all, of_service, events) = told(gateway).await;
        if all == requests[0] && of_service == requests[1] { Ok(events) } else { Err(format!("{all} {of_service}")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_gateway_tells_what_all_have_counted_and_what_was_before_it_began() {
    let pair = Pair::new().await;
    let (one, two) = (pair.start(0).await, pair.start(1).await);
    pair.visit(&one, [2, 3]).await;
    // Two and three by the URL, and each has called the cart by the second.
    let before = tells(&one, [10, 5]).await;
    tells(&two, [10, 5]).await;
    assert_eq!(kinds(&before), ["live", "created"], "{before:?}");
    one.stop().await;
    // The first begins anew, without what it had counted itself, and knows what has happened all the same.
    let one = pair.start(0).await;
    tells(&one, [8, 5]).await;
    let live = |events: &[(Value, Value)]| events[0].1.as_u64().unwrap();
    eventually("it was live before it began", async || {
        let (_, _, events) = told(&one).await;
        // What comes within some seconds is taken for the same.
        let is_old = kinds(&events) == ["live", "created"] && live(&events) <= live(&before) + 10;
        if is_old { Ok(()) } else { Err(format!("{events:?}")) }
    })
    .await;
    one.stop().await;
    two.stop().await;
}
