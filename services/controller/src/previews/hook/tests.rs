mod forks;

use nuncio_api::{PreviewTemplate, TemplateService};
use nuncio_auth::crypto::{hex, hmac_sha256};
use serde_json::{Value, json};

use super::*;

const KEY: &str = "it is a test";

fn repositories() -> Vec<PreviewRepository> {
    let service =
        TemplateService { baseline: "cart".into(), backend: "cart-{commit}:8080".into(), ..TemplateService::default() };
    let preview = PreviewTemplate {
        name: "cart-{number}-{branch}".into(),
        services: vec![service],
        ..PreviewTemplate::default()
    };
    [Forge::GitHub, Forge::GitLab]
        .map(|forge| PreviewRepository {
            provider: Some(forge),
            name: "acme/cart".into(),
            namespace: "shop".into(),
            secret_name: Some("cart".into()),
            preview: Some(preview.clone()),
            ..PreviewRepository::default()
        })
        .into()
}

fn secret() -> Secret {
    Secret { data: [("webhook".to_owned(), format!("{KEY}\n").into_bytes().into())].into(), ..Secret::default() }
}

fn github(change: impl FnOnce(&mut Value)) -> Value {
    let repository = json!({ "full_name": "acme/cart" });
    let mut event = json!({ "action": "opened", "number": 42, "repository": repository, "pull_request": {
        "number": 42, "state": "open", "updated_at": "2026-11-29T06:00:00Z", "labels": [],
        "head": { "ref": "fix/Tax", "sha": "9f3c", "repo": repository } } });
    change(&mut event);
    event
}

fn gitlab(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({ "object_kind": "merge_request", "project": { "path_with_namespace": "acme/cart" },
        "labels": [], "object_attributes": { "iid": 7, "state": "opened", "source_branch": "tax", "action": "open",
        "source_project_id": 1, "target_project_id": 1, "last_commit": { "id": "ab12" },
        "updated_at": "2026-11-29 06:00:00 UTC" } });
    change(&mut event);
    event
}

fn tag(key: &str, body: &str) -> String {
    format!("sha256={}", hex(&hmac_sha256(key.as_bytes(), body.as_bytes())))
}

fn deliver(provider: &str, event: &str, body: &Value, signature: impl Fn(&str) -> String) -> Delivery {
    let body = body.to_string();
    Delivery { provider: provider.into(), event: event.into(), signature: signature(&body), body }
}

fn asked(delivery: &Delivery) -> Result<Result<Wanted, String>, PreviewError> {
    let secret = secret();
    read(delivery, &repositories(), |_| Some(&secret))
}

fn from_github(change: impl FnOnce(&mut Value)) -> Wanted {
    asked(&deliver("github", "pull_request", &github(change), |body| tag(KEY, body))).unwrap().unwrap()
}

#[test]
fn a_pull_request_becomes_a_preview_by_the_template() {
    let wanted = from_github(|_| ());
    assert_eq!(wanted.manifest.id, ObjectId::new(Kind::Preview, "shop", "cart-42-fix-tax-1320da7f"));
    assert_eq!(wanted.manifest.spec.services[0].backend.to_string(), "cart-9f3c:8080");
    assert_eq!(wanted.judged(None).1, None);
    let source = wanted.manifest.spec.source.unwrap();
    assert_eq!((source.branch.as_deref(), source.pull_request), (Some("fix/Tax"), Some(42)));
    assert!(from_github(|event| event["pull_request"]["state"] = json!("closed")).judged(None).1.is_some());

    let hook = deliver("gitlab", "Merge Request Hook", &gitlab(|_| ()), |_| KEY.into());
    let wanted = asked(&hook).unwrap().unwrap();
    assert_eq!(
        (&*wanted.manifest.id.name, wanted.updated.to_string()),
        ("cart-7-tax", "2026-11-29T06:00:00Z".to_owned())
    );
    let closed = gitlab(|event| event["object_attributes"]["state"] = json!("merged"));
    let closed = deliver("gitlab", "Merge Request Hook", &closed, |_| KEY.into());
    assert!(asked(&closed).unwrap().unwrap().judged(None).1.is_some());
}

#[test]
fn nothing_is_believed_that_is_not_signed() {
    let body = github(|_| ());
    let signatures: [fn(&str) -> String; 6] = [
        |_| String::new(),
        |_| "sha256=".into(),
        |_| "sha256=xyz".into(),
        |body| tag("another key", body),
        |body| tag(KEY, body)[7..].to_owned(),
        |body| tag(KEY, &body.replace("opened", "closed")),
    ];
    for signature in signatures {
        let refused = asked(&deliver("github", "pull_request", &body, signature)).unwrap_err();
        assert!(matches!(refused, PreviewError::Unauthorized(_)), "{refused}");
    }
    let unknown = github(|event| event["repository"]["full_name"] = json!("acme/other"));
    asked(&deliver("github", "pull_request", &unknown, |body| tag(KEY, body))).unwrap_err();
    // A repository of the one forge is none of the other.
    asked(&deliver("gitlab", "Merge Request Hook", &body, |_| KEY.into())).unwrap_err();
    asked(&deliver("gitlab", "Merge Request Hook", &gitlab(|_| ()), |_| String::new())).unwrap_err();
    let none = |_: &PreviewRepository| None;
    read(&deliver("gitlab", "Merge Request Hook", &gitlab(|_| ()), |_| KEY.into()), &repositories(), none).unwrap_err();
}

#[test]
fn githubs_documented_example_is_signed() {
    assert!(github::is_signed(
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "Hello, World!",
        "It's a Secret to Everybody",
    ));
}

#[test]
fn what_is_no_pull_request_is_passed_over() {
    let ping = deliver("github", "ping", &json!({ "repository": { "full_name": "acme/cart" } }), |body| tag(KEY, body));
    assert!(asked(&ping).unwrap().unwrap_err().contains("ping"));
    let broken = github(|event| event["pull_request"] = json!({ "number": "42" }));
    let broken = asked(&deliver("github", "pull_request", &broken, |body| tag(KEY, body))).unwrap_err();
    assert!(matches!(broken, PreviewError::Invalid(_)), "{broken}");
}

#[test]
fn what_is_replayed_is_known_by_its_age() {
    let mut handled = Handled::default();
    let at = |time: &str| from_github(|event| event["pull_request"]["updated_at"] = json!(time));
    let (opened, closed) = (at("2026-11-29T06:00:00Z"), at("2026-11-29T06:00:00.5Z"));
    handled.is_news(&opened).unwrap();
    handled.note(&closed);
    handled.is_news(&opened).unwrap_err();
    handled.is_news(&closed).unwrap();
    // Elsewhere it is another, whatever it is called.
    let mut elsewhere = opened.clone();
    elsewhere.repository.api = Some("https://github.example/api/v3".into());
    handled.is_news(&elsewhere).unwrap();
    let mut elsewhere = opened.clone();
    elsewhere.repository.namespace = "team".into();
    handled.is_news(&elsewhere).unwrap();

    // What is forgotten is not taken for news: it may be what it was.
    let mut few = Handled::of(1);
    let other = |time: &str| {
        from_github(|event| {
            event["pull_request"]["number"] = json!(43);
            event["pull_request"]["updated_at"] = json!(time);
        })
    };
    few.note(&closed);
    few.note(&other("2026-11-29T06:00:01Z"));
    few.is_news(&closed).unwrap_err();
    few.is_news(&at("2026-11-29T06:00:02Z")).unwrap();

    // And by what the Preview says of its source, whoever has written that down.
    let source = |updated: &str| PreviewSource { updated: Some(updated.into()), ..PreviewSource::default() };
    assert!(opened.is_known_by(Some(&source("2026-11-29T07:00:01+01:00")), false).is_some());
    assert!(opened.is_known_by(Some(&source("2026-11-29T06:00:00Z")), true).is_some(), "the end is the last word");
    for news in
        [source("2026-11-29T06:00:00Z"), source("2026-11-29T05:59:59.9Z"), source("soon"), PreviewSource::default()]
    {
        assert_eq!(opened.is_known_by(Some(&news), false), None, "{news:?}");
    }
    let hours = |hours| opened.updated + SignedDuration::from_hours(hours);
    assert!(opened.is_stale(hours(25)).is_some() && opened.is_stale(hours(23)).is_none());
    let known = source("2026-11-29T06:00:00Z");
    assert!(may_come_again(Some(&known), hours(23)) && !may_come_again(Some(&known), hours(25)));
    assert!(!may_come_again(None, hours(1)) && !may_come_again(Some(&PreviewSource::default()), hours(1)));
}

/// Somebody may have deleted it, or its time is over.
#[test]
fn what_has_ended_begins_anew_by_a_commit_or_when_somebody_wants_it() {
    let of = |action: &str, commit: &str, label: &str| {
        from_github(|event| {
            event["action"] = json!(action);
            event["label"] = json!({ "name": label });
            event["pull_request"]["head"]["sha"] = json!(commit);
        })
    };
    let source = PreviewSource { commit: Some("9f3c".into()), ..PreviewSource::default() };
    for (action, commit, label, stays) in [
        ("edited", "9f3c", "", true),
        ("assigned", "9f3c", "", true),
        ("labeled", "9f3c", "bug", true),
        ("unlabeled", "9f3c", "preview", true),
        ("labeled", "9f3c", "preview", false),
        ("reopened", "9f3c", "", false),
        ("opened", "9f3c", "", false),
        ("synchronize", "beef", "", false),
    ] {
        assert_eq!(of(action, commit, label).leaves_ended(Some(&source)).is_some(), stays, "{action} {commit} {label}");
    }
    let merge = |action: &str| {
        let event = gitlab(|event| event["object_attributes"]["action"] = json!(action));
        asked(&deliver("gitlab", "Merge Request Hook", &event, |_| KEY.into())).unwrap().unwrap()
    };
    let source = PreviewSource { commit: Some("ab12".into()), ..PreviewSource::default() };
    for (action, stays) in [("update", true), ("approved", true), ("reopen", false), ("open", false)] {
        assert_eq!(merge(action).leaves_ended(Some(&source)).is_some(), stays, "{action}");
    }
}
