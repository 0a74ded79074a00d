//! Anything is found from every page.

use nuncio_e2e::Site;
use serde_json::json;

use super::{indexed, text, told};
use crate::portal::{gateway, shop};

#[tokio::test]
async fn anything_is_found_from_every_page_by_the_keyboard_alone() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    indexed(&site).await;
    let seen = told(&site, "palette.mjs").await;
    assert_eq!(seen["wrong"], json!([]), "it opens, says what it is, and gives the focus back");
    let of = seen["first"]["of"].as_i64().unwrap();
    assert!(of > 2 && text(&seen, "/first/number") == format!("{of} found"), "{seen:#}");
    assert_eq!(
        (&seen["first"]["at"], &seen["second"]["at"], &seen["last"]["at"]),
        (&json!(0), &json!(1), &json!(of - 1))
    );
    assert_eq!((text(&seen, "/nothing/number"), &seen["nothing"]["at"]), ("Nothing is called so.", &json!(-1)));
    assert_eq!(seen["isClosed"], true);
    assert!(text(&seen, "/object/text").contains("cart-by-header"), "{seen:#}");
    assert!(
        text(&seen, "/route/text").contains("/api/orders") && text(&seen, "/drawn").contains("orders:80"),
        "{seen:#}"
    );
    let firsts = json!({ "console": ["console", "portal"], "portal": ["portal", "console"] });
    assert_eq!(seen["firsts"], firsts, "what is of the part where one is comes first: {seen:#}");
    assert!(text(&seen, "/place/text").contains("Certificates"), "{seen:#}");
    assert_eq!(seen["kept"], json!([0, 0, ""]), "nothing says what was looked for");
    let outside = seen["outside"].as_array().unwrap();
    assert!(
        !outside.is_empty() && ["Mapping", "Route", "Console"].iter().all(|kind| !outside.contains(&json!(kind))),
        "{seen:#}"
    );
    assert_eq!(seen["asked"], json!([]), "{seen:#}");
    let weight = seen["weight"].as_u64().unwrap();
    assert!((1..60 << 10).contains(&weight), "{weight} bytes of scripts");
    assert_eq!(text(&seen, "/without"), "/docs/search");
    gateway.stop().await;
}
