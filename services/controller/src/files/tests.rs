//! Files in a temporary directory, and where problems with them are shown.

use std::path::Path;

use nuncio_api::{Kind, ObjectId, Problem};

use super::*;
use crate::event::LocatedProblem;
use crate::source::{self, ROOT};

mod unread;

const TWO: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: one}
spec: {prefix: /1/, service: a}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: two}
spec:
  prefix: /2/
  service: a
  tls: nowhere
";

fn read(directory: &Path) -> Files {
    let mut files = Files::new(Defaults::default()).within(Some(directory));
    files.apply(source::read(directory, source::Options::default()).unwrap());
    files
}

/// Where a problem of the Mapping `name` with `field` is shown, and the text above the caret.
fn shown(files: &Files, name: &str, field: &str) -> (String, String) {
    let object = files.object(&ObjectId::new(Kind::Mapping, "default", name)).unwrap();
    let mut problem = LocatedProblem::of(Some(object), Problem::error("X", field, "x"));
    files.locate([&mut problem]);
    let line = problem.snippet.lines().next().unwrap_or_default().to_owned();
    (problem.location.unwrap().to_string(), line)
}

#[test]
fn a_problem_among_objects_stands_where_its_field_is() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), TWO).unwrap();
    let files = read(directory.path());
    assert_eq!(shown(&files, "two", "spec.tls"), ("a.yaml:12:8".to_owned(), "12 |   tls: nowhere".to_owned()));
    assert_eq!(shown(&files, "one", "spec.tls").0, "a.yaml:4:7", "it is missing: where it would be");
    assert_eq!(shown(&files, "two", ""), ("a.yaml:6:1".to_owned(), String::new()), "the whole object");
}

#[test]
fn fields_are_called_as_they_are_written() {
    let text = "apiVersion: gateway.getambassador.io/v1alpha1\nkind: Filter\nmetadata: {name: f}\n\
                spec:\n  type: apikey\n  apikey:\n    keys: [{secretName: s}]\n";
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), text).unwrap();
    let files = read(directory.path());
    let object = files.object(&ObjectId::new(Kind::GatewayFilter, "default", "f")).unwrap();
    let mut problem = LocatedProblem::of(Some(object), Problem::error("X", "spec.APIKey.keys[0].secretName", "x"));
    files.locate([&mut problem]);
    assert_eq!(problem.problem.field, "spec.apikey.keys[0].secretName");
    assert_eq!(problem.location.unwrap().to_string(), "a.yaml:7:25");
}

#[test]
fn a_text_that_is_another_by_now_is_not_searched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.yaml");
    std::fs::write(&path, TWO).unwrap();
    let files = read(directory.path());
    let whole = shown(&files, "two", "").0;
    std::fs::write(&path, format!("# new\n{TWO}")).unwrap();
    assert_eq!(shown(&files, "two", "spec.tls"), (whole.clone(), String::new()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(shown(&files, "two", "spec.tls"), (whole, String::new()));
}

#[test]
fn the_directory_is_called_by_its_name() {
    let mut files = Files::new(Defaults::default()).within(Some(Path::new("some/where")));
    files.apply(vec![FileChange { file: ROOT.into(), content: Content::Unreadable("it is gone".to_owned()) }]);
    let mut problems: Vec<_> = files.problems().map(crate::engine::located).collect();
    files.locate(&mut problems);
    let places: Vec<_> = problems.iter().map(|problem| problem.location.as_ref().unwrap().to_string()).collect();
    assert_eq!(places, ["some/where"]);
}

/// What a file holds, as a change.
fn written(file: &str, text: &str) -> FileChange {
    FileChange { file: file.into(), content: Content::Bytes(text.as_bytes().to_vec()) }
}

#[test]
fn an_object_that_cannot_be_used_does_not_oust_that_of_an_earlier_file() {
    let head = |kind: &str, name: &str| {
        format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: ")
    };
    let (mapping, module) = (head("Mapping", "one"), head("Module", "ambassador"));
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: ";
    let cases = [
        (Kind::Mapping, "one", format!("{mapping}{{prefix: /1/, service: a}}"), format!("{mapping}{{prefix: 5}}")),
        (
            Kind::Module,
            "ambassador",
            format!("{module}{{config: {{lua_scripts: 'local a = 1'}}}}"),
            format!("{module}{{config: {{lua_scripts: 'function ('}}}}"),
        ),
        (
            Kind::Secret,
            "s",
            format!("{secret}Opaque\nstringData: {{user.key: x}}"),
            format!("{secret}kubernetes.io/tls\nstringData: {{tls.crt: x, tls.key: x}}"),
        ),
    ];
    for (kind, name, good, bad) in cases {
        let id = ObjectId::new(kind, "default", name);
        let mut later = Files::new(Defaults::default());
        later.apply(vec![written("a.yaml", &good)]);
        later.apply(vec![written("b.yaml", &bad)]);
        assert_eq!(later.object(&id).map(|object| &*object.location.file), Some("a.yaml"), "{id}, while running");
        let mut files = Files::new(Defaults::default());
        files.apply(vec![written("a.yaml", &good), written("b.yaml", &bad)]);
        let counts = |files: &Files| files.object(&id).map(|object| object.location.file.to_string());
        assert_eq!(counts(&files).as_deref(), Some("a.yaml"), "{id}");
        let ousted =
            files.problems().any(|found| found.problem.reason == "Duplicate" && *found.location.file == *"b.yaml");
        assert!(ousted, "{id}: the later one says that it has no effect");
        files.apply(vec![written("b.yaml", &good)]);
        assert_eq!(counts(&files).as_deref(), Some("b.yaml"), "{id}");
    }
}

#[test]
fn an_object_by_itself_counts_before_one_in_an_annotation_wherever_they_are() {
    let own = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: one}\nspec: {prefix: /own/, service: a}\n";
    let carrier = |kind: &str, version: &str| {
        let config = own.replace("/own/", "/annotated/").replace('\n', "\n      ");
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: c\n  annotations:\n    getambassador.io/config: |\n      {config}\n"
        )
    };
    let (service, ingress) = (carrier("Service", "v1"), carrier("Ingress", "networking.k8s.io/v1"));
    let names = |[first, last]: [&str; 2]| [first.to_owned(), last.to_owned()];
    for carried in [&service, &ingress] {
        for [by_itself, carrying] in [names(["a.yaml", "b.yaml"]), names(["b.yaml", "a.yaml"])] {
            let mut files = Files::new(Defaults::default());
            files.apply(vec![written(&by_itself, own), written(&carrying, carried)]);
            let prefix =
                |files: &Files| match &files.object(&ObjectId::new(Kind::Mapping, "default", "one")).unwrap().spec {
                    Spec::Mapping(mapping) => mapping.prefix.clone(),
                    other => panic!("{other:?}"),
                };
            assert_eq!(prefix(&files), "/own/", "{carrying}");
            files.apply(vec![FileChange { file: by_itself.as_str().into(), content: Content::Gone }]);
            assert_eq!(prefix(&files), "/annotated/");
            for text in [format!("{own}---\n{carried}"), format!("{carried}---\n{own}")] {
                let mut files = Files::new(Defaults::default());
                files.apply(vec![written("a.yaml", &text)]);
                assert_eq!(prefix(&files), "/own/", "{text}");
                assert_eq!(files.problems().filter(|found| found.problem.reason == "Duplicate").count(), 1);
            }
        }
    }
}

#[test]
fn an_object_that_is_nested_too_deep_leaves_what_was_valid_in_force() {
    let module = |more: &str| {
        let head = r#""apiVersion": "getambassador.io/v3alpha1", "kind": "Module", "metadata": {"name": "ambassador"}"#;
        let text = format!(r#"{{{head}, "spec": {{"config": {{"ip_allow": [{{"peer": "127.0.0.1"}}]{more}}}}}}}"#);
        FileChange {
            file: "getambassador.io/Module/default/ambassador".into(),
            content: Content::Json(text.into_bytes()),
        }
    };
    let id = ObjectId::new(Kind::Module, "default", "ambassador");
    for deep in [110, 1000] {
        let mut files = Files::new(Defaults::default());
        files.apply(vec![module("")]);
        let good = files.object(&id).unwrap().spec.clone();
        files.apply(vec![module(&format!(r#", "x": {}1{}"#, "[".repeat(deep), "]".repeat(deep)))]);
        assert_eq!(files.object(&id).unwrap().spec, good, "{deep}");
        assert_eq!(files.problems_of(&id)[0].problem.reason, "TooDeep");
    }
}
