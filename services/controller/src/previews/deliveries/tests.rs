use std::path::Path;
use std::sync::Arc;

use nuncio_auth::crypto::{hex, hmac_sha256};
use serde_json::{Value, json};

use super::super::peers::Peers;
use super::super::store::Store;
use super::super::tunnel;
use super::*;
use crate::admin::{Caller, PutPreview};
use crate::clock;
use crate::engine::fixture;
use crate::source::{Content, FileChange};

const KEY: &str = "it is a test";

/// Who looks after the Previews of a directory.
pub(in crate::previews) fn lifecycle(directory: &Path) -> Lifecycle {
    Lifecycle {
        store: Store::unfollowed(directory.to_owned(), "default".to_owned()),
        handled: Mutex::default(),
        deliveries: Semaphore::new(MOST_AT_ONCE),
        tunnels: tunnel::tests::tunnels().0.into(),
        envoy: None,
        probing: Arc::default(),
        watching: Mutex::default(),
        peers: Peers::default(),
        keys: None,
        tombstones: None,
    }
}

/// A policy with repositories of these names, whose webhooks are signed with this.
fn rules(repositories: &[&str], key: &str) -> FileChange {
    let preview = json!({"name": "cart-pr-{number}", "access": {"mode": "Public"},
        "services": [{"baseline": "cart", "backend": "cart-{commit}:8080"}],
        "entrypoints": [{"name": "web", "host": "shop.example"}]});
    let repository = |name: &&str| {
        json!({"provider": "GitHub", "name": name, "namespace": "default", "secretName": "forge",
            "preview": preview})
    };
    let repositories: Vec<_> = repositories.iter().map(repository).collect();
    let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"},
        "spec": {"domain": "preview.example", "namespaces": ["default"], "hosts": ["shop.example"],
            "access": ["Public"], "backends": "Any", "repositories": repositories}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "forge"},
        "type": "Opaque", "stringData": {"webhook": key}});
    let text = format!("{policy}\n---\n{secret}\n");
    FileChange { file: "policy.yaml".into(), content: Content::Bytes(text.into_bytes()) }
}

/// What GitHub tells of a pull request that was opened just now, signed.
fn opened(number: u64) -> Delivery {
    let repository = json!({"full_name": "acme/cart"});
    let body: Value = json!({"action": "opened", "number": number, "repository": repository, "pull_request": {
        "number": number, "state": "open", "updated_at": clock::text(clock::now()), "labels": [],
        "head": {"ref": "fix/tax", "sha": "9f3c9f3c", "repo": repository}}});
    let body = body.to_string();
    let signature = format!("sha256={}", hex(&hmac_sha256(KEY.as_bytes(), body.as_bytes())));
    Delivery { provider: "github".to_owned(), event: "pull_request".to_owned(), signature, body }
}

/// By when its turn has come.
fn soon() -> Instant {
    Instant::now() + PATIENCE
}

#[test]
fn what_was_verified_waits_for_a_place() {
    let places = Semaphore::new(1);
    let held = place(&places, Duration::ZERO).unwrap();
    assert!(matches!(place(&places, LOOK), Err(PreviewError::Busy(_))));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| place(&places, PATIENCE).map(drop));
        std::thread::sleep(LOOK);
        drop(held);
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_delivery_is_handled_by_the_policy_and_the_secret_of_when_its_turn_comes() {
    let directory = tempfile::tempdir().unwrap();
    let lifecycle = lifecycle(directory.path());
    let engine = Mutex::new(fixture::engine());
    let now = |rules: FileChange| drop(lock(&engine).ingest(vec![rules], Instant::now()));
    let file = |number: u64| directory.path().join(format!("previews/default.cart-pr-{number}.json"));

    now(rules(&["acme/cart"], KEY));
    let first = opened(1);
    let wanted = asked(&engine, &first).unwrap().unwrap();
    let done = lifecycle.follow(&engine, &first, &wanted, soon()).unwrap();
    assert_eq!(done.outcome, PreviewOutcome::Created, "{}", done.why);
    assert!(file(1).exists());

    for (number, changed) in [(2, rules(&["acme/cart"], "another")), (3, rules(&["acme/web"], KEY))] {
        now(rules(&["acme/cart"], KEY));
        let delivery = opened(number);
        let wanted = asked(&engine, &delivery).unwrap().unwrap();
        now(changed);
        let refused = lifecycle.follow(&engine, &delivery, &wanted, soon());
        assert!(matches!(refused, Err(PreviewError::Unauthorized(_))), "{number}: {refused:?}");
        assert!(!file(number).exists(), "{number}");
    }
}

#[test]
fn a_delivery_whose_turn_comes_too_late_is_not_begun() {
    let directory = tempfile::tempdir().unwrap();
    let (lifecycle, engine) = (lifecycle(directory.path()), Mutex::new(fixture::engine()));
    lock(&engine).ingest(vec![rules(&["acme/cart"], KEY)], Instant::now());
    let delivery = opened(1);
    let wanted = asked(&engine, &delivery).unwrap().unwrap();
    let late = lifecycle.follow(&engine, &delivery, &wanted, Instant::now());
    assert!(matches!(late, Err(PreviewError::Busy(_))), "{late:?}");
    assert!(!directory.path().join("previews").exists());
    // It was noted nowhere: sent again it is news.
    let done = lifecycle.follow(&engine, &delivery, &wanted, soon()).unwrap();
    assert_eq!(done.outcome, PreviewOutcome::Created, "{}", done.why);
}

#[test]
fn what_may_be_anothers_since_it_is_not_valid_is_kept_from_jobs_and_webhooks() {
    let directory = tempfile::tempdir().unwrap();
    let (lifecycle, engine) = (lifecycle(directory.path()), Mutex::new(fixture::engine()));
    let preview = |mode: &str| {
        let spec = json!({"access": {"mode": mode}, "services": [{"baseline": "cart", "backend": "127.0.0.1:9"}],
            "entrypoints": [{"name": "web", "host": "shop.example"}]});
        json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview",
            "metadata": {"name": "cart-pr-1", "namespace": "default"}, "spec": spec})
        .to_string()
    };
    let file = "previews/default.cart-pr-1.json";
    let there = FileChange { file: file.into(), content: Content::Bytes(preview("Nobody").into_bytes()) };
    lock(&engine).ingest(vec![rules(&["acme/cart"], KEY), there], Instant::now());

    let issuer = "https://token.actions.githubusercontent.com".to_owned();
    let job = Caller { subject: "repo:acme/cart:pull_request".into(), issuer, ..Caller::default() };
    let put = |by: Option<&Caller>| {
        let (namespace, name, text) = ("default".to_owned(), "cart-pr-1".to_owned(), preview("Public"));
        let (only_new, only_allowed, digest) = (false, false, None);
        let wanted = PutPreview { namespace, name, text, only_new, only_allowed, digest, by: by.cloned() };
        lifecycle.put(&engine, &wanted)
    };
    let delivery = opened(1);
    let wanted = asked(&engine, &delivery).unwrap().unwrap();
    for refused in [put(Some(&job)), lifecycle.follow(&engine, &delivery, &wanted, soon())] {
        let is_said = matches!(&refused, Err(PreviewError::Forbidden(why)) if why.contains("is not valid"));
        assert!(is_said && !directory.path().join(file).exists(), "{refused:?}");
    }
    // Who may change all of the namespace puts another there.
    put(None).unwrap();
    assert!(directory.path().join(file).exists());
}
