//! What is printed.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, mapping, mapping_on, plain};
use nuncio_e2e::{Gateway, Site, eventually};
use serde_json::{Value, json};

#[tokio::test]
async fn it_says_what_is_served_where() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    gateway.line(&["Serving", "manifests", "1 host"]).await;
    gateway.line(&[&format!("http://{}", site.http())]).await;
    gateway.line(&[&format!("http://{}", site.admin()), "diagnostics"]).await;
    gateway.line(&["Live on 1 Envoy"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_problem_is_one_json_record_of_its_severity() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let broken = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: m}\n\
                  spec: {prefix: /, service: w, weight: heavy}\n";
    site.write("m.yaml", broken);
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--log-format", "json"]);
    })
    .await;
    let record = async |level: &str, reason: &str| {
        eventually(&format!("a record with {reason}"), async || {
            let lines = gateway.stderr();
            let records: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let found = records.iter().find(|record| record["level"] == level && record["reason"] == reason).cloned();
            found.ok_or_else(|| format!("{lines:#?}"))
        })
        .await
    };
    let error = record("ERROR", "InvalidValue").await;
    let place = (&error["file"], &error["line"], &error["column"]);
    assert_eq!(place, (&json!("m.yaml"), &json!(4), &json!(39)), "{error}");
    assert_eq!((&error["object"], &error["field"]), (&json!("Mapping default/m"), &json!("spec.weight")));
    assert!(
        error["excerpt"].as_str().unwrap().contains("weight: heavy")
            && error["message"].as_str().unwrap().contains("heavy")
    );
    assert_eq!(record("WARN", "NoMatchingHost").await["field"], "spec.hostname");
    let alone = gateway.stderr().into_iter().find(|line| line.contains("heavy") && !line.contains("\"reason\""));
    assert_eq!(alone, None, "an excerpt is no record of its own");
    gateway.stop().await;
}

#[tokio::test]
async fn only_what_became_live_is_told_to_be_live() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("gateway.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    let with = |name: &str, field: &str, value: Value| {
        let mut mapping = mapping(name, &format!("/{name}/"), a.address());
        mapping["spec"][field] = value;
        mapping
    };
    let good = |name: &str| mapping(name, &format!("/{name}/"), a.address());
    let foreign = |name: &str| with(name, "ambassador_id", json!(["other"]));
    let refused = with("refused", "add_request_headers", json!({"x": {"value": "%CEL(request.path +)%"}}));
    let invalid = with("invalid", "prefix_regex", json!("perhaps"));
    site.write("all.yaml", documents(&[good("good"), foreign("foreign"), refused, invalid]));
    gateway.line(&["Mapping default/good added → live on 1 Envoy"]).await;
    gateway.line(&["Mapping default/foreign added → nothing that is served changes"]).await;
    gateway.line(&["taken out", "Mapping default/refused"]).await;
    gateway.line(&["error: ", "Mapping default/invalid"]).await;

    site.write("alone.yaml", documents(&[foreign("alone")]));
    gateway.line(&["Mapping default/alone added → nothing that is served changes"]).await;
    site.write("alone.yaml", documents(&[good("alone")]));
    gateway.line(&["Mapping default/alone changed → live"]).await;
    site.write("alone.yaml", documents(&[foreign("alone")]));
    eventually("it is not ours any more", async || {
        gateway.admin.object("Mapping", "alone").await.map_or(Ok(()), |object| Err(object.to_string()))
    })
    .await;
    site.remove("alone.yaml");
    gateway.line(&["Mapping default/alone removed → nothing that is served changes"]).await;
    for line in gateway.stdout().iter().filter(|line| line.contains("live")) {
        assert!(["refused", "invalid", "foreign"].iter().all(|name| !line.contains(name)), "{line}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_mapping_says_why_its_host_cannot_be_used() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut choosing = yaml::tls_host("choosing", "b.example");
    choosing["spec"]["mappingSelector"] = json!({"matchLabels": {"team": "b"}});
    let mut chosen = mapping("chosen", "/c/", a.address());
    chosen["metadata"]["labels"] = json!({"team": "b"});
    chosen["spec"].as_object_mut().unwrap().remove("hostname");
    let hosts = [yaml::tls_host("broken", "a.example"), choosing];
    let mappings = [mapping_on("a.example", "m", "/m/", a.address()), chosen];
    site.write("all.yaml", plain(&site) + &documents(&hosts) + &documents(&mappings));
    let gateway = Gateway::start(&site).await;
    for (mapping, host) in [("\"m\"", "broken"), ("\"chosen\"", "choosing")] {
        let problem = gateway.admin.problem(&[mapping, "HostNotUsable"]).await;
        let message = problem["message"].as_str().unwrap();
        let begins = format!("Host default/{host} is not usable: ");
        assert!(message.starts_with(&begins) && message.contains("no Secret"), "{problem}");
    }
    gateway.stop().await;
}

/// A change says so itself; what leads back to where it was changes nothing.
#[tokio::test]
async fn what_is_mended_without_a_change_is_told() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    let good = documents(&[mapping("m", "/m/", a.address())]);
    site.write("m.yaml", &good);
    let gateway = Gateway::start(&site).await;
    site.write("m.yaml", "kind: Mapping\nmetadata: {name: m}\nspec: [\n");
    gateway.line(&["error: m.yaml:", "Mapping default/m"]).await;
    site.write("m.yaml", &good);
    gateway.line(&["m.yaml: nothing is wrong any more"]).await;

    let mut broken = mapping("m", "/m/", a.address());
    broken["spec"]["weight"] = json!("many");
    site.write("m.yaml", documents(&[broken]));
    gateway.line(&["error: m.yaml:", "spec.weight"]).await;
    site.write("m.yaml", &good);
    gateway.line(&["Mapping default/m: nothing is wrong any more"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_another_object_mends_is_told() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    let mut asking = mapping("m", "/m/", a.address());
    asking["spec"]["resolver"] = json!("later");
    site.write("m.yaml", documents(&[asking]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["\"m\"", "spec.resolver"]).await;
    site.write("resolver.yaml", documents(&[yaml::object("KubernetesServiceResolver", "later", json!({}))]));
    gateway.line(&["Mapping default/m: nothing is wrong any more"]).await;
    gateway.stop().await;
}
