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
    std::fs::write(&file, team.manifest("tax").to_string()).unwrap();
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
    assert!(run(&["delete", "tax", &directory], "").await.status.success());
    assert!(!run(&["delete", "tax", &directory], "").await.status.success());

    let gateway = team.gateway().await;
    let admin = team.site.admin().to_string();
    let made = run(&["create", &file, "--admin", &admin], "").await;
    assert_eq!(told(&made).trim_end(), url);
    team.at(&url, "/cart/", "branch").await;
    assert!(run(&["delete", "default/tax", "--admin", &admin], "").await.status.success());
    team.at(&url, "/cart/", "410").await;

    // Behind the gateway, as somebody.
    let server = team.server(&gateway).await;
    let token = team.job("acme/cart");
    let token = token.strip_prefix("Bearer ").unwrap();
    let made = run(&["create", &file, "--server", &server], token).await;
    assert_eq!(told(&made).trim_end(), url);
    let listed = run(&["list", "--server", &server], token).await;
    assert!(told(&listed).contains("default/tax"), "{}", told(&listed));
    let other = team.job("acme/other");
    let refused = run(&["delete", "default/tax", "--server", &server], other.strip_prefix("Bearer ").unwrap()).await;
    assert!(!refused.status.success() && told(&refused).contains("403"), "{}", told(&refused));
    assert!(run(&["delete", "default/tax", "--server", &server], token).await.status.success());
    gateway.stop().await;
}
