//! What is read of a Preview, and sent after others have changed it.

use super::*;
use crate::previews::read::{is_as_read, said};
use crate::previews::steps::keep_generation;

/// A directory with a Preview whose links are those of a generation, with this lifetime.
async fn with(directory: &Path, generation: u32, lifetime: &Value) -> Box<Mutex<Engine>> {
    std::fs::create_dir_all(directory.join("previews")).unwrap();
    let mut preview = preview(lifetime);
    preview["spec"]["access"] = json!({"mode": "ShareLink", "generation": generation});
    std::fs::write(directory.join("previews/default.tax.json"), preview.to_string()).unwrap();
    engine(directory).await
}

fn text_and_digest(engine: &Mutex<Engine>) -> (String, String) {
    let engine = lock(engine);
    let said = said(&engine, engine.files.object(&id()).unwrap()).unwrap();
    (said.text, said.digest)
}

fn is_refused(engine: &Mutex<Engine>, digest: &str) -> bool {
    let engine = lock(engine);
    let refused = is_as_read(&engine, engine.files.object(&id()).map(|object| &**object), digest);
    assert!(matches!(refused, Ok(()) | Err(PreviewError::Conflict(_))), "{refused:?}");
    refused.is_err()
}

#[tokio::test]
async fn who_sends_late_what_he_has_read_takes_back_no_withdrawal_and_no_extension() {
    let directory = tempfile::tempdir().unwrap();
    let (text, digest) = text_and_digest(&*with(directory.path(), 1, &json!({"ttl": "1h"})).await);
    let later = clock::text(clock::now() + 9 * 3600);
    let engine = with(directory.path(), 2, &json!({"ttl": "1h", "expiresAt": later})).await;
    assert_eq!(text_and_digest(&engine), (text.clone(), digest.clone()), "both stay where nobody says them");
    assert!(!is_refused(&engine, &digest));
    let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
    let mut manifest = Manifest::parse("default", "tax", &text).unwrap();
    manifest.spec.slug = Some("taxes".to_owned());
    let put = |now: Now<'_>| {
        let mut manifest = manifest.clone();
        keep_generation(&mut manifest.spec, now.spec());
        Ok(Step::Put(manifest.into()))
    };
    store.change(&engine, &id(), put).unwrap();
    let file = std::fs::read(directory.path().join("previews/default.tax.json")).unwrap();
    let spec = &serde_json::from_slice::<Value>(&file).unwrap()["spec"];
    assert_eq!((&spec["slug"], &spec["access"]["generation"]), (&json!("taxes"), &json!(2)), "{spec}");
    assert_eq!(spec["lifetime"]["expiresAt"], later, "{spec}");
}

#[tokio::test]
async fn an_end_that_its_author_says_is_read_and_another_one_is_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let [sooner, another] = [600, 900].map(|after| clock::text(clock::now() + after));
    // No other time ends the second.
    for lifetime in [json!({"ttl": "1h", "expiresAt": sooner}), json!({"expiresAt": sooner})] {
        let (text, digest) = text_and_digest(&*with(directory.path(), 0, &lifetime).await);
        assert!(text.contains(&sooner), "{text}");
        let mut changed = lifetime;
        changed["expiresAt"] = json!(another);
        assert!(is_refused(&*with(directory.path(), 0, &changed).await, &digest));
    }
}

#[tokio::test]
async fn what_was_read_of_one_that_ended_or_went_since_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (text, digest) = text_and_digest(&*with(directory.path(), 0, &json!({"ttl": "1h"})).await);
    let ended = with(directory.path(), 0, &json!({"ttl": "1h", "expiresAt": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(text_and_digest(&ended).0, text);
    assert!(is_refused(&ended, &digest));
    std::fs::remove_file(directory.path().join("previews/default.tax.json")).unwrap();
    assert!(is_refused(&*engine(directory.path()).await, &digest));
}

#[tokio::test]
async fn one_that_is_made_anew_takes_no_links_of_one_that_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("previews/default.tax.json");
    let mut wanted = preview(&json!({"ttl": "1h"}));
    wanted["spec"]["access"] = json!({"mode": "ShareLink"});
    let wanted = Manifest::parse("default", "tax", &wanted.to_string()).unwrap();
    let put = async || {
        let engine = engine(directory.path()).await;
        let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
        let decide = |now: Now<'_>| {
            let mut manifest = wanted.clone();
            keep_generation(&mut manifest.spec, now.spec());
            Ok(Step::Put(manifest.into()))
        };
        let outcome = store.change(&engine, &id(), decide).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        (outcome, written["spec"]["access"]["generation"].as_u64())
    };
    let before = clock::now();
    let (made, first) = put().await;
    assert_eq!(made, PreviewOutcome::Created);
    assert!(first >= Some(before) && first <= Some(clock::now()), "{first:?}");
    assert_eq!(put().await, (PreviewOutcome::Unchanged, first));
    // Links were withdrawn, and then it was taken away.
    drop(with(directory.path(), 1, &json!({"ttl": "1h"})).await);
    assert_eq!(put().await.1, Some(1));
    std::fs::remove_file(&file).unwrap();
    assert!(put().await.1 >= first);
}

#[tokio::test]
async fn who_deletes_one_closes_its_links_for_good_and_what_a_forge_ends_keeps_them() {
    let directory = tempfile::tempdir().unwrap();
    for (source, generation) in [(None, 2), (Some(PreviewSource::default()), 1)] {
        drop(with(directory.path(), 1, &json!({"ttl": "1h"})).await);
        // Deleted again it stays as it is, and so it does where it is brought back.
        for (step, outcome) in [
            (Step::End(source), PreviewOutcome::Deleted),
            (Step::End(None), PreviewOutcome::Ignored),
            (Step::Extend(None), PreviewOutcome::Updated),
        ] {
            let engine = engine(directory.path()).await;
            let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
            assert_eq!(store.change(&engine, &id(), |_| Ok(step.clone())), Ok(outcome));
            let file = std::fs::read(directory.path().join("previews/default.tax.json")).unwrap();
            let written: Value = serde_json::from_slice(&file).unwrap();
            assert_eq!(written["spec"]["access"]["generation"], generation, "{step:?}: {written}");
        }
    }
}

#[tokio::test]
async fn links_to_one_that_has_ended_are_withdrawn_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let over = "2020-01-01T00:00:00Z";
    let engine = with(directory.path(), 1, &json!({"expiresAt": over})).await;
    let store = Store::unfollowed(directory.path().to_owned(), "default".to_owned());
    assert_eq!(store.change(&engine, &id(), |_| Ok(Step::Withdraw)), Ok(PreviewOutcome::Updated));
    let file = std::fs::read(directory.path().join("previews/default.tax.json")).unwrap();
    let spec = &serde_json::from_slice::<Value>(&file).unwrap()["spec"];
    assert_eq!((&spec["access"]["generation"], &spec["lifetime"]["expiresAt"]), (&json!(2), &json!(over)), "{spec}");
}
