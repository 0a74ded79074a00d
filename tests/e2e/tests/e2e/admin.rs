//! What the admin server shows.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, mapping, plain};
use nuncio_e2e::{Authority, Client, Gateway, Site, get};

const LISTS: [&str; 6] = ["objects", "hosts", "routes", "clusters", "envoys", "problems"];

#[tokio::test]
async fn probes_answer() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    assert_eq!(gateway.admin.text("/ambassador/v0/check_alive").await, "alive\n");
    assert_eq!(gateway.admin.text("/ambassador/v0/check_ready").await, "ready\n");
    assert_eq!(gateway.admin.status("/nowhere").await, Ok(404));
    gateway.stop().await;
}

#[tokio::test]
async fn metrics_are_the_controllers_and_envoys() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    Client::http(site.http()).ask(&get("a.example", "/x/")).await;
    let text = gateway.admin.text("/metrics").await;
    for series in [
        "nuncio_changes_live_seconds_count",
        "nuncio_changes_refused_total 0",
        "nuncio_envoy_stats_up 1",
        "envoy_cluster_upstream_rq_total",
        "envoy_http_downstream_rq_total",
        "envoy_server_live",
    ] {
        assert!(text.contains(series), "{series} is missing");
    }
    // One type for each name, or scrapers refuse the page.
    let mut types: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    types.sort_unstable();
    let all = types.len();
    types.dedup();
    assert_eq!(types.len(), all);
    gateway.stop().await;
}

#[tokio::test]
async fn every_list_answers_and_is_in_the_openapi_document() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    site.write("bad.yaml", "kind: [");
    let gateway = Gateway::start(&site).await;
    let document = gateway.admin.json("/api/v1/openapi.json").await;
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.")), "{document}");
    for list in LISTS {
        let path = format!("/api/v1/{list}");
        assert!(document["paths"][&path]["get"].is_object(), "{path}");
        let page = gateway.admin.json(&path).await;
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty() && page["total"] == items.len(), "{path}: {page}");
        let part = gateway.admin.json(&format!("{path}?limit=0")).await;
        assert!(part["items"].as_array().is_some_and(Vec::is_empty) && part["total"] == page["total"], "{path}");
        assert_eq!(gateway.admin.status(&format!("{path}?nope=1")).await, Ok(400), "{path}");
    }
    let explained =
        gateway.admin.json(&format!("/api/v1/explain?url=http://a.example:{}/x/", site.http().port())).await;
    assert_eq!(explained["route"]["origin"][0]["name"], "x", "{explained}");
    assert_eq!(gateway.admin.status("/api/v1/explain?url=nonsense://").await, Ok(400));
    gateway.stop().await;
}

#[tokio::test]
async fn secrets_are_shown_nowhere() {
    let (site, authority) = (Site::new(), Authority::new("ca"));
    let identity = authority.issue(&["a.example"]);
    site.write("all.yaml", yaml::listeners(&site) + &documents(&[yaml::tls_host("a", "a.example")]));
    site.write("secret.yaml", documents(&[yaml::tls_secret("a", &identity)]));
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--log-level", "nuncio=trace,nuncio_controller=trace,nuncio_xds=trace"]);
    })
    .await;
    let broken = identity.key.replace("PRIVATE KEY", "PRIVATE KEI");
    let secret = yaml::text_secret("a", "tls.key", &broken);
    site.write("secret.yaml", documents(&[secret]));
    gateway.admin.problem(&["Secret", "InvalidTLSSecret"]).await;
    let inner = identity.key.lines().nth(1).unwrap();
    for list in LISTS {
        assert!(!gateway.admin.text(&format!("/api/v1/{list}")).await.contains(inner), "{list}");
    }
    let printed = [gateway.stdout(), gateway.stderr()].concat().join("\n");
    assert!(!printed.contains(inner), "the key was logged");
    gateway.stop().await;
}
