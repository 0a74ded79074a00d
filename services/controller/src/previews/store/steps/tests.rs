mod between;
mod read;
mod server;

use std::path::Path;

use nuncio_api::Kind;
use serde_json::{Value, json};

use self::server::{Meddling, Server, Shared, replica};
use super::*;
use crate::manifests::Manifests;
use crate::offline::{OfflineConfig, load};

fn id() -> ObjectId {
    ObjectId::new(Kind::Preview, "default", "tax")
}

fn preview(lifetime: &Value) -> Value {
    json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": "tax", "namespace": "default"},
        "spec": {"services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
            "entrypoints": [{"name": "web", "host": "shop.example"}], "lifetime": lifetime}})
}

fn manifest(slug: &str) -> Manifest {
    let mut manifest = Manifest::parse("default", "tax", &preview(&json!({})).to_string()).unwrap();
    manifest.spec.slug = Some(slug.to_owned());
    manifest
}

/// What a gateway knows that has read a directory with a policy, and of Previews what is in there.
async fn engine(directory: &Path) -> Box<Mutex<Engine>> {
    let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"},
        "spec": {"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any"}});
    std::fs::write(directory.join("policy.yaml"), policy.to_string()).unwrap();
    let config = OfflineConfig {
        ambassador_id: "default".to_owned(),
        namespace: "default".to_owned(),
        expand_environment: false,
        topology: nuncio_translate::Topology::default(),
    };
    let read = Box::pin(load(&Manifests::Directory(directory.to_owned()), &config)).await.unwrap();
    Box::new(Mutex::new(read.into_parts().1))
}

/// Changes the Preview as a replica whose watch has told it of none, and gives what it was told before each decision.
async fn change(
    server: &Shared,
    decide: impl Fn(Option<&Preview>, bool) -> Result<Step, PreviewError> + Send + 'static,
) -> (Result<PreviewOutcome, PreviewError>, Vec<Option<String>>) {
    let (directory, store) = (tempfile::tempdir().unwrap(), replica(server));
    let engine = engine(directory.path()).await;
    let changed = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        let result = store.change(&engine, &id(), |now| {
            seen.push(now.spec().map(|spec| spec.slug.clone().unwrap_or_default()));
            decide(now.spec(), now.times.has_ended)
        });
        (result, seen)
    });
    changed.await.unwrap()
}

fn own(slug: &str, lifetime: &Value) -> Value {
    let mut object = preview(lifetime);
    object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "nuncio-previews"});
    object["spec"]["slug"] = json!(slug);
    object
}

fn object(server: &Shared) -> Value {
    server.lock().unwrap().object.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_replica_that_has_not_seen_a_preview_decides_by_what_the_api_server_has() {
    // Of one that another has ended.
    let server = Server::of(Some(own("old", &json!({"expiresAt": "2020-01-01T00:00:00Z"}))));
    let decide = |spec: Option<&Preview>, has_ended| {
        assert!(spec.is_some() && has_ended);
        Ok(Step::Stay)
    };
    assert_eq!(change(&server, decide).await.0, Ok(PreviewOutcome::Ignored));
    // It ends one that it does not know of.
    let server = Server::of(Some(own("old", &json!({}))));
    assert_eq!(change(&server, |_, _| Ok(Step::End(None))).await.0, Ok(PreviewOutcome::Deleted));
    assert!(object(&server)["spec"]["lifetime"]["expiresAt"].is_string(), "{}", object(&server));
    // And leaves alone what somebody made by hand.
    let server = Server::of(Some(preview(&json!({"ttl": "1h"}))));
    let before = object(&server);
    for step in [Step::Put(manifest("new").into()), Step::End(None), Step::Remove] {
        let (result, _) = change(&server, move |_, _| Ok(step.clone())).await;
        assert!(
            matches!(&result, Err(PreviewError::Conflict(why)) if why.contains("not made by a request")),
            "{result:?}"
        );
    }
    assert_eq!(object(&server), before);
}

#[tokio::test]
async fn where_another_replica_was_faster_it_is_decided_anew() {
    let decide = |spec: Option<&Preview>, _| {
        let is_others = spec.is_some_and(|spec| spec.slug.as_deref() == Some("theirs"));
        if is_others {
            Err(PreviewError::Forbidden("none of yours".to_owned()))
        } else {
            Ok(Step::Put(manifest("ours").into()))
        }
    };
    let refused = Err(PreviewError::Forbidden("none of yours".to_owned()));
    let theirs = own("theirs", &json!({}));
    for before in [None, Some(own("old", &json!({}))), Some(own("old", &json!({"expiresAt": "2020-01-01T00:00:00Z"})))]
    {
        let server = Server::of(before.clone());
        server.lock().unwrap().meddle.push(("", Meddling::Makes(theirs.clone())));
        let (result, seen) = change(&server, decide).await;
        assert_eq!((result, &seen[1]), (refused.clone(), &Some("theirs".to_owned())), "{before:?}");
        assert_eq!(object(&server)["spec"]["slug"], "theirs");
        // Undisturbed it is done.
        let server = Server::of(before);
        change(&server, decide).await.0.unwrap();
        assert_eq!(object(&server)["spec"]["slug"], "ours");
    }
    // Whoever is always faster keeps it from coming to an end, but not for ever.
    let server = Server::of(Some(own("old", &json!({}))));
    server.lock().unwrap().meddle = vec![("", Meddling::Makes(own("old", &json!({})))); 100];
    let (result, seen) = change(&server, decide).await;
    assert!(matches!(result, Err(PreviewError::Conflict(_))) && seen.len() < 100, "{result:?}");
}

#[tokio::test]
async fn what_has_begun_anew_since_it_was_found_to_have_ended_stays() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("previews")).unwrap();
    let file = directory.path().join("previews/default.tax.json");
    for (lifetime, goes) in [(json!({"ttl": "1h"}), false), (json!({"expiresAt": "2020-01-01T00:00:00Z"}), true)] {
        std::fs::write(&file, preview(&lifetime).to_string()).unwrap();
        let engine = engine(directory.path()).await;
        let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
        assert!(lock(&engine).files.object(&id()).is_some());
        let decide = |now: Now<'_>| Ok(if now.times.is_forgotten { Step::Remove } else { Step::Stay });
        store.change(&engine, &id(), decide).unwrap();
        assert_eq!(file.exists(), !goes, "{lifetime}");
    }
}

#[tokio::test]
async fn a_later_end_stays_where_what_is_put_says_none() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("previews")).unwrap();
    let file = directory.path().join("previews/default.tax.json");
    let later = clock::text(clock::now() + 9 * 3600);
    let sooner = clock::text(clock::now() + 600);
    for (given, put, kept) in [
        (&later, json!({"ttl": "1h"}), true),
        (&later, json!({"ttl": "1h", "expiresAt": sooner}), false),
        (&sooner, json!({"ttl": "1h"}), false),
        (&later, json!({}), false),
    ] {
        std::fs::write(&file, preview(&json!({"ttl": "1h", "expiresAt": given})).to_string()).unwrap();
        let engine = engine(directory.path()).await;
        let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
        let manifest = Manifest::parse("default", "tax", &preview(&put).to_string()).unwrap();
        store.change(&engine, &id(), |_| Ok(Step::Put(manifest.clone().into()))).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(written["spec"]["lifetime"]["expiresAt"] == **given, kept, "{given} {put}: {written}");
    }
}

/// A life that counts from the last change is no longer by what is noted of the source.
#[tokio::test]
async fn news_of_a_source_are_no_change_of_what_is_said() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("previews")).unwrap();
    let file = directory.path().join("previews/default.tax.json");
    let before = "2026-01-01T00:00:00Z";
    let mut old = preview(&json!({"ttl": "1h", "from": "Changed"}));
    old["metadata"]["annotations"] = json!({"nuncio.dev/changed": before});
    old["spec"]["source"] = json!({"commit": "a"});
    let with = |source: Value| {
        let mut manifest = Manifest::parse("default", "tax", &old.to_string()).unwrap();
        manifest.spec.source = serde_json::from_value(source).unwrap();
        manifest
    };
    let noted = with(json!({"commit": "b", "updated": "2026-01-02T00:00:00Z"})).spec.source;
    for (step, keeps) in [
        (Step::End(noted), true),
        // It has ended, and begins anew.
        (Step::Put(with(json!({"commit": "a"})).into()), false),
    ] {
        std::fs::write(&file, old.to_string()).unwrap();
        let engine = engine(directory.path()).await;
        let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
        store
            .change(&engine, &id(), |now| {
                assert!(now.times.has_ended);
                Ok(step.clone())
            })
            .unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(written["metadata"]["annotations"]["nuncio.dev/changed"] == before, keeps, "{step:?}: {written}");
    }
    // One that is shown.
    old["spec"]["lifetime"] = json!({"ttl": "999999h", "from": "Changed"});
    let with = |source: Value| {
        let mut manifest = Manifest::parse("default", "tax", &old.to_string()).unwrap();
        manifest.spec.source = serde_json::from_value(source).unwrap();
        manifest
    };
    for (source, keeps) in
        [(json!({"commit": "a", "updated": "2026-01-02T00:00:00Z"}), true), (json!({"commit": "b"}), false)]
    {
        std::fs::write(&file, old.to_string()).unwrap();
        let engine = engine(directory.path()).await;
        let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
        store.change(&engine, &id(), |_| Ok(Step::Put(with(source.clone()).into()))).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(written["spec"]["source"], source);
        assert_eq!(written["metadata"]["annotations"]["nuncio.dev/changed"] == before, keeps, "{source}: {written}");
    }
}
