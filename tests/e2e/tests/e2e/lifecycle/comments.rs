//! The comment on a pull request, written to stand-ins that hold the gateway to what the forges' documentation says.

use nuncio_e2e::forge::{Comment, Forge, OWN, PULL_REQUESTS, TOKEN};

use super::*;

/// A team whose repositories are at a forge.
async fn team_at(forge: impl AsyncFnOnce(&Site) -> Forge) -> (Team, Forge) {
    let team = Team::new().await;
    let forge = forge(&team.site).await;
    let policy = team.policy(|policy| {
        for repository in policy["spec"]["repositories"].as_array_mut().unwrap() {
            repository["api"] = json!(format!("http://{}/api/", forge.address));
        }
    });
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cart-forge"},
        "stringData": {"webhook": KEY, "token": TOKEN}});
    team.site.write("policy.yaml", documents(&[policy]));
    team.site.write("secret.yaml", documents(&[secret]));
    let mut shop = team.shop();
    shop.retain(|object| object["metadata"]["name"] != "cart-forge");
    team.site.write("shop.yaml", documents(&shop));
    (team, forge)
}

#[tokio::test]
async fn a_pull_request_has_one_comment_that_says_how_its_preview_is() {
    // More than ten pages of others' comments.
    let (team, forge) = team_at(async |site: &Site| Forge::start(site, "github", 1_020).await).await;
    // A stranger's that looks like ours stays his.
    let stranger = "<!-- nuncio-previews preview.example -->\nhttps://evil.example/";
    let of = PULL_REQUESTS[0];
    forge.state.lock().unwrap().comments.push(Comment { of, id: 1_021, author: 2, body: stranger.to_owned() });
    let gateway = team.gateway().await;
    let told = json_of(&team.client().ask(&github(|_| ())).await);
    let url = told["preview"]["urls"][0]["url"].as_str().unwrap();
    let said = forge.says(url).await;
    assert!(said.contains("`9f3c9f3c`") && said.contains("Whoever knows the address"), "{said}");
    gateway.stop().await;

    // A gateway that knows nothing of it finds the same one again.
    let gateway = team.gateway().await;
    let pushed = github(|event| {
        event["pull_request"]["updated_at"] = json!(ago(30));
        event["pull_request"]["head"]["sha"] = json!("abcd");
    });
    team.client().ask(&pushed).await;
    forge.says("`abcd`").await;
    // Somebody deletes it: the next change brings it back.
    forge.state.lock().unwrap().comments.retain(|comment| comment.author != OWN);
    team.client().ask(&github(super::hooks::closed)).await;
    let said = forge.says("It is gone").await;
    assert!(!said.contains(url), "{said}");
    let comments = forge.state.lock().unwrap().comments.clone();
    assert_eq!((comments.len(), &*comments[1_020].body), (1_022, stranger));
    gateway.stop().await;
}

#[tokio::test]
async fn a_forge_that_is_down_is_tried_again() {
    let (team, forge) = team_at(async |site: &Site| Forge::start(site, "gitlab", 3).await).await;
    forge.state.lock().unwrap().is_down = true;
    let gateway = team.gateway().await;
    let mut preview = team.manifest("merge");
    preview["spec"]["source"] = json!({"provider": "GitLab", "repository": "acme/cart", "pullRequest": 42});
    team.site.write("merge.yaml", documents(&[preview]));
    eventually("the failure is told", async || {
        let told = gateway.stderr();
        let is_told = told.iter().any(|line| line.contains("acme/cart 42") && line.contains("502 Bad Gateway"));
        if is_told { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    forge.state.lock().unwrap().is_down = false;
    forge.says("merge").await;
    gateway.stop().await;
}

#[tokio::test]
async fn each_pull_request_has_one_comment_for_all_its_previews_and_waits_for_no_other_repository() {
    let (team, forge) = team_at(async |site: &Site| Forge::start(site, "github", 0).await).await;
    let [cart, another, web] = PULL_REQUESTS;
    team.site.write(
        "policy.yaml",
        documents(&[team.policy(|policy| {
            let repositories = policy["spec"]["repositories"].as_array_mut().unwrap();
            repositories[0]["api"] = json!(format!("http://{}/api/", forge.address));
            repositories[1] = repositories[0].clone();
            repositories[1]["name"] = json!(web.0);
        })]),
    );
    forge.hold(Some(cart.0));
    let gateway = team.gateway().await;
    let write = |name: &str, (repository, number): (&str, u64)| {
        let mut preview = team.manifest(name);
        preview["spec"]["source"] = json!({"provider": "GitHub", "repository": repository, "pullRequest": number});
        preview["spec"]["lifetime"] = json!({"expiresAt": "2099-01-01T00:00:00Z"});
        team.site.write(&format!("{name}.yaml"), documents(&[preview]));
    };
    for (name, of) in [("tax", cart), ("fee", cart), ("tip", another), ("page", web)] {
        write(name, of);
    }
    // That of the one repository is not answered meanwhile.
    forge.says_at(web, "`page`").await;
    assert_eq!([forge.own(cart).len(), forge.own(another).len()], [0, 0]);
    forge.hold(None);
    // The one that was written last.
    let said = forge.says_at(cart, "`fee`").await;
    assert!(said.contains("`tax`") && !said.contains("`tip`"), "{said}");
    assert_eq!(said.matches("It ends 2099-01-01T00:00:00Z.").count(), 2, "{said}");
    forge.says_at(another, "`tip`").await;

    // One of two goes, then both.
    team.site.remove("tax.yaml");
    let said = forge_without(&forge, cart, "`tax`").await;
    assert!(said.contains("`fee`"), "{said}");
    team.site.remove("fee.yaml");
    forge.says_at(cart, "It is gone").await;
    assert!(forge.says_at(another, "`tip`").await.contains("http"));
    gateway.stop().await;
}

/// The comment on a pull request, once it does not say so any more.
async fn forge_without(forge: &Forge, of: (&'static str, u64), what: &str) -> String {
    eventually(&format!("a comment on {of:?} without {what}"), async || match &forge.own(of)[..] {
        [comment] if !comment.contains(what) => Ok(comment.clone()),
        other => Err(format!("{other:?}")),
    })
    .await
}

/// Nobody tells the gateway: what is told while it is not there is told to nobody.
#[tokio::test]
async fn a_pull_request_that_was_closed_unheard_has_no_preview_any_more() {
    for provider in ["github", "gitlab"] {
        let (team, forge) = team_at(async |site: &Site| Forge::start(site, provider, 0).await).await;
        let [cart, another, _] = PULL_REQUESTS;
        let gateway = team.gateway().await;
        let put = async |name: &str, (repository, number): (&str, u64)| {
            let of = if provider == "github" { "GitHub" } else { "GitLab" };
            let mut manifest = team.manifest(name);
            manifest["spec"]["source"] = json!({"provider": of, "repository": repository, "pullRequest": number});
            let ask = get(PORTAL, &format!("/api/v1/previews/default/{name}")).method("PUT");
            let ask = ask.with("authorization", &team.person("team-cart")).body(manifest.to_string());
            let told = json_of(&team.client().ask(&ask).await);
            told["preview"]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
        };
        let (closed, open) = (put("closed", cart).await, put("open", another).await);
        if provider == "github" {
            team.client().ask(&github(|_| ())).await;
        }
        forge.says_at(cart, "`closed`").await;
        gateway.stop().await;

        {
            let mut state = forge.state.lock().unwrap();
            state.closed.insert(cart);
            state.updated = ago(1);
        }
        let gateway = team.gateway().await;
        team.at(&closed, "/cart/", "410").await;
        forge.says_at(cart, "It is gone").await;
        assert_eq!(team.at(&open, "/cart/", "branch").await.status, 200);
        if provider == "github" {
            let made = "/api/v1/previews/default/cart-pr-42";
            let told = team.client().ask(&get(PORTAL, made).with("authorization", &team.person("team-cart"))).await;
            assert!(told.text().contains("Deleted"), "{}", told.text());
            let replayed = json_of(&team.client().ask(&github(|_| ())).await);
            assert_eq!(replayed["outcome"], "ignored", "it was opened before it was closed: {replayed}");
        }
        gateway.stop().await;
    }
}
