//! Several replicas.

use super::*;

#[tokio::test]
async fn of_two_replicas_that_make_the_same_preview_one_does() {
    let (stage, two) = (Stage::set().await, Site::new());
    let namespace = stage.namespace.name();
    let repository = |name: &str| json!({"provider": "GitLab", "name": name, "namespace": namespace, "tokenIssuer": "https://ci.example"});
    let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"}, "spec": {
        "domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any",
        "repositories": [repository("acme/cart"), repository("acme/web")]}});
    stage.apply(&[role_without(&[Feature::Webhook, Feature::Edits], true), policy]).await;
    let first = Gateway::start_by(&stage.site, stage.up().arg("--allow-previews")).await;
    let second = Gateway::start_by(&two, stage.up_at(&two).arg("--allow-previews")).await;
    let put = async |site: &Site, repository: &str, name: &str| {
        let text = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": name}, "spec": {
            "services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
            "entrypoints": [{"name": "web", "host": "shop.example"}]}});
        let by = json!({"issuer": "https://ci.example", "subject": format!("project_path:{repository}:ref_type:branch:ref:x")});
        let asked = json!({"namespace": namespace, "name": name, "text": text.to_string(), "by": by});
        let ask = get("localhost", "/api/v1/preview-put").method("POST").with("content-type", "application/json");
        Client::http(site.admin()).send(&ask.body(asked.to_string())).await.unwrap()
    };
    for site in [&stage.site, &two] {
        eventually("it reads the policy", async || {
            let reply = put(site, "acme/cart", "ready").await;
            if reply.status == 200 { Ok(()) } else { Err(reply.text()) }
        })
        .await;
    }
    for round in 0..5 {
        let name = format!("tax-{round}");
        let (one, other) = tokio::join!(put(&stage.site, "acme/cart", &name), put(&two, "acme/web", &name));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{} {}", one.text(), other.text());
        let owner = if one.status == 200 { "acme/cart" } else { "acme/web" };
        assert_eq!(stage.object("preview", &name).await["spec"]["source"]["repository"], owner);
    }
    first.stop().await;
    second.stop().await;
}

/// By which the keys of a Preview that replicas know are told apart.
async fn fingerprints(sites: [&Site; 2]) -> [Value; 2] {
    let [one, other] = sites.map(|site| Admin::new(site.admin()));
    let of = async |admin: Admin| {
        let previews = admin.list("previews").await;
        previews.first().map(|preview| preview["key_fingerprint"].clone()).unwrap_or_default()
    };
    [of(one).await, of(other).await]
}

#[tokio::test]
async fn replicas_share_what_the_leader_makes_keys_of_and_nothing_is_written_over() {
    let (stage, two) = (Stage::set().await, Site::new());
    let sites = [&stage.site, &two];
    let own = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let policy = json!({"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any"});
    let preview = json!({"services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
        "entrypoints": [{"name": "web", "host": "shop.example"}]});
    stage.apply(&[own("PreviewPolicy", "previews", policy), own("Preview", "tax", preview)]).await;
    let first = Gateway::start_by(&stage.site, stage.up().arg("--allow-previews")).await;
    let second = Gateway::start_by(&two, stage.up_at(&two).arg("--allow-previews")).await;
    let is_told = async |admin: &Admin| {
        let problems = admin.list("problems").await;
        problems.iter().any(|problem| problem["reason"] == "KeysNotShared")
    };
    eventually("each has keys of its own", async || {
        let [one, other] = fingerprints(sites).await;
        if one != other && is_told(&first.admin).await { Ok(()) } else { Err(one) }
    })
    .await;
    let shown = async |admin: &Admin| admin.list("previews").await.remove(0)["urls"].clone();
    assert_eq!([shown(&first.admin).await, shown(&second.admin).await], [json!([]), json!([])], "they would be others");
    eventually("it says what it may not", async || {
        let said = [first.stderr(), second.stderr()].concat().join("\n");
        if said.contains("cannot make the Secret") { Ok(()) } else { Err(said) }
    })
    .await;

    stage.apply(&[role_without(&[Feature::Webhook, Feature::Edits], true)]).await;
    let agreed = async |before: &Value| {
        within(Duration::from_secs(90), "they share keys", async || {
            let [one, other] = fingerprints(sites).await;
            if one == other && one != *before { Ok(one) } else { Err(format!("{one} {other}")) }
        })
        .await
    };
    let shared = agreed(&Value::Null).await;
    let urls = shown(&first.admin).await;
    assert!(urls[0]["url"].is_string() && urls == shown(&second.admin).await, "{urls}");
    let secret = stage.object("secret", "nuncio-preview-keys").await;
    assert_eq!(secret["metadata"]["labels"]["app.kubernetes.io/managed-by"], "nuncio-previews");
    assert_eq!(secret["data"]["key"].as_str().unwrap().len(), 44, "32 bytes");
    assert!(!is_told(&first.admin).await && !is_told(&second.admin).await);
    // Whatever somebody writes there stays, and counts.
    let patch = json!({"stringData": {"key": "somebody's own sixteen bytes"}}).to_string();
    stage.kubectl(&["patch", "secret", "nuncio-preview-keys", "--patch", &patch]).await;
    let theirs = agreed(&shared).await;
    // One that is deleted is known on, as every Secret is that gateways use.
    stage.kubectl(&["delete", "secret", "nuncio-preview-keys"]).await;
    assert_eq!(agreed(&shared).await, theirs);
    first.stop().await;
    second.stop().await;
}

/// Nothing is left of the object that could say so.
#[tokio::test]
async fn that_somebody_deleted_a_preview_is_known_to_replicas_that_start() {
    let (stage, two) = (Stage::set().await, Site::new());
    stage.apply(&[role_without(&[Feature::Webhook, Feature::Edits], true)]).await;
    let own = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let policy = json!({"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any"});
    let preview = json!({"services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
        "entrypoints": [{"name": "web", "host": "shop.example"}]});
    stage.apply(&[own("PreviewPolicy", "previews", policy), own("Preview", "tax", preview)]).await;
    let first = Gateway::start_by(&stage.site, stage.up().arg("--allow-previews")).await;
    let url = eventually("it says where it is", async || {
        let shown = first.admin.list("previews").await;
        shown.first().and_then(|it| it["urls"][0]["url"].as_str().map(str::to_owned)).ok_or(format!("{shown:?}"))
    })
    .await;
    let host = url.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let says = async |site: &Site, status: u16| {
        eventually(&format!("{status}"), async || {
            let reply = Client::http(site.http()).send(&get(&host, "/app/")).await.unwrap();
            if reply.status == status { Ok(()) } else { Err(reply.status) }
        })
        .await;
    };
    stage.kubectl(&["delete", "preview", "tax"]).await;
    says(&stage.site, 410).await;
    eventually("it is kept", async || {
        let maps = stage.kubectl(&["get", "configmaps", "--output", "json"]).await;
        if maps.contains("nuncio-preview-tombstones") && maps.contains(&host) { Ok(()) } else { Err(maps) }
    })
    .await;
    // One that does not lead, and one that leads after it.
    let second = Gateway::start_by(&two, stage.up_at(&two).arg("--allow-previews")).await;
    says(&two, 410).await;
    first.stop().await;
    second.stop().await;
    let third = Gateway::start_by(&stage.site, stage.up().arg("--allow-previews")).await;
    says(&stage.site, 410).await;
    third.stop().await;
}
