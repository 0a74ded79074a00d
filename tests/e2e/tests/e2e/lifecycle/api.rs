//! The API that CI jobs and people use.

use super::*;

const PREVIEW: &str = "/api/v1/previews/default/tax";

fn put(path: &str, token: &str, manifest: &Value) -> Ask {
    let ask = get(PORTAL, path).method("PUT").with("content-type", "application/yaml");
    ask.with("authorization", token).body(manifest.to_string())
}

#[tokio::test]
async fn a_job_puts_its_preview_as_often_as_it_likes_and_takes_it_away() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let (job, manifest) = (team.job("acme/cart"), team.manifest("tax"));
    let created = team.client().ask(&put(PREVIEW, &job, &manifest)).await;
    assert_eq!((created.status, created.header("location")), (201, Some(PREVIEW)), "{}", created.text());
    let url = json_of(&created)["preview"]["urls"][0]["url"].as_str().unwrap().to_owned();
    team.at(&url, "/cart/", "branch").await;
    let again = team.client().ask(&put(PREVIEW, &job, &manifest)).await;
    assert_eq!((again.status, &json_of(&again)["outcome"]), (200, &json!("unchanged")));
    // When it began stays with it, whatever it says later.
    let file = || {
        let text = std::fs::read_to_string(team.site.manifests().join("previews/default.tax.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["metadata"].clone()
    };
    let first = file();
    let mut later = manifest.clone();
    later["spec"]["lifetime"] = json!({"ttl": "9h", "from": "Changed"});
    let changed = json_of(&team.client().ask(&put(PREVIEW, &job, &later)).await);
    let ends = changed["preview"]["expires_at"].as_i64().unwrap();
    let at = |time: &Value| time.as_str().unwrap().parse::<Timestamp>().unwrap().as_second();
    assert_eq!(
        (&file()["creationTimestamp"], at(&file()["annotations"]["nuncio.dev/changed"])),
        (&first["creationTimestamp"], ends - 9 * 3600)
    );

    let ask = |method: &str, path: &str, token: &str| get(PORTAL, path).method(method).with("authorization", token);
    let one = json_of(&team.client().ask(&ask("GET", PREVIEW, &job)).await);
    assert_eq!(one["source"]["repository"], "acme/cart", "{one}");
    let all = json_of(&team.client().ask(&ask("GET", "/api/v1/previews?namespace=default", &job)).await);
    assert_eq!(all["total"], 1, "{all}");
    let gone = team.client().ask(&ask("DELETE", PREVIEW, &job)).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let ended = json_of(&team.client().ask(&ask("GET", PREVIEW, &job)).await);
    assert_eq!((&ended["problems"][0]["reason"], &ended["urls"]), (&json!("Deleted"), &json!([])), "{ended}");
    assert_eq!((&one["has_ended"], &ended["has_ended"]), (&json!(false), &json!(true)), "{one} {ended}");
    for gone in [PREVIEW, "/api/v1/previews/default/never-was"] {
        assert_eq!(team.client().ask(&ask("DELETE", gone, &job)).await.status, 204, "it is not there: {gone}");
    }
    team.at(&url, "/cart/", "410").await;
    gateway.stop().await;
    // A gateway that was started anew knows it too, and that it was not the time.
    let gateway = team.gateway().await;
    let told = team.at(&url, "/cart/", "410").await.text();
    assert!(told.contains("It was deleted") && !told.contains("time is over"), "{told}");
    let anew = team.client().ask(&put(PREVIEW, &job, &manifest)).await;
    assert_eq!((anew.status, &json_of(&anew)["outcome"]), (200, &json!("updated")));
    team.at(&url, "/cart/", "branch").await;
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_does_what_the_policy_does_not_let_him() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let (manifest, job) = (team.manifest("tax"), team.job("acme/cart"));
    let status = async |path: &str, token: &str, manifest: &Value| {
        let reply = team.client().ask(&put(path, token, manifest)).await;
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{}", reply.text());
        (reply.status, json_of(&reply)["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(status(PREVIEW, &team.person("others"), &manifest).await.0, 403);
    assert_eq!(status(PREVIEW, &team.job("acme/other"), &manifest).await.0, 403);
    assert_eq!(status("/api/v1/previews/kube-system/tax", &team.person("team-cart"), &manifest).await.0, 403);
    let (code, why) = status(PREVIEW, &job, &team.manifest("other")).await;
    assert!(code == 422 && why.contains("default/other"), "{why}");
    let mut wrong = manifest.clone();
    wrong["spec"]["services"][0]["backend"] = json!("");
    let (code, why) = status(PREVIEW, &job, &wrong).await;
    assert!(code == 422 && why.contains("spec.services[0].backend"), "{why}");
    // At the portal's own port nobody has vouched for anybody.
    let direct = Client::http(team.site.at(8088)).ask(&put(PREVIEW, &job, &manifest)).await;
    assert_eq!(direct.status, 401);

    assert_eq!(team.client().ask(&put(PREVIEW, &team.person("team-cart"), &manifest)).await.status, 201);
    // Nor does he learn what there is: any repository of the forge has tokens.
    let ask = async |path: &str, token: &str| team.client().ask(&get(PORTAL, path).with("authorization", token)).await;
    for (token, sees) in [
        (team.person("team-cart"), true),
        (team.person("others"), false),
        (team.job("acme/other"), false),
        (team.job("acme/cart"), false),
    ] {
        let all = json_of(&ask("/api/v1/previews", &token).await);
        assert_eq!(all["total"], u8::from(sees), "{all}");
        for path in [PREVIEW, &format!("{PREVIEW}/events"), "/docs/previews/default/tax"] {
            assert_eq!(ask(path, &token).await.status, if sees { 200 } else { 404 }, "{path}");
        }
    }
    let (code, why) = status(PREVIEW, &job, &manifest).await;
    assert!(code == 403 && why.contains("none of acme/cart's"), "{why}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_has_ended_leaves_room_for_more_and_begins_anew() {
    let team = Team::new().await;
    team.site.write("policy.yaml", documents(&[team.policy(|policy| policy["spec"]["maxPreviews"] = json!(1))]));
    let gateway = team.gateway().await;
    let token = team.person("team-cart");
    let path = |name: &str| format!("/api/v1/previews/default/{name}");
    let mut over = team.manifest("over");
    over["spec"]["lifetime"] = json!({"expiresAt": "2020-01-01T00:00:00Z"});
    assert_eq!(team.client().ask(&put(&path("over"), &token, &over)).await.status, 201);
    let made = team.client().ask(&put(&path("tax"), &token, &team.manifest("tax"))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let more = team.client().ask(&put(&path("more"), &token, &team.manifest("more"))).await;
    assert!(
        more.status == 409 && more.text().contains("as many previews as the PreviewPolicy allows, 1"),
        "{}",
        more.text()
    );
    assert_eq!(team.client().ask(&put(&path("over"), &token, &team.manifest("over"))).await.status, 409);
    let gone = get(PORTAL, &path("tax")).method("DELETE").with("authorization", &token);
    assert_eq!(team.client().ask(&gone).await.status, 204);
    let again = json_of(&team.client().ask(&put(&path("over"), &token, &team.manifest("over"))).await);
    team.at(again["preview"]["urls"][0]["url"].as_str().unwrap(), "/cart/", "branch").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_job_includes_no_preview_that_is_not_its_repositorys() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    // As GitHub names repositories that were made of late.
    let (job, ann) = (team.job("acme@123/cart@456"), team.person("team-cart"));
    let send = async |name: &str, token: &str, includes: &[&str]| {
        let mut manifest = team.manifest(name);
        let includes = includes.iter().map(|name| json!({"name": name}));
        manifest["spec"]["includes"] = includes.collect();
        team.client().ask(&put(&format!("/api/v1/previews/default/{name}"), token, &manifest)).await
    };
    assert_eq!(send("tax", &job, &[]).await.status, 201);
    assert_eq!(send("anns", &ann, &[]).await.status, 201);
    assert_eq!(send("all", &job, &["tax"]).await.status, 201);
    for (includes, why) in
        [(["tax", "anns"], "Preview default/anns"), (["tax", "later"], "there is no Preview default/later")]
    {
        let refused = send("all", &job, &includes).await;
        assert!(refused.status == 403 && refused.text().contains(why), "{} {}", refused.status, refused.text());
    }
    assert_eq!(send("all-of-anns", &ann, &["tax", "anns"]).await.status, 201);
    gateway.stop().await;
}

/// Whoever knows what a branch is called, and how names are made, knows no URL.
#[tokio::test]
async fn nobody_computes_the_url_of_a_preview() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let made = json_of(&team.client().ask(&put(PREVIEW, &team.job("acme/cart"), &team.manifest("tax"))).await);
    let url = made["preview"]["urls"][0]["url"].as_str().unwrap().to_owned();
    team.at(&url, "/cart/", "branch").await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"default/tax");
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let end: String = digest.as_ref()[..16].iter().map(|byte| char::from(letters[usize::from(byte & 31)])).collect();
    let guess = format!("web--tax-{end}.preview.example");
    let reply = team.client().ask(&get(&guess, "/cart/")).await;
    assert_eq!((reply.status, url.contains(&guess)), (404, false), "{url}");
    gateway.stop().await;
    // It stays, and the command line knows it from the directory.
    let gateway = team.gateway().await;
    team.at(&url, "/cart/", "branch").await;
    let mut command = team.site.nuncio(&["preview", "url", "default/tax"]);
    command.arg(team.site.manifests());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), url, "{}", String::from_utf8_lossy(&output.stderr));
    gateway.stop().await;
}

/// Who makes and ends previews all day fills no directory, and who makes many takes nobody's place.
#[tokio::test]
async fn nobody_makes_any_number_of_previews() {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["maxPreviews"] = json!(4);
        policy["spec"]["maxPreviewsPerAuthor"] = json!(1);
    });
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let path = |name: &str| format!("/api/v1/previews/default/{name}");
    let make = async |name: &str, token: &str| team.client().ask(&put(&path(name), token, &team.manifest(name))).await;
    let mut last = String::new();
    for number in 0..7 {
        let name = format!("tax-{number}");
        let made = make(&name, &ann).await;
        assert_eq!(made.status, 201, "{}", made.text());
        last = json_of(&made)["preview"]["urls"][0]["url"].as_str().unwrap().to_owned();
        let gone = get(PORTAL, &path(&name)).method("DELETE").with("authorization", &ann);
        assert_eq!(team.client().ask(&gone).await.status, 204);
    }
    let files = std::fs::read_dir(team.site.manifests().join("previews")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| name.ends_with(".json") && !name.starts_with('.'));
    files.sort();
    assert_eq!(files, [3, 4, 5, 6].map(|number| format!("default.tax-{number}.json")));
    team.at(&last, "/cart/", "410").await;

    assert_eq!(make("one", &ann).await.status, 201);
    let two = make("two", &ann).await;
    assert!(two.status == 409 && two.text().contains("you have as many previews"), "{} {}", two.status, two.text());
    let back = get(PORTAL, &format!("{}/extend?ttl=1h", path("tax-6"))).method("POST").with("authorization", &ann);
    let back = team.client().ask(&back).await;
    assert!(
        back.status == 409 && back.text().contains("who made it has as many previews"),
        "{} {}",
        back.status,
        back.text()
    );
    let bob = team.token(&json!({"iss": "https://people.example", "sub": "bob", "groups": ["team-cart"]}));
    assert_eq!(make("two", &bob).await.status, 201, "it is not his");
    let namesake = team.token(&json!({"iss": "https://others.example", "sub": "ann", "groups": ["team-cart"]}));
    assert_eq!(make("three", &namesake).await.status, 201, "she is another, whom others vouch for");
    assert_eq!(make("of-cart", &team.job("acme/cart")).await.status, 201, "jobs are nobody's");
    gateway.stop().await;
}

#[tokio::test]
async fn that_somebody_deleted_the_file_of_a_preview_is_known_to_a_gateway_that_starts() {
    let team = Team::new().await;
    team.site.write("tax.yaml", documents(&[team.manifest("tax")]));
    let gateway = team.gateway().await;
    let url = eventually("a URL", async || {
        let shown = gateway.admin.list("previews").await;
        shown[0]["urls"][0]["url"].as_str().map(str::to_owned).ok_or(format!("{shown:?}"))
    })
    .await;
    team.at(&url, "/cart/", "branch").await;
    team.site.remove("tax.yaml");
    team.at(&url, "/cart/", "410").await;
    let host = url.strip_prefix("http://").unwrap().split(':').next().unwrap().trim_end_matches('/').to_owned();
    eventually("it is kept", async || {
        let kept = std::fs::read_to_string(team.site.manifests().join("previews/.tombstones.json"));
        let kept = kept.unwrap_or_default();
        if kept.contains(&host) { Ok(()) } else { Err(kept) }
    })
    .await;
    gateway.stop().await;
    let gateway = team.gateway().await;
    team.at(&url, "/cart/", "410").await;
    // It is there again.
    team.site.write("tax.yaml", documents(&[team.manifest("tax")]));
    team.at(&url, "/cart/", "branch").await;
    gateway.stop().await;
}
