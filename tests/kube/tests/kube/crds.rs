//! The custom resource definitions and the webhooks: what the API server takes, refuses and converts by them.

mod corpus;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use nuncio_api::{Defaults, Severity, parse};
use nuncio_controller::rbac::DEFINITIONS;
use serde_json::{Value, json};

pub(crate) use place::cluster;
use place::{LEGACY, webhook};

/// What `nuncio check` calls an error in a text.
fn errors(text: &str) -> Vec<String> {
    let parsed = parse(text.as_bytes(), &Arc::from("f"), &Defaults::default());
    let of_objects = parsed.objects.iter().flat_map(|object| object.problems.iter().map(|(problem, _)| problem));
    let all = of_objects.chain(parsed.problems.iter().map(|found| &found.problem));
    all.filter(|problem| problem.severity == Severity::Error).map(ToString::to_string).collect()
}

/// Objects of `v3alpha1`, one for each kind and spec.
fn manifests(specs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (index, (kind, spec)) in specs.iter().enumerate() {
        let name = if *kind == "Module" { "ambassador".to_owned() } else { format!("m{index}") };
        let head = format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}");
        writeln!(text, "---\n{head}\nspec: {spec}").unwrap();
    }
    text
}

#[tokio::test]
async fn every_kind_has_a_short_name_that_is_not_the_name_of_another() {
    let printed = cluster().await.kubectl(&["api-resources", "--no-headers"]).await.success();
    // NAME SHORTNAMES APIVERSION NAMESPACED KIND, the second only where there are some.
    let rows = printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut kinds_of = BTreeMap::<String, BTreeSet<String>>::new();
    let mut ours = 0;
    for row in rows {
        let kind = row[row.len() - 1];
        let is_ours = ["getambassador.io/", "nuncio.dev/"].iter().any(|group| row[row.len() - 3].contains(group));
        ours += usize::from(is_ours);
        assert!(!is_ours || row.len() == 5, "{kind} has none");
        let short = row.get(1).filter(|_| row.len() == 5).into_iter().flat_map(|names| names.split(','));
        for name in short.chain([row[0]]).map(str::to_owned).chain([kind.to_lowercase()]) {
            kinds_of.entry(name).or_default().insert(kind.to_owned());
        }
    }
    assert_eq!(ours, DEFINITIONS.len());
    let shared: Vec<_> = kinds_of.iter().filter(|(_, kinds)| kinds.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:?}");
}

const DRY: [&str; 2] = ["--dry-run=server", "--validate=strict"];

#[tokio::test]
async fn every_spelling_that_is_read_is_taken() {
    let good = manifests(&[
        ("Mapping", "{prefix: /, service: w}"),
        ("Mapping", "{prefix: /, service: w, tls: null, dns_type: null, priority: null, headers: null, cors: null}"),
        ("Mapping", "{prefix: /, service: w, ambassador_id: x, remove_request_headers: x, timeout_ms: 8.0}"),
        ("Mapping", "{prefix: /, service: w, cors: {origins: 'a, b', methods: [GET], max_age: 5}, dns_type: odd}"),
        (
            "Mapping",
            "{prefix: /, service: w, cors: {origins: [https://a], max_age: '5'}, retry_policy: {retry_on: [5xx, reset]}}",
        ),
        ("Mapping", "{prefix: /, service: w, enable_ipv4: null, enable_ipv6: false, redirect_response_code: null}"),
        (
            "Mapping",
            "{prefix: /, service: w, load_balancer: {policy: maglev, cookie: null, header: x, source_ip: false}}",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {ambassador: [{g: [remote_address]}]}, prefix_exact: true, prefix_regex: true}",
        ),
        ("Host", "{hostname: a, tls: null, tlsContext: {name: x}, tlsSecret: {name: s}}"),
        ("Host", "{hostname: a, tls: {alpn_protocols: 'h2, http/1.1'}, tlsContext: {name: ''}, tlsSecret: {name: s}}"),
        ("Host", "null"),
        (
            "Listener",
            "{port: 1, protocol: null, protocolStack: [HTTP, TCP], securityModel: XFP, hostBinding: {namespace: {from: null}}}",
        ),
        ("Listener", "{port: 1, protocol: TCP, protocolStack: null, securityModel: XFP, hostBinding: {}}"),
        ("TLSContext", "{min_tls_version: null, max_tls_version: v1.2, cert_chain_file: null, alpn_protocols: [h2]}"),
        ("TCPMapping", "{port: 1, service: w, idle_timeout_ms: '5'}"),
        ("Module", "{config: {server_name: x}}"),
    ]);
    assert_eq!(errors(&good), Vec::<String>::new());
    let taken = cluster().await.apply(&good, &DRY).await.success();
    assert_eq!(taken.lines().count(), 16, "{taken}");
    // A wrong setting of the Module does not hold; the others do, and so the object is stored.
    let wrong = manifests(&[("Module", "{config: {retry_policy: 5, ip_allow: x, server_name: x}}")]);
    assert_eq!(errors(&wrong).len(), 2);
    let _ = cluster().await.apply(&wrong, &DRY).await.success();
}

#[tokio::test]
async fn what_the_schema_refuses_is_wrong_and_is_said_in_the_same_words() {
    let table = [
        ("Mapping", "{service: w}", "spec.prefix", ""),
        ("Mapping", "{prefix: '', service: w}", "spec.prefix", ""),
        (
            "Mapping",
            "{prefix: /, service: w, enable_ipv4: false, enable_ipv6: false}",
            "one of enable_ipv4 and",
            "same",
        ),
        ("Mapping", "{prefix: /, service: w, redirect_response_code: 304}", "spec.redirect_response_code", ""),
        ("Mapping", "{prefix: /, service: w, load_balancer: {policy: ring_hash}}", "ring_hash and maglev need", "same"),
        (
            "Mapping",
            "{prefix: /, service: w, load_balancer: {policy: round_robin, header: x}}",
            "go with ring_hash",
            "same",
        ),
        ("Mapping", "{prefix: /, service: w, health_checks: [{health_check: {}}]}", "needs exactly one of", "same"),
        ("Mapping", "{prefix: /, service: w, connect_timeout_ms: 0}", "spec.connect_timeout_ms", ""),
        ("Mapping", "{prefix: /, service: w, add_request_headers: {x: {value: ''}}}", "spec.add_request_headers", ""),
        ("Mapping", "{prefix: /, service: w, priority: odd}", "spec.priority", ""),
        ("TCPMapping", "{port: 0, service: w}", "spec.port", ""),
        ("Host", "{tls: {}, tlsContext: {name: x}}", "tls and tlsContext exclude each other", "same"),
        ("TLSContext", "{cert_chain_file: f}", "cert_chain_file and private_key_file go together", "same"),
        ("TLSContext", "{min_tls_version: v1.3, max_tls_version: v1.2}", "is newer than max_tls_version", "same"),
        ("Listener", "{port: 1, securityModel: XFP, hostBinding: {}}", "protocol or protocolStack is required", "same"),
        (
            "Listener",
            "{port: 1, protocolStack: [HTTP], securityModel: XFP, hostBinding: {}}",
            "must be TCP or UDP",
            "same",
        ),
        ("Listener", "{port: 1, protocol: HTTP}", "spec.securityModel", ""),
        ("Listener", "{port: 1, protocol: HTTP, securityModel: XFP, hostBinding: null}", "spec.hostBinding", ""),
    ];
    for (kind, spec, said, same) in table {
        let text = manifests(&[(kind, spec)]);
        let checked = errors(&text);
        assert!(!checked.is_empty(), "{kind} {spec}");
        assert!(same.is_empty() || checked.iter().any(|error| error.contains(said)), "{checked:?}");
        let output = cluster().await.apply(&text, &DRY).await;
        assert!(output.code != Some(0) && output.stderr.contains(said), "{kind} {spec}: {output:?}");
    }
}

#[tokio::test]
async fn every_valid_manifest_of_the_corpus_is_taken() {
    let cluster = cluster().await;
    let (text, namespaces) = corpus::valid(errors);
    for namespace in namespaces {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        let _ = cluster.apply(&object.to_string(), &[]).await.success();
    }
    let expected = text.matches("\n---\n").count();
    assert!(expected > 300, "{expected} objects: has the form of the cases changed?");
    // Not by server-side apply, which no schema with fields of its own lets bring others.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let args = ["apply", "--dry-run=server", "--validate=warn", "--filename", file.path().to_str().unwrap()];
    let output = cluster.kubectl(&args).await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stdout.lines().count() >= expected, "{} of {expected}", output.stdout.lines().count());
}

async fn get(what: &str) -> Value {
    let args = ["get", what, "--namespace", LEGACY, "--output=json"];
    serde_json::from_str(&cluster().await.kubectl(&args).await.success()).unwrap()
}

#[tokio::test]
async fn objects_that_the_original_stored_are_converted_and_go_back() {
    let cluster = cluster().await;
    let old = get("mappings.v2.getambassador.io/old").await;
    assert_eq!(old["spec"], place::old_spec());
    let new = get("mappings.v3alpha1.getambassador.io/old").await;
    let expected = json!({
        "prefix": "/old/",
        "service": "https://shop:8443",
        "hostname": "*.example.com",
        "regex_headers": { "x-beta": ".*" },
        "add_request_headers": { "x-a": { "value": "1", "v2Representation": "string" } },
        "cors": { "origins": ["http://a", "http://b"], "v2CommaSeparatedOrigins": true },
        "ambassador_id": ["blue"],
        "v2ExplicitTLS": { "tls": "bool:true", "serviceScheme": "" },
        "v2BoolHeaders": ["x-beta"],
        "v2Fields": { "present": { "ambassador_id": "blue", "cors": place::old_spec()["cors"] } },
    });
    assert_eq!(new["spec"], expected);
    // Written once as v3alpha1, it is stored so; and still the same as v2.
    let args = ["--force-conflicts", "--field-manager=migration"];
    let mut migrated = new.clone();
    let metadata = migrated["metadata"].as_object_mut().unwrap();
    metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace"));
    let _ = cluster.apply(&migrated.to_string(), &args).await.success();
    assert_eq!(get("mappings.v3alpha1.getambassador.io/old").await["spec"], expected);
    assert_eq!(get("mappings.v2.getambassador.io/old").await["spec"], place::old_spec());
    let hosts = get("hosts.v3alpha1.getambassador.io/old").await;
    assert_eq!(hosts["spec"]["mappingSelector"], json!({ "matchLabels": { "team": "red" } }));
    let stored =
        cluster.kubectl(&["get", "crd", "mappings.getambassador.io", "--output=jsonpath={.status.storedVersions}"]);
    assert_eq!(stored.await.success(), r#"["v2","v3alpha1"]"#);
}

#[tokio::test]
async fn admission_says_what_check_says() {
    let cluster = cluster().await;
    let namespace = cluster.namespace().await;
    let webhook = webhook();
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "nuncio" },
        "webhooks": [{
            "name": "validate.nuncio.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": { "url": format!("{}/webhooks/validate", webhook.url), "caBundle": webhook.bundle() },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace.name() } },
            "rules": [{
                "apiGroups": ["getambassador.io"],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["*"],
            }],
        }],
    });
    let _ = cluster.apply(&configuration.to_string(), &[]).await.success();
    let of = ["--namespace", namespace.name()];
    let bad = manifests(&[("Mapping", "{prefix: '/(', prefix_regex: true, service: w}")]);
    let [error] = &errors(&bad)[..] else { panic!("one error") };
    nuncio_test_support::eventually("a refusal", async || {
        let output = cluster.apply(&bad, &[&of[..], &["--dry-run=server"]].concat()).await;
        let refused = output.code != Some(0) && output.stderr.contains(error.as_str());
        if refused { Ok(()) } else { Err(format!("{output:?}")) }
    })
    .await;
    let odd = manifests(&[("Mapping", "{prefix: /, service: w, weight: 200}")]);
    let output = cluster.apply(&odd, &of).await;
    assert!(output.code == Some(0) && output.stderr.contains("Warning: spec.weight: 200 is more than"), "{output:?}");
}

#[tokio::test]
async fn kubectl_explains_every_field() {
    let cluster = cluster().await;
    for version in ["v2", "v3alpha1"] {
        let version = format!("--api-version=getambassador.io/{version}");
        let text = cluster.kubectl(&["explain", "mapping.spec.retry_policy.num_retries", &version]).await.success();
        assert!(text.contains("Retries after the first try"), "{text}");
    }
    let table = cluster.kubectl(&["get", "mappings.v3alpha1.getambassador.io", "--namespace", LEGACY]).await.success();
    let head: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    let columns = "NAME SOURCE HOST SOURCE PREFIX DEST SERVICE STATE REASON ACCEPTED PROGRAMMED AGE";
    assert_eq!(head.join(" "), columns, "{table}");
}
