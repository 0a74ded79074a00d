//! What a link asks that chooses a preview, where it is none of the host itself.

use nuncio_e2e::{Ask, Gateway};

use super::cookie::{cookies, linked, shop};
use super::selectors::selector;
use super::{SHOP, host_of};

#[tokio::test]
async fn a_link_of_another_page_asks_before_it_changes_what_is_shown() {
    let shop = shop().await;
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    let host = host_of(&shop, &gateway, "pr-42").await;
    let name = selector(&host);
    let select = format!("select={name}&to=/cart/%3Fa=%22%3E%3Cscript%3E%26b&nuncio-share=a.b");
    let from = |ask: Ask, site: &str| ask.with("sec-fetch-site", site).with("sec-fetch-mode", "navigate");
    for query in [&*select, "leave&to=/cart/"] {
        let get = || linked(SHOP, query);
        let post = || linked(SHOP, query).method("POST");
        for ask in [
            get(),
            from(get(), "cross-site"),
            from(get(), "same-site"),
            from(get(), "none"),
            // A page of the host may have others' pictures and frames.
            get().with("sec-fetch-site", "same-origin").with("sec-fetch-mode", "no-cors"),
            post(),
            from(post(), "cross-site"),
            from(post(), "same-site").with("origin", &format!("http://{SHOP}")),
            post().with("origin", "http://evil.example"),
            post().with("origin", &format!("https://{SHOP}")),
            post().with("origin", &format!("http://{SHOP}.evil.example")),
            post().with("origin", "null"),
        ] {
            let asked = client.ask(&ask).await;
            assert_eq!((asked.status, cookies(&asked).len()), (200, 0), "{ask:?}");
            let page = asked.text();
            assert!(page.contains("<form method=post") && !page.contains("<script>"), "{page}");
            assert_eq!(asked.header("x-frame-options"), Some("DENY"));
            assert!(asked.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        }
    }
    let page = client.ask(&linked(SHOP, &select)).await.text();
    assert!(page.contains(&format!("<code>{name}</code>")) && page.contains("lang=en"), "{page}");
    // What the form says, sent by the page itself, as browsers do that tell where a request is from and as others do.
    let action = page.split_once("action=\"?").unwrap().1.split_once('"').unwrap().0.replace("&#38;", "&");
    let post = || linked(SHOP, &action).method("POST");
    for answer in [
        post().with("sec-fetch-site", "same-origin").with("origin", "null"),
        post().with("origin", &format!("http://{SHOP}")),
        post().with("origin", &format!("http://{SHOP}:8080")),
    ] {
        let chosen = client.ask(&answer).await;
        let to = "/cart/?a=\"><script>&b&nuncio-share=a.b";
        assert_eq!((chosen.status, chosen.header("location")), (303, Some(to)), "{answer:?}");
        assert!(cookies(&chosen)[0].starts_with(&format!("nuncio_preview={name};")), "{chosen:?}");
    }
    let page = client.ask(&linked(SHOP, "leave&to=/cart/")).await.text();
    let action = page.split_once("action=\"?").unwrap().1.split_once('"').unwrap().0.replace("&#38;", "&");
    let left = client.ask(&linked(SHOP, &action).method("POST").with("origin", &format!("http://{SHOP}"))).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/cart/")));
    assert!(cookies(&left)[0].contains("Max-Age=0"), "{left:?}");
    gateway.stop().await;
}
