//! Rate limit services of their own, that a RateLimitService names.

use std::process::Command;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping, mapping_on, object, plain};
use nuncio_e2e::{Client, Controller, Envoy, Gateway, Process, Reply, Site, eventually, get, nuncio};
use serde_json::{Value, json};

use super::{as_user, by_user, limited, statuses, user_limit};

/// Long enough that a loaded machine does not make Envoy give up, which would let requests pass.
const TIMEOUT_MS: u64 = 5_000;

/// A rate limit service of its own process, with rules in a file.
struct Service {
    _process: Process,
    site: Site,
}

impl Service {
    const GRPC: u16 = 7081;
    const DEBUG: u16 = 7070;

    /// One with these rules.
    async fn start(rules: &str) -> Self {
        let site = Site::new();
        let config = site.root().join("config");
        std::fs::create_dir(&config).unwrap();
        std::fs::write(config.join("rules.yaml"), rules).unwrap();
        let root = site.root().to_string_lossy().into_owned();
        Self::start_with(site, &[("RUNTIME_WATCH_ROOT", "false"), ("RUNTIME_ROOT", &root)]).await
    }

    /// One whose rules a controller has.
    async fn start_at(xds: &str) -> Self {
        let rules = [("CONFIG_TYPE", "GRPC_XDS_SOTW"), ("CONFIG_GRPC_XDS_SERVER_URL", xds)];
        Self::start_with(Site::new(), &rules).await
    }

    async fn start_with(site: Site, rules: &[(&str, &str)]) -> Self {
        let mut command = Command::new(nuncio());
        let ip = site.ip().to_string();
        command.arg("ratelimit").envs([
            ("BACKEND_TYPE", "memory"),
            ("USE_STATSD", "false"),
            ("HOST", &*ip),
            ("PORT", "7080"),
            ("DEBUG_HOST", &*ip),
            ("DEBUG_PORT", &*Self::DEBUG.to_string()),
            ("GRPC_HOST", &*ip),
            ("GRPC_PORT", &*Self::GRPC.to_string()),
        ]);
        command.envs(rules.iter().copied());
        let process = Process::spawn(&mut command);
        let address = site.at(Self::GRPC);
        eventually("a rate limit service", async || {
            tokio::net::TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        Self { _process: process, site }
    }

    fn object(&self, more: &Value) -> Value {
        let service = self.site.at(Self::GRPC).to_string();
        let mut spec = json!({"service": service, "protocol_version": "v3", "timeout_ms": TIMEOUT_MS});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object("RateLimitService", "limits", spec)
    }
}

#[tokio::test]
async fn limits_and_services_come_and_go_without_another_listener() {
    let rules = "domain: ambassador\ndescriptors:\n- key: user\n  rate_limit: {unit: day, requests_per_unit: 0}\n";
    let (site, a, service) = (Site::new(), Backend::start("a").await, Service::start(rules).await);
    let mapping = limited(mapping_on("a.example", "m", "/m/", a.address()), &[by_user()]);
    site.write("all.yaml", plain(&site) + &documents(&[host("a", "a.example"), mapping]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let mut connection = client.connect().await.unwrap();
    let ask = as_user("ann", "/m/");
    let mut becomes = async |what: &str, wanted: u16| {
        eventually(what, async || {
            let new = client.ask(&ask).await.status;
            // The connection is the one from the beginning: its listener was not drained.
            let old = connection.send(&ask).await.unwrap().status;
            if (new, old) == (wanted, wanted) { Ok(()) } else { Err(format!("{new}, and {old} where one is open")) }
        })
        .await;
    };
    becomes("no limit", 200).await;
    site.write("limit.yaml", documents(&[user_limit(0)]));
    becomes("the first limit", 429).await;
    site.remove("limit.yaml");
    becomes("no limit any more", 200).await;
    site.write("service.yaml", documents(&[service.object(&json!({}))]));
    becomes("a service", 429).await;
    site.write("service.yaml", documents(&[service.object(&json!({"domain": "else"}))]));
    becomes("of another domain", 200).await;
    site.remove("service.yaml");
    becomes("no service", 200).await;
    let page = gateway.admin.text("/metrics").await;
    assert!(page.contains("ratelimit_service_rate_limit_over_limit{domain=\"ambassador\""), "{page}");
    gateway.stop().await;
}

#[tokio::test]
async fn another_service_is_asked_about_labels() {
    let rules = "domain: shop\ndescriptors:\n- key: site\n  value: shop\n  descriptors:\n  - key: user\n    \
                 rate_limit: {unit: day, requests_per_unit: 1}\n  rate_limit: {unit: day, requests_per_unit: 2}\n";
    let (site, a, service) = (Site::new(), Backend::start("a").await, Service::start(rules).await);
    let module = json!({"config": {"default_label_domain": "shop", "default_labels": {"shop": {"defaults": [
        {"generic_key": {"key": "site", "value": "shop"}}]}}}});
    let mut of_user = mapping("m", "/m/", a.address());
    of_user["spec"]["labels"] = json!({"shop": [{"g": [
        {"request_headers": {"key": "user", "header_name": "x-user", "omit_if_not_present": true}}]}]});
    let objects = [object("Module", "ambassador", module), of_user, service.object(&json!({}))];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(statuses(&client, &as_user("ann", "/m/"), 2).await, [200, 429]);
    // Only the label is left out without the header, and the rest is asked about.
    assert_eq!(statuses(&client, &get("a.example", "/m/"), 3).await, [200, 200, 429]);
    gateway.stop().await;
}

#[tokio::test]
async fn without_an_answer_the_service_says_what_happens() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let objects = |deny: bool, service: &str| {
        let spec = json!({"service": service, "failure_mode_deny": deny});
        let limited = limited(mapping("m", "/m/", a.address()), &[json!({"generic_key": {"value": "x"}})]);
        documents(&[listener("http", site.http().port(), "HTTP"), host("any", "*"), limited])
            + &documents(&[object("RateLimitService", "limits", spec)])
    };
    let nobody = site.at(7081).to_string();
    site.write("all.yaml", objects(false, &nobody));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/m/")).await.status, 200);
    site.write("all.yaml", objects(true, &nobody));
    let is = async |status: u16| {
        eventually(&format!("status {status}"), async || match client.ask(&get("a.example", "/m/")).await.status {
            found if found == status => Ok(()),
            found => Err(found.to_string()),
        })
        .await;
    };
    is(500).await;
    // Neither is a service asked in clear text that was to be asked over TLS.
    let mut tls = objects(true, &nobody);
    tls = tls.replace("\"failure_mode_deny\"", "\"tls\": \"nowhere\", \"failure_mode_deny\"");
    site.write("all.yaml", tls);
    gateway.admin.problem(&["RateLimitService", "TLSContextNotFound"]).await;
    is(500).await;
    gateway.stop().await;
}

#[tokio::test]
async fn of_two_services_the_first_is_asked_and_the_other_says_so() {
    let rules =
        "domain: ambassador\ndescriptors:\n- key: generic_key\n  rate_limit: {unit: day, requests_per_unit: 1}\n";
    let (site, a, service) = (Site::new(), Backend::start("a").await, Service::start(rules).await);
    let mut other = service.object(&json!({}));
    other["metadata"]["name"] = json!("zzz");
    other["spec"]["service"] = json!(site.at(7081).to_string());
    let limited = limited(mapping("m", "/m/", a.address()), &[json!({"generic_key": {"value": "x"}})]);
    site.write("all.yaml", plain(&site) + &documents(&[limited, service.object(&json!({})), other]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["zzz", "DuplicateRateLimitService"]).await;
    let client = Client::http(site.http());
    assert_eq!(statuses(&client, &get("a.example", "/m/"), 2).await, [200, 429]);
    gateway.stop().await;
}

#[tokio::test]
async fn grpc_clients_are_told_as_the_service_says() {
    let rules =
        "domain: ambassador\ndescriptors:\n- key: generic_key\n  rate_limit: {unit: day, requests_per_unit: 0}\n";
    let (site, a, service) = (Site::new(), Backend::start("a").await, Service::start(rules).await);
    let limited = limited(mapping("m", "/m/", a.address()), &[json!({"generic_key": {"value": "x"}})]);
    let ask = get("a.example", "/m/").with("content-type", "application/grpc");
    let exhausted = json!({"grpc": {"rate_limited_as_resource_exhausted": true}});
    for (more, code) in [(json!({}), "14"), (exhausted, "8")] {
        site.write("all.yaml", plain(&site) + &documents(&[limited.clone(), service.object(&more)]));
        let gateway = Gateway::start(&site).await;
        let reply: Reply = Client::http(site.http()).http2().ask(&ask).await;
        assert_eq!(reply.header("grpc-status"), Some(code), "{more}: {reply:?}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_service_of_its_own_process_is_sent_the_rules_of_rate_limits() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let limited = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    site.write("all.yaml", plain(&site) + &documents(&[limited]));
    site.write("limit.yaml", documents(&[user_limit(1)]));
    let controller = Controller::start(&site).await;
    controller.admin.problem(&["RateLimit", "NoRateLimitService"]).await;
    let service = Service::start_at(&site.xds().to_string()).await;
    site.write("service.yaml", documents(&[service.object(&json!({}))]));
    let _envoy = Envoy::start(&site, "edge");
    eventually("ready", async || controller.admin.ready().await).await;
    controller.admin.state("RateLimit", "users", "acked").await;
    let debug = service.site.at(Service::DEBUG).to_string();
    let ask = ["ratelimit", "explain", "ambassador", "user=ann", "method=GET", "--server", &debug];
    let output = site.nuncio(&ask).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.contains("RateLimit default/users"), "{told}");
    assert!(!told.contains("No limit") && told.contains("1 in a DAY"), "{told}");
    assert_eq!(controller.admin.list("limits").await[0]["in_force"], json!(true));
    assert_eq!(controller.admin.list("envoys").await.len(), 1, "a rate limit service is no Envoy");
    let client = Client::http(site.http());
    assert_eq!(statuses(&client, &as_user("ann", "/m/"), 2).await, [200, 429]);
    site.write("limit.yaml", documents(&[user_limit(1_000)]));
    eventually("the new limit", async || match client.ask(&as_user("ann", "/m/")).await.status {
        200 => Ok(()),
        status => Err(status.to_string()),
    })
    .await;
    // Without any RateLimit there is no limit.
    site.write("limit.yaml", documents(&[user_limit(0)]));
    eventually("no more for anybody", async || match client.ask(&as_user("bob", "/m/")).await.status {
        429 => Ok(()),
        status => Err(status.to_string()),
    })
    .await;
    site.remove("limit.yaml");
    eventually("no limit", async || match client.ask(&as_user("bob", "/m/")).await.status {
        200 => Ok(()),
        status => Err(status.to_string()),
    })
    .await;
}

#[tokio::test]
async fn rate_limits_beside_a_service_that_cannot_fetch_them_say_so() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let limited = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    let elsewhere = object("RateLimitService", "limits", json!({"service": site.at(7081).to_string()}));
    site.write("all.yaml", plain(&site) + &documents(&[limited, user_limit(1)]));
    site.write("service.yaml", documents(&[elsewhere]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["users", "NotFetched"]).await;
    let limits = gateway.admin.list("limits").await;
    let asked = format!("{} (RateLimitService default/limits)", site.at(7081));
    assert_eq!((&limits[0]["asked"], &limits[0]["in_force"]), (&json!(asked), &json!(false)), "{limits:?}");
    let url = format!("http://{}/m/", site.http());
    let explain = |of: &[&str]| {
        let output = site.nuncio(&[&["explain", &*url, "-H", "x-user: ann"], of].concat()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let admin = site.admin().to_string();
    let told = explain(&["--admin", &admin]);
    assert!(told.contains(&format!("not in force: {asked} is asked")) && !told.contains("1 per day"), "{told}");
    let told = explain(&["manifests"]);
    assert!(told.contains(&format!("answered 429 beyond that if {asked} fetches")), "{told}");
    site.remove("service.yaml");
    gateway.admin.no_problem(&["NotFetched"]).await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    assert_eq!(gateway.admin.list("limits").await[0]["in_force"], json!(true));
    gateway.stop().await;
}

#[tokio::test]
async fn a_service_that_is_down_says_so_until_it_is_back() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let limited = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    let elsewhere = object("RateLimitService", "limits", json!({"service": site.at(7081).to_string()}));
    site.write("all.yaml", plain(&site) + &documents(&[limited, elsewhere]));
    let gateway = Gateway::start(&site).await;
    let told = gateway.admin.problem(&["RateLimitService", "limits", "NotReached"]).await;
    assert!(told["message"].as_str().unwrap().contains(&site.at(7081).to_string()), "{told}");
    assert_eq!(Client::http(site.http()).ask(&as_user("ann", "/m/")).await.status, 200, "it passes uncounted");
    let metrics = gateway.admin.text("/metrics").await;
    for counter in ["envoy_cluster_ratelimit_error", "envoy_cluster_ratelimit_failure_mode_allowed"] {
        assert!(metrics.lines().any(|line| line.starts_with(counter) && line.ends_with(" 1")), "{counter}: {metrics}");
    }
    let _listener = tokio::net::TcpListener::bind(site.at(7081)).await.unwrap();
    gateway.admin.no_problem(&["NotReached"]).await;
    gateway.stop().await;
}
