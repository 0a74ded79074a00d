//! Every page, on every screen, and those of which the guide has pictures.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use nuncio_e2e::yaml::{documents, mapping, plain};
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, get};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::keys::with_keys;
use super::{indexed, told_with};
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
        assert!(
            page.contains("affects 1 route on 1 host. And 1 route in previews.")
                && !page.contains("ambassador_session"),
            "{page}"
        );
    })
    .await;
}

/// What an operator writes: a page with everything that markdown has, one that is called otherwise in lists, and one that is wrong.
const CONTENT: [(&str, &str); 7] = [
    ("landing.md", "# Hello developers\n\n### Begin\n\nRead [the guide](guide.md)."),
    (
        "guide.md",
        "<img src=\"/docs/files/logo.svg\" width=\"24\" height=\"24\" alt=\"\">\n\n# Guide\n\n![The shop](shop.svg)\n\nA giraffe.\n\n#### Deep\n\n| Header | What it is for |\n|---|---|\n| `x-request-id-of-the-one-who-asked-first-of-all` \
         | tells one from another |\n\n```sh\ncurl 'https://shop.example/api/products?with=everything&that=there&is=to&have=here&and=there'\n```\n\n> Said.\n\n\
         1. One\n2. Averyveryverylongwordthatnobodywouldeverwriteinapageofhisowniguessbutsomebodydoes\n\n# Another",
    ),
    ("short.md", "---\ntitle: Short\n---\n# A heading that is longer than what it is called in lists"),
    ("wrong.md", "---\ntitel: Wrong\n---\ntext"),
    (
        "logo.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24' viewBox='0 0 1 1'><rect width='1' height='1'/></svg>",
    ),
    (
        "shop.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 640 240'><rect width='640' height='240' fill='teal'/></svg>",
    ),
    ("portal.yaml", "title: The Shop for its developers\nlogo: logo.svg\n"),
];

/// A document without a title, whose descriptions have headings of every level.
fn untitled() -> Value {
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } });
    json!({ "openapi": "3.1.0", "info": { "description": "# Overview\n\n#### Deep\n\n## Other" },
        "paths": { "/items": { "get": { "operationId": "items", "description": "### Details\n\n##### More",
            "parameters": [{ "name": "of", "in": "query", "description": "# Which", "schema": { "type": "string" } }],
            "responses": { "200": { "description": "# All", "content": content } } } } },
        "components": { "schemas": { "Thing": { "type": "object", "description": "## Parts",
            "properties": { "name": { "type": "string", "description": "# Name" } } } } } })
}

#[tokio::test]
async fn what_operators_write_and_what_goes_wrong_is_for_everybody() {
    let site = Site::new();
    let (release, untitled) = (watch::Sender::new(stock("1", &["name"])), watch::Sender::new(untitled()));
    let _gone = service(site.at(9300), &release).await;
    let _untitled = service(site.at(9301), &untitled).await;
    let documented = |name: &str, port: u16| {
        let mut mapping = mapping(name, &format!("/{name}/"), site.at(port));
        mapping["spec"]["docs"] = json!({ "path": "/openapi.json" });
        mapping
    };
    let mut pattern = documented("pattern", 9300);
    pattern["spec"]["prefix"] = json!("/pattern/(one|two)/.*");
    pattern["spec"]["prefix_regex"] = json!(true);
    pattern["spec"]["docs"] = json!({ "url": format!("http://{}/openapi.json", site.at(9300)) });
    let all = [documented("gone", 9300), documented("untitled", 9301), documented("nowhere", 9399), pattern];
    site.write("site.yaml", plain(&site) + &documents(&all));
    let content = site.root().join("content");
    fs::create_dir_all(&content).unwrap();
    CONTENT.iter().for_each(|(name, text)| fs::write(content.join(name), text).unwrap());
    let gateway = Gateway::start_with(&site, |command| {
        command
            .arg(format!("--portal={}", site.at(8088)))
            .args(["--portal-poll", "1", "--console-group", "operators", "--portal-content"])
            .arg(&content);
        command.arg("--portal-keys").arg(site.manifests().join("portal-keys.yaml"));
    })
    .await;
    let shows = async |path: &str, part: &str| {
        eventually(&format!("{path} shows {part}"), async || {
            let page = Client::http(site.at(8088)).send(&get("localhost", path)).await.unwrap().text();
            if page.contains(part) { Ok(()) } else { Err(page) }
        })
        .await;
    };
    for path in ["gone", "untitled", "pattern"] {
        shows(&format!("/docs/doc/default/{path}"), "state current").await;
    }
    release.send_replace(json!("no document any more"));
    shows("/docs/doc/default/gone", "Stale since").await;
    shows("/docs/doc/default/nowhere", "state missing").await;
    shows("/docs/search?term=giraffe", "/docs/pages/guide").await;
    told_with(&site, "pages.mjs", &json!({ "part": "portalInTrouble", "screen": "both" })).await;
    let mut command = site.nuncio(&["portal", "--admin", &site.at(9398).to_string()]);
    let process = Process::spawn(command.arg("--listen").arg(site.at(8089).to_string()));
    let alone = Client::http(site.at(8089));
    let is_away = async || match alone.send(&get("localhost", "/console/problems")).await.map(|reply| reply.status) {
        Ok(502) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    eventually("a portal without a gateway", is_away).await;
    let more = json!({ "part": "portalAlone", "screen": "both", "portal": format!("http://{}", site.at(8089)) });
    told_with(&site, "pages.mjs", &more).await;
    drop(process);
    gateway.stop().await;
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
    let pages = ["docs/portal.md", "docs/console.md", "docs/previews.md", "README.md"]
        .map(|page| fs::read_to_string(docs.join("..").join(page)).unwrap());
    for name in &kept {
        let name = name.to_string_lossy();
        assert!(pages.iter().any(|page| page.contains(&format!("pictures/{name}"))), "no page shows {name}");
        let size = fs::metadata(docs.join("pictures").join(&*name)).unwrap().len();
        assert!(size < 150 << 10, "{name} has {size} bytes");
    }
}
