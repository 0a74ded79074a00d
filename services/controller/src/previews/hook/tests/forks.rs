//! Pull requests of forks.

use super::*;

fn of_fork(event: &mut Value) {
    event["pull_request"]["head"]["repo"]["full_name"] = json!("eve/cart");
}

fn with_label(event: &mut Value) {
    of_fork(event);
    event["pull_request"]["labels"] = json!([{ "name": "bug" }, { "name": "preview" }]);
}

fn labelled(event: &mut Value) {
    with_label(event);
    event["action"] = json!("labeled");
    event["label"] = json!({ "name": "preview" });
}

#[test]
fn a_fork_needs_a_label() {
    let unwanted = |wanted: Wanted| wanted.judged(None).1;
    let deleted = |event: &mut Value| event["pull_request"]["head"]["repo"] = Value::Null;
    assert!(unwanted(from_github(of_fork)).unwrap().contains("label preview"));
    assert!(unwanted(from_github(deleted)).is_some());
    assert_eq!(unwanted(from_github(labelled)), None);
    let other = |event: &mut Value| {
        labelled(event);
        event["label"]["name"] = json!("bug");
    };
    assert!(unwanted(from_github(other)).is_some(), "another label says nothing of the commit");
    let taken = |event: &mut Value| {
        labelled(event);
        event["action"] = json!("unlabeled");
    };
    assert!(unwanted(from_github(taken)).is_some());

    let fork = |change: fn(&mut Value)| {
        let event = gitlab(|event| {
            event["object_attributes"]["source_project_id"] = json!(2);
            change(event);
        });
        asked(&deliver("gitlab", "Merge Request Hook", &event, |_| KEY.into())).unwrap().unwrap()
    };
    assert!(unwanted(fork(|_| ())).is_some());
    assert!(unwanted(fork(|event| event["labels"] = json!([{ "title": "preview" }]))).is_some());
    let labelled = |event: &mut Value| {
        event["labels"] = json!([{ "title": "preview" }]);
        event["changes"] = json!({ "labels": { "previous": [], "current": [{ "title": "preview" }] } });
    };
    assert_eq!(unwanted(fork(labelled)), None);
    let kept = |event: &mut Value| {
        event["labels"] = json!([{ "title": "preview" }]);
        event["changes"] = json!({ "labels": { "previous": [{ "title": "preview" }],
            "current": [{ "title": "preview" }, { "title": "bug" }] } });
    };
    assert!(unwanted(fork(kept)).is_some());
}

#[test]
fn a_label_is_for_the_commit_that_a_fork_had_when_it_got_it() {
    let source = |wanted: Wanted, old: Option<&PreviewSource>| {
        let (manifest, unwanted) = wanted.judged(old);
        (manifest.spec.source.unwrap(), unwanted)
    };
    let (first, unwanted) = source(from_github(labelled), None);
    assert_eq!((first.fork, first.approved.as_deref(), unwanted), (Some(true), Some("9f3c"), None));
    // What else happens to it leaves it as it is.
    let (edited, unwanted) = source(from_github(with_label), Some(&first));
    assert_eq!((edited.approved.as_deref(), unwanted), (Some("9f3c"), None));
    let push = |change: fn(&mut Value)| {
        from_github(|event| {
            change(event);
            event["pull_request"]["head"]["sha"] = json!("beef");
        })
    };
    let (pushed, unwanted) = source(push(with_label), Some(&first));
    assert!(unwanted.unwrap().contains("since its newest commit"));
    let (anew, unwanted) = source(push(labelled), Some(&pushed));
    assert_eq!((anew.approved.as_deref(), unwanted), (Some("beef"), None));
    // Without the label it is forgotten what it was for.
    let (without, _) = source(from_github(of_fork), Some(&first));
    assert_eq!(without.approved, None);
    assert!(source(from_github(with_label), Some(&without)).1.is_some());
}

/// Who gave the label has seen a commit; what runs has to be that.
#[test]
fn a_forks_backend_is_one_of_its_commit() {
    let mut all = repositories();
    for repository in &mut all {
        repository.preview.as_mut().unwrap().services[0].backend = "cart-pr-{number}:8080".into();
    }
    let (secret, event) = (secret(), github(labelled));
    let hook = deliver("github", "pull_request", &event, |body| tag(KEY, body));
    let wanted = read(&hook, &all, |_| Some(&secret)).unwrap().unwrap();
    let (manifest, why) = wanted.judged(None);
    assert!(why.unwrap().contains("preview.services[0].backend of the template has no {commit}"));
    assert_eq!(manifest.spec.source.unwrap().approved, None);
    let own = deliver("github", "pull_request", &github(|_| ()), |body| tag(KEY, body));
    assert_eq!(read(&own, &all, |_| Some(&secret)).unwrap().unwrap().judged(None).1, None);
}
