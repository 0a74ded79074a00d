//! A real `FastAPI` service, whose authors know nothing of the portal.

use std::path::Path;
use std::process::Command;

use nuncio_e2e::{Client, Process, Site, eventually, get, yaml};
use serde_json::{Value, json};

use super::{HOST, api, ask, gateway, serve};
use crate::portal::browser::told_with;

/// The service, at this port.
async fn notes(site: &Site, port: u16) -> Process {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let python = root.join(".tools/venv/bin/python");
    assert!(python.is_file(), "{} is missing: scripts/setup.sh foreign", python.display());
    let mut command = Command::new(python);
    command.arg(root.join("tests/e2e/services/notes.py")).arg(site.ip().to_string()).arg(port.to_string());
    let service = Process::spawn(&mut command);
    let client = Client::http(site.at(port));
    eventually("the service", async || client.send(&get("localhost", "/notes")).await).await;
    service
}

#[tokio::test]
async fn a_service_of_a_framework_appears_by_itself_is_read_and_called() {
    let site = Site::new();
    let _notes = notes(&site, 9300).await;
    // Not a word of where its document is.
    serve(&site, &[yaml::mapping_on(HOST, "notes", "/notebook/", site.at(9300))]);
    let portal_at = format!("http://{}", site.at(8088));
    let gateway = gateway(&site, &["--portal-probe", "--portal-origin", &portal_at]).await;
    let told = api(&site, "notes", "current").await;
    assert_eq!((&told["title"], &told["version"], &told["operations"]), (&json!("Notes"), &json!("1.4.0"), &json!(3)));
    assert_eq!(told["specification"], "OpenAPI 3.1");

    let copy = ask(&site, "/openapi/services/default/notes/openapi.json").await.text();
    let copy: Value = serde_json::from_str(&copy).unwrap();
    assert!(copy["components"]["schemas"]["HTTPValidationError"].is_object(), "{copy:#}");
    let page = ask(&site, "/docs/doc/default/notes/operations/list_notes_notes_get").await.text();
    for part in ["/notebook/notes", "<strong>newest</strong>", "yellow", "HTTPValidationError", "Buy bells"] {
        assert!(page.contains(part), "{part}: {page}");
    }

    let more = json!({ "origin": portal_at, "hosts": { HOST: site.ip() } });
    let seen = told_with(&site, "framework.mjs", &more).await;
    let text = |path: &str| seen.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {seen:#}"));
    assert!(text("/title").starts_with("Notes"), "{seen:#}");
    assert!(text("/example").contains("Buy bells"), "the document's own example: {seen:#}");
    assert_eq!(text("/written/status"), "201 Created", "{seen:#}");
    assert!(text("/written/body").contains("\"number\": 1"), "{seen:#}");
    assert!(text("/wrong/status").starts_with("422"), "the service's own word: {seen:#}");
    assert_eq!(text("/read/status"), "200 OK", "{seen:#}");
    assert!(text("/read/body").contains("Buy bells") && text("/read/body").contains("blue"), "{seen:#}");
    gateway.stop().await;
}
