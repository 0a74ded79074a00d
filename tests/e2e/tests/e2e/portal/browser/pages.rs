//! Every page, on every screen, and those of which the guide has pictures.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use nuncio_e2e::{Client, Site, eventually, get};
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
    furnished(&site, async || {
        every_page(&site, "portal").await;
        // Beside each open route is one for requests with a login, which nobody needs to see.
        let tried = "/console/objects/Mapping/default/cart/edit?spec.timeout_ms=900";
        let page = Client::http(site.at(8088)).send(&get("localhost", tried)).await.unwrap().text();
        assert!(page.contains("affects 2 routes on 2 hosts") && !page.contains("ambassador_session"), "{page}");
    })
    .await;
}

/// Beside the pictures: what they were made of.
const STAMP: &str = "made-of.txt";

/// A digest of each file that pages are made of, and of the story that takes the pictures.
fn stamp() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for place in ["web", "services/portal/templates"] {
        files_below(&root.join(place), &mut files);
    }
    files.push(root.join("tests/e2e/browser/pictures.mjs"));
    files.sort();
    let line = |file: &PathBuf| {
        let digest = digest(&SHA256, &fs::read(file).unwrap());
        let digest: String = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digest} {}\n", file.strip_prefix(&root).unwrap().display())
    };
    files.iter().map(line).collect()
}

fn files_below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, files) } else { files.push(path) }
    }
}

/// Pictures of pages that are others by now mislead. This takes no browser to say.
#[test]
fn the_guides_pictures_are_of_pages_as_they_are() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures").join(STAMP);
    let (kept, now) = (fs::read_to_string(kept).unwrap_or_default(), stamp());
    let changed: Vec<_> = now.lines().filter(|line| !kept.lines().any(|known| known == *line)).collect();
    assert!(
        kept == now,
        "docs/pictures are of other pages: `make pictures` takes them anew. Since then changed: {changed:#?}"
    );
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
    if env::var_os("NUNCIO_PICTURES").is_some() {
        fs::write(into.join(STAMP), stamp()).unwrap();
    }
    let kept = fs::read_dir(docs.join("pictures")).unwrap().map(|file| file.unwrap().file_name());
    let mut kept: Vec<_> = kept.filter(|name| name != STAMP).collect();
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
