//! Which Secrets are read, and which are not.

use super::*;

fn files(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn item(name: &str, digest: u128) -> Fetched {
    Ok(Item { file: name.into(), digest, bytes: b"{}".to_vec(), status: (0, serde_json::Value::Null) })
}

fn name() -> Arc<str> {
    "tls".into()
}

/// The only Secret that is to be fetched.
fn due(secrets: &mut Secrets) -> Fetch {
    let [fetch] = &secrets.take_due(8)[..] else { panic!("{secrets:?}") };
    assert_eq!(fetch.file, name());
    fetch.clone()
}

/// A book in which one Secret was fetched in version 1.
fn with_one() -> Secrets {
    let mut secrets = Secrets::default();
    assert_eq!(secrets.want(files(&["tls"])), []);
    let fetch = due(&mut secrets);
    assert!(!secrets.is_answered());
    let (change, retry) = secrets.fetched(&fetch, item("tls", 1));
    assert_eq!((change.unwrap().content, retry), (Content::Json(b"{}".to_vec()), None));
    assert!(secrets.is_answered() && !secrets.is_due());
    secrets
}

#[test]
fn what_nobody_wants_is_not_fetched() {
    let mut secrets = with_one();
    secrets.seen(&"other".into(), 7);
    secrets.gone(&"other".into());
    assert!(!secrets.is_due());
}

#[test]
fn a_version_that_is_known_is_not_fetched_again() {
    let mut secrets = with_one();
    secrets.seen(&name(), 1);
    assert!(!secrets.is_due());
    secrets.seen(&name(), 2);
    let fetch = due(&mut secrets);
    secrets.seen(&name(), 3);
    assert!(!secrets.is_due(), "one fetch at a time");
    assert!(secrets.fetched(&fetch, item("tls", 2)).0.is_some());
    let again = due(&mut secrets);
    assert_eq!(secrets.fetched(&again, item("tls", 2)), (None, None), "it changed meanwhile");
}

#[test]
fn one_that_is_deleted_stays_with_a_problem_until_it_is_back() {
    let mut secrets = with_one();
    secrets.gone(&name());
    let fetch = due(&mut secrets);
    let (change, _) = secrets.fetched(&fetch, Err(Failure::Missing));
    assert_eq!(change.unwrap().content, Content::Unreadable("the Secret was deleted".to_owned()));
    secrets.begin();
    secrets.end();
    assert!(!secrets.is_due(), "that it is gone is known");
    secrets.seen(&name(), 1);
    let fetch = due(&mut secrets);
    assert!(matches!(secrets.fetched(&fetch, item("tls", 1)).0.unwrap().content, Content::Json(_)));
}

#[test]
fn one_that_a_listing_lacks_is_looked_at() {
    let mut secrets = with_one();
    secrets.begin();
    secrets.seen(&name(), 1);
    secrets.end();
    assert!(!secrets.is_due());
    secrets.begin();
    secrets.end();
    due(&mut secrets);
}

#[test]
fn one_that_is_wanted_no_more_is_gone() {
    let mut secrets = with_one();
    secrets.seen(&name(), 2);
    let late = due(&mut secrets);
    let gone = FileChange { file: name(), content: Content::Gone };
    assert_eq!(secrets.want(files(&[])), [gone]);
    assert_eq!(secrets.fetched(&late, item("tls", 2)), (None, None), "late answers do not count");
    assert_eq!(secrets.want(files(&["tls"])), []);
    let fetch = due(&mut secrets);
    assert_eq!(secrets.fetched(&late, item("tls", 2)), (None, None), "not for what is wanted anew either");
    assert!(secrets.fetched(&fetch, item("tls", 3)).0.is_some());
    secrets.want(files(&["new"]));
    assert_eq!(secrets.want(files(&[])), [], "what was never there is not gone");
}

#[test]
fn one_that_is_missing_is_answered_and_fetched_once_it_comes() {
    let mut secrets = Secrets::default();
    secrets.want(files(&["tls"]));
    let fetch = due(&mut secrets);
    assert_eq!(secrets.fetched(&fetch, Err(Failure::Missing)), (None, None));
    assert!(secrets.is_answered());
    secrets.seen(&name(), 4);
    due(&mut secrets);
}

#[test]
fn failures_are_tried_again_ever_less_often_and_a_refusal_is_said_once() {
    let mut secrets = Secrets::default();
    secrets.want(files(&["tls"]));
    let mut fails = |failure: Failure| {
        secrets.retry(&name());
        let fetch = due(&mut secrets);
        let (change, retry) = secrets.fetched(&fetch, Err(failure));
        (change.map(|change| change.content), retry.unwrap().as_secs(), secrets.is_answered())
    };
    assert_eq!(fails(Failure::Lost("reset".to_owned())), (None, 2, false));
    let denied = || Failure::Denied("no".to_owned());
    assert_eq!(fails(denied()), (Some(Content::Unreadable("no".to_owned())), 4, true));
    for wait in [8, 16, 32, 60, 60] {
        assert_eq!(fails(denied()), (None, wait, true));
    }
    secrets.retry(&name());
    let fetch = due(&mut secrets);
    assert!(secrets.fetched(&fetch, item("tls", 1)).0.is_some());
    secrets.retry(&name());
    let fetch = due(&mut secrets);
    assert_eq!(secrets.fetched(&fetch, Err(denied())).1, Some(FIRST_WAIT), "it had worked");
}
