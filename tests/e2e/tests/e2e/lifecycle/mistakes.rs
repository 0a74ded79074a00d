//! What is wrong with a policy's repositories.

use super::*;

#[tokio::test]
async fn what_is_wrong_with_a_repository_is_told_before_any_webhook_comes() {
    let team = Team::new().await;
    let check = || {
        let output = team.site.nuncio(&["check", team.site.manifests().to_str().unwrap()]).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let sound = check();
    assert!(!sound.contains("`token`") && sound.contains("0 errors"), "{sound}");
    for (path, wrong, told) in [
        ("/preview/name", json!("cart-pr"), "needs {number} in it"),
        ("/preview/name", json!("pr{number}{branch}"), "has a digit or another gap right beside {number}"),
        ("/preview/name", json!("Cart {number}"), "expected lower-case letters"),
        ("/preview/name", json!("cart-{number}-{commit}-{branch}"), "can become longer than 63"),
        (
            "/preview/services/0/backend",
            json!("http://cart {number}"),
            "spec.repositories[0].preview.services[0].backend",
        ),
        ("/preview/slug", json!("{commit}"), "spec.repositories[0].preview.slug: is longer than 28"),
        ("/name", json!("cart"), "expected OWNER/NAME"),
        ("/name", json!("acme/../cart"), "expected OWNER/NAME"),
        ("/api", json!("forge.example"), "expected a URL such as"),
        ("/api", json!("https://ann:hunter2@forge.example"), "has a login in it"),
        ("/secretName", Value::Null, "there is no secretName beside it"),
    ] {
        let policy = team.policy(|policy| {
            let (parent, field) = path.rsplit_once('/').unwrap();
            policy.pointer_mut(&format!("/spec/repositories/0{parent}")).unwrap()[field] = wrong.clone();
        });
        team.site.write("policy.yaml", documents(&[policy]));
        assert!(check().contains(told), "{path} {wrong}: {}", check());
    }
    team.site.write(
        "policy.yaml",
        documents(&[team.policy(|policy| policy["spec"]["domain"] = json!("*.preview.example"))]),
    );
    assert!(
        check().contains("spec.domain: names of previews are below it by themselves: write preview.example"),
        "{}",
        check()
    );
}
