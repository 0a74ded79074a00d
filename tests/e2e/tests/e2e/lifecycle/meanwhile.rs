//! Two people who change one preview by the portal's pages.

use super::*;

const PAGE: &str = "/docs/previews/default/tax/change";
const API: &str = "/api/v1/previews/default/tax";

/// What a form has to send of what it was filled with.
fn digest_in(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"digest\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn who_saves_a_page_of_before_is_shown_what_others_did_and_may_save_again() {
    let team = Team::new().await;
    let policy = team.policy(|policy| policy["spec"]["access"] = json!(["Public", "ShareLink"]));
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    let put = get(PORTAL, API).method("PUT").with("authorization", &ann);
    let mut manifest = team.manifest("tax");
    manifest["spec"]["access"] = json!({"mode": "ShareLink"});
    let made = client.ask(&put.body(manifest.to_string())).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let opened = client.ask(&get(PORTAL, PAGE).with("authorization", &ann)).await.text();
    let before = digest_in(&opened);
    let save = async |form: &str, body: String| {
        let post = get(PORTAL, form).method("POST").with("authorization", &ann);
        client.ask(&post.with("content-type", "application/x-www-form-urlencoded").body(body)).await
    };

    let file = team.site.manifests().join("previews/default.tax.json");
    let written = || serde_json::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()).unwrap()["spec"].clone();
    let generation = || written()["access"]["generation"].as_u64().unwrap();
    let begun = generation();
    // What stays where nobody says it is no change: links that are withdrawn stay so.
    let withdraw = get(PORTAL, &format!("{API}/share")).method("DELETE").with("authorization", &ann);
    assert_eq!(client.ask(&withdraw).await.status, 204);
    manifest["spec"]["slug"] = json!("taxes");
    let by_manifest = |digest: &str| format!("text={}&digest={digest}", encoded(&manifest.to_string()));
    let saved = save(PAGE, by_manifest(&before)).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!((&written()["slug"], generation()), (&json!("taxes"), begun + 1), "{}", written());

    // By now it is another than the page says.
    let (cart, web) = (team.cart.address(), team.web.address());
    let by_fields =
        |digest: &str| format!("baseline={cart}&backend={web}&host={SHOP}&access=Public&ttl=3h&digest={digest}");
    let fields = format!("{PAGE}/fields");
    for (form, body) in [(PAGE, by_manifest(&before)), (&*fields, by_fields(&before))] {
        let refused = save(form, body).await;
        let text = refused.text();
        assert!(refused.status == 409 && text.contains("Somebody has changed it since"), "{} {text}", refused.status);
        assert!(text.contains("What it says now") && text.contains("taxes"), "{text}");
        assert_ne!(digest_in(&text), before);
    }
    assert_eq!(written()["access"]["mode"], "ShareLink", "nothing was saved");
    let seen = digest_in(&save(&fields, by_fields(&before)).await.text());
    let saved = save(&fields, by_fields(&seen)).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!((&written()["access"]["mode"], &written()["slug"]), (&json!("Public"), &json!("taxes")));
    gateway.stop().await;
}
