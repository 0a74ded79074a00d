//! What several portals have recorded.

use super::*;
use crate::history::merge::merge;

/// A portal that has recorded these.
fn portal(kinds: &[&str]) -> (History, Versions) {
    let history = History::default();
    recorded(&history, kinds);
    let versions = history.known(&of_service().id);
    (history, versions)
}

fn recorded(history: &History, kinds: &[&str]) {
    kinds.iter().for_each(|kind| history.record(&said(&document(kind))));
}

fn keys(versions: &[Arc<Version>]) -> Vec<String> {
    versions.iter().map(|version| version.key()).collect()
}

/// Numbers and types of what is there.
fn told(versions: &[Arc<Version>]) -> Vec<(u64, String)> {
    let kind = |version: &Version| {
        let document: Value = serde_json::from_slice(&version.document).unwrap();
        let schema = "/paths/~1carts/get/responses/200/content/application~1json/schema/type";
        document.pointer(schema).unwrap().as_str().unwrap().to_owned()
    };
    versions.iter().map(|version| (version.number, kind(version))).collect()
}

/// The second portal of two that had the same, and the first has told what it has.
fn merged(both: &[&str], first: &[&str], second: &[&str]) -> Versions {
    let (_, base) = portal(both);
    let after = |kinds: &[&str]| {
        let history = History { kept: Mutex::new(Kept::from([(of_service().id, base.clone())])), ..History::default() };
        recorded(&history, kinds);
        history.known(&of_service().id)
    };
    let (remote, own) = (after(first), after(second));
    merge(&keys(&base), &remote, &own, Some(&Arc::new(of_service())))
}

#[test]
fn what_all_portals_see_is_there_once() {
    let expected =
        |kinds: &[&str]| kinds.iter().zip(1..).map(|(kind, number)| (number, (*kind).to_owned())).collect::<Vec<_>>();
    assert_eq!(told(&merged(&["string"], &["integer"], &["integer"])), expected(&["string", "integer"]));
    assert_eq!(told(&merged(&[], &["string"], &["string"])), expected(&["string"]), "both have just begun");
    assert_eq!(told(&merged(&["string"], &["integer"], &[])), expected(&["string", "integer"]));
    assert_eq!(told(&merged(&["string"], &[], &["integer"])), expected(&["string", "integer"]));
    let both = merged(&["string"], &["integer", "boolean"], &["integer", "boolean"]);
    assert_eq!(told(&both), expected(&["string", "integer", "boolean"]));
}

#[test]
fn what_one_portal_alone_saw_comes_after_the_others_and_tells_what_has_changed_since() {
    let versions = merged(&["string"], &["integer"], &["boolean"]);
    let told = told(&versions);
    assert_eq!(told, [(1, "string".to_owned()), (2, "integer".to_owned()), (3, "boolean".to_owned())]);
    assert!(versions[2].changes[0].text.contains("integer"), "{:?}", versions[2].changes);
    assert_eq!(versions[2].changes[0].operations, ["GET /api/carts"], "as clients know it");
}

#[test]
fn what_a_portal_says_anew_takes_the_place_of_what_it_said_before() {
    // The third is the first again: it is told once.
    let versions = merged(&["string", "integer", "string"], &[], &["integer"]);
    assert_eq!(told(&versions), [(1, "string".to_owned()), (4, "integer".to_owned())]);
    // Meanwhile others have dropped the first, for its place.
    let (_, base) = portal(&["string", "integer"]);
    let kept = merge(&keys(&base), &base[1..], &base, None);
    assert_eq!(told(&kept), [(2, "integer".to_owned())]);
}
