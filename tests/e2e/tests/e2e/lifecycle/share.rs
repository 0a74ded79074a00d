//! Links to previews: by the portal's pages and API, and by the command line through it.

use std::path::Path;

use nuncio_test_support::{keep_secret, story};

use super::*;

const PREVIEW: &str = "/api/v1/previews/default/tax";

/// A team whose previews are for who has a link, and one of them; its host.
async fn shared(team: &Team) -> (Gateway<'_>, String) {
    let policy = team.policy(|policy| {
        policy["spec"]["access"] = json!(["ShareLink", "Public"]);
        policy["spec"]["port"] = json!(team.site.http().port());
    });
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let mut manifest = team.manifest("tax");
    manifest["spec"]["access"]["mode"] = json!("ShareLink");
    let ask = get(PORTAL, PREVIEW).method("PUT").with("authorization", &team.person("team-cart"));
    let made = team.client().ask(&ask.body(manifest.to_string())).await;
    assert_eq!(made.status, 201, "{}", made.text());
    gateway.admin.state("Preview", "tax", "acked").await;
    let url = json_of(&made)["preview"]["urls"][0]["url"].as_str().unwrap().to_owned();
    (gateway, url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned())
}

/// The link to a host that stands in a text.
fn link_in<'t>(text: &'t str, host: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("http://{host}/?")).unwrap_or_else(|| panic!("{text}"));
    let link = rest.split(['<', '"', '\n']).next().unwrap();
    keep_secret(link.split_once('=').unwrap().1);
    link
}

async fn is_let_in(team: &Team, host: &str, link: &str) {
    let followed = team.client().ask(&get(host, &format!("/cart/?{link}"))).await;
    let cookie = followed.header("set-cookie").unwrap_or_else(|| panic!("{followed:?}")).split(';').next().unwrap();
    assert_eq!(team.client().ask(&get(host, "/cart/").with("cookie", cookie)).await.by(), "branch");
}

#[tokio::test]
async fn who_may_change_a_preview_makes_links_to_it() {
    let team = Team::new().await;
    let (gateway, host) = shared(&team).await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    assert_eq!(client.ask(&get(&host, "/cart/")).await.status, 403);

    let page = client.ask(&get(PORTAL, "/docs/previews/default/tax").with("authorization", &ann)).await;
    assert!(page.text().contains("Make a link") && !page.text().contains("nuncio-share"), "{}", page.text());
    // It is asked first, with what it would open.
    let asked = client.ask(&get(PORTAL, "/docs/previews/default/tax/share").with("authorization", &ann)).await.text();
    assert!(asked.contains("Make a link to tax?") && asked.contains("without a login"), "{asked}");
    assert!(!asked.contains("nuncio-share"), "{asked}");
    let form = get(PORTAL, "/docs/previews/default/tax/share").method("POST").with("authorization", &ann);
    let form = form.with("content-type", "application/x-www-form-urlencoded").body("ttl=1h");
    let made = client.ask(&form).await;
    assert_eq!((made.status, made.header("cache-control")), (200, Some("no-store")), "{}", made.text());
    is_let_in(&team, &host, link_in(&made.text(), &host)).await;
    assert!(made.text().contains("<h1>A link to tax was made</h1>"), "nobody is asked any more: {}", made.text());
    assert!(!made.text().contains("Make a link to tax?"), "{}", made.text());

    let told =
        client.ask(&get(PORTAL, &format!("{PREVIEW}/share?ttl=2h")).method("POST").with("authorization", &ann)).await;
    assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{}", told.text());
    is_let_in(&team, &host, link_in(&told.text(), &host)).await;

    let server = team.server(&gateway).await;
    let mut command = team.site.nuncio(&["preview", "share", "default/tax", "--ttl", "90m", "--server", &server]);
    command.env("NUNCIO_TOKEN", ann.strip_prefix("Bearer ").unwrap());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    is_let_in(&team, &host, link_in(&told, &host)).await;
    gateway.stop().await;
}

/// Makes a link by the API, and sees that it is good.
async fn good_link(team: &Team, host: &str, by: &str) -> String {
    let ask = get(PORTAL, &format!("{PREVIEW}/share")).method("POST").with("authorization", by);
    let told = team.client().ask(&ask).await.text();
    let link = link_in(&told, host).to_owned();
    eventually("a link is good", async || {
        let followed = team.client().ask(&get(host, &format!("/cart/?{link}"))).await;
        if followed.header("set-cookie").is_some() { Ok(()) } else { Err(followed.status) }
    })
    .await;
    link
}

async fn is_withdrawn(team: &Team, host: &str, link: &str) {
    let follow = get(host, &format!("/cart/?{link}"));
    eventually("the link is withdrawn", async || match team.client().ask(&follow).await.status {
        403 => Ok(()),
        other => Err(other),
    })
    .await;
}

#[tokio::test]
async fn who_may_make_links_withdraws_them_all_at_once() {
    let team = Team::new().await;
    let (gateway, host) = shared(&team).await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    let page = "/docs/previews/default/tax/share";
    let ask = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    let generation = || {
        let file = std::fs::read_to_string(team.site.manifests().join("previews/default.tax.json")).unwrap();
        serde_json::from_str::<Value>(&file).unwrap()["spec"]["access"]["generation"].as_u64().unwrap()
    };
    let begun = generation();

    let (one, other) = (good_link(&team, &host, &ann).await, good_link(&team, &host, &ann).await);
    let asked = client.ask(&ask("GET", page)).await.text();
    assert!(asked.contains("Withdraw all links") && !asked.contains("are withdrawn"), "{asked}");
    let done = client.ask(&ask("POST", &format!("{page}/withdraw"))).await;
    assert!(done.status == 200 && done.text().contains("All links to it are withdrawn"), "{}", done.text());
    assert!(done.text().contains("<h1>All links to tax were withdrawn</h1>"), "{}", done.text());
    is_withdrawn(&team, &host, &one).await;
    is_withdrawn(&team, &host, &other).await;
    let loaded = client.ask(&ask("GET", &format!("{page}/withdraw"))).await;
    assert_eq!((loaded.status, loaded.header("location")), (303, Some("/docs/previews/default/tax")));

    let link = good_link(&team, &host, &ann).await;
    assert_eq!(client.ask(&ask("DELETE", &format!("{PREVIEW}/share"))).await.status, 204);
    is_withdrawn(&team, &host, &link).await;

    let server = team.server(&gateway).await;
    let (admin, manifests) = (team.site.admin().to_string(), team.site.manifests());
    for place in [vec!["--server", &*server], vec!["--admin", &*admin], vec![manifests.to_str().unwrap()]] {
        let link = good_link(&team, &host, &ann).await;
        let mut command =
            team.site.nuncio(&[&["preview", "share", "default/tax", "--withdraw"][..], &place[..]].concat());
        command.env("NUNCIO_TOKEN", ann.strip_prefix("Bearer ").unwrap());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success() && output.stdout.is_empty(), "{place:?}: {output:?}");
        is_withdrawn(&team, &host, &link).await;
    }
    // Once for each of these.
    assert_eq!(generation(), begun + 5);
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_else_withdraws_any() {
    let team = Team::new().await;
    let (gateway, host) = shared(&team).await;
    let ann = team.person("team-cart");
    let link = good_link(&team, &host, &ann).await;
    let ask = |path: &str, token: &str| get(PORTAL, path).method("DELETE").with("authorization", token);
    for (token, path, status, why) in [
        (&team.person("others"), format!("{PREVIEW}/share"), 403, "does not let you"),
        (&team.job("acme/cart"), format!("{PREVIEW}/share"), 403, "none of acme/cart's"),
        (&ann, "/api/v1/previews/default/nothing/share".to_owned(), 404, "no Preview"),
    ] {
        let reply = team.client().ask(&ask(&path, token)).await;
        assert!(reply.status == status && reply.text().contains(why), "{path}: {} {}", reply.status, reply.text());
    }
    let form = get(PORTAL, "/docs/previews/default/tax/share/withdraw").method("POST").with("authorization", &ann);
    assert_eq!(team.client().ask(&form.with("origin", "http://evil.example")).await.status, 403);
    // Another kind of preview has none.
    let open = team.manifest("open");
    let put = get(PORTAL, "/api/v1/previews/default/open").method("PUT").with("authorization", &ann);
    assert_eq!(team.client().ask(&put.body(open.to_string())).await.status, 201);
    let none = team.client().ask(&ask("/api/v1/previews/default/open/share", &ann)).await;
    assert!(none.status == 409 && none.text().contains("not ShareLink"), "{} {}", none.status, none.text());
    is_let_in(&team, &host, &link).await;
    gateway.stop().await;
}

#[tokio::test]
async fn who_made_a_preview_opens_it_from_its_page() {
    let team = Team::new().await;
    let (gateway, host) = shared(&team).await;
    let settings = json!({
        "origin": format!("http://{PORTAL}:{}", team.site.http().port()),
        "hosts": { PORTAL: team.site.ip(), host.split(':').next().unwrap(): team.site.ip() },
        "token": team.person("team-cart"),
    });
    let seen = story(&Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/open.mjs"), &settings).await;
    assert_eq!((&seen["faults"], &seen["violations"]), (&json!([]), &json!([])), "{seen:#}");
    let offered = seen["offered"].as_str().unwrap();
    assert!(offered.contains("who has a link") && !offered.contains("curl"), "{seen:#}");
    assert_eq!(seen["leads"], 0, "nothing there leads to a page that refuses him: {seen:#}");
    assert_eq!((&seen["search"], &seen["by"]), (&json!(""), &json!("branch")), "{seen:#}");
    let made = seen["made"].as_str().unwrap();
    link_in(made, &host);
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_else_makes_any() {
    let team = Team::new().await;
    let (gateway, _) = shared(&team).await;
    let ann = team.person("team-cart");
    let ask = |path: &str, token: &str| get(PORTAL, path).method("POST").with("authorization", token);
    for (token, path, status, why) in [
        (&team.person("others"), format!("{PREVIEW}/share"), 403, "does not let you"),
        (&team.job("acme/other"), format!("{PREVIEW}/share"), 403, "does not let you"),
        // Its own repository's, but not its own preview.
        (&team.job("acme/cart"), format!("{PREVIEW}/share"), 403, "none of acme/cart's"),
        (&ann, "/api/v1/previews/default/nothing/share".to_owned(), 404, "no Preview"),
        (&ann, format!("{PREVIEW}/share?ttl=721h"), 422, "not between"),
    ] {
        let reply = team.client().ask(&ask(&path, token)).await;
        assert!(reply.status == status && reply.text().contains(why), "{path}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
    }
    let foreign = ask("/docs/previews/default/tax/share", &ann).with("origin", "http://evil.example");
    assert_eq!(team.client().ask(&foreign.body("ttl=1h")).await.status, 403);
    let direct = Client::http(team.site.at(8088)).ask(&ask(&format!("{PREVIEW}/share"), &ann)).await;
    assert_eq!(direct.status, 401, "at the portal's own port nobody has vouched for anybody");
    gateway.stop().await;
}

#[tokio::test]
async fn a_webhook_makes_no_link_good_that_was_withdrawn() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["access"] = json!(["ShareLink", "Public"]);
        policy["spec"]["repositories"][0]["preview"]["access"]["mode"] = json!("ShareLink");
    });
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let (client, ann) = (team.client(), team.person("team-cart"));
    let at =
        |path: &str| get(PORTAL, &format!("/api/v1/previews/default/cart-pr-42{path}")).with("authorization", &ann);
    let opened = client.ask(&github(|_| ())).await;
    assert_eq!(opened.status, 200, "{}", opened.text());
    gateway.admin.state("Preview", "cart-pr-42", "acked").await;
    let shared = json_of(&client.ask(&at("/share").method("POST")).await);
    let url = shared["links"][0]["url"].as_str().unwrap_or_else(|| panic!("{shared}"));
    let (host, link) = url.strip_prefix("http://").unwrap().split_once("/?").unwrap();
    keep_secret(link.split_once('=').unwrap().1);
    is_let_in(&team, host, link).await;

    let mut manifest = team.manifest("cart-pr-42");
    manifest["spec"]["access"] = json!({"mode": "ShareLink", "generation": 1});
    let withdrawn = client.ask(&at("").method("PUT").body(manifest.to_string())).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text());
    let follow = get(host, &format!("/cart/?{link}"));
    let is_refused = async || match client.ask(&follow).await.status {
        403 => Ok(()),
        other => Err(other),
    };
    eventually("the link is withdrawn", is_refused).await;
    manifest["spec"]["access"] = json!({"mode": "ShareLink"});
    let changes = [
        client.ask(&github(|event| event["pull_request"]["updated_at"] = json!(ago(30)))).await,
        client.ask(&at("").method("PUT").body(manifest.to_string())).await,
    ];
    for changed in changes {
        assert_eq!(changed.status, 200, "{}", changed.text());
    }
    let file = std::fs::read_to_string(team.site.manifests().join("previews/default.cart-pr-42.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap()["spec"]["access"]["generation"], 1, "{file}");
    gateway.admin.state("Preview", "cart-pr-42", "acked").await;
    assert_eq!(is_refused().await, Ok(()));
    gateway.stop().await;
}
