//! A service of a preview that nobody stands in for, and what is told of it.

use std::process::Output;

use nuncio_e2e::yaml::service;

use super::*;

const CART: &str = "/cart/";

/// A shop with two previews of the same branch, which is a Service: one leaves its requests to the baseline while it is not there.
async fn furnished() -> Team {
    let team = Team::new().await;
    team.site.write("cart-9.yaml", documents(&service("cart-9", Some(team.branch.address()))));
    let preview = |name: &str, when_missing: &str| {
        let mut preview = team.manifest(name);
        let service = &mut preview["spec"]["services"][0];
        service["backend"] = json!("cart-9");
        service["whenMissing"] = json!(when_missing);
        preview
    };
    team.site.write("previews.yaml", documents(&[preview("lenient", "Baseline"), preview("strict", "Fail")]));
    team
}

/// The URL of a preview, once every Envoy has it.
async fn url(gateway: &Gateway<'_>, name: &str) -> String {
    gateway.admin.state("Preview", name, "acked").await;
    let shown = gateway.admin.list(&format!("previews?name={name}")).await;
    shown[0]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{shown:?}")).to_owned()
}

/// Waits until at least so many requests are counted of which the baseline has got what a preview's service did not, and so many
/// of that service. Until Envoy knows that somebody is there again, the baseline may get more.
async fn counted(gateway: &Gateway<'_>, fallbacks: u64, requests: u64) {
    eventually(&format!("{fallbacks} for the baseline and {requests} for the branch are counted"), async || {
        let shown = gateway.admin.list("previews?name=lenient").await.remove(0);
        let service = &shown["services"][0];
        assert_eq!(service["fallbacks"], shown["fallbacks"], "there is no other service");
        let is_counted =
            service["fallbacks"].as_u64() >= Some(fallbacks) && service["requests"].as_u64() >= Some(requests);
        if is_counted { Ok(()) } else { Err(shown) }
    })
    .await;
}

/// What has happened to a preview, from the first: of what of it, and what that was.
async fn events(gateway: &Gateway<'_>, name: &str) -> Vec<[String; 2]> {
    let details = gateway.admin.list(&format!("preview-details?namespace=default&name={name}")).await;
    let events = details[0]["events"].as_array().unwrap_or_else(|| panic!("{details:?}"));
    let text = |event: &Value, part: &str| event[part].as_str().unwrap().to_owned();
    events.iter().rev().map(|event| ["kind", "detail"].map(|part| text(event, part))).collect()
}

/// What `nuncio preview logs` prints.
async fn logs(team: &Team, name: &str) -> String {
    let admin = team.site.admin().to_string();
    let mut command = team.site.nuncio(&["preview", "logs", name, "--admin", &admin]);
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_baseline_answers_while_nobody_stands_in_and_that_is_counted_and_told() {
    let team = furnished().await;
    let gateway = team.gateway().await;
    let (lenient, strict) = (url(&gateway, "lenient").await, url(&gateway, "strict").await);
    let host = lenient.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let (client, cart) = (team.client(), team.cart.address().to_string());
    let reply = client.ask(&get(&host, CART)).await;
    assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("branch", Some("preview")));
    counted(&gateway, 0, 1).await;
    // What comes while the counters change with the route may not be counted.
    let own = team.branch.requests();

    team.site.write("cart-9.yaml", documents(&service("cart-9", None)));
    gateway.admin.problem(&["lenient", "NoEndpoints"]).await;
    let reply = team.at(&lenient, CART, "cart").await;
    assert_eq!(reply.header("x-nuncio-served-by"), Some("baseline"));
    for _ in 0..3 {
        let reply = client.ask(&get(&host, CART)).await;
        assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("cart", Some("baseline")));
    }
    // What it does not replace is nobody's loss.
    let reply = client.ask(&get(&host, "/")).await;
    assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("web", Some("baseline")));
    counted(&gateway, 4, own).await;
    let failed = team.at(&strict, CART, "503").await;
    assert!(failed.text().contains(&cart), "{}", failed.text());

    let ann = team.person("team-cart");
    let page = get(PORTAL, "/docs/previews/default/lenient").with("authorization", &ann);
    let text = client.ask(&page).await.text();
    for part in
        ["Left to the baseline\" class=\"number\">4<", &format!("Nobody stands in for {cart}: the baseline answers.")]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let told = logs(&team, "lenient").await;
    for line in [format!("fell-back  {cart}"), format!("requests   {cart}: 4 to the baseline")] {
        assert!(told.contains(&line), "{line}: {told}");
    }

    team.site.write("cart-9.yaml", documents(&service("cart-9", Some(team.branch.address()))));
    for url in [&lenient, &strict] {
        team.at(url, CART, "branch").await;
    }
    for (name, missing) in [("lenient", "fell-back"), ("strict", "failed")] {
        let seen = events(&gateway, name).await;
        assert_eq!(seen[0], ["created", ""], "{seen:?}");
        let of_service: Vec<_> = seen.iter().filter(|event| event[1] == cart).map(|event| &*event[0]).collect();
        assert_eq!(of_service, [missing, "returned"], "{name}: {seen:?}");
    }
    assert!(logs(&team, "lenient").await.contains(&format!("returned   {cart}")));
    let text = client.ask(&page).await.text();
    assert!(text.contains(&format!("Somebody stands in for {cart} again.")), "{text}");
    // What the baseline has got is not forgotten when it is asked no more.
    counted(&gateway, 4, own + 1).await;
    gateway.stop().await;
}
