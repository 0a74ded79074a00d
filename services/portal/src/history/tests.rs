mod merging;

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::api::tests::of_service;
use crate::document::Document;

/// A document whose answer has this type.
pub(crate) fn document(kind: &str) -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Cart", "version": "1" }, "paths": { "/carts": { "get": {
        "operationId": "list", "responses": { "200": { "content": { "application/json": { "schema": { "type": kind } } } } } } } } })
}

/// It, as the service of the API says it.
pub(crate) fn said(document: &Value) -> Reference {
    let document = Document::read(serde_json::to_vec(document).unwrap().into()).unwrap();
    Reference::new(Arc::new(of_service()), Arc::new(document))
}

fn numbers(history: &History) -> Vec<u64> {
    history.of(&of_service().id).iter().map(|version| version.number).collect()
}

#[test]
fn what_differs_for_clients_is_a_version_and_what_does_not_is_none() {
    let history = History::default();
    history.record(&said(&document("string")));
    history.record(&said(&document("string")));
    let mut reworded = document("string");
    reworded["paths"]["/carts"]["get"]["summary"] = json!("All of them");
    history.record(&said(&reworded));
    assert_eq!(numbers(&history), [1]);
    let first = &history.of(&of_service().id)[0];
    assert_eq!(
        (first.words().as_str(), &first.document[..]),
        ("the first that was seen", reworded.to_string().as_bytes())
    );

    history.record(&said(&document("integer")));
    let versions = history.of(&of_service().id);
    assert_eq!(numbers(&history), [2, 1]);
    assert!(versions[0].is_breaking());
    assert_eq!((versions[0].words().as_str(), versions[0].label.as_deref()), ("1 breaking", Some("1")));
    // As clients ask for it.
    assert_eq!(versions[0].changes[0].operations, ["GET /api/carts"]);
}

#[test]
fn releases_side_by_side_are_told_once() {
    let history = History::default();
    for kind in ["string", "integer", "string", "integer", "string", "integer", "boolean"] {
        history.record(&said(&document(kind)));
    }
    let texts: Vec<_> = history.of(&of_service().id).iter().rev().map(|version| version.document.clone()).collect();
    let expected: Vec<_> = ["string", "integer", "boolean"].map(|kind| document(kind).to_string()).into();
    assert_eq!(texts, expected);
}

#[test]
fn what_is_kept_is_bounded() {
    // With a change, and with none.
    let weight = |kinds: &[&str]| {
        let history = History::default();
        kinds.iter().for_each(|kind| history.record(&said(&document(kind))));
        history.of(&of_service().id).iter().map(|version| bounds::weight(&of_service().id, version)).max().unwrap()
    };
    let one = weight(&["string", "object"]);
    assert!(one > weight(&["string"]) + 100, "what is said of changes counts");
    for (bounds, expected) in [
        (Bounds { versions: 2, bytes: 1 << 20 }, vec![4, 3]),
        (Bounds { versions: 9, bytes: 3 * one + 100 }, vec![4, 3, 2]),
        (Bounds { versions: 9, bytes: 1 }, vec![4]),
    ] {
        let history = History { bounds, ..History::default() };
        for kind in ["string", "object", "number", "boolean"] {
            history.record(&said(&document(kind)));
        }
        assert_eq!(numbers(&history), expected);
    }
}

#[test]
fn an_api_is_forgotten_with_its_last_version() {
    let history = History { bounds: Bounds { versions: 9, bytes: 1 }, ..History::sharing() };
    for name in ["a", "b", "c"] {
        let mut api = of_service();
        api.id.name = name.to_owned();
        history.record(&Reference::new(Arc::new(api), said(&document("string")).document));
    }
    let kept: Vec<_> = history.lock().keys().cloned().collect();
    let apis: Vec<_> = lock(&history.news.as_ref().unwrap().apis).keys().cloned().collect();
    assert_eq!((kept.len(), &apis), (1, &kept), "{apis:?}");
}

/// It, as an API says it that is for these groups.
pub(crate) fn said_to(groups: Option<&[&str]>, document: &Value) -> Reference {
    let said = said(document);
    let mut api = of_service();
    api.served.docs.get_or_insert_default().visible_to =
        groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
    Reference::new(Arc::new(api), said.document)
}

#[test]
fn what_was_for_fewer_is_not_told_to_others_by_what_has_changed_since() {
    let (staff, both) = (Some(&["staff"][..]), Some(&["staff", "partners"][..]));
    let told = |before: Option<&[&str]>, after: Option<&[&str]>, kind: &str| {
        let history = History::default();
        history.record(&said_to(before, &document("string")));
        history.record(&said_to(after, &document(kind)));
        let versions = history.of(&of_service().id);
        let groups = |version: &Version| version.visible_to.clone().map(|groups| groups.len());
        versions.iter().map(|version| (version.changes.len(), groups(version))).collect::<Vec<_>>()
    };
    assert_eq!(told(staff, None, "integer"), [(0, None), (0, Some(1))]);
    assert_eq!(told(staff, both, "integer"), [(0, Some(2)), (0, Some(1))]);
    assert_eq!(told(both, staff, "integer"), [(1, Some(1)), (0, Some(2))], "it was theirs as well");
    assert_eq!(told(None, staff, "integer"), [(1, Some(1)), (0, None)]);
    assert_eq!(told(staff, None, "string"), [(0, None)], "the same document is for everybody now");
}

#[test]
fn a_directory_outlives_the_process_and_holds_no_more_than_memory() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("made/here");
    let open = || History::open(Some(&directory)).unwrap();
    let history = open();
    for kind in ["string", "integer", "string", "integer"] {
        history.record(&said(&document(kind)));
    }
    assert_eq!(numbers(&history), [4, 1]);
    drop(history);
    let again = open();
    assert_eq!(numbers(&again), [4, 1]);
    assert_eq!(again.of(&of_service().id)[0].changes[0].rule, "type-changed");
    again.record(&said(&document("integer")));
    again.record(&said(&document("boolean")));
    assert_eq!(numbers(&again), [5, 4, 1]);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3, "and nothing beside them");
    again.record(&said_to(Some(&["staff"]), &document("number")));
    assert_eq!(open().of(&of_service().id)[0].visible_to.as_deref(), Some(&["staff".to_owned()][..]));
}

#[test]
fn what_is_no_version_is_passed_over_and_a_place_that_is_no_directory_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("broken.json"), "{").unwrap();
    fs::write(place.path().join("half.new"), "{").unwrap();
    assert!(numbers(&History::open(Some(place.path())).unwrap()).is_empty());
    assert!(place.path().join("broken.json").exists(), "nothing of others is removed");
    let file = place.path().join("broken.json");
    let error = History::open(Some(&file)).unwrap_err().to_string();
    assert!(error.contains("broken.json"), "{error}");
}

#[test]
fn what_was_kept_before_apis_had_groups_is_for_no_more_than_see_the_api_now() {
    let place = tempfile::tempdir().unwrap();
    let open = || History::open(Some(place.path())).unwrap();
    open().record(&said(&document("string")));
    let file = fs::read_dir(place.path()).unwrap().next().unwrap().unwrap().path();
    let mut old: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(old.as_object_mut().unwrap().remove("visible_to"), Some(Value::Null), "everybody's says so");
    fs::write(&file, old.to_string()).unwrap();

    let history = open();
    let groups =
        |history: &History| history.of(&of_service().id).iter().map(|one| one.visible_to.clone()).collect::<Vec<_>>();
    assert_eq!(groups(&history), [Some(Vec::new())], "until the API is seen nobody knows whose it was");
    history.record(&said_to(Some(&["staff"]), &document("string")));
    assert_eq!(groups(&history), [Some(vec!["staff".to_owned()])]);
    drop(history);
    let history = open();
    history.record(&said(&document("integer")));
    assert_eq!(groups(&history), [None, Some(vec!["staff".to_owned()])], "and that stays, whoever sees the API later");
}
