//! Keys that readers make for themselves.

use nuncio_e2e::{Gateway, Site};
use serde_json::json;
use tokio::sync::watch;

use super::{text, told};
use crate::portal::{HOST, STOCK, accounts, api, service, shop, stock};

/// What asks for keys that the portal gives.
const KEYS: &str = "apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: key}
spec:
  APIKey:
    keys: [{secretName: portal-keys}]
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: stock}
spec:
  rules:
  - {host: shop.localhost, path: /stock/*, filters: [{name: key}]}
";

/// A gateway with the stock, which takes keys of its portal, and a console that may write.
pub(super) async fn with_keys(site: &Site) -> Gateway<'_> {
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()) + "---\n" + KEYS);
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args([
            "--portal-poll",
            "1",
            "--allow-edits",
            "--route-stats",
        ]);
        command.arg("--portal-keys").arg(site.manifests().join("portal-keys.yaml"));
    })
    .await
}

#[tokio::test]
async fn a_key_is_made_and_used_by_the_keyboard_alone() {
    let site = Site::new();
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let release = watch::Sender::new(stock("1", &["name"]));
    let _stock = service(site.at(9300), &release).await;
    let gateway = with_keys(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "keys.mjs").await;
    for (path, status) in [("/refused/status", "401"), ("/called/status", "200"), ("/ended/status", "401")] {
        assert!(text(&seen, path).starts_with(status), "{path}: {seen:#}");
    }
    let sample = format!("curl 'http://{HOST}:8080/stock/items' \\\n  -H \"X-API-Key: $API_KEY\"");
    assert_eq!(text(&seen, "/sample"), sample, "no key is in it");
    assert_eq!(text(&seen, "/asSomebody"), sample, "and what a program shows stands in it for a login");
    assert!(text(&seen, "/refused/answer").contains("Make an API key of your own"), "{seen:#}");
    assert!(text(&seen, "/takers").contains("These APIs take them: Orders, Stock"), "{seen:#}");
    assert!(text(&seen, "/listed").contains("laptop") && text(&seen, "/listed").contains("1 request"), "{seen:#}");
    assert_eq!((&seen["isShownOnce"], &seen["again"]), (&json!(true), &json!({ "secret": 0, "keys": 1 })), "{seen:#}");
    assert!(text(&seen, "/back/left").contains("It was shown once."), "{seen:#}");
    for path in ["/back/left", "/back/said"] {
        assert!(!text(&seen, path).contains("nuncio_"), "{path} has the key: {seen:#}");
    }
    assert!(text(&seen, "/asked").contains("Revoke the key laptop?"), "{seen:#}");
    gateway.stop().await;
}
