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
            "Name": "fields", "The host at which it is seen": SHOP, "For how long": "3h",
            "The service that is replaced": team.cart.address().to_string(),
            "The service that stands in for it": team.branch.address().to_string(),
        },
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
    says("doctor", &["there is no internal Listener", "OTEL_PROPAGATORS=tracecontext,baggage"]);
    says("lacking", &["spec.lifetime.ttl"]);
    says("byFields", &["web--fields-", "Public"]);
    says("ended", &["1 preview", "fields"]);
    says("list", &["1 preview", "tax"]);
    says("none", &["0 previews"]);
    says("gone", &["2 previews", "ended"]);
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
    assert!(other.contains("does not let you make previews") && !other.contains("<textarea"), "{other}");
    assert!(!other.contains("team-cart"), "nor who may: {other}");
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
