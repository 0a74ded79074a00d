//! What cannot be read, and what stays in force instead.

use super::*;

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

#[test]
fn a_text_that_may_be_a_mapping_and_cannot_be_read_is_known_until_it_can_be() {
    let (mut files, mapping) = (Files::new(Defaults::default()), TWO.split_once("---").unwrap().0);
    files.apply(Vec::new());
    let broken = mapping.replace("{name: one}", "{name: one");
    let mut lacks = |content| {
        files.apply(vec![FileChange { file: "a.yaml".into(), content }]);
        files.may_lack_mappings()
    };
    let text = |text: &str| Content::Bytes(text.as_bytes().to_vec());
    for (content, expected) in [
        (text(mapping), false),
        (text(&broken), true),
        (text(&AUTH.replace("127.0.0.1:9}", "'127.0.0.1:9}")), false),
        (text("x: ["), true),
        (text(AUTH), false),
        (text(&broken), true),
        (Content::Gone, false),
    ] {
        let what = format!("{content:?}");
        assert_eq!(lacks(content), expected, "{what}");
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
