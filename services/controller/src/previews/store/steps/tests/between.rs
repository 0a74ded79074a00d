//! What comes between the writes of one change.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// The manager under whose name it is written when one ends.
const END: &str = "nuncio-lifetime";
/// And all else.
const REST: &str = "nuncio-previews";

/// One that some have links to.
fn linked() -> Shared {
    let mut object = own("old", &json!({}));
    object["spec"]["access"] = json!({"mode": "ShareLink", "generation": 7});
    Server::of(Some(object))
}

fn meddle(server: &Shared, before: &'static str, other: Meddling) {
    server.lock().unwrap().meddle.push((before, other));
}

/// Whether all that comes between has come.
fn is_over(server: &Shared) -> bool {
    server.lock().unwrap().meddle.is_empty()
}

fn status() -> Meddling {
    Meddling::Writes(json!({"status": {"observedGeneration": 1}}))
}

/// As somebody decides who deletes it.
fn delete(_: Option<&Preview>, has_ended: bool) -> Result<Step, PreviewError> {
    Ok(if has_ended { Step::Stay } else { Step::End(None) })
}

fn has_end(server: &Shared) -> bool {
    object(server)["spec"]["lifetime"]["expiresAt"].is_string()
}

fn generation(server: &Shared) -> u64 {
    object(server)["spec"]["access"]["generation"].as_u64().unwrap()
}

#[tokio::test]
async fn what_is_deleted_has_ended_whatever_is_told_of_it_meanwhile() {
    let server = linked();
    for _ in 0..2 {
        meddle(&server, END, status());
    }
    let (result, seen) = change(&server, delete).await;
    assert_eq!((result, seen.len()), (Ok(PreviewOutcome::Deleted), 1), "it is decided once");
    assert!(is_over(&server));
    assert!(has_end(&server), "{}", object(&server));
    assert_eq!((generation(&server), &object(&server)["status"]["observedGeneration"]), (8, &json!(1)));
    // Where that does not end it is decided anew, and at last given up.
    let server = linked();
    server.lock().unwrap().meddle = vec![(END, status()); 100];
    let (result, seen) = change(&server, delete).await;
    assert!(matches!(result, Err(PreviewError::Conflict(_))) && seen.len() > 1, "{result:?}");
    assert!(generation(&server) > 7 && !has_end(&server), "{}", object(&server));
}

#[tokio::test]
async fn what_fails_half_way_is_done_by_who_deletes_it_again() {
    for before in [REST, END] {
        let server = linked();
        meddle(&server, before, Meddling::Fails);
        let (result, _) = change(&server, delete).await;
        assert!(matches!(result, Err(PreviewError::Conflict(_))), "{result:?}");
        assert!(!has_end(&server), "{before}: {}", object(&server));
        assert_eq!(change(&server, delete).await.0, Ok(PreviewOutcome::Deleted), "{before}");
        assert!(has_end(&server) && generation(&server) > 7, "{before}: {}", object(&server));
    }
}

/// One replica is told that a pull request was closed, and another that it was reopened since.
#[tokio::test]
async fn what_a_forge_ended_late_is_shown_still() {
    let (closed, reopened) = ("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
    let server = linked();
    let annotations = json!({"nuncio.dev/changed": reopened});
    let news = json!({"metadata": {"annotations": annotations}, "spec": {"source": {"updated": reopened}}});
    meddle(&server, END, Meddling::Writes(news));
    let decide = move |spec: Option<&Preview>, _| {
        let updated = spec.and_then(|spec| spec.source.as_ref()?.updated.as_deref());
        if updated > Some(closed) {
            return Ok(Step::Stay);
        }
        Ok(Step::End(Some(PreviewSource { updated: Some(closed.to_owned()), ..PreviewSource::default() })))
    };
    let (result, seen) = change(&server, decide).await;
    assert_eq!((result, seen.len()), (Ok(PreviewOutcome::Ignored), 2));
    let now = object(&server);
    assert!(!has_end(&server), "{now}");
    assert_eq!((&now["spec"]["source"]["updated"], &now["metadata"]["annotations"]), (&json!(reopened), &annotations));
}

#[tokio::test]
async fn what_was_made_anew_meanwhile_does_not_end_unasked() {
    let server = linked();
    meddle(&server, END, Meddling::Writes(json!({"metadata": {"uid": null}})));
    let asked = AtomicUsize::new(0);
    let refused = || PreviewError::Forbidden("none of yours".to_owned());
    let decide = move |_: Option<&Preview>, _| {
        if asked.fetch_add(1, Ordering::Relaxed) == 0 { Ok(Step::End(None)) } else { Err(refused()) }
    };
    let (result, seen) = change(&server, decide).await;
    assert_eq!((result, seen.len()), (Err(refused()), 2));
    assert!(!has_end(&server), "{}", object(&server));
}

/// It says no end any more, by a second write.
#[tokio::test]
async fn what_is_put_is_decided_once_whatever_is_told_of_it_meanwhile() {
    let sooner = clock::text(clock::now() + 600);
    let server = Server::of(Some(own("old", &json!({"expiresAt": sooner}))));
    meddle(&server, END, status());
    let (result, seen) = change(&server, |_, _| Ok(Step::Put(manifest("ours").into()))).await;
    assert_eq!((result, seen.len()), (Ok(PreviewOutcome::Updated), 1));
    assert!(is_over(&server), "it was never said that it has no end any more");
    let now = object(&server);
    assert_eq!((&now["spec"]["slug"], &now["status"]["observedGeneration"]), (&json!("ours"), &json!(1)));
}
