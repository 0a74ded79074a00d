//! What is told of operations, of manifests as they are written.

use super::*;
use crate::admin::{CredentialView, HealthChecks, LimitTermView, OperationAsked, OperationRouteView};
use crate::manifests::Manifests;
use crate::offline::{OfflineConfig, load};

const MANIFESTS: &str = r#"
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: http}
spec: {port: 8080, protocol: HTTP, securityModel: INSECURE, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop}
spec: {hostname: shop.example, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart}
spec:
  hostname: shop.example
  prefix: /api/carts/
  service: 127.0.0.1:9101
  timeout_ms: 2000
  idle_timeout_ms: 60000
  connect_timeout_ms: 1500
  retry_policy: {retry_on: 5xx, num_retries: 2, per_try_timeout: 1s}
  health_checks: [{health_check: {http: {path: /healthz}}}]
  labels:
    ambassador:
    - who: [remote_address]
    - plan: [{plan: {header: x-plan}}]
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart-v2}
spec: {hostname: shop.example, prefix: /api/carts/, headers: {x-version: v2}, service: "127.0.0.1:9102"}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart-post}
spec: {hostname: shop.example, prefix: /api/carts/, method: POST, service: "127.0.0.1:9103"}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart-events}
spec: {hostname: shop.example, prefix: "/api/carts/[^/]+/events", prefix_regex: true, service: "127.0.0.1:9104"}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: health}
spec: {hostname: "*", prefix: /healthz, prefix_exact: true, service: "127.0.0.1:9105"}
---
apiVersion: getambassador.io/v3alpha1
kind: RateLimit
metadata: {name: limits}
spec:
  limits:
  - {pattern: [{remote_address: "*"}], rate: 100, unit: minute}
  - {pattern: [{plan: pro}], rate: 1000, unit: hour, burstFactor: 2}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: keys}
spec: {APIKey: {httpHeader: X-Key, keys: [{secretName: keys}]}}
---
# Where there are logins every open route is there twice.
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: login}
spec:
  OAuth2: {authorizationURL: "https://idp.example", clientID: shop, secret: unused, protectedOrigins: [{origin: "http://shop.example:8080"}]}
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: account}
spec: {rules: [{host: shop.example, path: /account, filters: [{name: login}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {ann: "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: carts}
spec: {rules: [{host: shop.example, path: "/api/carts/*/lines", filters: [{name: keys}]}]}
"#;

async fn told(origin: &str, operations: &[(&str, &str)]) -> OperationsView {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), MANIFESTS).unwrap();
    let config = OfflineConfig {
        ambassador_id: "default".into(),
        namespace: "default".into(),
        expand_environment: false,
        topology: nuncio_translate::Topology::default(),
    };
    let offline = Box::pin(load(&Manifests::Directory(directory.path().to_owned()), &config)).await.unwrap();
    let (_, engine) = offline.into_parts();
    let operations = operations
        .iter()
        .map(|(method, path)| OperationAsked { method: (*method).to_owned(), path: (*path).to_owned() });
    let asked = OperationsRequest { origin: origin.to_owned(), operations: operations.collect() };
    let (cache, edition) = (crate::policies::Cache::default(), 0);
    super::operations(&engine.world, None, super::Known { cache: &cache, edition }, &asked)
}

fn names(routes: &[OperationRouteView]) -> Vec<(&str, String)> {
    routes.iter().map(|route| (route.origin[0].name.as_str(), route.conditions.join(", "))).collect()
}

#[tokio::test]
async fn every_route_is_told_that_a_request_may_get() {
    let asked = [
        ("GET", "/api/carts/ann"),
        ("POST", "/api/carts/ann"),
        ("GET", "/api/carts/ann/events"),
        ("GET", "/healthz"),
        ("GET", "/elsewhere"),
        ("G T", "/"),
    ];
    let told = told("http://shop.example:8080", &asked).await;
    let [get, post, events, health, nowhere, broken] = &told.operations[..] else { panic!("{told:?}") };
    assert_eq!(names(&get.routes), [("cart-v2", "x-version v2".to_owned()), ("cart", String::new())]);
    assert_eq!(names(&post.routes).last().unwrap(), &("cart-post", String::new()));
    assert_eq!(names(&events.routes), [("cart-events", String::new())]);
    assert_eq!(names(&health.routes), [("health", String::new())], "the table of the wildcards comes after");
    assert!(get.otherwise.is_none() && health.otherwise.is_none());
    assert!(nowhere.routes.is_empty() && nowhere.otherwise.as_ref().unwrap().contains("404"), "{nowhere:?}");
    assert!(broken.otherwise.as_ref().unwrap().contains("not a method"), "{broken:?}");
}

#[tokio::test]
async fn what_a_route_holds_requests_to_is_told_with_it() {
    let told = told("http://shop.example:8080", &[("GET", "/api/carts/ann"), ("GET", "/api/carts/ann/lines")]).await;
    let [plain, lines] = &told.operations[..] else { panic!("{told:?}") };
    let route = plain.routes.last().unwrap();
    assert_eq!((route.timeout_ms, route.idle_timeout_ms), (2000, Some(60_000)));
    let retry = route.retry.as_ref().unwrap();
    assert_eq!((retry.on.join(","), retry.retries, retry.per_try_timeout_ms), ("5xx".to_owned(), 2, Some(1000)));
    assert!(route.credentials.is_empty(), "no rule is for this path");
    let key = CredentialView::Key { places: vec!["header X-Key".to_owned()] };
    let lines = lines.routes.last().unwrap();
    assert_eq!((&lines.credentials[..], &lines.security[..]), (&[key.clone()][..], &[vec![key]][..]));
    assert_eq!(route.security, [vec![]], "nobody is asked");

    let [all, pro] = &route.limits[..] else { panic!("{:?}", route.limits) };
    assert_eq!((all.rate, all.unit.as_str(), all.every, all.at_once), (100, "minute", 1, None));
    assert_eq!((&all.per[..], &all.only[..]), (&[LimitTermView::Client { value: None }][..], &[][..]));
    let plan = LimitTermView::Header { name: "x-plan".to_owned(), value: Some("pro".to_owned()) };
    assert_eq!((pro.rate, pro.at_once, &pro.only[..]), (1000, Some(2000), &[plan][..]));

    let upstream = &told.upstreams[&route.clusters[0]];
    assert_eq!(
        (upstream.checks, upstream.endpoints, upstream.connect_timeout_ms),
        (HealthChecks::Active, Some(1), 1500)
    );
    assert_eq!(told.upstreams.values().filter(|upstream| upstream.checks == HealthChecks::None).count(), 1);
}

#[tokio::test]
async fn where_nobody_listens_it_is_said_of_each() {
    let told = told("https://shop.example", &[("GET", "/api/carts/ann")]).await;
    let [one] = &told.operations[..] else { panic!("{told:?}") };
    assert!(one.routes.is_empty() && one.otherwise.as_ref().unwrap().contains("no Listener is on port 443"), "{one:?}");
}
