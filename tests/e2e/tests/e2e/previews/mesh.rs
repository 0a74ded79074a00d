//! The name of a preview, which services hand on for a mesh: no client says it, and it opens nothing.

use nuncio_e2e::backend::{Backend, Echo};
use nuncio_e2e::yaml::{documents, mapping_on};
use nuncio_e2e::{Ask, Client, Gateway, get};
use serde_json::json;

use super::context::{INTERNAL, internal_listener};
use super::{SHOP, Shop, host_of, policy};

const FORGED: &str = "nuncio-preview-name=default.other";

fn baggage(echo: &Echo) -> Vec<&str> {
    echo.headers.iter().filter(|(name, _)| name == "baggage").map(|(_, value)| &**value).collect()
}

#[tokio::test]
async fn services_are_told_the_name_where_the_policy_says_so_and_it_opens_nothing() {
    let shop = Shop::new().await;
    let away = Backend::start("away").await;
    let mut policy = policy();
    policy["spec"]["mesh"] = json!(true);
    let mut stranger = mapping_on(SHOP, "away", "/away/", away.address());
    stranger["spec"]["service"] = json!(format!("away.localhost:{}", away.address().port()));
    let others = [
        internal_listener(&shop.site),
        mapping_on("cart.internal", "inner-cart", "/", shop.cart.address()),
        mapping_on("web.internal", "inner-web", "/", shop.web.address()),
        stranger,
    ];
    shop.site.write("policy.yaml", documents(&[policy]));
    shop.site.write("others.yaml", documents(&others));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let seen = async |client: &Client, ask: Ask| client.ask(&ask).await.echo().unwrap_or_else(|| panic!("{ask:?}"));
    let said = |host: &str, path: &str| get(host, path).with("baggage", &format!("{FORGED};a=b,user=ann,{FORGED}"));

    let preview = seen(&client, said(&host, "/cart/")).await;
    let key = preview.header("x-nuncio-preview").unwrap().to_owned();
    let name = "nuncio-preview-name=default.pr-42";
    assert_eq!(baggage(&preview), [format!("nuncio-preview={key},{name},user=ann")]);
    assert_eq!(baggage(&seen(&client, get(&host, "/")).await), [format!("nuncio-preview={key},{name}")]);
    assert_eq!(baggage(&seen(&client, said(SHOP, "/cart/")).await), ["user=ann"]);
    assert_eq!(baggage(&seen(&client, said(&host, "/away/")).await), ["user=ann"], "a third party");

    // Among services the key alone leads to a preview; the name goes on beside it, and by itself.
    let inside = Client::http(shop.site.at(INTERNAL));
    let both = format!("user=ann,nuncio-preview={key},{name}");
    for (ask, by, handed_on) in [
        (get("cart.internal", "/").with("baggage", &both), "branch", format!("nuncio-preview={key},{name},user=ann")),
        (get("web.internal", "/").with("baggage", &both), "web", format!("nuncio-preview={key},{name},user=ann")),
        (get("cart.internal", "/").with("baggage", &format!("user=ann,{name}")), "cart", format!("{name},user=ann")),
        (get(SHOP, "/away/").with("baggage", &both), "away", "user=ann".to_owned()),
    ] {
        let echo = seen(&inside, ask).await;
        assert_eq!((&*echo.backend, baggage(&echo)), (by, vec![&*handed_on]));
    }

    // Of addresses there is nothing for a mesh to know, and the command says so.
    let output = shop.site.nuncio(&["preview", "mesh", "pr-42", "manifests"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("is no Service of the cluster"), "{told}");

    // Without a word of the policy there is none, and no client's goes further.
    let mut silent = super::policy();
    silent["spec"]["mesh"] = json!(false);
    shop.site.write("policy.yaml", documents(&[silent]));
    gateway.line(&["PreviewPolicy default/previews changed", "live on 1 Envoy"]).await;
    assert_eq!(baggage(&seen(&client, said(&host, "/cart/")).await), [format!("nuncio-preview={key},user=ann")]);
    shop.site.remove("policy.yaml");
    gateway.line(&["PreviewPolicy default/previews removed", "live on 1 Envoy"]).await;
    assert_eq!(baggage(&seen(&client, said(SHOP, "/cart/")).await), ["user=ann"]);
    gateway.stop().await;
}

#[tokio::test]
async fn several_lines_of_baggage_are_one() {
    let shop = Shop::new().await;
    shop.site.write("internal.yaml", documents(&[internal_listener(&shop.site)]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let lines =
        |host: &str, lines: [&str; 3]| lines.iter().fold(get(host, "/cart/"), |ask, line| ask.with("baggage", line));
    for client in [shop.client(), shop.client().http2()] {
        let seen = async |ask: Ask| client.ask(&ask).await.echo().unwrap_or_else(|| panic!("{ask:?}"));
        let key = seen(get(&host, "/cart/")).await.header("x-nuncio-preview").unwrap().to_owned();
        let forged = "nuncio-preview=npkaaaaaaaaaaaaaaaaaaaaaaaaaa";
        for said in [
            ["user=ann", &*format!("{forged},plan=a;p=1"), "x=y"],
            [&*format!("user=ann,{forged}"), "plan=a;p=1,x=y", forged],
            ["", "user=ann,plan=a;p=1", &*format!("x=y,{forged}")],
            [forged, "user=ann", "plan=a;p=1,x=y"],
        ] {
            let foreign = "user=ann,plan=a;p=1,x=y";
            let whole = |echo: &Echo| baggage(echo).join(",").replace(", ", ",");
            assert_eq!(whole(&seen(lines(&host, said)).await), format!("nuncio-preview={key},{foreign}"), "{said:?}");
            assert_eq!(whole(&seen(lines(SHOP, said)).await), foreign, "{said:?}");
        }
        let inside = Client::http(shop.site.at(INTERNAL));
        for at in 0..3 {
            let member = format!("nuncio-preview={key}");
            let mut said = ["user=ann", "plan=a", "x=y"];
            said[at] = &member;
            assert_eq!(inside.ask(&lines(SHOP, said)).await.by(), "branch", "{said:?}");
            assert_eq!(client.ask(&lines(SHOP, said)).await.by(), "cart", "{said:?}");
        }
    }
    gateway.stop().await;
}
