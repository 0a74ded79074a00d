//! A document of 13 MB with a thousand operations: GitHub's own, as npm's `@octokit/openapi` has it.

use std::fs;
use std::path::Path;

use nuncio_e2e::{DEADLINE, Site, within};
use serde_json::json;

use super::server::{Answer, Server};
use super::{api, api_within, ask, gateway, mapping, serve};

const SERVICE: u16 = 9300;
/// The largest first page.
const MAX_PAGE: usize = 300 << 10;

fn document() -> Vec<u8> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    let file = tools.join("large-document/node_modules/@octokit/openapi/generated/api.github.com.json");
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}: scripts/setup.sh foreign", file.display()))
}

#[tokio::test]
async fn a_document_that_is_too_large_says_how_it_is_let_in_and_is_then_read_and_found() {
    let site = Site::new();
    let document = document();
    assert!(document.len() > 10 << 20, "it is over the limit by default");
    let _service = Server::start(site.at(SERVICE), move |_| Some(Answer::Whole(document.clone()))).await;
    // Reading it takes its time where the portal is not optimised, and so does each try that comes too late.
    serve(&site, &[mapping(&site, "github", SERVICE, &json!({ "path": "/openapi.json", "timeout_ms": 30_000 }))]);
    let small = gateway(&site, &[]).await;
    let told = api(&site, "github", "missing").await["trouble"].to_string();
    assert!(told.contains("larger than 10 MiB (--portal-max-document raises this)"), "{told}");
    let page = ask(&site, "/docs/doc/default/github").await.text();
    assert!(page.contains("--portal-max-document"), "{page}");
    small.stop().await;

    let gateway = gateway(&site, &["--portal-max-document", "16"]).await;
    let told = api_within(6 * DEADLINE, &site, "github", "current").await;
    assert!(told["operations"].as_u64() > Some(1000), "{told}");
    let page = ask(&site, "/docs/doc/default/github").await;
    assert!(page.status == 200 && page.text().contains("operations/actions-"), "{}", page.text());
    assert!(page.body.len() <= MAX_PAGE, "the first page has {} bytes", page.body.len());
    let operation = ask(&site, "/docs/doc/default/github/operations/issues-create").await;
    assert!(operation.text().contains("/github/repos/{owner}/{repo}/issues"), "{}", operation.text());
    assert!(operation.body.len() <= MAX_PAGE, "a large operation has {} bytes", operation.body.len());
    within(6 * DEADLINE, "the index", async || {
        let found = ask(&site, "/docs/api/search?term=squash_merge_commit_title").await.text();
        if found.contains("github") { Ok(()) } else { Err(found) }
    })
    .await;
    gateway.stop().await;
}
