//! What the answers to forms of the portal's pages tell.

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn who_mistypes_a_service_learns_it_by_the_answer_and_mends_it_where_it_stands() {
    let team = Team::new().await;
    let named = json!({"hostname": SHOP, "prefix": "/tax/", "service": "taxes.shop"});
    team.site.write("taxes.yaml", documents(&[object("Mapping", "taxes", named)]));
    let gateway = team.gateway().await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let send = async |path: &str, baseline: &str| {
        let fields = format!(
            "name=tax&namespace=default&baseline={baseline}&backend={}&host={SHOP}&access=Public",
            team.branch.address()
        );
        let sent = client.ask(&ask("POST", path).with("content-type", FORM).body(fields)).await;
        assert_eq!(
            (sent.status, sent.header("location")),
            (303, Some("/docs/previews/default/tax")),
            "{}",
            sent.text()
        );
        client.ask(&ask("GET", "/docs/previews/default/tax")).await.text()
    };
    let meant = "did you mean taxes.shop?";
    let made = send("/docs/previews/new/fields", "texas.shop").await;
    let (_, alert) = made.split_once("role=\"alert\"").unwrap_or_else(|| panic!("{made}"));
    assert!(alert.split_once("</div>").unwrap().0.contains(meant), "{alert}");
    let change = "/docs/previews/default/tax/change";
    let form = client.ask(&ask("GET", change)).await.text();
    let (_, field) = form.split_once("name=\"baseline\"").unwrap_or_else(|| panic!("{form}"));
    assert!(field.split_once("</div>").unwrap().0.contains(meant), "{field}");
    let mended = send(&format!("{change}/fields"), "taxes.shop").await;
    assert!(!mended.contains("role=\"alert\"") && !mended.contains("did you mean"), "{mended}");
    gateway.stop().await;
}

#[tokio::test]
async fn who_extends_what_has_ended_meanwhile_is_told_so_and_brings_it_back_only_if_he_means_that() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let api = "/api/v1/previews/default/tax";
    assert_eq!(client.ask(&ask("PUT", api).body(team.manifest("tax").to_string())).await.status, 201);
    let has_ended = async || {
        let problems = json_of(&client.ask(&ask("GET", api)).await)["problems"].clone();
        problems.as_array().unwrap().iter().any(|problem| problem["reason"] == "Deleted")
    };
    let extend = async |fields: &'static str| {
        let form = ask("POST", "/docs/previews/default/tax/extend").with("content-type", FORM);
        client.ask(&form.body(fields)).await
    };
    let living = client.ask(&ask("GET", "/docs/previews/default/tax")).await.text();
    assert!(!living.contains("name=\"back\""), "{living}");
    assert_eq!(client.ask(&ask("DELETE", api)).await.status, 204);

    let refused = extend("ttl=5h").await;
    let text = refused.text();
    assert!(refused.status == 409 && text.contains("has ended meanwhile"), "{} {text}", refused.status);
    assert!(text.contains("name=\"back\"") && text.contains("Bring it back"), "{text}");
    assert!(has_ended().await);
    let back = extend("ttl=5h&back=1").await;
    assert_eq!((back.status, back.header("location")), (303, Some("/docs/previews/default/tax")), "{}", back.text());
    assert!(!has_ended().await);
    gateway.stop().await;
}
