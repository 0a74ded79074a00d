//! Every page, on every screen, and those of which the guide has pictures.

use std::env;
use std::fs;
use std::path::Path;

use nuncio_e2e::{Site, eventually};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{indexed, told_with, with_keys};
use crate::portal::{accounts, api, ask, service, shop, stock};

/// The shop with its accounts and a stock whose release broke clients, for pages that show all there is.
async fn furnished(site: &Site, see: impl AsyncFnOnce()) {
    let (_shop, _accounts) = (shop(site).await, accounts(site).await);
    let release = watch::Sender::new(stock("1", &["name", "price"]));
    let _stock = service(site.at(9300), &release).await;
    let gateway = with_keys(site).await;
    api(site, "stock", "current").await;
    release.send_replace(stock("2", &["name", "weight"]));
    eventually("the change", async || {
        let page = ask(site, "/docs/doc/default/stock").await.text();
        if page.contains("badge breaking") { Ok(()) } else { Err(page) }
    })
    .await;
    indexed(site).await;
    see().await;
    gateway.stop().await;
}

/// Looks at every page of this address, on a wide screen and on a narrow one.
async fn every_page(site: &Site, part: &str) {
    for screen in ["wide", "narrow"] {
        told_with(site, "pages.mjs", &json!({ "part": part, "screen": screen })).await;
    }
}

#[tokio::test]
async fn every_page_of_the_portal_is_for_everybody_on_every_screen() {
    let site = Site::new();
    furnished(&site, async || every_page(&site, "origin").await).await;
}

#[tokio::test]
async fn every_page_of_the_console_is_for_everybody_on_every_screen() {
    let site = Site::new();
    furnished(&site, async || every_page(&site, "portal").await).await;
}

/// `make pictures` takes them anew: `NUNCIO_PICTURES` says into which directory.
#[tokio::test]
async fn the_guide_shows_pictures_of_pages_that_are_there() {
    let (site, docs) = (Site::new(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs"));
    let into = env::var_os("NUNCIO_PICTURES").map_or_else(|| site.root().join("pictures"), Into::into);
    fs::create_dir_all(&into).unwrap();
    let settings =
        json!({ "guide": into, "address": site.ip(), "directory": format!("{}/", site.manifests().display()) });
    let mut taken = Value::Null;
    furnished(&site, async || taken = told_with(&site, "pictures.mjs", &settings).await["pictures"].take()).await;
    let mut kept: Vec<_> = fs::read_dir(docs.join("pictures")).unwrap().map(|file| file.unwrap().file_name()).collect();
    kept.sort();
    assert_eq!(json!(kept.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>()), taken, "make pictures");
    let pages = ["docs/portal.md", "docs/console.md", "README.md"]
        .map(|page| fs::read_to_string(docs.join("..").join(page)).unwrap());
    for name in &kept {
        let name = name.to_string_lossy();
        assert!(pages.iter().any(|page| page.contains(&format!("pictures/{name}"))), "no page shows {name}");
        let size = fs::metadata(docs.join("pictures").join(&*name)).unwrap().len();
        assert!(size < 150 << 10, "{name} has {size} bytes");
    }
}
