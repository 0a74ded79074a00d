//! The command line.

use std::process::Output;

use super::*;

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn the_command_line_makes_previews_wherever_they_are_kept() {
    let team = Team::new().await;
    let file = team.site.root().join("tax.json");
    let mut manifest = team.manifest("tax");
    manifest["spec"]["lifetime"] = json!({"ttl": "1h"});
    std::fs::write(&file, manifest.to_string()).unwrap();
    team.site.write("policy.yaml", documents(&[team.policy(|policy| policy["spec"]["maxTTL"] = json!("9h"))]));
    let (file, directory) = (file.display().to_string(), team.site.manifests().display().to_string());
    let run = async |args: &[&str], token: &str| {
        let mut command = team.site.nuncio(&[&["preview"], args].concat());
        command.env("NUNCIO_TOKEN", token);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    // A directory that nobody serves.
    let made = run(&["create", &file, &directory], "").await;
    assert!(made.status.success() && told(&made).starts_with("http://web--tax-"), "{}", told(&made));
    let url = told(&made).trim_end().to_owned();
    let hours = |output: &Output| {
        let time = String::from_utf8_lossy(&output.stdout);
        let ends: Timestamp = time.trim_end().parse().unwrap_or_else(|_| panic!("{}", told(output)));
        (ends.duration_since(Timestamp::now()).as_secs_f64() / 3600.0).round()
    };
    for (ttl, left, is_same) in [("5h", 5.0, false), ("2h", 5.0, true), ("90h", 9.0, false)] {
        let extended = run(&["extend", "tax", &directory, "--ttl", ttl], "").await;
        assert_eq!((hours(&extended), told(&extended).contains("nothing has changed")), (left, is_same), "{ttl}");
    }
    let refused = run(&["extend", "tax", &directory, "--ttl", "90h"], "").await;
    assert!(!refused.status.success() && told(&refused).contains("and no longer"), "{}", told(&refused));
    for _ in 0..2 {
        assert!(run(&["delete", "tax", &directory], "").await.status.success(), "it is not there");
    }
    // Whoever wants it back learns until when it may be shown.
    let ended: Value = serde_json::from_slice(&run(&["list", &directory, "-o", "json"], "").await.stdout).unwrap();
    let ended = &ended["items"][0];
    assert_eq!((&ended["has_ended"], &ended["has_links"]), (&json!(true), &json!(false)), "{ended}");
    let latest = Timestamp::from_second(ended["latest"].as_i64().unwrap()).unwrap();
    assert_eq!((latest.duration_since(Timestamp::now()).as_secs_f64() / 3600.0).round(), 9.0, "{ended}");

    let gateway = team.gateway().await;
    let admin = team.site.admin().to_string();
    let made = run(&["create", &file, "--admin", &admin], "").await;
    assert_eq!(told(&made).trim_end(), url);
    team.at(&url, "/cart/", "branch").await;
    assert_eq!(hours(&run(&["extend", "tax", "--ttl", "3h", "--admin", &admin], "").await), 3.0);
    // Who wants it shown for less is told that it is not, once.
    let mut less = team.manifest("tax");
    less["spec"]["lifetime"] = json!({"ttl": "2h"});
    std::fs::write(&file, less.to_string()).unwrap();
    for is_told in [true, false] {
        let made = run(&["create", &file, "--admin", &admin], "").await;
        assert!(made.status.success(), "{}", told(&made));
        assert_eq!(told(&made).contains("warning: it was extended until "), is_told, "{}", told(&made));
    }
    assert!(run(&["delete", "default/tax", "--admin", &admin], "").await.status.success());
    team.at(&url, "/cart/", "410").await;

    // It is made, and whoever waits for it is told that it does not work.
    let mut broken = team.manifest("tax");
    let entrypoints = broken["spec"]["entrypoints"].as_array_mut().unwrap();
    entrypoints.push(json!({"name": "other", "host": "other.example"}));
    std::fs::write(&file, broken.to_string()).unwrap();
    let made = run(&["create", &file, "--admin", &admin], "").await;
    assert_eq!(made.status.code(), Some(1), "{}", told(&made));
    assert!(
        told(&made).starts_with(&url) && told(&made).contains("error: spec.entrypoints[1].host: "),
        "{}",
        told(&made)
    );
    assert!(run(&["delete", "default/tax", "--admin", &admin], "").await.status.success());
    std::fs::write(&file, manifest.to_string()).unwrap();

    // Behind the gateway, as somebody.
    let server = team.server(&gateway).await;
    let token = team.job("acme/cart");
    let token = token.strip_prefix("Bearer ").unwrap();
    let made = run(&["create", &file, "--server", &server], token).await;
    assert_eq!(told(&made).trim_end(), url);
    let listed = run(&["list", "--server", &server], token).await;
    assert!(told(&listed).contains("default/tax"), "{}", told(&listed));
    assert_eq!(hours(&run(&["extend", "tax", "--ttl", "3h", "--server", &server], token).await), 3.0);
    let other = team.job("acme/other");
    let refused = run(&["delete", "default/tax", "--server", &server], other.strip_prefix("Bearer ").unwrap()).await;
    assert!(!refused.status.success() && told(&refused).contains("does not let you"), "{}", told(&refused));
    for _ in 0..2 {
        assert!(run(&["delete", "default/tax", "--server", &server], token).await.status.success());
    }
    let none = run(&["delete", "never-was", "--server", &server], token).await;
    assert!(!none.status.success() && told(&none).contains("there is no Preview"), "{}", told(&none));
    gateway.stop().await;
}

#[tokio::test]
async fn a_directory_keeps_nothing_of_a_preview_that_its_policy_forbids() {
    let team = Team::new().await;
    let (file, directory) = (team.site.root().join("tax.json"), team.site.manifests());
    let create = async |spec: Value| {
        let mut manifest = team.manifest("tax");
        manifest["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        std::fs::write(&file, manifest.to_string()).unwrap();
        let arguments = ["preview", "create", file.to_str().unwrap(), directory.to_str().unwrap()];
        let mut command = team.site.nuncio(&arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let forbidden = [
        ("spec.access.mode: ", json!({"access": {"mode": "Members", "groups": ["team-cart"]}})),
        ("spec.entrypoints[0].host: ", json!({"entrypoints": [{"name": "web", "host": "other.example"}]})),
        ("spec.services[0].tunnel: ", json!({"services": [{"baseline": "cart", "tunnel": true}]})),
    ];
    let is_refused = async |field: &str, spec: &Value| {
        let refused = create(spec.clone()).await;
        assert_eq!(refused.status.code(), Some(1), "{}", told(&refused));
        assert!(told(&refused).contains(field) && told(&refused).contains("PreviewPolicy"), "{}", told(&refused));
    };
    for (field, spec) in &forbidden {
        is_refused(field, spec).await;
        assert!(!directory.join("previews").exists(), "neither a Preview nor its keys");
    }
    // One that is there stays as it is.
    let made = create(json!({})).await;
    assert!(made.status.success(), "{}", told(&made));
    let written = || std::fs::read_to_string(directory.join("previews/default.tax.json")).unwrap();
    let before = written();
    for (field, spec) in &forbidden {
        is_refused(field, spec).await;
        assert_eq!(written(), before);
    }
}

#[tokio::test]
async fn one_that_is_not_valid_is_deleted_by_who_may_change_all_of_its_namespace() {
    let team = Team::new().await;
    let mut manifest = team.manifest("tax");
    manifest["spec"]["access"]["mode"] = json!("Nobody");
    team.site.write("previews/default.tax.json", manifest.to_string());
    let gateway = team.gateway().await;
    let server = team.server(&gateway).await;
    let delete = async |token: String| {
        let mut command = team.site.nuncio(&["preview", "delete", "default/tax", "--server", &server]);
        command.env("NUNCIO_TOKEN", token.strip_prefix("Bearer ").unwrap());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let file = team.site.manifests().join("previews/default.tax.json");
    let refused = delete(team.job("acme/cart")).await;
    assert!(!refused.status.success() && told(&refused).contains("this Preview is not valid"), "{}", told(&refused));
    // Nor does a job get around that by another in its place, which would be its repository's.
    let put = get(PORTAL, "/api/v1/previews/default/tax").method("PUT").with("authorization", &team.job("acme/cart"));
    let refused = team.client().ask(&put.body(team.manifest("tax").to_string())).await;
    assert!(refused.status == 403 && refused.text().contains("this Preview is not valid"), "{}", refused.text());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), manifest.to_string());
    for said in ["default/tax, which was not valid, is deleted\n", "there was no default/tax\n"] {
        let deleted = delete(team.person("team-cart")).await;
        assert_eq!((deleted.status.success(), told(&deleted).as_str()), (true, said));
        assert!(!file.exists());
    }
    // What is no text of an object at all is somebody's to look at.
    team.site.write("previews/default.tax.json", "{");
    let kept = delete(team.person("team-cart")).await;
    assert!(!kept.status.success() && told(&kept).contains("cannot be read in it"), "{}", told(&kept));
    gateway.stop().await;
}
