//! One API whose document is of each version of OpenAPI, in JSON and in YAML.

use std::net::SocketAddr;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nuncio_e2e::yaml::{documents, mapping_on, object};
use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::browser::told;
use super::demands::key;
use super::release::said;
use super::{HOST, api, ask, ask_json, gateway, shop};

/// What the API is called whose document is of a version, that version, and the document.
const VERSIONS: [(&str, &str, &str); 4] = [
    ("pets-2-0", "Swagger 2.0", include_str!("../../../documents/pets-2.0.json")),
    ("pets-3-0", "OpenAPI 3.0", include_str!("../../../documents/pets-3.0.yaml")),
    ("pets-3-1", "OpenAPI 3.1", include_str!("../../../documents/pets-3.1.json")),
    ("pets-3-2", "OpenAPI 3.2", include_str!("../../../documents/pets-3.2.yaml")),
];
/// What orders are for.
const KEY: &str = "key-of-the-orders";

/// A service that has this document, and answers whatever else it is asked with all of that as JSON.
async fn pets(at: SocketAddr, document: watch::Receiver<&'static str>) -> AbortOnDropHandle<()> {
    let listener = TcpListener::bind(at).await.unwrap();
    AbortOnDropHandle::new(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let document = document.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let text: &str = *document.borrow();
                async move {
                    if request.uri().path() == "/openapi" {
                        return Ok(Response::new(Full::new(Bytes::from(text))));
                    }
                    let said = said(request).await?.to_string();
                    Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(said))))
                }
            });
            let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer);
            // Whoever asked may have gone away.
            let _ = connection.await;
        }
    }))
}

fn mapping(site: &Site, name: &str, port: u16) -> Value {
    let mut mapping = mapping_on(HOST, name, &format!("/{name}/"), site.at(port));
    mapping["spec"]["docs"] = json!({ "path": "/openapi" });
    mapping
}

/// An API for each version, whose orders are for who has the key.
async fn all_versions(site: &Site) -> Vec<AbortOnDropHandle<()>> {
    let mut objects = Vec::from(key("pets", "X-Pets", KEY));
    let (mut rules, mut services) = (Vec::new(), Vec::new());
    for ((name, _, text), port) in VERSIONS.into_iter().zip(9300..) {
        objects.push(mapping(site, name, port));
        rules.push(json!({ "host": HOST, "path": format!("/{name}/v1/orders"), "filters": [{ "name": "pets" }] }));
        services.push(pets(site.at(port), watch::channel(text).1).await);
    }
    objects.push(object("FilterPolicy", "pets", json!({ "rules": rules })));
    site.write("pets.yaml", documents(&objects));
    services
}

/// A page of an API.
async fn page(site: &Site, name: &str, rest: &str) -> String {
    let path = format!("/docs/doc/default/{name}{rest}");
    let reply = ask(site, &path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.text()
}

#[tokio::test]
async fn an_api_is_found_and_read_whatever_the_version_of_its_document() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let _services = all_versions(&site).await;
    let gateway = gateway(&site).await;
    for (name, specification, text) in VERSIONS {
        assert_eq!(api(&site, name, "current").await["specification"], specification);
        assert_eq!(ask(&site, &format!("/openapi/services/default/{name}/original")).await.text(), text, "{name}");
        let add = page(&site, name, "/operations/addPet").await;
        assert!(add.contains("name=Rex&#38;status=here&#38;tags=calm,small"), "{name}: {add}");
        let upload = page(&site, name, "/operations/uploadPhoto").await;
        for part in [
            "data-part=\"photo\" type=\"file\" required",
            "data-part=\"caption\" autocomplete",
            "-F &#39;photo=@FILE&#39;",
        ] {
            assert!(upload.contains(part), "{name}: {part}: {upload}");
        }
        let pet = page(&site, name, "/schemas/Pet").await;
        assert!(pet.contains("string or null") && pet.contains("sold"), "{name}: {pet}");
        assert!(!pet.contains("$defs"), "a part of a schema has no page: {pet}");
    }
    let catalog = ask(&site, "/docs/").await.text();
    for (name, specification, _) in VERSIONS {
        assert!(
            catalog.contains(&format!("/docs/doc/default/{name}\"")) && catalog.contains(specification),
            "{catalog}"
        );
    }
    eventually("the index", async || {
        let found = ask(&site, "/docs/api/search?term=caption").await.text();
        let is_found = |name: &str| found.contains(&format!("/docs/doc/default/{name}/operations/uploadPhoto"));
        if VERSIONS.iter().all(|(name, ..)| is_found(name)) { Ok(()) } else { Err(found) }
    })
    .await;

    let hook = page(&site, "pets-3-1", "/webhooks/petSold-post").await;
    assert!(hook.contains("A pet has a home") && hook.contains("adopter"), "{hook}");
    let list = page(&site, "pets-3-2", "").await;
    assert!(list.contains("The shop › Pets") && list.contains("The shop › orders"), "{list}");
    let query = page(&site, "pets-3-2", "/operations/queryPets").await;
    for part in ["curl -X QUERY ", "Those that are like this", "application/jsonl", "integer or null"] {
        assert!(query.contains(part), "{part}: {query}");
    }
    let copy = page(&site, "pets-3-2", "/operations/copyPet").await;
    assert!(copy.contains("curl -X COPY ") && copy.contains("-H &#39;Destination: /v1/pets/8&#39;"), "{copy}");
    gateway.stop().await;
}

/// Whether the copy of a document for clients says where they find the API, and what its orders are for.
fn check_copy(name: &str, specification: &str, copy: &Value) {
    let schemes = if specification == "Swagger 2.0" {
        assert_eq!((&copy["schemes"], &copy["host"]), (&json!(["https"]), &json!(format!("{HOST}:8443"))));
        assert_eq!(copy["basePath"], format!("/{name}/v1"));
        &copy["securityDefinitions"]
    } else {
        let origins = [format!("https://{HOST}:8443"), format!("http://{HOST}:8080")];
        let servers = origins.map(|origin| json!({ "url": format!("{origin}/{name}/v1") }));
        assert_eq!(copy["servers"], json!(servers), "{name}");
        &copy["components"]["securitySchemes"]
    };
    let schemes: Vec<_> = schemes.as_object().unwrap_or_else(|| panic!("{name}: {copy:#}")).iter().collect();
    let [(scheme, said)] = &schemes[..] else { panic!("{name}: {schemes:?}") };
    assert_eq!((&said["type"], &said["in"], &said["name"]), (&json!("apiKey"), &json!("header"), &json!("X-Pets")));
    let paths = &copy["paths"];
    assert_eq!(paths["/orders"]["get"]["security"], json!([{ scheme.as_str(): [] }]), "{name}");
    for (path, method) in [("/pets", "post"), ("/pets/{petId}", "get")] {
        assert_eq!(paths[path][method]["security"], json!([]), "{name}: {path}: {copy:#}");
    }
}

#[tokio::test]
async fn the_copy_for_clients_is_true_in_every_version() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let _services = all_versions(&site).await;
    let gateway = gateway(&site).await;
    let client = Client::http(site.at(8080));
    for (name, specification, _) in VERSIONS {
        api(&site, name, "current").await;
        let copy = eventually("what orders are for is told", async || {
            let copy = ask_json(&site, &format!("/openapi/services/default/{name}/openapi.json")).await;
            if copy.to_string().contains("X-Pets") { Ok(copy) } else { Err(copy) }
        })
        .await;
        check_copy(name, specification, &copy);
        let orders = get(HOST, &format!("/{name}/v1/orders"));
        assert_eq!(client.ask(&orders).await.status, 401, "{name}");
        let reply = client.ask(&orders.with("x-pets", KEY)).await;
        let asked: Value = serde_json::from_str(&reply.text()).unwrap_or_else(|_| panic!("{name}: {}", reply.text()));
        assert_eq!(asked["target"], "/v1/orders", "{name}");
    }
    let copy = ask_json(&site, "/openapi/services/default/pets-3-2/openapi.json").await;
    for (method, operation) in
        [("QUERY", "/paths/~1pets/query"), ("COPY", "/paths/~1pets~1{petId}/additionalOperations/COPY")]
    {
        assert!(copy.pointer(operation).is_some_and(|operation| operation["security"] == json!([])), "{copy:#}");
        let ask = get(HOST, "/pets-3-2/v1/pets/7").method(method).body("{}");
        let reply = client.ask(&ask.with("content-type", "application/json")).await;
        let asked: Value = serde_json::from_str(&reply.text()).unwrap_or_else(|_| panic!("{method}: {}", reply.text()));
        assert_eq!((&asked["method"], &asked["body"]), (&json!(method), &json!("{}")));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn documents_of_all_versions_are_made_one() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let _services = all_versions(&site).await;
    let gateway = gateway(&site).await;
    for (name, ..) in VERSIONS {
        api(&site, name, "current").await;
    }
    let all = ask_json(&site, "/openapi/openapi.json").await;
    assert_eq!(all["openapi"], "3.2.0");
    for (name, ..) in VERSIONS {
        let content = |path: &str| &all["paths"][format!("/{name}/v1{path}")]["post"]["requestBody"]["content"];
        let form = &content("/pets")["application/x-www-form-urlencoded"];
        assert_eq!(form["schema"]["required"], json!(["name"]), "{name}: {form:#}");
        assert_eq!(form["encoding"]["tags"]["explode"], json!(false), "{name}: {form:#}");
        let photo = &content("/pets/{petId}/photo")["multipart/form-data"]["schema"]["properties"]["photo"];
        assert_eq!(photo["contentMediaType"], "application/octet-stream", "{name}");
        let pet = &all["components"]["schemas"][format!("default.{name}_Pet")]["properties"];
        assert_eq!(pet["adopter"]["type"], json!(["string", "null"]), "{name}: {pet:#}");
        assert_eq!(pet["parent"]["$ref"], format!("#/components/schemas/default.{name}_Pet"));
    }
    let status = &all["components"]["schemas"]["default.pets-3-1_Pet"]["properties"]["status"]["$ref"];
    let place = status.as_str().unwrap().trim_start_matches('#');
    assert_eq!(place, "/components/schemas/default.pets-3-1_Pet/$defs/Status");
    assert_eq!(all.pointer(place).unwrap()["enum"], json!(["here", "sold"]));
    assert!(all["webhooks"]["default.pets-3-1_petSold"]["post"].is_object(), "{:#}", all["webhooks"]);
    let paths = &all["paths"];
    assert_eq!(paths["/pets-3-2/v1/pets"]["query"]["operationId"], "default.pets-3-2_queryPets");
    let copy = &paths["/pets-3-2/v1/pets/{petId}"]["additionalOperations"]["COPY"];
    assert_eq!(copy["operationId"], "default.pets-3-2_copyPet");
    let tags = all["tags"].as_array().unwrap();
    let of_pets = tags.iter().find(|tag| tag["name"] == "default.pets-3-2_pets").unwrap();
    assert_eq!(of_pets["parent"], "default.pets-3-2_shop");
    gateway.stop().await;
}

#[tokio::test]
async fn a_service_that_says_the_same_in_the_next_version_has_changed_nothing() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (release, document) = watch::channel(VERSIONS[0].2);
    let _service = pets(site.at(9300), document).await;
    site.write("pets.yaml", documents(&[mapping(&site, "pets", 9300)]));
    let gateway = gateway(&site).await;
    for (_, specification, text) in VERSIONS {
        release.send_replace(text);
        eventually(specification, async || {
            let api = api(&site, "pets", "current").await;
            if api["specification"] == specification { Ok(()) } else { Err(api.to_string()) }
        })
        .await;
    }
    let versions = eventually("the change", async || {
        let versions = ask_json(&site, "/docs/api/v1/apis/default/pets/changes").await;
        if versions[0]["version"] == "1.1.0" { Ok(versions) } else { Err(versions) }
    })
    .await;
    let labels: Vec<_> = versions.as_array().unwrap().iter().map(|version| &version["version"]).collect();
    assert_eq!(labels, ["1.1.0", "1.0.0"], "{versions:#}");
    let changes = versions[0]["changes"].as_array().unwrap();
    let mut told: Vec<_> =
        changes.iter().map(|change| format!("{} {}", change["rule"], change["operations"])).collect();
    told.sort();
    let expected = [
        "\"operation-added\" [\"COPY /pets/v1/pets/{petId}\"]",
        "\"operation-added\" [\"QUERY /pets/v1/pets\"]",
        "\"version-changed\" []",
    ];
    assert_eq!(told, expected, "{versions:#}");
    assert_eq!(versions[0]["severity"], "compatible");
    gateway.stop().await;
}

#[tokio::test]
async fn forms_of_2_0_and_methods_of_3_2_are_tried_from_their_pages() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let _services = all_versions(&site).await;
    let gateway = gateway(&site).await;
    for name in ["pets-2-0", "pets-3-2"] {
        api(&site, name, "current").await;
    }
    let seen = told(&site, "versions.mjs").await;
    let text = |path: &str| seen.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {seen:#}"));
    let sent =
        |path: &str| -> Value { serde_json::from_str(text(path)).unwrap_or_else(|_| panic!("{path}: {seen:#}")) };
    assert_eq!(text("/filled"), "name=Rex&status=here&tags=calm,small");
    let form = sent("/form/body");
    assert_eq!((&form["method"], &form["target"]), (&json!("POST"), &json!("/v1/pets")));
    assert_eq!(form["headers"]["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(form["body"], "name=Rex%20%26%20co&tags=calm,small");
    assert!(text("/formSample").ends_with("--data-raw 'name=Rex%20%26%20co&tags=calm,small'"), "{seen:#}");
    let upload = sent("/upload/body");
    assert_eq!(upload["target"], "/v1/pets/7/photo");
    for part in ["name=\"caption\"", "A bell", "filename=\"bell.png\"", "not much of a picture"] {
        assert!(upload["body"].as_str().unwrap().contains(part), "{part}: {upload:#}");
    }
    let query = sent("/query/body");
    assert_eq!((&query["method"], &query["target"]), (&json!("QUERY"), &json!("/v1/pets")));
    assert_eq!(serde_json::from_str::<Value>(query["body"].as_str().unwrap()).unwrap(), json!({ "status": "here" }));
    assert!(
        text("/querySample").starts_with(&format!("curl -X QUERY 'http://{HOST}:8080/pets-3-2/v1/pets'")),
        "{seen:#}"
    );
    let copy = sent("/copy/body");
    assert_eq!((&copy["method"], &copy["target"]), (&json!("COPY"), &json!("/v1/pets/7")));
    assert_eq!(copy["headers"]["destination"], "/v1/pets/8");
    gateway.stop().await;
}
