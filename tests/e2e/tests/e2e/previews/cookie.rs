//! Choosing a preview by a cookie, for browsers at the host of the baseline.

use futures_util::{SinkExt, StreamExt};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, listener, mapping, mapping_on, object, text_secret, tls_host, tls_secret};
use nuncio_e2e::{Ask, Authority, Client, Gateway, Reply, Tls, eventually, get};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::selectors::selector;
use super::{SHOP, Shop, host_of, policy, preview};

/// A host that wildcards alone serve.
const WILD: &str = "wild.example";

/// A link on a page of the host.
fn choosing(host: &str, rest: &str) -> Ask {
    linked(host, rest).with("sec-fetch-site", "same-origin").with("sec-fetch-mode", "navigate")
}

/// A link anywhere.
pub(super) fn linked(host: &str, rest: &str) -> Ask {
    get(host, &format!("/.nuncio/preview?{rest}"))
}

pub(super) fn cookies(reply: &Reply) -> Vec<&str> {
    reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
}

/// A shop whose previews are chosen by a cookie: one that anybody may see, one behind a gate, one of a host that wildcards
/// serve.
pub(super) async fn shop() -> Shop {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["hosts"] = json!([SHOP, WILD]);
    policy["spec"]["selectors"] = json!(["Cookie", "Header"]);
    policy["spec"]["access"] = json!(["Public", "Authenticated", "ShareLink"]);
    policy["spec"]["filters"] = json!([{"name": "visitors"}]);
    let mut private = preview("private", &shop.cart, &shop.branch);
    private["spec"]["access"]["mode"] = json!("Authenticated");
    let mut wild = preview("wild", &shop.web, &shop.branch);
    wild["spec"]["entrypoints"][0]["host"] = json!(WILD);
    let objects = [
        policy,
        private,
        wild,
        object("Filter", "visitors", json!({"APIKey": {"keys": [{"secretName": "visitors"}]}})),
        text_secret("visitors", "ann", "visitor-key"),
        mapping_on("other.example", "other", "/cart/", shop.cart.address()),
    ];
    shop.site.write("policy.yaml", documents(&objects));
    shop.create("pr-42");
    shop
}

#[tokio::test]
async fn a_link_chooses_a_preview_for_a_browser_until_it_leaves() {
    let shop = shop().await;
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    let host = host_of(&shop, &gateway, "pr-42").await;
    let chosen = client.ask(&choosing(SHOP, &format!("select={}&to=/cart/%3Fa=1", selector(&host)))).await;
    assert_eq!((chosen.status, chosen.header("location")), (303, Some("/cart/?a=1")));
    let cookie = format!("nuncio_preview={}", selector(&host));
    assert_eq!(cookies(&chosen), [format!("{cookie}; Path=/; HttpOnly; SameSite=Lax")]);
    assert_eq!(chosen.header("clear-site-data"), Some("\"cache\""), "what the browser has is of the baseline");

    let with = |host: &str, path: &str, cookie: &str| get(host, path).with("cookie", cookie);
    for name in [SHOP, "SHOP.Example"] {
        let reply = client.ask(&with(name, "/cart/", &format!("x=1; {cookie}; y=2"))).await;
        assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("branch", Some("preview")), "{name}");
        let seen = reply.echo().unwrap();
        assert_eq!((seen.host.as_str(), seen.header("cookie")), (SHOP, Some("x=1; y=2")), "{name}");
        assert!(seen.header("x-nuncio-preview").is_some_and(|key| key.starts_with("npk")), "{name}");
    }
    // A cache that kept it would show it for the baseline's.
    let kept = with(SHOP, "/cart/", &cookie).with("x-echo-header", "cache-control=public, max-age=60");
    let kept = client.ask(&kept).await;
    let said: Vec<_> = kept.headers.get_all("cache-control").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(said.concat().contains("no-store") && !said.concat().contains("max-age"), "{said:?}");
    let rest = client.ask(&with(SHOP, "/", &cookie).with("baggage", "a=b")).await;
    assert_eq!((rest.by().as_str(), rest.header("x-nuncio-served-by")), ("web", Some("baseline")));
    let others =
        ["xnuncio_preview=1", "nuncio_previews=1", "a=nuncio_preview", "x=1,nuncio_preview=y", "x=1, nuncio_share.x=y"];
    for other in ["", "x=1"].into_iter().chain(others) {
        let reply = client.ask(&with(SHOP, "/cart/", other)).await;
        assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("cart", None), "{other}");
    }
    let seen = client.ask(&with(SHOP, "/cart/", "a=1; nuncio_preview=; nuncio_share.x=1")).await;
    assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("cookie")), ("cart", Some("a=1")));

    // The link, which says nothing here, goes no further.
    for (asked, seen) in [
        ("/cart/?nuncio-share=x", "/"),
        ("/cart/?a=1&nuncio-share=&nuncio-share=x&b=2", "/?a=1&b=2"),
        ("/cart/?anuncio-share=x", "/?anuncio-share=x"),
        ("/cart/nuncio-share=x", "/nuncio-share=x"),
    ] {
        for ask in [get(SHOP, asked), get(SHOP, asked).with("baggage", "a=b"), get("SHOP.Example", asked)] {
            let reply = client.ask(&ask).await;
            let echo = reply.echo().unwrap_or_else(|| panic!("{asked}: {reply:?}"));
            assert_eq!((reply.by().as_str(), echo.path.as_str(), echo.header("x-nuncio-share")), ("cart", seen, None));
        }
    }

    let left =
        client.ask(&choosing(SHOP, "leave&to=/cart/").with("cookie", &format!("{cookie}; nuncio_share.x=1"))).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/cart/")));
    assert_eq!(left.header("clear-site-data"), Some("\"cache\""));
    let gone = |name: &str| format!("{name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(cookies(&left), [gone("nuncio_preview"), gone("nuncio_share.x")]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_websocket_goes_where_the_choice_leads_also_by_a_mapping_of_all_hosts() {
    let shop = shop().await;
    let mut talk = mapping("talk", "/talk/", shop.cart.address());
    talk["spec"]["allow_upgrade"] = json!(["websocket"]);
    shop.site.write("talk.yaml", documents(&[talk, mapping("silent", "/silent/", shop.cart.address())]));
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let open = async |path: &str, cookie: &str| {
        let tcp = TcpStream::connect(shop.site.http()).await.unwrap();
        let mut request = format!("ws://{SHOP}{path}").into_client_request().unwrap();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        tokio_tungstenite::client_async(request, tcp).await
    };
    let chosen = format!("nuncio_preview={}", selector(&host));
    for (cookie, by) in
        [(&*chosen, "branch"), ("nuncio_preview=", "cart"), ("nuncio_share.x=1", "cart"), ("x=1", "cart")]
    {
        let (mut socket, _) = open("/talk/", cookie).await.unwrap();
        socket.send(Message::text("one")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), format!("{by}: one"), "{cookie}");
        // What allows no upgrade is asked when it is found.
        match open("/silent/", cookie).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{cookie}"),
            other => panic!("{cookie}: {other:?}"),
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn who_chose_what_there_is_not_is_told_and_can_leave() {
    let shop = shop().await;
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    let (host, wild) = (host_of(&shop, &gateway, "pr-42").await, host_of(&shop, &gateway, "wild").await);
    let is_told = |reply: &Reply, what: &str| {
        assert_eq!((reply.status, cookies(reply).len()), (404, 0), "{what}");
        assert!(reply.text().contains("href=\"/.nuncio/preview?leave\""), "{what}: {}", reply.text());
    };
    for wrong in ["select=nobody", "select=", "", "select=%3Dx", &format!("select={}", selector(&wild))] {
        is_told(&client.ask(&choosing(SHOP, wrong)).await, wrong);
    }
    for (at, wrong) in
        [(SHOP, "nobody"), (SHOP, "x|y"), (SHOP, selector(&wild)), (WILD, selector(&host)), (WILD, "nobody")]
    {
        let ask = get(at, "/cart/").with("cookie", &format!("nuncio_preview={wrong}"));
        is_told(&client.ask(&ask).await, wrong);
    }
    let own = format!("nuncio_preview={}", selector(&wild));
    assert_eq!(client.ask(&get(WILD, "/").with("cookie", &own)).await.by(), "branch", "wildcards serve the host");
    assert_eq!(client.ask(&get(WILD, "/")).await.by(), "web");
    assert_eq!(
        client.ask(&get("other.example", "/cart/").with("cookie", &own)).await.by(),
        "cart",
        "no preview may be there"
    );
    for away in
        ["//evil.example", "https://evil.example", "/%5Cevil.example", "/a%0d%0ax:y", "x", "/%20", "%2F%2Fevil.example"]
    {
        let reply = client.ask(&choosing(SHOP, &format!("leave&to={away}"))).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/")), "{away}");
    }

    let before = shop.cart.requests();
    shop.site.remove("pr-42.yaml");
    gateway.line(&["Preview default/pr-42 removed", "live on 1 Envoy"]).await;
    let chosen = get(SHOP, "/cart/").with("cookie", &format!("nuncio_preview={}", selector(&host)));
    is_told(&client.ask(&chosen).await, "a preview that has ended");
    assert_eq!(shop.cart.requests(), before, "never the baseline");
    gateway.stop().await;
}

#[tokio::test]
async fn the_gate_is_the_same_for_who_chose_by_a_cookie() {
    let shop = shop().await;
    let mut shared = preview("shared", &shop.cart, &shop.branch);
    shared["spec"]["access"]["mode"] = json!("ShareLink");
    shop.site.write("shared.yaml", documents(&[shared]));
    let gateway = Gateway::start_with(&shop.site, |command| _ = command.arg("--allow-previews")).await;
    let client = shop.client();
    let (private, shared) = (host_of(&shop, &gateway, "private").await, host_of(&shop, &gateway, "shared").await);
    let chosen = |host: &str| get(SHOP, "/cart/").with("cookie", &format!("nuncio_preview={}", selector(host)));
    assert_eq!(client.ask(&chosen(&private)).await.status, 401);
    assert_eq!(client.ask(&chosen(&private).with("x-api-key", "visitor-key")).await.by(), "branch");

    // A link for who has none of its own, by way of the link that chooses.
    assert_eq!(client.ask(&chosen(&shared)).await.status, 403);
    let link = super::share::link(&shop, &["shared"]).await;
    let led = client.ask(&choosing(SHOP, &format!("select={}&to=/cart/&{link}", selector(&shared)))).await;
    assert_eq!((led.status, led.header("location")), (303, Some(&*format!("/cart/?{link}"))));
    let to = |to: &str| choosing(SHOP, &format!("select={}&to={to}&{link}", selector(&shared)));
    for (path, location) in
        [("/cart/%23top", format!("/cart/?{link}#top")), ("/%3Fa%23b%3Fc", format!("/?a&{link}#b?c"))]
    {
        assert_eq!(client.ask(&to(path)).await.header("location"), Some(&*location), "{path}");
    }
    let followed = client
        .ask(&get(SHOP, &format!("/cart/?{link}")).with("cookie", &cookies(&led)[0].replace("; Path", ";")))
        .await;
    assert_eq!((followed.status, followed.header("location")), (302, Some("/cart/")));
    let pass = cookies(&followed)[0].split(';').next().unwrap().to_owned();
    let ask = get(SHOP, "/cart/").with("cookie", &format!("nuncio_preview={}; {pass}", selector(&shared)));
    let seen = client.ask(&ask).await;
    assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("cookie")), ("branch", None));
    // The same where the header says which preview is meant; and one that is meant is shown the passes of no other.
    let named = |host: &str| get(SHOP, "/cart/").with("x-nuncio-preview", selector(host)).with("cookie", &pass);
    let seen = client.ask(&named(&shared)).await;
    assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("cookie")), ("branch", None));
    let open = host_of(&shop, &gateway, "pr-42").await;
    let by_cookie = format!("nuncio_preview={}; {pass}", selector(&open));
    for ask in [named(&open), get(SHOP, "/cart/").with("cookie", &by_cookie)] {
        let seen = client.ask(&ask).await;
        assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("cookie")), ("branch", None), "{ask:?}");
    }
    // Who has left takes it no further.
    let seen = client.ask(&get(SHOP, "/cart/").with("cookie", &pass)).await;
    assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("cookie")), ("cart", None));
    gateway.stop().await;
}

/// What a host below could set for all, or clear text.
#[tokio::test]
async fn by_https_no_cookie_chooses_that_another_host_could_have_set() {
    let [cart, web, branch] = ["cart", "web", "branch"].map(Backend::start);
    let (site, cart, web, branch) = (nuncio_e2e::Site::new(), cart.await, web.await, branch.await);
    let authority = Authority::new("ca");
    let mut policy = policy();
    policy["spec"]["selectors"] = json!(["Cookie"]);
    policy["spec"].as_object_mut().unwrap().remove("scheme");
    let objects = [
        listener("http", site.http().port(), "HTTP"),
        listener("https", site.https().port(), "HTTPS"),
        tls_host("shop", SHOP),
        tls_secret("shop", &authority.issue(&[SHOP])),
        tls_host("previews", "*.preview.example"),
        tls_secret("previews", &authority.issue(&["*.preview.example"])),
        mapping_on(SHOP, "cart", "/cart/", cart.address()),
        mapping("web", "/", web.address()),
        policy,
        preview("pr-42", &cart, &branch),
    ];
    site.write("all.yaml", documents(&objects));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("Preview", "pr-42", "acked").await;
    let shown = gateway.admin.list("previews").await;
    let url = shown[0]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{shown:?}")).to_owned();
    let selector = selector(url.strip_prefix("https://").unwrap());
    for client in [
        Client::https(site.https(), Tls::to(SHOP, &authority)),
        Client::https(site.https(), Tls::to(SHOP, &authority).offering(&["h2"])).http2(),
    ] {
        let chosen = client.ask(&choosing(SHOP, &format!("select={selector}"))).await;
        let own = format!("__Host-nuncio_preview={selector}");
        assert_eq!(cookies(&chosen), [format!("{own}; Path=/; HttpOnly; SameSite=Lax; Secure")]);
        let tossed = format!("nuncio_preview={selector}");
        for (cookie, by) in [(&own, "branch"), (&tossed, "cart"), (&format!("{tossed}; {own}"), "branch")] {
            let reply =
                eventually("an answer", async || client.send(&get(SHOP, "/cart/").with("cookie", cookie)).await).await;
            assert_eq!((reply.by().as_str(), reply.echo().unwrap().header("cookie")), (by, None), "{cookie}");
        }
    }
    // In clear text nothing chooses, however the request finds its table, and no service is sent what would.
    let clear = Client::http(site.http());
    for name in ["nuncio_preview", "__Host-nuncio_preview"] {
        let chosen = |host: &str| get(host, "/cart/").with("cookie", &format!("{name}={selector}; x=1"));
        for ask in [chosen(SHOP), chosen(SHOP).with("baggage", "a=b"), chosen("SHOP.Example")] {
            let reply = eventually("an answer", async || clear.send(&ask).await).await;
            let seen = (reply.by(), reply.echo().unwrap().header("cookie").map(str::to_owned));
            assert_eq!(seen, ("cart".to_owned(), Some("x=1".to_owned())), "{ask:?}");
        }
    }
    let path = format!("/.nuncio/preview?select={selector}");
    for ask in [get(SHOP, &format!("{path}&nuncio-share=x")), get(SHOP, &path).with("baggage", "a=b")] {
        let reply = clear.ask(&ask).await;
        assert_eq!((reply.by().as_str(), reply.echo().unwrap().path, cookies(&reply).len()), ("web", path.clone(), 0));
    }
    gateway.stop().await;
}
