//! Documents that mean harm, or are the work of a bad day: each is told of in words, and none holds up another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use nuncio_e2e::{DEADLINE, Site, eventually};
use serde_json::{Value, json};

use super::server::{Answer, Server};
use super::{api, api_within, ask, gateway, mapping, serve};

const SERVICE: u16 = 9300;
/// Whom documents name that mean harm.
const VICTIM: u16 = 9301;

/// YAML that is a thousand million times as large as it is long.
fn laughs() -> Vec<u8> {
    let mut text = format!("openapi: 3.1.0\na: &a [{}]\n", ["x"; 10].join(", "));
    for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        text += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "));
    }
    text.into_bytes()
}

/// A document of 50 MB.
fn huge() -> Vec<u8> {
    let mut text = br#"{"openapi": "3.1.0", "x": ""#.to_vec();
    text.resize(50 << 20, b'x');
    text.extend(b"\"}");
    text
}

fn good(version: &str) -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Good", "version": version },
        "paths": { "/items": { "get": { "operationId": "items", "responses": {} } } } })
}

/// What cannot be had, and what is said of it.
const BAD: [(&str, &str); 9] = [
    ("laughs", "larger than it may be"),
    ("huge", "larger than 10 MiB (--portal-max-document raises this)"),
    ("endless", "larger than 10 MiB (--portal-max-document raises this)"),
    ("drip", "no whole answer within 1 s"),
    ("latin", "not UTF-8 from byte 32 on"),
    ("cut", "the request failed"),
    ("metadata", "only its own paths are followed"),
    ("alibaba", "only its own paths are followed"),
    ("page", "an HTML page"),
];

fn answers() -> BTreeMap<String, Answer> {
    let latin = b"openapi: 3.1.0\ninfo: {title: Caf\xe9}\n".to_vec();
    let bad = [
        ("laughs", Answer::Whole(laughs())),
        ("huge", Answer::Whole(huge())),
        ("endless", Answer::Endless),
        ("drip", Answer::Drip),
        ("latin", Answer::Whole(latin)),
        ("cut", Answer::Cut(good("1").to_string().into_bytes())),
        ("metadata", Answer::Elsewhere("http://169.254.169.254/latest/meta-data/")),
        ("alibaba", Answer::Elsewhere("http://100.100.100.200/latest/meta-data/")),
        ("page", Answer::Whole(b"<!doctype html><title>secret</title>".to_vec())),
    ];
    bad.into_iter().map(|(name, answer)| (format!("/{name}"), answer)).collect()
}

#[tokio::test]
async fn what_cannot_be_had_is_told_of_and_holds_nobody_up() {
    let site = Site::new();
    let answers = Arc::new(Mutex::new(answers()));
    let said = Arc::clone(&answers);
    let say = move |path: &str, answer: Answer| drop(answers.lock().unwrap().insert(path.to_owned(), answer));
    say("/good", Answer::Whole(good("1").to_string().into_bytes()));
    let _service = Server::start(site.at(SERVICE), move |path| said.lock().unwrap().get(path).cloned()).await;
    let mut manifests: Vec<_> = BAD
        .iter()
        .map(|(name, _)| {
            let time = if *name == "drip" { 1000 } else { 10_000 };
            mapping(&site, name, SERVICE, &json!({ "path": format!("/{name}"), "timeout_ms": time }))
        })
        .collect();
    for (name, url) in [
        ("direct", "https://169.254.169.254/latest/meta-data/"),
        ("direct-alibaba", "https://100.100.100.200/latest/meta-data/"),
        ("direct-six", "https://[fd00:ec2::254]/latest/meta-data/"),
        ("file", "file:///etc/passwd"),
    ] {
        manifests.push(mapping(&site, name, SERVICE, &json!({ "url": url })));
    }
    manifests.push(mapping(&site, "good", SERVICE, &json!({ "path": "/good" })));
    serve(&site, &manifests);
    let gateway = gateway(&site, &["--portal-poll", "1"]).await;
    // All of them are of one service, which is asked for one after the other.
    for (name, why) in BAD {
        let told = api_within(3 * DEADLINE, &site, name, "missing").await["trouble"].to_string();
        assert!(told.contains(why) && !told.contains("secret"), "{name}: {told}");
    }
    for name in ["direct", "direct-alibaba", "direct-six"] {
        let told = api(&site, name, "missing").await["trouble"].to_string();
        assert!(told.contains("is a private address that is never asked"), "{name}: {told}");
    }
    let file = api(&site, "file", "missing").await["trouble"].to_string();
    assert!(file.contains("expected http://"), "{file}");
    let page = ask(&site, "/docs/doc/default/huge").await.text();
    assert!(page.contains("--portal-max-document"), "who reads it is told what to do: {page}");

    // The same of one that was good: what was good stays, and is good again when the service is.
    api(&site, "good", "current").await;
    say("/good", Answer::Cut(good("2").to_string().into_bytes()));
    let stale = api(&site, "good", "stale").await;
    assert_eq!((&stale["version"], &stale["operations"]), (&json!("1"), &json!(1)), "{stale}");
    say("/good", Answer::Whole(good("3").to_string().into_bytes()));
    eventually("the newest", async || {
        let now = api(&site, "good", "current").await;
        if now["version"] == "3" { Ok(()) } else { Err(now) }
    })
    .await;
    gateway.stop().await;
}

/// What is odd, and can be read all the same.
fn odd(victim: &str) -> BTreeMap<&'static str, Value> {
    let document = |paths: Value, components: Value| json!({ "openapi": "3.1.1", "info": { "title": "Odd", "version": "1" }, "paths": paths, "components": components });
    let answer = |schema: Value| json!({ "200": { "description": "", "content": { "application/json": { "schema": schema } } } });
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let get = |id: &str, schema: Value| json!({ "get": { "operationId": id, "responses": answer(schema) } });
    let circular = document(
        json!({ "/nodes": { "get": { "operationId": "nodes", "parameters": [{ "$ref": "#/components/parameters/P" }],
            "responses": answer(reference("Node")) } }, "/self": { "$ref": "#/paths/~1self" } }),
        json!({ "parameters": { "P": { "$ref": "#/components/parameters/P" } }, "schemas": {
            "Node": { "type": "object", "properties": { "next": reference("Node"), "all": { "type": "array", "items": reference("Node") } } },
            "Loop": reference("Loop"), "Here": reference("There"), "There": reference("Here"),
            "Own": { "allOf": [reference("Own"), { "anyOf": [reference("Own"), reference("Node")] }] } } }),
    );
    let twins = document(json!({ "/one": get("same", json!({})), "/two": get("same", json!({})) }), json!({}));
    let unknown = json!({ "type": "object", "unevaluatedProperties": false, "$dynamicAnchor": "node", "x-own": [1],
        "fancy": { "deep": [true, null] }, "if": { "required": ["a"] }, "then": { "minProperties": 2 },
        "properties": { "a": true, "b": { "prefixItems": [{ "$dynamicRef": "#node" }], "contains": false } } });
    let mut keywords =
        document(json!({ "/a": get("a", reference("Unknown")) }), json!({ "schemas": { "Unknown": unknown } }));
    keywords["jsonSchemaDialect"] = json!("https://dialect.example/");
    keywords["unheardOf"] = json!({ "kept": [1, { "2": "three" }] });
    let elsewhere = |path: &str| json!({ "$ref": format!("http://{victim}/{path}") });
    let mut outside = document(
        json!({ "/a": { "get": { "operationId": "a", "parameters": [elsewhere("parameter")], "requestBody": elsewhere("body"),
            "responses": { "200": elsewhere("response") } } }, "/b": elsewhere("item"),
            "/c": get("c", json!({ "oneOf": [elsewhere("schema"), { "$ref": "file:///etc/passwd" }],
                "discriminator": { "propertyName": "kind", "mapping": { "x": format!("http://{victim}/mapping") } } })) }),
        json!({ "examples": { "E": { "externalValue": format!("http://{victim}/example") } } }),
    );
    outside["servers"] = json!([{ "url": format!("http://{victim}/") }]);
    BTreeMap::from([("circular", circular), ("twins", twins), ("keywords", keywords), ("outside", outside)])
}

#[tokio::test]
async fn what_is_odd_is_read_and_leads_nowhere_else() {
    let site = Site::new();
    let victim = Server::start(site.at(VICTIM), |_| Some(Answer::Whole(b"{}".to_vec()))).await;
    let odd = odd(&site.at(VICTIM).to_string());
    let served = odd.clone();
    let _service = Server::start(site.at(SERVICE), move |path| {
        served.get(path.trim_start_matches('/')).map(|document| Answer::Whole(document.to_string().into_bytes()))
    })
    .await;
    let mappings: Vec<_> =
        odd.keys().map(|name| mapping(&site, name, SERVICE, &json!({ "path": format!("/{name}") }))).collect();
    serve(&site, &mappings);
    let gateway = gateway(&site, &[]).await;
    for (name, pages) in [
        ("circular", &["operations/nodes", "schemas/Node", "schemas/Loop", "schemas/Here", "schemas/Own"][..]),
        ("twins", &["operations/same", "operations/same-2"]),
        ("keywords", &["operations/a", "schemas/Unknown"]),
        ("outside", &["operations/a", "operations/c"]),
    ] {
        api(&site, name, "current").await;
        let own = format!("/docs/doc/default/{name}");
        for page in pages.iter().map(|page| format!("{own}/{page}")).chain([own.clone(), format!("{own}/changes")]) {
            for (twin, limit) in [("", 300 << 10), (".md", 100 << 10)] {
                let reply = ask(&site, &format!("{page}{twin}")).await;
                assert_eq!(reply.status, 200, "{page}{twin}: {}", reply.text());
                assert!(reply.body.len() < limit, "{page}{twin} has {} bytes", reply.body.len());
            }
        }
    }
    let one = ask(&site, "/docs/doc/default/twins/operations/same").await.text();
    let two = ask(&site, "/docs/doc/default/twins/operations/same-2").await.text();
    assert!(one.contains("/twins/one") && two.contains("/twins/two"), "each has a page: {one} {two}");

    let copy = ask(&site, "/openapi/services/default/keywords/openapi.json").await.text();
    let copy: Value = serde_json::from_str(&copy).unwrap();
    for field in ["components", "jsonSchemaDialect", "unheardOf"] {
        assert_eq!(copy[field], odd["keywords"][field], "nothing unknown is lost");
    }
    eventually("the index", async || {
        let found = ask(&site, "/docs/api/search?term=nodes").await.text();
        if found.contains("circular") { Ok(()) } else { Err(found) }
    })
    .await;
    assert_eq!(victim.connections(), 0, "no reference is followed, whoever reads what");
    gateway.stop().await;
}
