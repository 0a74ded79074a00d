//! Files in a temporary directory, and where problems with them are shown.

use std::path::Path;

use nuncio_api::{Kind, ObjectId, Problem};

use super::*;
use crate::event::LocatedProblem;
use crate::source::{self, ROOT};

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

const AUTH: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: AuthService
metadata: {name: auth}
spec: {auth_service: 127.0.0.1:9}
";

/// How a Host or an AuthService is written that cannot be read, and as which object it counts.
const UNREAD: [(&str, &str, &str); 7] = [
    ("127.0.0.1:9}", "'127.0.0.1:9}", "AuthService default/auth"),
    ("AuthService", "AuthServce", "AuthService default/auth"),
    ("getambassador.io", "getambasador.io", "AuthService default/auth"),
    ("getambassador.io/", "", "AuthService default/auth"),
    ("{name: auth}", "{}", "AuthService default/(nameless)"),
    ("kind: AuthService\n", "", "AuthService default/auth"),
    ("127", "\x00127", "AuthService default/auth"),
];

fn ids(changes: &[ObjectChange]) -> Vec<String> {
    changes.iter().filter(|(_, object)| object.is_some()).map(|(id, _)| id.to_string()).collect()
}

#[test]
fn at_the_start_what_may_shut_somebody_out_is_there_although_it_cannot_be_read() {
    for (good, bad, id) in UNREAD {
        let text = AUTH.replace(good, bad);
        let mut files = Files::new(Defaults::default());
        assert_eq!(ids(&files.apply(vec![written("a.yaml", &text)])), [id], "{text}");
        assert!(files.problems().any(|found| found.problem.reason == "UnreadableGuard"), "{text}");
        // Moved elsewhere, or written anew and no better, it is still there.
        files.apply(vec![written("b.yaml", &text)]);
        files.apply(vec![FileChange { file: "a.yaml".into(), content: Content::Gone }]);
        files.apply(vec![written("b.yaml", &format!("{text}\nx: ["))]);
        let guards = |files: &Files| files.owners.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(guards(&files), [id], "{text}");
        files.apply(vec![written("b.yaml", AUTH)]);
        assert_eq!(guards(&files), ["AuthService default/auth"]);
        assert_eq!(files.problems().count(), 0);
    }
}

#[test]
fn what_comes_later_and_cannot_be_read_closes_nothing() {
    for (good, bad, _) in UNREAD {
        let mut files = Files::new(Defaults::default());
        files.apply(Vec::new());
        assert_eq!(ids(&files.apply(vec![written("a.yaml", &AUTH.replace(good, bad))])), [""; 0], "{bad}");
        files.apply(vec![written("a.yaml", AUTH)]);
        files.apply(vec![written("a.yaml", &AUTH.replace(good, bad))]);
        let object = files.object(&ObjectId::new(Kind::AuthService, "default", "auth")).unwrap();
        assert!(!matches!(object.spec, Spec::Invalid(_)), "the last good one stays: {bad}");
    }
}

/// A Filter and a FilterPolicy with something to be compiled in each: what, and where.
fn compiled() -> [(Kind, &'static str, serde_json::Value); 2] {
    let body = serde_json::json!({"bodyTemplate": "{{ .message }}"});
    let filter = serde_json::json!({"JWT": {"jwksURI": "https://idp.test/keys", "errorResponse": body}});
    let used = serde_json::json!({"name": "token", "arguments": {"require": "claims.admin"}});
    let policy = serde_json::json!({"rules": [{"host": "a.example", "path": "/x/*", "filters": [used]}]});
    [
        (Kind::Filter, "spec.JWT.errorResponse.bodyTemplate", filter),
        (Kind::FilterPolicy, "spec.rules[0].filters[0].arguments.require", policy),
    ]
}

#[test]
fn what_does_not_compile_takes_the_place_of_nothing_that_does() {
    let stored = |text: &str| FileChange { file: "a".into(), content: Content::Json(text.into()) };
    let of_directory = |text: &str| written("a.yaml", text);
    for (kind, field, spec) in compiled() {
        let id = ObjectId::new(kind, "default", "a");
        let head = serde_json::json!({"name": "a", "namespace": "default"});
        let version = "getambassador.io/v3alpha1";
        let good = serde_json::json!({"apiVersion": version, "kind": kind.as_str(), "metadata": head, "spec": spec});
        let good = good.to_string();
        let bad = good.replace(".message }}", "nope }}").replace("claims.admin", "claims.(");
        for change in [&of_directory as &dyn Fn(&str) -> FileChange, &stored] {
            let mut files = Files::new(Defaults::default());
            files.apply(vec![change(&good)]);
            let before = files.object(&id).unwrap().spec.clone();
            assert!(!matches!(before, Spec::Invalid(_)), "{id}: {:?}", files.problems_of(&id));
            files.apply(vec![change(&bad)]);
            assert_eq!(files.object(&id).unwrap().spec, before, "the last good one stays");
            let found = files.problems_of(&id);
            let [found] = &found[..] else { panic!("{id}: {found:?}") };
            assert_eq!(found.problem.field, field);
            assert!(found.problem.message.contains("does not compile"), "{found:?}");
            assert!(found.problem.message.ends_with("what was last good stays in force"), "{found:?}");
            assert_eq!(found.location.has_lines(), !found.snippet.is_empty(), "{found:?}");
            let mut fresh = Files::new(Defaults::default());
            fresh.apply(vec![change(&bad)]);
            assert!(fresh.problems().all(|found| !found.problem.message.contains("stays")), "nothing was good before");
            match &fresh.object(&id).unwrap().spec {
                Spec::Invalid(Remains::Nothing) if kind == Kind::Filter => {}
                Spec::Invalid(Remains::Rules(rules)) => assert_eq!(rules.rules[0].host(), "a.example"),
                other => panic!("{id}: there was nothing good before: {other:?}"),
            }
        }
    }
}

#[test]
fn a_text_that_is_broken_says_that_what_was_good_stays() {
    let mut files = Files::new(Defaults::default());
    let message = |files: &Files| files.problems().map(|found| found.problem.message).collect::<Vec<_>>();
    files.apply(vec![written("a.yaml", TWO), written("b.yaml", "a: [")]);
    assert!(!message(&files)[0].contains("stays"), "of that file nothing was good: {:?}", message(&files));
    files.apply(vec![written("b.yaml", ""), written("a.yaml", &TWO.replace("{name: two}", "{name: two"))]);
    let told = message(&files);
    assert!(
        !told.is_empty() && told.iter().all(|told| told.ends_with("what was last good stays in force")),
        "{told:?}"
    );
    assert!(files.object(&ObjectId::new(Kind::Mapping, "default", "two")).is_some());
}

#[test]
fn a_policy_that_lost_its_spec_in_a_slip_stays_as_it_was() {
    let good = "apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: a}\n\
                spec:\n  rules: [{path: /x/*, filters: [{name: f}]}]\n";
    let id = ObjectId::new(Kind::FilterPolicy, "default", "a");
    for (right, wrong) in [("spec:", "sepc:"), ("spec:\n  ", ""), ("rules: [{path: /x/*, filters: [{name: f}]}]", "")] {
        let mut files = Files::new(Defaults::default());
        files.apply(vec![written("a.yaml", good)]);
        let before = files.object(&id).unwrap().spec.clone();
        let slip = good.replace(right, wrong);
        files.apply(vec![written("a.yaml", &slip)]);
        assert_eq!(files.object(&id).unwrap().spec, before, "{slip}");
        let mut fresh = Files::new(Defaults::default());
        fresh.apply(vec![written("a.yaml", &slip)]);
        assert_eq!(
            fresh.object(&id).unwrap().spec,
            Spec::Invalid(Remains::AnyRule),
            "at the start all is closed: {slip}"
        );
    }
}

#[test]
fn a_document_that_cannot_be_read_is_told_of_once() {
    for (good, bad, id) in UNREAD {
        let mut files = Files::new(Defaults::default());
        for text in [AUTH.replace(good, bad), format!("# moved\n{}", AUTH.replace(good, bad))] {
            files.apply(vec![written("a.yaml", &text)]);
            let found: Vec<_> = files.problems().collect();
            let [found] = &found[..] else { panic!("{text}: {found:?}") };
            assert_eq!(
                (found.problem.reason, found.object.as_ref().unwrap().to_string().as_str()),
                ("UnreadableGuard", id)
            );
            assert!(found.problem.message.contains("is refused until it can be"), "{text}: {found:?}");
            assert!(!found.problem.message.contains("stays"), "there was nothing before: {text}: {found:?}");
        }
    }
}

#[test]
fn passwords_that_cannot_be_read_take_the_place_of_none_that_can() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {htpasswd: 'ann:{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA='}\n";
    let id = ObjectId::new(Kind::Secret, "default", "s");
    let mut files = Files::new(Defaults::default());
    files.apply(vec![written("a.yaml", secret)]);
    let good = files.object(&id).unwrap().spec.clone();
    files.apply(vec![written("a.yaml", &secret.replace("{SHA}", "{CRYPT}"))]);
    assert_eq!(files.object(&id).unwrap().spec, good);
    let found: Vec<_> = files.problems().map(|found| (found.problem.reason, found.problem.field)).collect();
    assert_eq!(found, [("InvalidSecret", "data.htpasswd".to_owned())]);
    files.apply(vec![written("a.yaml", &secret.replace("ann", "bob"))]);
    assert!(files.object(&id).unwrap().spec != good && files.problems().next().is_none());
}
