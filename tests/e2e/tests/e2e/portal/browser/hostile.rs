//! Text of strangers, on every page that shows it: nothing of it is run, asked for or obeyed.

use std::fs;

use nuncio_e2e::yaml::{documents, tls_secret};
use nuncio_e2e::{Authority, Gateway, Site, eventually};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{text, told_with};
use crate::portal::{HOST, api, ask, service, shop};

/// What somebody writes who wants readers' browsers to do as he says; its name is shown where it stands.
fn evil(field: &str) -> String {
    format!(
        "⟦{field}⟧</script></title></textarea></style>--></dialog><script>ran('{field}')</script><img src=x onerror=\"ran('{field}')\">\
         <svg onload=\"ran('{field}')\"><a xlink:href=\"javascript:ran('{field}')\">svg</a></svg><a href=\"javascript:ran('{field}')\">a</a>\
         <iframe srcdoc=\"<script>parent.ran('{field}')</script>\"></iframe><input autofocus onfocus=\"ran('{field}')\">\
         <img src=http://elsewhere.localhost:8080/pixel><link rel=stylesheet href=http://elsewhere.localhost:8080/style>\
         <base href=http://elsewhere.localhost:8080/><meta http-equiv=refresh content=\"0;url=http://elsewhere.localhost:8080/\">\
         [b](javascript:ran('{field}')) ![c](http://elsewhere.localhost:8080/picture) {{{{7*7}}}} ${{7*7}} <%= 7*7 %> \"'`\\ evilmark"
    )
}

/// A URL that runs.
fn link(field: &str) -> String {
    format!("javascript:ran('{field}')//⟦{field}⟧")
}

/// A document of 3.1 with such texts wherever it holds one. The second release takes a property and a value away.
/// Paths with two slashes beside each other get no route: `between` is what its server's path has in their place.
fn document(release: usize, between: &str) -> Value {
    let e = evil;
    let property = |field: &str| {
        json!({ "type": "string", "title": e("property.title"), "description": e("property.description"),
            "default": e("property.default"), "pattern": e("property.pattern"), "examples": [e("property.example")], "format": e(field) })
    };
    let mut properties = serde_json::Map::from_iter([
        (e("property"), property("property.format")),
        (e("kind"), json!({ "enum": [e("enum.a"), e("enum.b")] })),
        ("const".to_owned(), json!({ "const": e("const") })),
    ]);
    let gone = Some(e("gone")).filter(|_| release == 1);
    properties.extend(gone.iter().map(|gone| (gone.clone(), json!({ "type": "string" }))));
    let required: Vec<_> = gone.into_iter().collect();
    let schema =
        json!({ "$ref": format!("#/components/schemas/{}", e("schema").replace('~', "~0").replace('/', "~1")) });
    let body = json!({ "schema": schema, "example": { "told": e("example") } });
    let parameter = |place: &str| {
        json!({ "name": e(&format!("{place}.name")), "in": place, "required": place != "header", "description": e(&format!("{place}.description")),
            "example": e(&format!("{place}.example")), "schema": { "type": "string", "enum": [e(&format!("{place}.enum"))] } })
    };
    let operation = json!({
        "operationId": e("operationId"), "summary": e("summary"), "description": e("operation.description"), "tags": [e("tag")],
        "externalDocs": { "url": link("externalDocs.url"), "description": e("externalDocs") },
        "security": [{ e("scheme"): [e("scope")] }],
        "parameters": [parameter("query"), parameter("cookie"), parameter("header"),
            { "name": "free", "in": "query", "required": true, "description": e("free"), "schema": { "type": "string", "default": e("free.default") } }],
        "requestBody": { "description": e("body.description"), "content": { "application/json": body, e("body.media"): body } },
        "responses": {
            "200": { "description": e("response.description"), "content": { "application/json": body },
                "headers": { e("response.header"): { "description": e("response.header.description"), "schema": { "type": "string" } } } },
            e("status"): { "description": e("status.description") } },
    });
    json!({
        "openapi": "3.1.0",
        "info": { "title": e("title"), "version": e(&format!("version{release}")), "summary": e("info.summary"), "description": e("description"),
            "termsOfService": link("terms"), "contact": { "name": e("contact.name"), "url": link("contact.url"), "email": e("contact.email") },
            "license": { "name": e("license.name"), "url": link("license.url") },
            "x-owner": e("owner"), "x-team": e("team"), "x-lifecycle": e("lifecycle"), "x-tags": [e("x-tag")],
            "x-links": [{ "title": e("link.title"), "url": link("link.url") }, { "title": e("link.other"), "url": "https://elsewhere.localhost/" }] },
        "externalDocs": { "url": link("docs.url"), "description": e("docs") },
        "servers": [{ "url": format!("https://elsewhere.localhost/{}", e("server.url").replace("//", between)), "description": e("server.description") }],
        "tags": [{ "name": e("tag"), "description": e("tag.description"), "externalDocs": { "url": link("tag.url") } }],
        "paths": { "/plain": { "post": operation }, format!("/{}", e("path")): { "get": { "responses": { "200": { "description": e("path.response") } } } } },
        "components": {
            "schemas": { e("schema"): { "type": "object", "title": e("schema.title"), "required": required, "description": e("schema.description"), "properties": properties },
                "Told": { "oneOf": [schema], "discriminator": { "propertyName": e("discriminator") } } },
            "securitySchemes": { e("scheme"): { "type": "apiKey", "in": "header", "name": e("key.header"), "description": e("scheme.description") } },
        },
    })
}

/// Objects with such names, annotations and values; those that are not valid are told of with what is wrong.
fn manifests(site: &Site) -> String {
    let object = |kind: &str, name: &str, spec: Value| json!({ "apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": { "name": name }, "spec": spec });
    let mut mapping = object(
        "Mapping",
        "hostile",
        json!({ "hostname": HOST, "prefix": "/hostile/", "rewrite": "/",
        "service": format!("http://{}", site.at(9300)), "docs": { "path": "/openapi.json", "display_name": evil("display_name") } }),
    );
    mapping["metadata"]["annotations"] = json!({ "nuncio.dev/tags": evil("annotation").replace(',', ";") });
    let named = object(
        "Mapping",
        &evil("object.name"),
        json!({ "hostname": HOST, "prefix": "/named/", "service": "cart",
        "headers": { "x-evil": evil("object.header") }, "labels": { "ambassador": [{ "g": [{ "generic_key": { "value": evil("object.label") } }] }] } }),
    );
    let broken = object(
        "Mapping",
        "broken",
        json!({ "hostname": HOST, "prefix": "/broken/", "service": "cart", "timeout_ms": evil("object.value") }),
    );
    let policy = object(
        "FilterPolicy",
        &evil("policy.name"),
        json!({ "rules": [{ "host": HOST, "path": "/named/*",
        "filters": [{ "name": evil("filter.name") }] }] }),
    );
    let mut preview = object(
        "Preview",
        &evil("preview.name"),
        json!({ "services": [{ "baseline": "cart", "backend": "cart-v2" }],
        "entrypoints": [{ "name": "web", "host": HOST }], "access": { "mode": "Public" },
        "source": { "provider": "GitHub", "repository": evil("preview.repository"), "branch": evil("preview.branch") } }),
    );
    preview["apiVersion"] = "nuncio.dev/v1alpha1".into();
    // Its document alone says what it is called.
    let titled = object(
        "Mapping",
        "titled",
        json!({ "hostname": HOST, "prefix": "/titled/", "service": mapping["spec"]["service"], "docs": { "path": "/openapi.json" } }),
    );
    let mut lost = titled.clone();
    lost["metadata"]["name"] = "lost".into();
    lost["spec"]["prefix"] = "/lost/".into();
    lost["spec"]["service"] = format!("http://{}", site.at(9301)).into();
    [mapping, titled, lost, named, broken, policy, preview].iter().map(|object| format!("---\n{object}\n")).collect()
}

/// Pages of an operator who copied what a stranger wrote.
fn content(site: &Site) -> std::path::PathBuf {
    let directory = site.root().join("content");
    fs::create_dir_all(&directory).unwrap();
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"ran('svg')\"><script>ran('svg')</script></svg>";
    for (file, text) in [
        ("landing.md", format!("# Landing\n\n{}\n", evil("landing"))),
        ("page.md", format!("# {}\n\n{}\n\n![own](evil.svg)\n", evil("page.title"), evil("page"))),
        ("evil.svg", svg.to_owned()),
        ("portal.yaml", json!({ "title": evil("portal.title"), "navigation": [{ "page": "page" },
            { "title": evil("navigation"), "url": "https://elsewhere.localhost/" }, { "title": "No", "url": link("navigation.url") }] }).to_string()),
        ("texts.yaml", json!({ "language": evil("language").replace(['{', '}'], ""), "apis": evil("text").replace(['{', '}'], "") }).to_string()),
    ] {
        fs::write(directory.join(file), text).unwrap();
    }
    directory
}

/// What is shown somewhere: all that people are to read, in the document and beside it.
const SHOWN: [&str; 40] = [
    "title",
    "version2",
    "description",
    "contact.email",
    "license.name",
    "owner",
    "team",
    "lifecycle",
    "annotation",
    "link.other",
    "tag",
    "tag.description",
    "path",
    "summary",
    "operation.description",
    "scheme",
    "scope",
    "query.name",
    "query.description",
    "query.example",
    "query.enum",
    "free.default",
    "body.description",
    "body.media",
    "response.description",
    "response.header",
    "response.header.description",
    "status",
    "example",
    "schema",
    "schema.description",
    "property",
    "property.description",
    "enum.a",
    "const",
    "gone",
    "display_name",
    "landing",
    "page",
    "portal.title",
];
/// The same of objects.
const SHOWN_OF_OBJECTS: [&str; 7] =
    ["object.name", "object.header", "object.label", "policy.name", "filter.name", "preview.name", "preview.branch"];

#[tokio::test]
async fn nothing_that_strangers_write_is_run_on_any_page() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (release, lost) = (watch::Sender::new(document(1, "/")), watch::Sender::new(document(1, "//")));
    let _services = (service(site.at(9300), &release).await, service(site.at(9301), &lost).await);
    site.write("hostile.yaml", manifests(&site));
    site.write(
        "secret.yaml",
        documents(&[tls_secret("shop-tls", &Authority::new("<script>ran('issuer')</script>").issue(&[HOST]))]),
    );
    let content = content(&site);
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args([
            "--portal-poll",
            "1",
            "--portal-show-all",
            "--portal-content",
        ]);
        command.arg(content);
    })
    .await;
    for name in ["hostile", "lost"] {
        api(&site, name, "current").await;
    }
    release.send_replace(document(2, "/"));
    eventually("the change and the index", async || {
        let changed = ask(&site, "/docs/doc/default/hostile").await.text().contains("badge breaking");
        let found = ask(&site, "/docs/api/search?term=evilmark").await.text();
        if changed && found.contains("operations/") { Ok(()) } else { Err(format!("{changed}: {found}")) }
    })
    .await;
    let names = json!({ "term": evil("asked"), "object": evil("object.name"), "preview": evil("preview.name"), "policy": evil("policy.name") });
    let seen = told_with(&site, "hostile.mjs", &names).await;
    assert_eq!(seen["ran"], json!([]), "{seen:#}");
    let fields: Vec<&str> = seen["seen"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let unseen: Vec<_> = SHOWN.iter().chain(&SHOWN_OF_OBJECTS).filter(|field| !fields.contains(*field)).collect();
    assert!(unseen.is_empty(), "shown nowhere: {unseen:?}: {seen:#}");
    assert!(seen["visited"].as_array().unwrap().len() > 40, "{seen:#}");
    assert!(text(&seen, "/tried").starts_with("200"), "{seen:#}");
    assert!(text(&seen, "/lost/told").contains("Not routed"), "{seen:#}");
    assert_eq!(seen["lost"]["forms"], 0, "nothing is sent from there: {seen:#}");
    gateway.stop().await;
}
