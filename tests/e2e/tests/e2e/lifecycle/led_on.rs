//! Requests that Envoy leads to another service by what a Filter says of them: the gateway's word on who asks is for those to whom the
//! route led that they have left.

use super::*;

fn filter() -> Value {
    let names = json!([{"name": "X-Customer", "value": "{{ .token.Claims.sub }}"}]);
    json!({"JWT": {"injectRequestHeaders": names}})
}

/// Waits until it is told of an object.
async fn is_told(gateway: &Gateway<'_>, name: &str, reason: &str) {
    eventually(reason, async || {
        let problems = gateway.admin.list("problems").await;
        let is_meant = |problem: &Value| problem["object"]["name"] == name && problem["reason"] == reason;
        if problems.iter().any(is_meant) { Ok(()) } else { Err(format!("{problems:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn who_is_led_on_by_what_a_filter_says_brings_nobody_a_word_for_another() {
    let team = Team::new().await;
    let mut jwt = filter();
    jwt["JWT"]["jwksURI"] = json!(team.issuer.jwks_uri);
    let rules = json!([{"host": SHOP, "path": "/docs/*", "filters": [{"name": "who"}]},
        {"host": SHOP, "path": "/cart/*", "filters": [{"name": "who"}]},
        {"host": SHOP, "path": "/named/*", "filters": [{"name": "who"}]}]);
    let mut special = mapping_on(SHOP, "special", "/docs/", team.branch.address());
    special["spec"]["headers"] = json!({"x-customer": "ann"});
    let mut forged = mapping_on(SHOP, "forged", "/open/", team.cart.address());
    forged["spec"]["add_request_headers"] =
        json!({"X-Nuncio-Assertion": {"value": "forged"}, "x-more": {"value": "yes"}});
    forged["spec"]["add_request_headers"]["x-user-jwt"] = json!({"value": "%REQ(x-nuncio-assertion)%"});
    let mut named = mapping_on(SHOP, "named", "/named/", team.cart.address());
    named["spec"]["add_request_headers"] = json!({"x-user-jwt": {"value": "%REQ(x-nuncio-assertion)%"}});
    let objects = [
        object("Filter", "who", jwt),
        object("FilterPolicy", "who", json!({"rules": rules})),
        mapping_on(SHOP, "docs", "/docs/", team.cart.address()),
        special,
        forged,
        named,
    ];
    team.site.write("docs.yaml", documents(&objects));
    let gateway = team.gateway().await;
    let ask = |host: &str, path: &str| get(host, path).with("authorization", &team.person("team-cart"));
    let (client, word) = (team.client(), "x-nuncio-assertion");
    let cart = eventually("the keys", async || match client.send(&ask(SHOP, "/cart/x")).await {
        Ok(reply) if reply.status == 200 => Ok(reply),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert!(cart.echo().unwrap().header(word).is_some(), "nothing leads on from here");
    let led_on = client.ask(&ask(SHOP, "/docs/x")).await;
    assert_eq!(led_on.by(), "branch", "by what the filter says");
    let seen = led_on.echo().unwrap();
    assert_eq!((seen.header("x-customer"), seen.header(word)), (Some("ann"), None));

    // A Mapping does not speak in the gateway's place.
    let open = client.ask(&get(SHOP, "/open/x").with("x-user-jwt", "forged")).await;
    let open = open.echo().unwrap();
    assert_eq!((open.header("x-more"), open.header(word)), (Some("yes"), None));
    is_told(&gateway, "forged", "NoEffect").await;

    // Nor does a client, under the name by which a service has it, whether or not there is a word.
    assert_eq!(open.header("x-user-jwt"), None);
    let named = client.ask(&ask(SHOP, "/named/x").with("x-user-jwt", "forged")).await;
    let named = named.echo().unwrap();
    let under_the_name: Vec<_> = named.headers.iter().filter(|(name, _)| name == "x-user-jwt").collect();
    assert_eq!(under_the_name.len(), 1, "{under_the_name:?}");
    assert!(named.header(word).is_some() && named.header("x-user-jwt") == named.header(word));

    // A Preview leads nobody elsewhere by it.
    let mut preview = team.manifest("f1");
    preview["spec"]["services"][0]["match"] = json!({"headers": {"X-Customer": "ann"}});
    team.site.write("f1.yaml", documents(&[preview]));
    is_told(&gateway, "f1", "NotAllowed").await;
    gateway.admin.state("Preview", "f1", "acked").await;
    let before = team.branch.requests();
    let admin = team.site.admin().to_string();
    let host = eventually("its URL", async || {
        let output = team.site.nuncio(&["preview", "url", "f1", "--admin", &admin]).output().unwrap();
        let url = String::from_utf8(output.stdout).unwrap();
        url.trim_end().trim_end_matches('/').strip_prefix("http://").map(str::to_owned).ok_or(url.clone())
    })
    .await;
    let reply = client.ask(&ask(&host, "/cart/x")).await;
    assert_eq!((reply.status, team.branch.requests()), (503, before), "{reply:?}");
    gateway.stop().await;
}
