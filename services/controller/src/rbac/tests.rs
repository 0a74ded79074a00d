//! What is asked for is what is done.

use nuncio_api::Kind;

use super::rules::READ;
use super::*;
use crate::source::kubernetes::resources::{DEFINITION, api_kind, watched};

fn allows(group: &str, resource: &str, verb: &str) -> bool {
    RULES.iter().any(|rule| {
        let has = |list: &[&str], wanted: &str| list.contains(&wanted) || list.contains(&"*");
        rule.group == group && has(rule.resources, resource) && has(rule.verbs, verb)
    })
}

#[test]
fn whatever_is_watched_may_be_read() {
    for api in watched(true).into_iter().chain([DEFINITION]) {
        for verb in READ {
            assert!(allows(api.group, api.plural, verb), "{verb} {}", api.resource());
        }
    }
}

#[test]
fn whatever_the_console_changes_makes_and_deletes_it_may_where_that_is_allowed() {
    let rules =
        RULES.iter().filter(|rule| rule.feature == Feature::Edits && rule.verbs == ["create", "patch", "delete"]);
    let may: Vec<_> = rules.flat_map(|rule| rule.resources.iter().map(move |name| (rule.group, *name))).collect();
    for kind in Kind::ALL.into_iter().filter(|kind| crate::edit::is_editable(*kind)) {
        let api = api_kind(kind).unwrap();
        assert!(may.contains(&(api.group, api.plural)), "{}", api.resource());
    }
    assert!(may.iter().all(|(_, plural)| *plural != "secrets"));
}

#[test]
fn every_definition_is_listed() {
    let definitions = nuncio_api::crd::definitions(&nuncio_api::crd::Conversion::default());
    let mut names: Vec<_> = definitions.iter().map(|definition| definition.name()).collect();
    names.sort();
    assert_eq!(names, DEFINITIONS);
}

#[test]
fn whatever_has_a_status_of_ours_may_be_written() {
    let ours = Kind::ALL.into_iter().filter(|kind| kind.is_ours()).filter_map(api_kind);
    let mut expected: Vec<_> = ours.map(|api| (api.group, format!("{}/status", api.plural))).collect();
    let is_ours = |group: &str| group.ends_with("getambassador.io") || group == "nuncio.dev";
    let rows = RULES.iter().filter(|rule| rule.feature == Feature::Status && is_ours(rule.group));
    let resources = |rule: &'static Rule| rule.resources.iter().map(move |name| (rule.group, (*name).to_owned()));
    let mut written: Vec<_> = rows.flat_map(resources).collect();
    expected.sort();
    written.sort();
    assert_eq!(written, expected);
}
