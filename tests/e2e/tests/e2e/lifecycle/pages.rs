//! Previews in the portal's pages.

use std::path::Path;

use nuncio_test_support::story;

use super::*;

#[tokio::test]
async fn somebody_makes_a_preview_looks_at_it_and_takes_it_away() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut manifest = team.manifest("tax");
    manifest["spec"]["lifetime"] = json!({"ttl": "2h"});
    let settings = json!({
        "origin": format!("http://{PORTAL}:{}", team.site.http().port()),
        "hosts": { PORTAL: team.site.ip() },
        "token": team.person("team-cart"),
        "manifest": manifest.to_string(),
        "fields": {
            "Name": "fields", "For how long": "3h",
            "The service that is replaced": team.cart.address().to_string(),
            "The service that stands in for it": team.branch.address().to_string(),
        },
        "choices": { "Namespace": "default", "The host at which it is seen": SHOP, "Who may see it": "Public" },
        "pictures": pictures,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/previews.mjs");
    let seen = story(&script, &settings).await;
    assert_eq!((&seen["faults"], &seen["violations"]), (&json!([]), &json!([])), "{seen:#}");
    let says = |what: &str, parts: &[&str]| {
        let text = seen[what].as_str().unwrap_or_else(|| panic!("{seen:#}"));
        parts.iter().for_each(|part| assert!(text.contains(part), "{what}: {part}: {text}"));
    };
    says("empty", &["No preview fits"]);
    says("refused", &["line 1"]);
    says(
        "made",
        &["served", "web--tax-", "curl 'http://web--tax-", "1 of 2 routes", "prefix /cart/", "Delete this preview"],
    );
    let ends = |what: &str| {
        let full = seen[what].as_str().unwrap_or_else(|| panic!("{seen:#}"));
        jiff::civil::DateTime::strptime("%d %B %Y, %H:%M UTC", full).unwrap()
    };
    assert_eq!(ends("extendedUntil").duration_since(ends("madeUntil")).as_hours(), 3);
    says("doctor", &["there is no internal Listener"]);
    says("lacking", &["spec.lifetime.ttl"]);
    says("beside", &["For how long", "expected a duration"]);
    for told in ["lacking", "beside"] {
        assert!(!seen[told].as_str().unwrap().contains("line 1"), "fields have no lines: {seen:#}");
    }
    assert_eq!(seen["unneeded"], 0, "the policy has no mode that asks for groups or an owner: {seen:#}");
    says("byFields", &["web--fields-", "Public"]);
    assert_eq!(seen["filled"], team.branch.address().to_string());
    says("unchanged", &["expected a duration"]);
    ends("changedUntil");
    says("ended", &["1 preview", "fields"]);
    says("over", &["has ended: deleted", "Bring it back"]);
    says("list", &["1 preview", "tax"]);
    says("none", &["0 previews"]);
    says("gone", &["2 previews", "has ended: deleted"]);
    gateway.stop().await;
}

#[tokio::test]
async fn who_may_make_none_is_told_why_not() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let new = async |group: &str| {
        let reply =
            team.client().ask(&get(PORTAL, "/docs/previews/new").with("authorization", &team.person(group))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    };
    let (own, other) = (new("team-cart").await, new("others").await);
    assert!(own.contains("<textarea") && !own.contains("You cannot make previews"), "{own}");
    assert!(
        other.contains("</strong> The PreviewPolicy does not let you make previews") && !other.contains("<textarea"),
        "{other}"
    );
    assert!(!other.contains("team-cart"), "nor who may: {other}");
    let list = async |group: &str| {
        let ask = get(PORTAL, "/docs/previews").with("authorization", &team.person(group));
        team.client().ask(&ask).await.text()
    };
    let (own, other) = (list("team-cart").await, list("others").await);
    let button = "href=\"/docs/previews/new\"";
    assert!(own.contains(button), "{own}");
    assert!(other.contains("No preview fits") && !other.contains(button), "{other}");
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_not_known_sees_none() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let direct = Client::http(team.site.at(8088));
    for path in ["/docs/previews", "/docs/previews/default/tax", "/api/v1/previews"] {
        let reply = direct.ask(&get("localhost", path)).await;
        let text = reply.text();
        let said = ["does not say who you are", "Previews are shown to whom the gateway knows"];
        assert!(reply.status == 401 && said.iter().any(|said| text.contains(said)), "{path}: {text}");
    }
    // Another site's page makes nothing.
    let foreign = get(PORTAL, "/docs/previews/new").method("POST").with("origin", "http://evil.example");
    let foreign = foreign.with("authorization", &team.person("team-cart")).body("text=");
    assert_eq!(team.client().ask(&foreign).await.status, 403);
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_done_is_said_and_not_done_again_by_loading_its_address() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let mut manifest = team.manifest("tax");
    manifest["spec"]["lifetime"] = json!({"ttl": "8h"});
    let put = ask("PUT", "/api/v1/previews/default/tax").body(manifest.to_string());
    assert_eq!(team.client().ask(&put).await.status, 201);
    let page = "/docs/previews/default/tax";
    let extend = async |ttl: &str| {
        let form = ask("POST", &format!("{page}/extend")).with("content-type", "application/x-www-form-urlencoded");
        let reply = team.client().ask(&form.body(format!("ttl={ttl}"))).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        let there = reply.header("location").unwrap().to_owned();
        (there.clone(), team.client().ask(&ask("GET", &there)).await.text())
    };
    let (there, text) = extend("1h").await;
    assert!(there.ends_with("/tax?extended=same") && text.contains("nothing has changed"), "{there} {text}");
    let (there, text) = extend("9h").await;
    assert!(there.ends_with("/tax") && !text.contains("nothing has changed"), "{there} {text}");
    // What it was given stays where less is said of it afterwards.
    let (cart, branch) = (team.cart.address(), team.branch.address());
    let form = ask("POST", &format!("{page}/change/fields")).with("content-type", "application/x-www-form-urlencoded");
    let save = async |ttl: &str| {
        let fields = format!("baseline={cart}&backend={branch}&host={SHOP}&access=Public&ttl={ttl}");
        let saved = team.client().ask(&form.clone().body(fields)).await;
        let there = saved.header("location").unwrap_or_else(|| panic!("{}", saved.text())).to_owned();
        (there.clone(), team.client().ask(&ask("GET", &there)).await.text())
    };
    let (there, text) = save("8h").await;
    assert!(there.ends_with("/tax") && !text.contains("still shown for longer"), "as it was: {there} {text}");
    let (there, text) = save("1h").await;
    assert!(there.ends_with("/tax?changed=longer") && text.contains("still shown for longer"), "{there} {text}");
    for (address, leads) in [("extend", page), ("delete", page)] {
        let reply = team.client().ask(&ask("GET", &format!("{page}/{address}"))).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some(leads)), "{address}");
    }
    let form = team.client().ask(&ask("GET", "/docs/previews/new/fields")).await;
    assert_eq!((form.status, form.header("location")), (303, Some("/docs/previews/new")));
    assert_eq!(team.client().ask(&ask("GET", &format!("{page}/doctor"))).await.status, 200);
    assert_eq!(team.client().ask(&ask("GET", page)).await.status, 200, "it is there still");
    // Who deletes it twice is led to the list twice.
    for _ in 0..2 {
        let gone = team.client().ask(&ask("POST", &format!("{page}/delete"))).await;
        assert_eq!((gone.status, gone.header("location")), (303, Some("/docs/previews")));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_policy_refuses_is_said_at_its_field_and_nothing_is_written() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["access"] = json!(["Public", "Members"]);
        policy["spec"]["filters"] = json!([{"name": "token"}]);
        policy["spec"]["maxTTL"] = json!("9h");
    });
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let form = get(PORTAL, "/docs/previews/new").with("authorization", &ann);
    let offered = team.client().ask(&form).await.text();
    for part in ["<option value=\"Public\"", "<option value=\"Members\"", "name=\"groups\"", "At most 9h."] {
        assert!(offered.contains(part), "{part}: {offered}");
    }
    for part in ["<option value=\"Owner\"", "name=\"owner\"", "shop.example.com", "72h"] {
        assert!(!offered.contains(part), "{part}: {offered}");
    }
    let (cart, branch) = (team.cart.address(), team.branch.address());
    for (changed, field) in [
        ("access=ShareLink", "access"),
        ("access=Members", "groups"),
        // That it names no owner is of no interest where nobody may be it.
        ("access=Owner", "access"),
        ("host=other.example", "host"),
        ("ttl=10h", "ttl"),
        ("namespace=Shop", "namespace"),
    ] {
        let (changed_field, _) = changed.split_once('=').unwrap();
        let usual = [
            "name=tax".to_owned(),
            "namespace=default".to_owned(),
            format!("baseline={cart}"),
            format!("backend={branch}"),
            format!("host={SHOP}"),
            "access=Public".to_owned(),
        ];
        let others = usual.into_iter().filter(|it| !it.starts_with(&format!("{changed_field}=")));
        let body = others.chain([changed.to_owned()]).collect::<Vec<_>>().join("&");
        let post = get(PORTAL, "/docs/previews/new/fields").method("POST").with("authorization", &ann);
        let refused =
            team.client().ask(&post.with("content-type", "application/x-www-form-urlencoded").body(body)).await;
        let text = refused.text();
        assert_eq!(refused.status, 422, "{changed}: {text}");
        let (_, at) = text.split_once(&format!("name=\"{field}\"")).unwrap_or_else(|| panic!("{field}: {text}"));
        let own = at.split_once('>').unwrap().0;
        assert!(own.contains("aria-invalid=\"true\""), "{changed}: {own}");
        assert_eq!(text.matches("aria-invalid").count(), 1, "{changed}: {text}");
        assert!(text.contains("value=\"tax\"") && text.contains("<strong class=\"fault\">"), "{changed}: {text}");
    }
    let there = get(PORTAL, "/api/v1/previews/default/tax").with("authorization", &ann);
    assert_eq!(team.client().ask(&there).await.status, 404, "nothing was written");
    gateway.stop().await;
}

#[tokio::test]
async fn a_preview_is_changed_by_who_may_and_what_the_form_does_not_show_stays() {
    let team = Team::new().await;
    let policy = team.policy(|policy| policy["spec"]["access"] = json!(["Public", "ShareLink"]));
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let mut manifest = team.manifest("tax");
    manifest["metadata"]["labels"] = json!({"team": "cart"});
    manifest["spec"]["slug"] = json!("taxes");
    manifest["spec"]["lifetime"] = json!({"ttl": "2h", "idle": "90m"});
    manifest["spec"]["source"] = json!({"repository": "acme/cart", "branch": "fix/tax"});
    let api = "/api/v1/previews/default/tax";
    assert_eq!(team.client().ask(&ask("PUT", api).body(manifest.to_string())).await.status, 201);
    let page = "/docs/previews/default/tax/change";
    let form = team.client().ask(&ask("GET", page)).await.text();
    for part in [format!("value=\"{}\"", team.branch.address()), "taxes".to_owned(), "name=\"ttl\"".to_owned()] {
        assert!(form.contains(&part), "{part}: {form}");
    }
    assert!(!form.contains("fix/tax"), "what is noted of its source is not for him to say: {form}");

    let (cart, web) = (team.cart.address(), team.web.address());
    let save = async |token: &str, fields: String| {
        let post = get(PORTAL, &format!("{page}/fields")).method("POST").with("authorization", token);
        team.client().ask(&post.with("content-type", "application/x-www-form-urlencoded").body(fields)).await
    };
    let fields = |host: &str| format!("baseline={cart}&backend={web}&host={host}&access=ShareLink&ttl=3h");
    let refused = save(&ann, fields("other.example")).await;
    let text = refused.text();
    assert!(refused.status == 422 && text.contains(&format!("value=\"{web}\"")), "{} {text}", refused.status);
    assert_eq!(save(&team.person("others"), fields(SHOP)).await.status, 403);
    let saved = save(&ann, fields(SHOP)).await;
    assert_eq!((saved.status, saved.header("location")), (303, Some("/docs/previews/default/tax")), "{}", saved.text());
    let file = std::fs::read_to_string(team.site.manifests().join("previews/default.tax.json")).unwrap();
    let written: Value = serde_json::from_str(&file).unwrap();
    let spec = &written["spec"];
    assert_eq!(
        (&spec["access"]["mode"], &spec["services"][0]["backend"]),
        (&json!("ShareLink"), &json!(web.to_string()))
    );
    assert_eq!((&spec["slug"], &spec["source"]["branch"]), (&json!("taxes"), &json!("fix/tax")), "{file}");
    assert!(spec["lifetime"]["idle"].is_string() && written["metadata"]["labels"]["team"] == "cart", "{file}");

    // Who may not change it is shown nothing of it, and one that is written by hand is changed where it is.
    let other = get(PORTAL, page).with("authorization", &team.person("others"));
    assert_eq!(team.client().ask(&other).await.status, 403);
    team.site.write("by-hand.yaml", documents(&[team.manifest("by-hand")]));
    gateway.admin.state("Preview", "by-hand", "acked").await;
    let by_hand = team.client().ask(&ask("GET", "/docs/previews/default/by-hand/change")).await;
    assert!(by_hand.status == 409 && by_hand.text().contains("by-hand"), "{}", by_hand.text());
    gateway.stop().await;
}

#[tokio::test]
async fn the_fields_make_a_preview_and_change_none_that_is_there() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let create_as = async |token: &str, ttl: &str| {
        let (cart, branch) = (team.cart.address(), team.branch.address());
        let fields = format!("name=tax&baseline={cart}&backend={branch}&host={SHOP}&access=Public&ttl={ttl}");
        let form = get(PORTAL, "/docs/previews/new/fields").method("POST").with("authorization", token);
        team.client().ask(&form.with("content-type", "application/x-www-form-urlencoded").body(fields)).await
    };
    let create = async |ttl: &str| create_as(&ann, ttl).await;
    let made = create("1h").await;
    assert_eq!(made.status, 303, "{}", made.text());
    let twice = create("1h").await;
    assert_eq!((twice.status, twice.header("location")), (303, made.header("location")), "{}", twice.text());
    let bob = team.token(&json!({"iss": "https://people.example", "sub": "bob", "groups": ["team-cart"]}));
    assert_eq!(create_as(&bob, "1h").await.status, 409, "it is not his");
    let refused = create("2h").await;
    let text = refused.text();
    assert_eq!(refused.status, 409, "{text}");
    assert!(text.contains("there is a Preview default/tax already"), "{text}");
    assert!(text.contains("value=\"tax\"") && text.contains("value=\"2h\""), "what was typed is there: {text}");
    // Who writes a manifest means that very one, and one that has ended is in nobody's way.
    let api = "/api/v1/previews/default/tax";
    let put = team.client().ask(&ask("PUT", api).body(team.manifest("tax").to_string())).await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(team.client().ask(&ask("DELETE", api)).await.status, 204);
    for _ in 0..2 {
        let again = create("").await;
        assert_eq!(again.status, 303, "{}", again.text());
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_host_of_many_routes_shows_those_that_lead_elsewhere() {
    let team = Team::new().await;
    let one = |number: usize| {
        let path = format!("/many-{number}/");
        let mut mapping = mapping_on(SHOP, &format!("many-{number}"), &path, team.web.address());
        // Nobody is asked for so many documents.
        mapping["spec"]["docs"] = json!({"ignored": true});
        mapping
    };
    team.site.write("many.yaml", documents(&(0..1200).map(one).collect::<Vec<_>>()));
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let put = ask("PUT", "/api/v1/previews/default/tax").body(team.manifest("tax").to_string());
    assert_eq!(team.client().ask(&put).await.status, 201);
    gateway.admin.state("Preview", "tax", "acked").await;
    let page =
        async |query: &str| team.client().ask(&ask("GET", &format!("/docs/previews/default/tax{query}"))).await.text();
    let first = page("").await;
    // Those of many.yaml, and those of the cart and the web.
    assert!(first.contains("1 of 1202 routes") && first.contains("prefix /cart/"), "{first}");
    assert!(!first.contains("/many-"), "{first}");
    let last = page("?routes=all&from=1200").await;
    assert!(last.contains("prefix /") && last.contains("Those before") && !last.contains("Those after"), "{last}");
    gateway.stop().await;
}
