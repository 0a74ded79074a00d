//! What operators see: limits in force and why one applies, the counters that are over most, metrics under other names.

use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Redis, Service, Which, descriptor, request};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const RULES: &str = "
domain: d
descriptors:
- {key: user, rate_limit: {unit: year, requests_per_unit: 3, name: users}}
- {key: vip, rate_limit: {unlimited: true}}
- key: tenant
  descriptors:
  - {key: plan, value: fr*, rate_limit: {unit: 7d, requests_per_unit: 10, algorithm: gcra, burst: 20}}
";

/// The JSON that a page of the debug port has.
async fn page(service: &Service, path: &str) -> serde_json::Value {
    let reply = Service::get(service.debug_port(), path).await.unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[tokio::test]
async fn limits_are_listed_explained_and_ranked() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let service = Service::start(Which::Ours, RULES, &[("REDIS_URL", url.as_str())]).await.unwrap();
    let mut client = service.client().await.unwrap();
    for (value, times) in [("ann", 9), ("bob", 5), ("cid", 2)] {
        for _ in 0..times {
            client.should_rate_limit(request("d", vec![descriptor(&[("user", value)])])).await.unwrap();
        }
    }
    let limits = page(&service, "/limits").await;
    assert_eq!(limits["total"], 3);
    assert_eq!(limits["items"][1]["path"], "d.user");
    assert_eq!(limits["items"][1]["total_hits"], 16);
    assert_eq!(limits["items"][1]["over_limit"], 8);
    assert_eq!((&limits["items"][0]["unit"], &limits["items"][0]["capacity"]), (&"WEEK".into(), &20.into()));
    let unlimited = |index: usize| &limits["items"][index]["unlimited"];
    assert_eq!((unlimited(1), unlimited(2)), (&false.into(), &true.into()), "{limits}");
    assert_eq!(page(&service, "/limits?offset=1&limit=5").await["items"].as_array().unwrap().len(), 2);

    let top = page(&service, "/top").await;
    assert_eq!(
        top,
        serde_json::json!([
            {"domain": "d", "labels": "user=ann", "rule": "users", "over": 6},
        {"domain": "d", "labels": "user=bob", "rule": "users", "over": 2}
        ])
    );

    for _ in 0..2 {
        let bob = page(&service, "/explain?domain=d&user=bob").await;
        assert_eq!(
            (&bob["counter"]["used"], &bob["counter"]["remaining"]),
            (&5.into(), &0.into()),
            "asking counts nothing"
        );
        assert_eq!((&bob["rule"]["name"], &bob["rule"]["line"]), (&"users".into(), &4.into()));
        assert!(bob["key"].as_str().unwrap().starts_with("d_user_bob_"));
    }
    let plan = page(&service, "/explain?domain=d&tenant=t&plan=free").await;
    assert_eq!(plan["steps"][1], serde_json::json!({"entry": "plan=free", "descriptor": "plan_fr*", "by": "glob"}));
    assert_eq!(plan["counter"]["remaining"], 20);
    let none = page(&service, "/explain?domain=d&tenant=t&plan=paid").await;
    assert_eq!(none["why_not"], "no descriptor of tenant is for plan=paid");
    assert!(none["rule"].is_null() && none["counter"].is_null());
    assert_eq!(page(&service, "/explain?domain=x&a=b").await["why_not"], "there are no rules for the domain \"x\"");
    assert!(page(&service, "/explain").await["error"].as_str().unwrap().starts_with("expected"));
}

#[tokio::test]
async fn dogs_get_datagrams_with_tags() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("USE_DOG_STATSD", "true"),
        ("STATSD_HOST", "127.0.0.1"),
        ("STATSD_PORT", port.as_str()),
        ("STATS_FLUSH_INTERVAL", "50ms"),
        ("EXTRA_TAGS", "env:test"),
        ("USE_DOG_STATSD_MOGRIFIERS", "LIMIT"),
        ("DOG_STATSD_MOGRIFIER_LIMIT_PATTERN", r"^ratelimit\.service\.rate_limit\.(.*)\.(.*)\.(.*)$"),
        ("DOG_STATSD_MOGRIFIER_LIMIT_NAME", "rate_limit.$3"),
        ("DOG_STATSD_MOGRIFIER_LIMIT_TAGS", "domain:$1,descriptor:$2"),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    client.should_rate_limit(request("d", vec![descriptor(&[("user", "ann")])])).await.unwrap();
    let expected = "rate_limit.total_hits:1|c|#env:test,";
    let wait = async {
        let mut datagram = [0; 4_096];
        loop {
            let length = socket.recv(&mut datagram).await.unwrap();
            let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
            if let Some(line) = text.lines().find(|line| line.starts_with(expected)) {
                return line.to_owned();
            }
        }
    };
    let line = tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
    assert_eq!(line, format!("{expected}domain:d,descriptor:user"));
}

/// What a scrape has after one call of each method, with the names of metrics made by this file.
async fn scrape(mapper: &std::path::Path) -> String {
    let port = nuncio_ratelimit_tests::free_port().unwrap();
    let address = format!("127.0.0.1:{port}");
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("USE_PROMETHEUS", "true"),
        ("PROMETHEUS_ADDR", address.as_str()),
        ("PROMETHEUS_MAPPER_YAML", mapper.to_str().unwrap()),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    client.should_rate_limit(request("d", vec![descriptor(&[("user", "ann")])])).await.unwrap();
    let channel = Endpoint::from_shared(format!("http://127.0.0.1:{}", service.grpc_port())).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    health.check(HealthCheckRequest::default()).await.unwrap();
    Service::get(port, "/metrics").await.unwrap()
}

#[tokio::test]
async fn a_file_makes_the_names_of_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mapper.yaml");
    let text = "
mappings:
- {match: ratelimit.service.rate_limit.*.*.total_hits, name: hits, labels: {where: '$1', what: '$2'}}
- {match: ratelimit_server.*.response_time, name: took, timer_type: histogram, labels: {method: '$1'}}
- {match: ., match_type: regex, action: drop, name: dropped}
";
    std::fs::write(&file, text).unwrap();
    let metrics = scrape(&file).await;
    assert!(metrics.contains("hits{what=\"user\",where=\"d\"} 1\n"), "{metrics}");
    for method in ["ShouldRateLimit", "Check"] {
        assert!(metrics.contains(&format!("took_count{{method=\"{method}\"}} 1\n")), "{metrics}");
    }
    assert!(!metrics.contains("config_load"), "{metrics}");

    let metrics = scrape(&directory.path().join("none.yaml")).await;
    assert!(metrics.contains("ratelimit_service_rate_limit_total_hits{domain=\"d\",key1=\"user\"} 1\n"), "{metrics}");
}

/// The dashboard asks for what there is.
#[tokio::test]
async fn the_dashboard_knows_its_metrics() {
    let port = nuncio_ratelimit_tests::free_port().unwrap();
    let address = format!("127.0.0.1:{port}");
    let variables = [("BACKEND_TYPE", "memory"), ("USE_PROMETHEUS", "true"), ("PROMETHEUS_ADDR", address.as_str())];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    // Three pass: what is 0 has no series.
    for _ in 0..4 {
        client.should_rate_limit(request("d", vec![descriptor(&[("user", "ann")])])).await.unwrap();
    }
    let metrics = Service::get(port, "/metrics").await.unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/ratelimit/dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut queries = 0;
    for target in dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        let query = target["expr"].as_str().unwrap();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for name in query.split(|c| !is_name(c)).filter(|name| name.starts_with("ratelimit_")) {
            assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} of {query}");
            queries += 1;
        }
    }
    assert!(queries > 5);
}

/// Runs `nuncio ratelimit` and gives its exit code and output.
fn nuncio(arguments: &[&str]) -> (i32, String) {
    nuncio_with(&[], arguments)
}

/// The same, with these variables.
fn nuncio_with(variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let program = std::env::var_os("NUNCIO").map_or_else(
        || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("nuncio"),
        std::path::PathBuf::from,
    );
    assert!(program.is_file(), "{} is missing: run first: cargo build -p nuncio", program.display());
    let mut command = std::process::Command::new(program);
    let output = command.envs(variables.iter().copied()).arg("ratelimit").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[tokio::test]
async fn the_command_line_checks_and_explains() {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().to_str().unwrap();
    std::fs::write(directory.path().join("a.yaml"), RULES).unwrap();
    let (code, text) = nuncio(&["check", rules]);
    assert_eq!((code, text.as_str()), (0, "1 files, 3 limits, 0 errors\n"));
    // Flags as the service reads them.
    std::fs::write(directory.path().join(".hidden"), "?").unwrap();
    for (value, code) in [("1", 0), ("F", 1), ("", 1)] {
        assert_eq!(nuncio_with(&[("RUNTIME_IGNOREDOTFILES", value)], &["check", rules]).0, code, "{value:?}");
    }
    let (code, text) = nuncio_with(&[("RUNTIME_IGNOREDOTFILES", "yes")], &["check", rules]);
    assert!(code == 2 && text.contains("expected true or false"), "{text}");
    std::fs::remove_file(directory.path().join(".hidden")).unwrap();
    let (code, text) = nuncio(&["explain", "d", "user=ann", "--rules", rules]);
    assert_eq!(code, 0, "{text}");
    for part in ["user=ann", "user (by key)", "3 in a YEAR (users)", "a.yaml:4", "d_user_ann_"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(nuncio(&["explain", "d", "tenant=t", "--rules", rules]).0, 1);
    assert_eq!(nuncio(&["explain", "d", "tenant", "--rules", rules]).0, 2);
    for source in [&[][..], &["--rules", rules, "--server", "127.0.0.1:1"]] {
        let (code, text) = nuncio(&[&["explain", "d", "user=ann"], source].concat());
        assert!(code == 2 && text.contains("--rules <DIR>") && text.contains("--server <ADDR>"), "{text}");
    }
    let (code, text) = nuncio(&["explain", "d", "vip=ann", "--rules", rules]);
    assert!(code == 1 && text.contains("No limit: vip is unlimited"), "{text}");

    let service = Service::start(Which::Ours, RULES, &[("BACKEND_TYPE", "memory")]).await.unwrap();
    let server = format!("127.0.0.1:{}", service.debug_port());
    service.client().await.unwrap().should_rate_limit(request("d", vec![descriptor(&[("user", "ü")])])).await.unwrap();
    let begun = Instant::now();
    // As in the service's own container, where its variables are set.
    let variables = [("RUNTIME_IGNOREDOTFILES", "true"), ("MERGE_DOMAIN_CONFIG", "true")];
    let (code, text) = nuncio_with(&variables, &["explain", "d", "user=ü", "--server", &server]);
    assert!(code == 0 && text.contains("1, 2 left"), "{text} after {:?}", begun.elapsed());

    std::fs::write(directory.path().join("b.yaml"), "domain: b\ndescriptors:\n- key: k\n  rate_limit: {unit: x}\n")
        .unwrap();
    let (code, text) = nuncio(&["check", rules]);
    assert_eq!(code, 1);
    assert!(text.contains("b.yaml:3: invalid rate limit unit 'x' (at b.k)\n"), "{text}");
    let (code, text) = nuncio(&["check", rules, "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["errors"][0]["line"], &json["errors"][0]["path"]), (1, &3.into(), &"b.k".into()));
}
