//! Previews that include others: several branches in one.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::documents;
use nuncio_e2e::{Client, Gateway, eventually, get};
use serde_json::{Value, json};

use super::{SHOP, Shop, host_of, preview};

/// A Preview that includes the one of the page.
fn both(shop: &Shop, when_missing: &str) -> Value {
    let mut both = preview("both", &shop.cart, &shop.branch);
    both["spec"]["includes"] = json!([{"name": "page", "whenMissing": when_missing}]);
    both
}

/// The one that is included.
fn page(shop: &Shop, backend: &Backend) -> Value {
    preview("page", &shop.web, backend)
}

/// Waits until a host answers at the cart and at the page by these.
async fn answers(client: &Client, host: &str, by: [&str; 2]) {
    eventually(&format!("{by:?} at {host}"), async || {
        let mut found = [String::new(), String::new()];
        for (found, path) in found.iter_mut().zip(["/cart/", "/"]) {
            *found = client.ask(&get(host, path)).await.by();
        }
        if found == by { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

#[tokio::test]
async fn what_is_included_is_there_in_step_and_what_has_ended_is_not() {
    let shop = Shop::new().await;
    let [first, second] = ["page-1", "page-2"].map(Backend::start);
    let (first, second) = (first.await, second.await);
    shop.site.write("both.yaml", documents(&[both(&shop, "Baseline")]));
    shop.site.write("page.yaml", documents(&[page(&shop, &first)]));
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "both").await);
    answers(&client, &host, ["branch", "page-1"]).await;
    let shown = gateway.admin.list("previews?name=both").await;
    assert_eq!(shown[0]["services"][1]["included"], "default/page", "{shown:?}");
    shop.site.write("page.yaml", documents(&[page(&shop, &second)]));
    answers(&client, &host, ["branch", "page-2"]).await;

    // It ends: what is missing is the baseline's, as is said.
    let mut over = page(&shop, &second);
    over["spec"]["lifetime"] = json!({"expiresAt": "2020-01-01T00:00:00Z"});
    shop.site.write("page.yaml", documents(&[over]));
    answers(&client, &host, ["branch", "web"]).await;
    gateway.admin.problem(&["both", "IncludeMissing", "has ended"]).await;
    // Where it is not said its services fail, and the others go on.
    shop.site.write("both.yaml", documents(&[both(&shop, "Fail")]));
    answers(&client, &host, ["branch", "503"]).await;
    // Of what is not there at all nobody knows which those are.
    shop.site.remove("page.yaml");
    answers(&client, &host, ["503", "503"]).await;
    let reply = client.ask(&get(&host, "/")).await;
    assert!(reply.text().contains("This preview cannot be shown"), "{}", reply.text());
    shop.site.write("page.yaml", documents(&[page(&shop, &first)]));
    answers(&client, &host, ["branch", "page-1"]).await;

    // Each is still by itself, and the baseline was never any of it.
    let own = host_of(&shop, &gateway, "page").await;
    answers(&client, &own, ["cart", "page-1"]).await;
    answers(&client, SHOP, ["cart", "web"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn those_that_include_each_other_or_replace_the_same_say_so() {
    let shop = Shop::new().await;
    let other = Backend::start("other").await;
    let mut page = page(&shop, &other);
    page["spec"]["includes"] = json!([{"name": "both"}]);
    let mut twice = preview("twice", &shop.cart, &shop.branch);
    twice["spec"]["includes"] = json!([{"name": "again"}]);
    shop.site.write("all.yaml", documents(&[both(&shop, "Fail"), page, twice, preview("again", &shop.cart, &other)]));
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    for name in ["both", "page"] {
        gateway.admin.problem(&[name, "IncludeCycle", "leads back to where it began"]).await;
        answers(&client, &host_of(&shop, &gateway, name).await, ["503", "503"]).await;
    }
    gateway.admin.problem(&["twice", "IncludeConflict", "that of Preview default/twice counts"]).await;
    answers(&client, &host_of(&shop, &gateway, "twice").await, ["branch", "web"]).await;
    gateway.stop().await;
}
