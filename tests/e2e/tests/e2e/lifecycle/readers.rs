//! What people are told who change previews, and who may not.

use super::*;

const TAX: &str = "/api/v1/previews/default/tax";

#[tokio::test]
async fn who_asks_for_too_much_is_told_what_he_gets() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["maxTTL"] = json!("2h");
        policy["spec"]["ttl"] = json!("1h");
    });
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let ask = async |method: &str, path: &str, token: &str, body: String| {
        let ask = get(PORTAL, path).method(method).with("authorization", token);
        team.client().ask(&ask.body(body)).await
    };
    assert_eq!(ask("PUT", TAX, &ann, team.manifest("tax").to_string()).await.status, 201);
    for (ttl, why) in [("0s", "expected a second or more"), ("3d", "a day is 24h"), ("soon", "72h")] {
        let refused = ask("POST", &format!("{TAX}/extend?ttl={ttl}"), &ann, String::new()).await;
        assert!(refused.status == 422 && refused.text().contains(why), "{ttl}: {} {}", refused.status, refused.text());
    }
    let mut over = team.manifest("tax");
    over["spec"]["lifetime"] = json!({"expiresAt": "2020-01-01T00:00:00Z"});
    let over = ask("PUT", TAX, &ann, over.to_string()).await;
    let is_told = over.text().contains("2020-01-01T00:00:00Z is over") && over.text().contains("to end it, delete it");
    assert!(over.status == 422 && is_told, "{} {}", over.status, over.text());
    let within = json_of(&ask("POST", &format!("{TAX}/extend?ttl=90m"), &ann, String::new()).await);
    assert_eq!((&within["outcome"], &within["why"]), (&json!("updated"), &Value::Null), "{within}");
    let cut = json_of(&ask("POST", &format!("{TAX}/extend?ttl=72h"), &ann, String::new()).await);
    assert_eq!(cut["outcome"], "updated", "{cut}");
    assert!(cut["why"].as_str().is_some_and(|why| why.contains("and no longer")), "{cut}");
    // Who may not is told who may.
    let refused = ask("DELETE", TAX, &team.person("others"), String::new()).await;
    let who = "members of team-cart and CI jobs of acme/cart may";
    assert!(refused.status == 403 && refused.text().contains(who), "{} {}", refused.status, refused.text());
    gateway.stop().await;
}

#[tokio::test]
async fn who_may_only_look_is_shown_no_forms() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["access"] = json!(["Public", "Members"]);
        policy["spec"]["filters"] = json!([{"name": "token"}]);
        policy["spec"]["tunnels"] = json!(true);
        policy["spec"]["port"] = json!(team.site.http().port());
    });
    let mut tax = team.manifest("tax");
    tax["spec"]["access"] = json!({"mode": "Members", "groups": ["viewers"]});
    tax["spec"]["services"][0] = json!({"baseline": team.cart.address().to_string(), "tunnel": true});
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let put = get(PORTAL, "/api/v1/previews/default/tax").method("PUT");
    let put = put.with("authorization", &team.person("team-cart")).body(tax.to_string());
    assert_eq!(team.client().ask(&put).await.status, 201);
    gateway.admin.state("Preview", "tax", "acked").await;
    let page = async |group: &str| {
        let ask = get(PORTAL, "/docs/previews/default/tax").with("authorization", &team.person(group));
        let reply = team.client().ask(&ask).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    };
    let forms = ["/docs/previews/default/tax/delete", "/docs/previews/default/tax/doctor", "NUNCIO_TOKEN="];
    let (own, looking) = (page("team-cart").await, page("viewers").await);
    for form in forms {
        assert!(own.contains(form) && !looking.contains(form), "{form}: {looking}");
    }
    let command = format!(
        "nuncio preview serve default/tax --service {} --port 8080 --server http://{PORTAL}:{}",
        team.cart.address(),
        team.site.http().port()
    );
    assert!(own.contains(&command) && own.contains("Nobody is connected now."), "{own}");
    assert!(own.contains("<summary>Delete this preview</summary>"), "nothing goes by one click: {own}");
    gateway.stop().await;
}

#[tokio::test]
async fn of_what_is_written_by_hand_it_is_said_where_and_nothing_offered_that_is_refused() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["access"] = json!(["Public", "Members"]);
        policy["spec"]["filters"] = json!([{"name": "token"}]);
    });
    let mut tax = team.manifest("tax");
    tax["spec"]["lifetime"] = json!({"ttl": "9h"});
    tax["spec"]["access"] = json!({"mode": "Members", "groups": ["viewers"]});
    team.site.write("policy.yaml", documents(&[policy]));
    team.site.write("by-hand.yaml", documents(&[tax]));
    let gateway = team.gateway().await;
    gateway.admin.state("Preview", "tax", "acked").await;
    let ask = |method: &str, path: &str, group: &str| {
        get(PORTAL, path).method(method).with("authorization", &team.person(group))
    };
    let page = "/docs/previews/default/tax";
    let own = team.client().ask(&ask("GET", page, "team-cart")).await.text();
    assert!(own.contains("by-hand") && own.contains("Follow a request"), "{own}");
    for act in ["extend", "delete"] {
        let address = format!("{page}/{act}");
        assert!(!own.contains(&address), "{act}: {own}");
        let form = ask("POST", &address, "team-cart").with("content-type", "application/x-www-form-urlencoded");
        let refused = team.client().ask(&form.body("ttl=12h")).await;
        assert_eq!(refused.status, 409, "{act}: {}", refused.text());
    }
    // Neither is a manifest a way out for who would make another of that name.
    let (cart, branch) = (team.cart.address(), team.branch.address());
    let fields = format!("name=tax&namespace=default&baseline={cart}&backend={branch}&host={SHOP}&access=Public");
    let form = ask("POST", "/docs/previews/new/fields", "team-cart");
    let form = form.with("content-type", "application/x-www-form-urlencoded").body(fields);
    let taken = team.client().ask(&form).await;
    let said =
        "there is a Preview default/tax already: choose another name, or change by-hand.yaml, where it is written";
    assert!(taken.status == 409 && taken.text().contains(said), "{} {}", taken.status, taken.text());
    let looking = team.client().ask(&ask("GET", page, "viewers")).await.text();
    assert!(looking.contains("web--tax-") && !looking.contains("by-hand"), "{looking}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_long_list_is_shown_in_parts() {
    let team = Team::new().await;
    let all: Vec<_> = (0..60).map(|at| team.manifest(&format!("pr-{at:02}"))).collect();
    team.site.write("all.yaml", documents(&all));
    let gateway = team.gateway().await;
    gateway.admin.state("Preview", "pr-59", "acked").await;
    let page = async |query: &str| {
        let ask = get(PORTAL, &format!("/docs/previews{query}")).with("authorization", &team.person("team-cart"));
        team.client().ask(&ask).await.text()
    };
    let has = |page: &str, name: &str| page.contains(&format!("/docs/previews/default/{name}\""));
    let first = page("?namespace=default").await;
    assert!(first.contains("60 previews") && has(&first, "pr-49") && !has(&first, "pr-50"), "{first}");
    let next = first.split_once("rel=\"next\"").map_or("", |(_, rest)| rest.split_once('>').unwrap().0);
    assert!(next.contains("namespace=default") && next.contains("page=2"), "{first}");
    let second = page("?namespace=default&page=2").await;
    assert!(has(&second, "pr-50") && has(&second, "pr-59") && !has(&second, "pr-49"), "{second}");
    assert!(second.contains("rel=\"prev\"") && !second.contains("rel=\"next\""), "{second}");
    let found = page("?text=pr-57").await;
    assert!(has(&found, "pr-57") && !found.contains("rel=\"next\""), "{found}");
    gateway.stop().await;
}
