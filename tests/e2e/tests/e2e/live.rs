//! Changes of files are seen by the next requests, whatever way files change.

use std::fs;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, plain};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::json;

/// Waits until requests for `path` are answered by `wanted`: a backend's name, or a status.
async fn answered(client: &Client, path: &str, wanted: &str) {
    client.until_by(&get("a.example", path), wanted).await;
}

#[tokio::test]
async fn a_mapping_is_added_changed_and_removed() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "404");

    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    answered(&client, "/x/", "a").await;
    gateway.line(&["Mapping default/x added", "live on 1 Envoy in", "ms"]).await;

    site.write("x.yaml", documents(&[mapping("x", "/x/", b.address())]));
    answered(&client, "/x/", "b").await;
    gateway.line(&["Mapping default/x changed", "live on 1 Envoy in", "ms"]).await;

    site.remove("x.yaml");
    answered(&client, "/x/", "404").await;
    gateway.line(&["Mapping default/x removed", "live on 1 Envoy in", "ms"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_line_says_live_when_the_next_request_sees_it() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let mut seen = 0;
    for round in 0..20 {
        let backend = if round % 2 == 0 { &b } else { &a };
        site.write("x.yaml", documents(&[mapping("x", "/x/", backend.address())]));
        eventually("a line", async || {
            let lines = gateway.stdout().iter().filter(|line| line.contains("live on 1 Envoy")).count();
            if lines > seen {
                seen = lines;
                return Ok(());
            }
            Err("none")
        })
        .await;
        let wanted = if round % 2 == 0 { "b" } else { "a" };
        assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), wanted, "change {round}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_file_holds_many_objects_and_each_changes_alone() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    let [x, y, z] = ["x", "y", "z"].map(|name| mapping(name, &format!("/{name}/"), a.address()));
    site.write("deep/down/all.yaml", documents(&[x.clone(), y, z.clone()]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for path in ["/x/", "/y/", "/z/"] {
        assert_eq!(client.ask(&get("a.example", path)).await.by(), "a");
    }

    site.write("deep/down/all.yaml", documents(&[x, mapping("y", "/y/", b.address())]));
    answered(&client, "/y/", "b").await;
    answered(&client, "/z/", "404").await;
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a");
    let line = gateway.line(&["Mapping default/y changed"]).await;
    assert!(line.contains("Mapping default/z removed") && !line.contains("default/x"), "{line}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_object_moves_from_file_to_file_without_a_gap() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    let text = documents(&[mapping("x", "/x/", a.address())]);
    site.write("old.yaml", &text);
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let revision = gateway.admin.revision().await;

    site.write("new.yaml", &text);
    gateway.admin.problem(&["Duplicate", "old.yaml"]).await;
    site.remove("old.yaml");
    gateway.admin.no_problem(&["Duplicate"]).await;
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a");
    assert_eq!(gateway.admin.revision().await, revision, "nothing had to be sent");
    gateway.stop().await;
}

#[tokio::test]
async fn a_mounted_config_map_is_swapped_in_one_step() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    let version = |backend: &Backend, extra: &str| {
        let routes =
            documents(&[mapping("x", "/x/", backend.address()), mapping(extra, &format!("/{extra}/"), a.address())]);
        (plain(&site), routes)
    };
    let (listener, routes) = version(&a, "one");
    site.mount("1", &[("listener.yaml", &listener), ("routes.yaml", &routes)]);
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a");
    assert_eq!(client.ask(&get("a.example", "/one/")).await.by(), "a");

    let (listener, routes) = version(&b, "two");
    site.mount("2", &[("listener.yaml", &listener), ("routes.yaml", &routes)]);
    answered(&client, "/x/", "b").await;
    answered(&client, "/two/", "a").await;
    answered(&client, "/one/", "404").await;

    let (listener, routes) = version(&a, "three");
    site.mount("3", &[("listener.yaml", &listener), ("routes.yaml", &routes)]);
    answered(&client, "/three/", "a").await;
    answered(&client, "/x/", "a").await;
    assert!(gateway.admin.list("problems").await.is_empty(), "hidden directories are not read twice");
    gateway.stop().await;
}

#[tokio::test]
async fn a_half_written_file_takes_nothing_away() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    let text = documents(&[mapping("x", "/x/", a.address()), mapping("y", "/y/", a.address())]);
    site.write("routes.yaml", &text);
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());

    // In place, as a slow writer does; closed half-way, so that it is read.
    let path = site.manifests().join("routes.yaml");
    fs::write(&path, &text[..text.len() * 2 / 3]).unwrap();
    gateway.admin.problem(&["InvalidYaml", "routes.yaml"]).await;
    gateway.taken().await;
    for path in ["/x/", "/y/"] {
        assert_eq!(client.ask(&get("a.example", path)).await.by(), "a");
    }

    fs::write(&path, documents(&[mapping("x", "/x/", a.address()), mapping("y", "/y/", b.address())])).unwrap();
    answered(&client, "/y/", "b").await;
    gateway.admin.no_problem(&["routes.yaml"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_file_of_zeros_takes_nothing_away() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    // What some file systems make of a file whose writer was cut off from power.
    site.write("x.yaml", [0; 512]);
    gateway.admin.problem(&["InvalidYaml", "x.yaml"]).await;
    gateway.taken().await;
    assert_eq!(Client::http(site.http()).ask(&get("a.example", "/x/")).await.by(), "a");
    gateway.stop().await;
}

#[tokio::test]
async fn a_broken_file_has_a_place_and_its_objects_stay_until_it_is_mended() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    let text = |spec: &str| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: x\nspec:\n  hostname: '*'\n{spec}"
        )
    };
    site.write("x.yaml", text(&format!("  prefix: /x/\n  service: {}\n", a.address())));
    site.write("y.yaml", documents(&[mapping("y", "/y/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());

    site.write("x.yaml", text(&format!("  prefix: [/x/\n  service: {}\n", a.address())));
    let problem = gateway.admin.problem(&["InvalidYaml", "x.yaml"]).await;
    let location = &problem["location"];
    assert_eq!(location["file"], "x.yaml");
    assert!(location["line"].as_u64().is_some_and(|line| line >= 7), "{problem}");
    assert!(location["column"].as_u64().is_some_and(|column| column >= 1), "{problem}");
    assert_eq!(problem["object"]["name"], "x", "{problem}");
    let line = gateway.line(&["error: x.yaml:", "Mapping default/x"]).await;
    assert!(line.contains(&format!("x.yaml:{}:{}", location["line"], location["column"])), "{line}");
    gateway.taken().await;
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a", "the last good state stays");

    // A value of a wrong type is another way of being broken.
    site.write("x.yaml", text("  prefix: /x/\n  service: {host: a}\n"));
    let problem = gateway.admin.problem(&["InvalidValue", "spec.service", "x.yaml"]).await;
    assert_eq!((&problem["location"]["line"], &problem["location"]["column"]), (&json!(8), &json!(12)), "{problem}");
    gateway.taken().await;
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a", "the last good state stays");

    // All else goes on meanwhile.
    site.write("y.yaml", documents(&[mapping("y", "/y/", b.address())]));
    answered(&client, "/y/", "b").await;

    site.write("x.yaml", text(&format!("  prefix: /x/\n  service: {}\n", b.address())));
    answered(&client, "/x/", "b").await;
    gateway.admin.no_problem(&["x.yaml"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn equal_content_written_again_changes_nothing() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    let text = documents(&[mapping("x", "/x/", a.address())]);
    site.write("x.yaml", &text);
    let gateway = Gateway::start(&site).await;
    let revision = gateway.admin.revision().await;

    site.write("x.yaml", &text);
    site.write("x.yaml", format!("# a comment\n{text}"));
    // A change that shows that those were read.
    site.write("y.yaml", documents(&[mapping("y", "/y/", a.address())]));
    answered(&Client::http(site.http()), "/y/", "a").await;
    assert_eq!(gateway.admin.revision().await, revision + 1);
    gateway.stop().await;
}

#[tokio::test]
async fn the_directory_of_manifests_may_be_replaced() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    site.write("routes/x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a");

    // As `git checkout` does: the old directory goes, another of the same name comes.
    let routes = site.manifests().join("routes");
    fs::rename(&routes, site.root().join("gone")).unwrap();
    site.write("routes/x.yaml", documents(&[mapping("x", "/x/", b.address())]));
    answered(&client, "/x/", "b").await;
    site.write("routes/y.yaml", documents(&[mapping("y", "/y/", a.address())]));
    answered(&client, "/y/", "a").await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_environment_is_put_in_only_when_asked_for() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut expanding = mapping("x", "/x/", a.address());
    expanding["spec"]["service"] = json!("${E2E_SERVICE}");
    expanding["spec"]["add_response_headers"] = json!({"x-told": {"value": "$E2E_WORD"}});
    site.write("all.yaml", plain(&site) + &documents(&[expanding]));
    let start = async |asked: bool| {
        Gateway::start_with(&site, |command| {
            command.env("E2E_SERVICE", a.address().to_string()).env("E2E_WORD", "secret");
            if asked {
                command.arg("--expand-environment");
            }
        })
        .await
    };
    let client = Client::http(site.http());
    let gateway = start(true).await;
    let reply = client.ask(&get("a.example", "/x/")).await;
    assert_eq!((reply.by(), reply.header("x-told")), ("a".to_owned(), Some("secret")));
    gateway.stop().await;

    let gateway = start(false).await;
    gateway.admin.problem(&["spec.service", "E2E_SERVICE"]).await;
    gateway.stop().await;
}
