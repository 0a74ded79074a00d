//! What somebody may make, and what a link would open: told before anything is made.

use super::*;

#[tokio::test]
async fn each_is_told_where_he_may_make_previews_and_nothing_of_others() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["namespaces"] = json!(["default", "web"]);
        policy["spec"]["creators"] = json!([
            {"groups": ["team-cart"], "namespaces": ["default"]}, {"groups": ["team-web"], "namespaces": ["web"]}]);
        policy["spec"]["maxPreviews"] = json!(3);
        policy["spec"]["maxTTL"] = json!("9h");
    });
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let asked = async |token: &str, method: &str, path: &str, body: String| {
        team.client().ask(&get(PORTAL, path).method(method).with("authorization", token).body(body)).await
    };
    let ann = team.person("team-cart");
    let made = asked(&ann, "PUT", "/api/v1/previews/default/tax", team.manifest("tax").to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let rights = async |token: &str| {
        let told = asked(token, "GET", "/api/v1/previews/rights", String::new()).await;
        assert_eq!(told.status, 200, "{}", told.text());
        serde_json::from_str::<Value>(&told.text()).unwrap()
    };
    let place = |namespace: &str, repository: Value, room: usize| json!([{"namespace": namespace, "repository": repository, "room": room}]);
    let own = rights(&ann).await;
    assert_eq!(own["namespaces"], place("default", Value::Null, 2), "{own}");
    let limits = [&own["access"], &own["hosts"], &own["max_ttl"], &own["ttl"], &own["tunnels"], &own["services_alone"]];
    assert_eq!(
        limits,
        [&json!(["Public"]), &json!([SHOP]), &json!(9 * 3600), &Value::Null, &json!(false), &json!(false)]
    );
    assert_eq!(rights(&team.person("team-web")).await["namespaces"], place("web", Value::Null, 3));
    assert_eq!(rights(&team.job("acme/cart")).await["namespaces"], place("default", json!("acme/cart"), 2));

    let stranger = rights(&team.person("others")).await;
    assert_eq!(
        (&stranger["namespaces"], &stranger["hosts"], &stranger["access"]),
        (&json!([]), &json!([]), &json!([]))
    );
    assert!(stranger["why"].as_str().is_some_and(|why| why.contains("does not let you")), "{stranger}");
    for secret in ["team-cart", "team-web", "web\"", SHOP, "acme"] {
        assert!(!stranger.to_string().contains(secret), "{secret}: {stranger}");
    }
    assert_eq!(team.client().ask(&get(PORTAL, "/api/v1/previews/rights")).await.status, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_link_would_open_and_for_how_long_is_told_and_none_is_made() {
    let team = Team::new().await;
    let policy = team.policy(|policy| policy["spec"]["access"] = json!(["ShareLink", "Public"]));
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    let path = "/api/v1/previews/default/tax";
    let put = async |mode: &str| {
        let mut manifest = team.manifest("tax");
        manifest["spec"]["access"]["mode"] = json!(mode);
        manifest["spec"]["lifetime"] = json!({"ttl": "48h"});
        let put = get(PORTAL, path).method("PUT").with("authorization", &ann).body(manifest.to_string());
        let made = client.ask(&put).await;
        assert!(made.status < 300, "{}", made.text());
        gateway.admin.state("Preview", "tax", "acked").await;
        serde_json::from_str::<Value>(&made.text()).unwrap()["preview"]["urls"].clone()
    };
    let urls = put("ShareLink").await;
    let told = async |token: &str, query: &str| {
        client.ask(&get(PORTAL, &format!("{path}/share{query}")).with("authorization", token)).await
    };
    let usual = told(&ann, "").await;
    assert!(usual.status == 200 && !usual.text().contains("nuncio-share"), "{}", usual.text());
    let usual: Value = serde_json::from_str(&usual.text()).unwrap();
    let hours = |value: &Value| {
        let until = value.as_u64().unwrap_or_else(|| panic!("{value}"));
        (until.saturating_sub(Timestamp::now().as_second().unsigned_abs())).div_ceil(3600)
    };
    assert_eq!((&usual["opens"], &usual["usual"], &usual["longest"]), (&urls, &json!(86_400), &json!(2_592_000)));
    assert_eq!((hours(&usual["expires_at"]), hours(&usual["latest"])), (24, 48), "no longer than the preview: {usual}");
    let longer: Value = serde_json::from_str(&told(&ann, "?ttl=72h").await.text()).unwrap();
    assert_eq!(hours(&longer["expires_at"]), 48, "{longer}");
    assert_eq!(told(&ann, "?ttl=721h").await.status, 422);
    assert_eq!(told(&team.person("others"), "").await.status, 403);
    put("Public").await;
    let public = told(&ann, "").await;
    assert_eq!(
        (public.status, public.text().contains("it is Public and needs no link")),
        (409, true),
        "{}",
        public.text()
    );
    gateway.stop().await;
}
