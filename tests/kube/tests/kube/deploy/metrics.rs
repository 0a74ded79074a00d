//! Dashboards and alerts ask for what a running gateway has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, eventually, get, yaml};
use serde_json::{Value, json};

use super::query::{Names, names};
use super::{cluster, define_monitoring, deploy, objects};

/// Labels that Prometheus adds to what it scrapes from pods.
const OF_SCRAPE: [&str; 2] = ["namespace", "pod"];

/// The labels of each series, by metric.
type Page = BTreeMap<String, Vec<BTreeMap<String, String>>>;

/// Reads the Prometheus text format. No value of a label here holds a comma or a quote.
fn page(text: &str) -> Page {
    let mut page = Page::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let series = line.rsplit_once(' ').expect("a value").0;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
        let labels = labels.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()));
        page.entry(name.to_owned()).or_default().push(labels.collect());
    }
    page
}

/// What is wrong with a query.
fn unknown(query: &str, page: &Page, recorded: &BTreeSet<String>) -> Vec<String> {
    let Names { selectors, labels } = names(query);
    let mut wrong = Vec::new();
    let mut known: BTreeSet<&str> = OF_SCRAPE.into();
    for selector in &selectors {
        if recorded.contains(&selector.metric) {
            continue;
        }
        let Some(series) = page.get(&selector.metric) else {
            wrong.push(format!("no metric {}", selector.metric));
            continue;
        };
        known.extend(series.iter().flat_map(|labels| labels.keys().map(String::as_str)));
        for (label, operator, value) in &selector.matchers {
            let mut values = series.iter().filter_map(|labels| labels.get(label));
            let fits = match &**operator {
                _ if OF_SCRAPE.contains(&&**label) => true,
                "=" => values.any(|other| other == value),
                _ => values.next().is_some(),
            };
            if !fits {
                wrong.push(format!("no {}{{{label}{operator}{value:?}}}", selector.metric));
            }
        }
    }
    wrong
        .extend(labels.iter().filter(|label| !known.contains(label.as_str())).map(|label| format!("no label {label}")));
    wrong
}

/// Every text at a key of this name, anywhere in a document.
fn texts(document: &Value, key: &str, found: &mut Vec<String>) {
    match document {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name == key) {
                    Some(text) => found.push(text.to_owned()),
                    None => texts(value, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

/// The expressions of the dashboards.
fn of_dashboards() -> Vec<String> {
    let mut queries = Vec::new();
    for file in fs::read_dir(deploy("grafana")).unwrap() {
        let dashboard: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
        texts(&dashboard["panels"], "expr", &mut queries);
        let mut variables = Vec::new();
        texts(&dashboard["templating"], "definition", &mut variables);
        // label_values(SELECTOR, LABEL) asks for what `max by (LABEL) (SELECTOR)` does.
        queries.extend(variables.iter().map(|text| {
            let (selector, label) =
                text.strip_prefix("label_values(").and_then(|text| text.strip_suffix(')')?.rsplit_once(", ")).unwrap();
            format!("max by ({label}) ({selector})")
        }));
    }
    queries
}

/// The expressions of the rules, and the names of what they record. The API server reads the YAML.
async fn of_rules() -> (Vec<String>, BTreeSet<String>) {
    let cluster = cluster().await;
    define_monitoring(cluster, "PrometheusRule", "prometheusrules").await;
    let rules = fs::read_to_string(deploy("prometheus/rules.yaml")).unwrap().replace('\n', "\n  ");
    let head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: nuncio}\nspec:";
    let read = cluster.apply(&format!("{head}\n  {rules}"), &["--dry-run=server", "-o", "json"]).await.success();
    let (mut queries, mut recorded) = (Vec::new(), Vec::new());
    for object in &objects(&read) {
        texts(&object["spec"], "expr", &mut queries);
        texts(&object["spec"], "record", &mut recorded);
    }
    (queries, recorded.into_iter().collect())
}

/// A gateway through which everything went that dashboards and alerts are about.
fn manifests(site: &Site, good: &Backend, silent: &TcpListener) -> String {
    let authority = Authority::new("ca");
    let mut slow = yaml::mapping("slow", "/slow/", silent.local_addr().unwrap());
    slow["spec"]["timeout_ms"] = json!(100);
    let mut again = yaml::mapping("again", "/again/", good.address());
    again["spec"]["retry_policy"] = json!({"retry_on": "5xx", "num_retries": 1});
    // Nothing listens there.
    let nobody = site.at(9);
    let objects = [
        yaml::host("any", "*"),
        yaml::tls_secret("shop", &authority.issue(&["shop.example"])),
        yaml::tls_host("shop", "shop.example"),
        yaml::mapping("good", "/good/", good.address()),
        yaml::mapping("down", "/down/", nobody),
        slow,
        again,
    ];
    yaml::listeners(site) + &yaml::documents(&objects)
}

async fn traffic(site: &Site) {
    let client = Client::http(site.http());
    for (path, status) in [("/good/", 200), ("/none/", 404), ("/down/", 503), ("/slow/", 504)] {
        assert_eq!(client.ask(&get("any.example", path)).await.status, status, "{path}");
    }
    assert_eq!(client.ask(&get("any.example", "/again/").with("x-echo-status", "503")).await.status, 503);
    let https = |name: &str| Client::https(site.https(), Tls::unchecked(name));
    assert_eq!(https("shop.example").ask(&get("shop.example", "/good/")).await.status, 200);
    assert!(https("nobody.example").send(&get("nobody.example", "/good/")).await.is_err(), "no certificate");
}

#[tokio::test]
async fn dashboards_and_alerts_ask_for_metrics_that_there_are() {
    let (of_rules, recorded) = of_rules().await;
    let queries = [of_dashboards(), of_rules].concat();
    assert!(queries.len() > 60, "{}", queries.len());
    let (site, good) = (Site::new(), Backend::start("good").await);
    let silent = TcpListener::bind((site.ip(), 0)).unwrap();
    site.write("site.yaml", manifests(&site, &good, &silent));
    let gateway = Gateway::start(&site).await;
    traffic(&site).await;
    // Envoy sums up its histograms every 5 s.
    eventually("all metrics are there", async || {
        let page = page(&gateway.admin.text("/metrics").await);
        let wrong: BTreeSet<_> = queries.iter().flat_map(|query| unknown(query, &page, &recorded)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:#?}")) }
    })
    .await;
    gateway.stop().await;
}
