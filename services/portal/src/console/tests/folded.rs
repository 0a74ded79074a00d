//! What pages tell to those alone who ask for it.

use super::{get, portal};

#[tokio::test]
async fn routes_of_previews_are_folded_away_until_somebody_asks_for_them() {
    let (portal, _controller) = portal("cart").await;
    let (_, page) = get(&portal, "localhost", "/console/?text=cart").await;
    for part in ["<a href=\"/docs/previews\">3 previews</a>", "href=\"/console/?text=cart&#38;previews=true\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, page) = get(&portal, "localhost", "/console/?text=cart&previews=true").await;
    assert!(!page.contains("3 previews") && page.contains("href=\"/console/?text=cart\""), "{page}");
    assert!(page.contains("name=\"previews\" value=\"true\""), "the form leaves it so: {page}");
    let (_, page) = get(&portal, "localhost", "/console/?host=web--pr-42.pre.example").await;
    assert!(page.contains("0.0.0.0:8080") && !page.contains("3 previews"), "nothing else fits: {page}");
    let (_, page) = get(&portal, "localhost", "/console/objects/Mapping/shop/cart").await;
    let all = "href=\"/console/?kind=Mapping&#38;namespace=shop&#38;name=cart&#38;previews=true\"";
    assert!(page.contains("3 previews") && page.contains(all), "{page}");
}
