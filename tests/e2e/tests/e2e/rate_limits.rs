//! Rate limits: what Envoy counts by itself, what it asks about, and RateLimits kept by the gateway's own service.

mod services;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, mapping, mapping_on, object, plain};
use nuncio_e2e::{Ask, Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

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

/// The gateway's own service, called as Edge Stack calls its. It has longer to answer than where nobody names it: on a
/// loaded machine Envoy would give up, and let a request pass that is counted on.
fn own_service() -> Value {
    let spec = json!({"service": "127.0.0.1:8500", "protocol_version": "v3", "timeout_ms": 5_000});
    object("RateLimitService", "limits", spec)
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
    site.write("all.yaml", plain(&site) + &documents(&[mapping, user_limit(2), own_service()]));
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
    site.write("all.yaml", plain(&site) + &documents(&[host("a", "a.example"), mapping, own_service()]));
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
    site.write("all.yaml", plain(&site) + &documents(&[mapping, object("RateLimit", "r", limits), own_service()]));
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
    site.write("all.yaml", plain(&site) + &documents(&[mapping, object("RateLimit", "r", limits), own_service()]));
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
    let wait: u64 = refused.header("retry-after").expect("when to come again").parse().unwrap();
    assert!((43_000..=43_200).contains(&wait), "{wait}");
    gateway.stop().await;
}

/// Arms that differ in more than weighted clusters can say make an Envoy route each.
#[tokio::test]
async fn all_arms_of_a_mapping_take_from_one_bucket() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let arm = |name: &str, weight: Option<u32>, rewrite: &str| {
        let mut arm = mapping_on("a.example", name, "/m/", a.address());
        arm["spec"]["rewrite"] = json!(rewrite);
        arm["spec"]["weight"] = json!(weight);
        arm["spec"]["local_rate_limit"] = json!({"rate": 1, "unit": "day", "burst": 20});
        arm
    };
    let arms = [arm("one", None, "/one/"), arm("two", Some(50), "/two/")];
    site.write("all.yaml", plain(&site) + &documents(&[host("a", "a.example")]) + &documents(&arms));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let mut paths = std::collections::BTreeSet::new();
    for _ in 0..20 {
        paths.insert(client.ask(&get("a.example", "/m/")).await.echo().expect("an answer of the backend").path);
    }
    assert_eq!(paths.len(), 2, "both arms were asked: {paths:?}");
    assert_eq!(statuses(&client, &get("a.example", "/m/"), 10).await, [429; 10]);
    gateway.stop().await;
}

#[tokio::test]
async fn who_a_request_is_from_is_known_before_it_is_counted() {
    let (site, a, auth) = (Site::new(), Backend::start("a").await, Backend::start("auth").await);
    let mapping = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    let spec = json!({
        "auth_service": auth.address().to_string(),
        "allowed_request_headers": ["x-echo-status", "x-echo-header"],
        "allowed_authorization_headers": ["x-user"],
    });
    let objects = [mapping, user_limit(1), object("AuthService", "auth", spec), own_service()];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    let client = Client::http(site.http());
    let ask = |user: &str| get("a.example", "/m/").with("x-echo-header", &format!("x-user={user}"));
    assert_eq!(statuses(&client, &ask("ann"), 2).await, [200, 429], "counted by what the AuthService says");
    assert_eq!(client.ask(&ask("ann").with("x-user", "bob")).await.status, 429, "and not by what the client says");
    assert_eq!(statuses(&client, &ask("cid").with("x-echo-status", "403"), 3).await, [403; 3]);
    assert_eq!(client.ask(&ask("cid")).await.status, 200, "who was refused was not counted");
    gateway.stop().await;
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
    let misspelt = json!({"limits": [{"pattern": [{"usr": "*"}], "rate": 1, "unit": "day"}]});
    site.write("misspelt.yaml", documents(&[object("RateLimit", "misspelt", misspelt)]));
    gateway.admin.problem(&["misspelt", "NoSuchLabel"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn explain_and_diagnostics_name_the_rule_and_who_is_over() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut limited = limited(mapping("m", "/m/", a.address()), &[by_user()]);
    limited["spec"]["local_rate_limit"] = json!({"rate": 100, "unit": "second"});
    site.write("all.yaml", plain(&site) + &documents(&[limited, user_limit(1), own_service()]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    let limits = gateway.admin.list("limits").await;
    assert_eq!((limits.len(), &limits[0]["labels"], &limits[0]["limit"]), (1, &json!("user=*"), &json!("1 per day")));
    assert_eq!((&limits[0]["fetched_by"], &limits[0]["in_force"]), (&json!(1), &json!(true)), "{limits:?}");
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
