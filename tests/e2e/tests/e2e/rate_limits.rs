//! Rate limits: what Envoy counts by itself, what it asks about, and RateLimits kept by the gateway's own service.

use std::process::Command;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping, mapping_on, object, plain};
use nuncio_e2e::{Ask, Client, Controller, Envoy, Gateway, Process, Reply, Site, eventually, get, nuncio};
use serde_json::{Value, json};

/// Long enough that a loaded machine does not make Envoy give up, which would let requests pass.
const TIMEOUT_MS: u64 = 5_000;

fn limited(mut mapping: Value, labels: &[Value]) -> Value {
    mapping["spec"]["labels"] = json!({"ambassador": [{"group": labels}]});
    mapping
}

fn by_user() -> Value {
    json!({"request_headers": {"key": "user", "header_name": "x-user"}})
}

fn user_limit(rate: u32) -> Value {
    object("RateLimit", "users", json!({"limits": [{"pattern": [{"user": "*"}], "rate": rate, "unit": "day"}]}))
}

fn as_user(user: &str, path: &str) -> Ask {
    get("a.example", path).with("x-user", user)
}

/// The statuses of so many requests, one after the other.
async fn statuses(client: &Client, ask: &Ask, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(client.ask(ask).await.status);
    }
    statuses
}

#[tokio::test]
async fn a_rate_limit_holds_one_user_up_and_not_another() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mapping = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    site.write("all.yaml", plain(&site) + &documents(&[mapping, user_limit(2)]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    let client = Client::http(site.http());
    let ask = as_user("ann", "/m/");
    assert_eq!(statuses(&client, &ask, 3).await, [200, 200, 429]);
    let refused = client.ask(&ask).await;
    let wait: u64 = refused.header("retry-after").expect("when to come again").parse().unwrap();
    assert!((1..=86_400).contains(&wait), "{wait}");
    let body: Value = serde_json::from_str(&refused.text()).unwrap();
    assert_eq!(body["status_code"], 429, "{body}");
    assert_eq!(client.ask(&as_user("bob", "/m/")).await.status, 200);
    // Without the header there is nothing to ask about.
    assert_eq!(statuses(&client, &get("a.example", "/m/"), 4).await, [200; 4]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_changed_limit_is_live_without_a_restart_or_another_listener() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mapping = limited(mapping_on("a.example", "m", "/m/", a.address()), &[by_user()]);
    site.write("all.yaml", plain(&site) + &documents(&[host("a", "a.example"), mapping]));
    site.write("limit.yaml", documents(&[user_limit(1)]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    let client = Client::http(site.http());
    let mut connection = client.connect().await.unwrap();
    let ask = as_user("ann", "/m/");
    assert_eq!(statuses(&client, &ask, 2).await, [200, 429]);
    assert_eq!(connection.send(&as_user("cid", "/m/")).await.unwrap().status, 200);
    site.write("limit.yaml", documents(&[user_limit(1_000)]));
    eventually("the new limit", async || match client.ask(&ask).await.status {
        200 => Ok(()),
        status => Err(status.to_string()),
    })
    .await;
    // The connection is the one from before: no listener changed.
    assert_eq!(connection.send(&as_user("cid", "/m/")).await.unwrap().status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn the_longest_pattern_counts_and_log_only_lets_pass() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let labels = [by_user(), json!({"request_headers": {"key": "method", "header_name": ":method"}})];
    let mapping = limited(mapping("m", "/m/", a.address()), &labels);
    let limits = json!({"limits": [
        {"pattern": [{"user": ""}], "rate": 3, "unit": "Day"},
        {"pattern": [{"user": "ann"}, {"method": "POST", "other": "x"}], "rate": 1, "unit": "DAY"},
        {"pattern": [{"user": "log"}, {"method": "*"}], "rate": 1, "unit": "day", "action": "logonly"},
        {"pattern": [{"user": "burst"}, {"method": ""}], "rate": 1, "unit": "day", "burstFactor": 3},
    ]});
    site.write("all.yaml", plain(&site) + &documents(&[mapping, object("RateLimit", "r", limits)]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "r", "acked").await;
    let client = Client::http(site.http());
    let post = as_user("ann", "/m/").method("POST");
    assert_eq!(statuses(&client, &post, 2).await, [200, 429], "the longer pattern");
    assert_eq!(statuses(&client, &as_user("ann", "/m/"), 4).await, [200, 200, 200, 429], "the shorter, for the rest");
    assert_eq!(statuses(&client, &as_user("log", "/m/"), 3).await, [200; 3]);
    assert_eq!(statuses(&client, &as_user("burst", "/m/"), 4).await, [200, 200, 200, 429], "what was saved up");
    gateway.stop().await;
}

#[tokio::test]
async fn templates_write_headers_and_the_answer() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    let code = "{{ .RateLimitResponse.OverallCode }}";
    let limits = json!({"limits": [{
        "pattern": [{"user": "*"}], "rate": 1, "unit": "day",
        "injectRequestHeaders": [header("X-Code", code), header("x-none", "{{ doNotSet }}")],
        "injectResponseHeaders": [header("X-Told", &format!("code {code}")), header("x-broken", "{{ end")],
        "errorResponse": {
            "headers": [header("Content-Type", "text/plain")],
            "bodyTemplate": "{{ if eq .RateLimitResponse.OverallCode 2 }}again in {{ .RetryAfter }}{{ end }}",
        },
    }]});
    let mapping = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    site.write("all.yaml", plain(&site) + &documents(&[mapping, object("RateLimit", "r", limits)]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "r", "acked").await;
    let client = Client::http(site.http());
    let passed = client.ask(&as_user("ann", "/m/")).await;
    let echo = passed.echo().unwrap();
    let came = |name: &str| echo.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((came("x-code"), came("x-none")), (Some("1"), None));
    assert_eq!(passed.header("x-told"), Some("code 1"));
    let refused = client.ask(&as_user("ann", "/m/")).await;
    assert_eq!((refused.status, refused.header("x-told")), (429, Some("code 2")));
    assert_eq!((refused.header("content-type"), refused.header("x-broken")), (Some("text/plain"), None));
    let body = std::str::from_utf8(&refused.body).unwrap();
    assert!(body.starts_with("again in ") && body.ends_with('s'), "{body}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_envoy_counts_by_itself_needs_nobody() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut mapping_of_one = mapping_on("a.example", "one", "/one/", a.address());
    mapping_of_one["spec"]["local_rate_limit"] = json!({"rate": 2, "unit": "day"});
    let mut of_all = mapping("all", "/all/", a.address());
    of_all["spec"]["local_rate_limit"] = json!({"rate": 1, "unit": "day", "burst": 3});
    let free = mapping("free", "/free/", a.address());
    site.write("all.yaml", plain(&site) + &documents(&[host("a", "a.example"), mapping_of_one, of_all, free]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(statuses(&client, &get("a.example", "/one/"), 3).await, [200, 200, 429]);
    assert_eq!(statuses(&client, &get("b.example", "/all/"), 4).await, [200, 200, 200, 429]);
    assert_eq!(statuses(&client, &get("b.example", "/free/"), 4).await, [200; 4]);
    let refused = client.ask(&get("a.example", "/one/")).await;
    assert_eq!(refused.header("retry-after"), Some("43200"));
    gateway.stop().await;
}

/// A rate limit service of its own process, with rules in a file.
struct Service {
    _process: Process,
    site: Site,
}

impl Service {
    const GRPC: u16 = 7081;

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
            ("DEBUG_PORT", "7070"),
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
async fn limits_that_nobody_is_asked_about_say_so() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let limited = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    let elsewhere = json!({"domain": "else", "limits": [{"pattern": [{"x": "y z"}], "rate": 1, "unit": "day"}]});
    site.write("all.yaml", plain(&site) + &documents(&[limited]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["Mapping", "NoRateLimitService"]).await;
    site.write("limit.yaml", documents(&[object("RateLimit", "elsewhere", elsewhere)]));
    gateway.admin.no_problem(&["NoRateLimitService"]).await;
    gateway.admin.problem(&["elsewhere", "OtherLabelDomain"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn explain_and_diagnostics_name_the_rule_and_who_is_over() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut limited = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    limited["spec"]["local_rate_limit"] = json!({"rate": 100, "unit": "second"});
    site.write("all.yaml", plain(&site) + &documents(&[limited, user_limit(1)]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    let limits = gateway.admin.list("limits").await;
    assert_eq!((limits.len(), &limits[0]["labels"], &limits[0]["limit"]), (1, &json!("user=*"), &json!("1 per day")));
    let url = format!("http://{}/m/", site.http());
    let explain = |more: &[&str]| {
        let admin = site.admin().to_string();
        let output = site.nuncio(&[&["explain", &url, "--admin", &admin], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let told = explain(&["-H", "x-user: ann"]);
    assert!(told.contains("user=ann: 1 per day by RateLimit default/users (users.default-0)"), "{told}");
    assert!(told.contains("100 at once, 100 every 1 s"), "{told}");
    assert!(explain(&[]).contains("not asked about: the header x-user is missing"));
    assert_eq!(statuses(&Client::http(site.http()), &as_user("ann", "/m/"), 3).await, [200, 429, 429]);
    let over = gateway.admin.list("limited").await;
    assert_eq!((over.len(), &over[0]["labels"], &over[0]["over"]), (1, &json!("user=ann"), &json!(2)), "{over:?}");
    gateway.stop().await;
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
