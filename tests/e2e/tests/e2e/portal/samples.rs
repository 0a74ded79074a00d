//! Samples of requests, run as they are shown: every language sends the same through the gateway, whatever is in it.

use std::fs;
use std::path::Path;

use nuncio_e2e::yaml::{documents, host, listener, mapping_on};
use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::watch;

use super::browser::told;
use super::{HOST, STOCK, api, gateway, service, shop, stock};

/// What would end a text of most languages, or be something else in one.
const HOSTILE: &str = "it's \"5%\" of $HOME `id` $(id) #{x} \\n \\u0041 ü 😀";

/// A document whose operation takes something of every kind.
fn document() -> Value {
    let mut document = stock("1", &["name"]);
    let parameter = |name: &str, place: &str, more: Value| {
        let mut parameter = json!({ "name": name, "in": place, "required": true });
        parameter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        parameter
    };
    let list = json!({ "type": "array", "items": { "type": "string" } });
    document["paths"]["/said/{id}/{undeclared}"] = json!({ "put": {
        "operationId": "say",
        "parameters": [
            parameter("id", "path", json!({ "example": "it's \"5%\" & ?a=b#c $HOME;ü" })),
            parameter("tag", "query", json!({ "example": ["a b", "c&d", "e,f"], "schema": list })),
            parameter("pipes", "query", json!({ "example": ["a|b", "c"], "schema": list, "style": "pipeDelimited", "explode": false })),
            parameter("filter", "query", json!({ "example": { "user": "ann", "a=b": HOSTILE }, "style": "deepObject" })),
            parameter("at", "query", json!({ "example": "/a/b?c&d", "allowReserved": true })),
            parameter("x-words", "header", json!({ "example": "it's \"5%\" of $HOME \\ `id`" })),
            parameter("x-list", "header", json!({ "example": ["a", "b"], "schema": list })),
            parameter("theme", "cookie", json!({ "example": "dark blue" })),
        ],
        "requestBody": { "content": { "application/json": { "example": { "note": format!("{HOSTILE}\n\t") } } } },
        "responses": { "200": { "description": "What was asked" } },
        "callbacks": { "heard": { "{$request.query.at}": { "post": { "responses": { "204": { "description": "Noted" } } } } } } } });
    let news = json!({ "application/json": { "schema": { "type": "object", "properties": { "text": { "type": "string" } } } } });
    document["webhooks"] =
        json!({ "news": { "post": { "summary": "Something is new", "requestBody": { "content": news } } } });
    document
}

/// The samples of a page, by language.
fn samples(page: &str) -> Vec<(String, String)> {
    let plain = |html: &str| {
        let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
        escapes.iter().fold(html.to_owned(), |text, (escaped, letter)| text.replace(escaped, letter))
    };
    let between = |text: &str, begin: &str, end: &str| {
        let (_, rest) = text.split_once(begin)?;
        Some(plain(rest.split_once(end)?.0))
    };
    let all = page.split("<details class=\"sample\"").skip(1);
    let sample = |part: &str| {
        let code = part.split_once("<code")?.1.split_once('>')?.1.split_once("</code>")?.0;
        Some((between(part, "<summary>", "</summary>")?, plain(code)))
    };
    all.filter_map(sample).collect()
}

/// Runs a sample in its language; gives what the service was asked, by which the answer ends.
async fn run(language: &str, code: &str, directory: &Path) -> Value {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python");
    let (name, text, mut command) = match language {
        "curl" => ("sample.sh", code.replacen("curl", "curl --silent --show-error", 1), Command::new("sh")),
        "JavaScript" => ("sample.mjs", code.to_owned(), Command::new("node")),
        // The library itself, as `pip` brings it along.
        "Python" => {
            let library = "import sys\nfrom pip._vendor import requests\nsys.modules['requests'] = requests\n";
            ("sample.py", format!("{library}{code}"), Command::new(python))
        }
        other => panic!("{other} is not run"),
    };
    let file = directory.join(name);
    fs::write(&file, text).unwrap();
    let output = command.arg(&file).output().await.unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answer = said.find('{').map(|begin| serde_json::from_str(&said[begin..]));
    answer.and_then(Result::ok).unwrap_or_else(|| panic!("{language}: {said} {wrong}\n{code}"))
}

#[tokio::test]
async fn samples_send_what_the_document_says_in_every_language() {
    let site = Site::new();
    let address = site.ip().to_string();
    let mut document = document();
    let empty = json!({ "name": "x-none", "in": "header", "required": true, "example": "" });
    let parameters = document.pointer_mut("/paths/~1said~1{id}~1{undeclared}/put/parameters").unwrap();
    parameters.as_array_mut().unwrap().push(empty);
    let release = watch::Sender::new(document);
    let _stock = service(site.at(9300), &release).await;
    let mut stock = mapping_on(&address, "stock", "/stock/", site.at(9300));
    stock["spec"]["docs"] = json!({ "path": "/openapi.json" });
    site.write(
        "all.yaml",
        documents(&[listener("http", site.http().port(), "HTTP"), host("address", &address), stock]),
    );
    let gateway = gateway(&site).await;
    let page = eventually("the page", async || {
        let asked = get("localhost", "/docs/doc/default/stock/operations/say");
        let page = Client::http(site.at(8088)).send(&asked).await.map_err(|error| error.to_string())?.text();
        if page.contains("class=\"sample\"") { Ok(page) } else { Err(page) }
    })
    .await;
    assert!(page.contains("the document does not say what it is"), "{page}");

    let directory = tempfile::tempdir().unwrap();
    let all = samples(&page);
    assert_eq!(all.len(), 6, "{all:?}");
    let expected = "/said/it%27s%20%225%25%22%20%26%20%3Fa%3Db%23c%20%24HOME%3B%C3%BC/undeclared\
        ?tag=a%20b&tag=c%26d&tag=e%2Cf&pipes=a%7Cb%7Cc";
    for (language, code) in all.iter().filter(|(language, _)| ["curl", "JavaScript", "Python"].contains(&&**language)) {
        let asked = run(language, code, directory.path()).await;
        assert_eq!(asked["method"], "PUT", "{language}");
        let target = asked["target"].as_str().unwrap();
        assert!(target.starts_with(expected), "{language}: {target}");
        assert!(
            target.contains("&filter%5Ba%3Db%5D=it%27s%20%22") && target.contains("&filter%5Buser%5D=ann"),
            "{target}"
        );
        assert!(target.ends_with("&at=/a/b?c%26d"), "{language}: {target}");
        let header = |name: &str| asked["headers"][name].as_str().unwrap_or("none");
        assert_eq!(header("x-words"), "it's \"5%\" of $HOME \\ `id`", "{language}");
        assert_eq!(
            (header("x-list"), header("x-none"), header("cookie")),
            ("a,b", "", "theme=dark%20blue"),
            "{language}"
        );
        let body: Value = serde_json::from_str(asked["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["note"], format!("{HOSTILE}\n\t"), "{language}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_filled_in_is_sent_as_the_document_says() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let release = watch::Sender::new(document());
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let seen = told(&site, "parameters.mjs").await;
    assert_eq!(seen["webhook"], "Something is new");
    let text = |path: &str| seen.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {seen:#}"));
    // What the document gives as examples is filled in, and the sample of the page is the one of the server.
    assert!(
        text("/shown").contains("tag=a%20b&tag=c%26d&tag=e%2Cf&pipes=a%7Cb%7Cc&filter%5Ba%3Db%5D=it%27s%20"),
        "{seen:#}"
    );
    assert_eq!(text("/invalid"), "This has to be a JSON object.");
    let target =
        "/said/it%27s%20%26%20%C3%BC/b?tag=x%20y&tag=z&pipes=a%7Cb%7Cc%2Cd&filter%5Buser%5D%5Bname%5D=ann&at=/a?b%26c";
    let sent: Value = serde_json::from_str(text("/sent/body")).unwrap_or_else(|_| panic!("{seen:#}"));
    assert_eq!(sent["target"], target);
    assert_eq!((&sent["headers"]["x-list"], &sent["body"].is_string()), (&json!("a,b"), &true), "{sent:#}");
    let url = format!("http://{HOST}:8080/stock{target}");
    assert!(text("/sample").starts_with(&format!("curl -X PUT '{url}'")), "{seen:#}");
    // It would have been another path.
    assert_eq!(text("/slashed/status"), "Sent on to another path");
    for part in ["id has a slash in it", "reject_requests_with_escaped_slashes: false"] {
        assert!(text("/slashed/answer").contains(part), "{part}: {seen:#}");
    }
    assert!(text("/twice/status").starts_with("400"), "{seen:#}");
    assert!(text("/why").contains("perhaps because it is encoded twice"), "{seen:#}");
    gateway.stop().await;
}
