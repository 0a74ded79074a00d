//! What clients send so that services take it for the gateway's word on a preview, or to keep the gateway busy.

use std::time::Duration;

use nuncio_e2e::yaml::documents;
use nuncio_e2e::{Ask, Client, Gateway, get};
use nuncio_test_support::usage::cpu;

use super::cookie;
use super::selectors::selector;
use super::{INTERNAL, SHOP, Shop, host_of, internal_listener};

/// Of the shape of a key.
const FORGED: &str = "npkaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What libraries for baggage read.
const MOST_BYTES: usize = 8192;
const MOST_MEMBERS: usize = 180;

/// What the gateway reads, the forged ones among them.
const READ_MEMBERS: usize = 512;

async fn seen(client: &Client, ask: Ask) -> (String, String) {
    let echo = client.ask(&ask).await.echo().unwrap_or_else(|| panic!("{ask:?}"));
    let whole = serde_json::to_string(&echo).unwrap();
    assert!(!whole.contains(FORGED) && !whole.contains("default.other"), "{ask:?}: {whole}");
    let lines = echo.headers.iter().filter(|(name, _)| name == "baggage").map(|(_, value)| &**value);
    (echo.backend.clone(), lines.collect::<Vec<_>>().join("\n"))
}

/// Some services decode what baggage has, or take away what is around its keys, before they hand it on.
#[tokio::test]
async fn no_spelling_of_a_member_of_baggage_passes_for_the_gateway_s() {
    let shop = Shop::new().await;
    shop.site.write("internal.yaml", documents(&[internal_listener(&shop.site)]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let key = shop.key_at(&host).await;
    let kept = "user=ann,plan=a;p=1,nuncio-previews=x;nuncio-preview=y,my%2Dkey=%6E,b=c%3Bnuncio-preview%3D";
    let spelled = [
        "nuncio-preview=",
        "nuncio-preview\t=\t",
        "\t nuncio-preview  =  ",
        "nuncio%2Dpreview=",
        "%6Euncio%2dpreview =",
        "+nuncio-preview+=",
        "%C2%A0nuncio-preview%20=",
        "Nuncio-Preview=",
        "NUNCIO-PREVIEW=",
        "\"nuncio-preview\"=",
        ";nuncio-preview=",
        "nuncio-preview ;=",
        "nuncio-preview%3D",
    ];
    let spelled = spelled.map(|before| {
        let named = before.replace("preview", "preview-name").replace("PREVIEW", "PREVIEW-NAME");
        format!("{before}{FORGED};a=b,{named}default.other ;c")
    });
    // Members within one, once that is decoded.
    let within = [
        "nuncio-preview-name%3Ddefault.other%3B=x".to_owned(),
        format!("a%2Cnuncio-preview%3D{FORGED}%2Cb=x"),
        format!("a%2c%20Nuncio%2DPreview={FORGED}"),
        format!("a=x%2Cnuncio-preview%3D{FORGED}"),
    ];
    for client in [shop.client(), shop.client().http2()] {
        for forged in spelled.iter().chain(&within) {
            let ask = |host: &str| {
                let ask = get(host, "/cart/").with("baggage", &format!("user=ann, ,,{forged}"));
                ask.with("baggage", &format!(",{forged}")).with("baggage", kept.split_once(',').unwrap().1)
            };
            assert_eq!(seen(&client, ask(SHOP)).await, ("cart".to_owned(), kept.to_owned()), "{forged}");
            let told = format!("nuncio-preview={key},{kept}");
            assert_eq!(seen(&client, ask(&host)).await, ("branch".to_owned(), told), "{forged}");
        }
    }
    // Among services what only looks like a key is none.
    let inside = Client::http(shop.site.at(INTERNAL));
    let alike = get(SHOP, "/cart/").with("baggage", &format!("user=ann,nuncio%2Dpreview={key}"));
    assert_eq!(seen(&inside, alike).await, ("cart".to_owned(), "user=ann".to_owned()));
    gateway.stop().await;
}

/// Readers drop all of a baggage that is too long, and the key with it.
#[tokio::test]
async fn however_much_a_client_says_services_can_read_the_key() {
    let shop = Shop::new().await;
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let key = format!("nuncio-preview={}", shop.key_at(&host).await);
    let forged = format!("nuncio-preview={FORGED}");
    let (many, long) = (vec!["a=b"; 5_000].join(","), vec![format!("a={}", "x".repeat(500)); 40].join(","));
    for (said, least) in [(&many, "a=b,".len() * (READ_MEMBERS - 1) - 1), (&long, MOST_BYTES / 2)] {
        let ask = |host: &str| get(host, "/cart/").with("baggage", &format!("{forged},{said},{forged}"));
        let (by, told) = seen(&client, ask(&host)).await;
        let rest = told.strip_prefix(&format!("{key},")).unwrap_or_else(|| panic!("{told}"));
        assert!(by == "branch" && said.starts_with(rest) && rest.len() > 500, "{told}");
        assert!(told.len() <= MOST_BYTES && told.split(',').count() <= MOST_MEMBERS, "{told}");
        let (by, told) = seen(&client, ask(SHOP)).await;
        assert!(by == "cart" && said.starts_with(&told) && told.len() >= least, "{told}");
        assert!(told.len() <= MOST_BYTES && told.split(',').count() < READ_MEMBERS, "{told}");
    }
    // What is cut off within a member goes as a whole.
    for length in [MOST_BYTES - 20, MOST_BYTES - 1, MOST_BYTES] {
        let said = format!("{},{forged}", "a".repeat(length));
        let (_, told) = seen(&client, get(SHOP, "/cart/").with("baggage", &said)).await;
        assert_eq!(told.len(), length);
        assert_eq!(seen(&client, get(&host, "/cart/").with("baggage", &said)).await.1, key);
    }
    gateway.stop().await;
}

/// The CPU time that an Envoy needs for requests like this.
async fn work(envoy: u32, client: &Client, ask: &Ask) -> Duration {
    let before = cpu(envoy);
    for _ in 0..20 {
        assert_eq!(client.ask(ask).await.status, 200);
    }
    cpu(envoy).saturating_sub(before)
}

/// A filter that looked at each end of the space anew would work many times as long, and the Envoy's thread do nothing else
/// meanwhile.
#[tokio::test]
async fn a_long_cookie_or_baggage_keeps_the_gateway_no_longer_than_another() {
    let shop = cookie::shop().await;
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let choice = format!("nuncio_preview={}", selector(&host));
    let cookie = |filling: &str| format!("a=x{}y", filling.repeat(50_000));
    let baggage = |filling: &str| format!("a{}b,x=y", filling.repeat(8_000));
    let with_cookie = |filling: &str| get(SHOP, "/cart/").with("cookie", &format!("{choice}; {}", cookie(filling)));
    let with_baggage = |filling: &str| get(SHOP, "/cart/").with("baggage", &baggage(filling));
    let reply = client.ask(&with_cookie(" ")).await;
    assert_eq!((reply.by().as_str(), reply.echo().unwrap().header("cookie")), ("branch", Some(&*cookie(" "))));
    assert_eq!(seen(&client, with_baggage(" ")).await, ("cart".to_owned(), baggage(" ")));
    let envoy = gateway.envoy().expect("an Envoy");
    for [full, empty] in [["-", " "].map(with_cookie), ["-", " "].map(with_baggage)] {
        let (plain, spaced) = (work(envoy, &client, &full).await, work(envoy, &client, &empty).await);
        assert!(spaced < plain * 10, "{spaced:?} of work where {plain:?} is enough");
    }
    gateway.stop().await;
}
