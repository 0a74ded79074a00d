//! Requests that are sent from the pages of their operations.

use nuncio_e2e::{Gateway, Site};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::watch;

use super::{indexed, text, told};
use crate::portal::{HOST, STOCK, api, gateway, patient_shop, service, shop, stock};

#[tokio::test]
async fn a_request_is_sent_from_its_page_and_a_refusal_says_why() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1"]);
        command.env("LIMIT_RESPONSE_HEADERS_ENABLED", "true");
    })
    .await;
    indexed(&site).await;
    let seen = told(&site, "try-it.mjs").await;
    assert_eq!(text(&seen, "/first/status"), "200 OK");
    assert!(!text(&seen, "/first/answer").contains("ratelimit-remaining"), "nobody counts it: {seen:#}");
    for (what, left) in [("/counted/answer", 4), ("/held/answer", 0)] {
        assert!(text(&seen, what).contains(&format!("ratelimit-remaining: {left}")), "{what}: {seen:#}");
    }
    assert!(
        text(&seen, "/first/body").contains("\"sku\"")
            && text(&seen, "/first/answer").contains("answered by the service")
    );
    assert_eq!(text(&seen, "/held/status"), "429 Too Many Requests");
    assert_eq!(text(&seen, "/field"), "price_cents", "the search leads to what was looked for: {seen:#}");
    let later = text(&seen, "/held/answer").split("Send it again in ").nth(1).and_then(|rest| rest.split('.').next());
    let units = later.unwrap_or_else(|| panic!("{seen:#}")).split(' ').skip(1).step_by(2);
    assert!(units.clone().count() > 0 && units.clone().all(|unit| ["h", "min", "s"].contains(&unit)), "{seen:#}");
    for part in ["5 per hour", "user=ann", "answered 429 beyond that"] {
        assert!(text(&seen, "/held/answer").contains(part), "{part}: {seen:#}");
    }
    assert_eq!(text(&seen, "/sample"), format!("curl 'http://{HOST}:8080/api/products' \\\n  -H 'X-User: ann'"));
    assert_eq!(seen["copied"], seen["sample"], "what is copied is what is shown");
    assert_eq!(text(&seen, "/other/status"), "200 OK", "others are not held up");
    assert!(text(&seen, "/wrong/answer").starts_with("This cannot be sent"), "{seen:#}");
    for part in ["“x-user bob”", "no colon", "the header Cookie"] {
        assert!(text(&seen, "/dropped/answer").contains(part), "{part}: {seen:#}");
    }
    assert!(text(&seen, "/dots/answer").contains("a path with . or .. in it is another path"), "{seen:#}");
    assert_eq!(text(&seen, "/elsewhere"), "refused");

    let seen = told(&site, "without-javascript.mjs").await;
    for part in ["Every product", "price_cents", "needs JavaScript", "curl 'http://shop.localhost:8080/api/products'"] {
        assert!(text(&seen, "/read").contains(part), "{part}: {seen:#}");
    }
    assert_eq!(seen["isStill"], true);
    gateway.stop().await;
}

/// Lets pages of a portal at this address ask Mappings that say nothing else.
const CORS: &str = "apiVersion: getambassador.io/v3alpha1
kind: Module
metadata: {name: ambassador}
spec:
  config:
    cors:
      origins: [PORTAL]
      methods: [GET, HEAD, POST, PUT, PATCH, DELETE]
      headers: [authorization, content-type, x-api-key]
      exposed_headers: [x-envoy-upstream-service-time, retry-after]
      credentials: true
";

#[tokio::test]
async fn a_portal_at_an_address_of_its_own_sends_requests_where_it_may() {
    let site = Site::new();
    let _shop = patient_shop(&site).await;
    site.write("cors.yaml", CORS.replace("PORTAL", &format!("http://{}", site.at(8088))));
    let gateway = gateway(&site).await;
    api(&site, "cart", "current").await;
    let seen = told(&site, "another-origin.mjs").await;
    let [secure, plain] = [format!("https://{HOST}:8443"), format!("http://{HOST}:8080")];
    assert_eq!(
        (&seen["to"], &seen["chosen"]),
        (&json!([plain, secure]), &json!(plain)),
        "its scheme is first: {seen:#}"
    );
    assert_eq!(text(&seen, "/told/status"), "200 OK");
    assert!(text(&seen, "/told/answer").contains("answered by the service"), "{seen:#}");
    gateway.stop().await;
}

#[tokio::test]
async fn files_are_sent_by_themselves_and_with_a_form() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let mut document = stock("1", &["name"]);
    let operation = |id: &str, media: &str, schema: Value| {
        json!({ "post": { "operationId": id, "requestBody": { "content": { media: { "schema": schema } } },
            "responses": { "200": { "description": "The same" } } } })
    };
    let form = json!({ "type": "object", "required": ["picture"],
        "properties": { "album": { "type": "string" }, "picture": { "type": "string", "format": "binary" } } });
    document["paths"]["/pictures"] = operation("picture", "multipart/form-data", form);
    document["paths"]["/raw"] = operation("raw", "image/png", json!({}));
    let release = watch::Sender::new(document);
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "upload.mjs").await;
    for part in ["name=\"album\"", "bells", "filename=\"bell.png\"", "not much of a picture"] {
        assert!(text(&seen, "/form/body").contains(part), "{part}: {seen:#}");
    }
    assert!(text(&seen, "/sample").ends_with("--form-string 'album=bells' \\\n  -F 'picture=@bell.png'"), "{seen:#}");
    assert_eq!(text(&seen, "/raw/body"), "not much of a picture");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_secret_of_a_request_is_a_variable_of_its_sample() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let mut document = stock("1", &["name"]);
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": true, "schema": { "type": "string" } });
    document["paths"]["/echo/{id}"]["get"] = json!({ "operationId": "echo", "responses": {}, "parameters": [parameter("id", "path"),
        parameter("api_token", "query"), parameter("sort", "query"), parameter("x-secret", "header")] });
    let release = watch::Sender::new(document);
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "secrets.mjs").await;
    assert!(text(&seen, "/empty").contains("/stock/echo/{id}"), "nothing is made up: {seen:#}");
    let (sample, told) = (text(&seen, "/sample"), text(&seen, "/told/body"));
    assert!(told.contains("api_token=a%20token%20of%20mine") && told.ends_with("a secret of mine"), "{seen:#}");
    assert!(!sample.contains("of mine") && sample.contains("$VALUE") && sample.contains("$TOKEN"), "{seen:#}");

    // Whoever has the values sends the same from a shell.
    let resolved = format!("curl() {{ command curl -s --resolve {HOST}:8080:{} \"$@\"; }}; {sample}", site.ip());
    let mut shell = Command::new("sh");
    let said = shell.args(["-c", &resolved]).env("VALUE", "mine").env("TOKEN", "t").output().await.unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said, "/echo/it%27s%207?api_token=mine&sort=up%20%26%20down mine", "{sample}");
    gateway.stop().await;
}
