use super::*;
use crate::edit::tests::editor_of;

const POLICY: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {name: policy}
spec:
  rules:
  - host: shop.example
    path: /cart/*
    filters: []
---
";
/// One that cannot be used, for want of a Secret, and one that can.
const FILTERS: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: basic}
spec: {Basic: {secretName: nowhere}}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: token}
spec: {JWT: {jwksURI: 'https://idp.example/keys', issuer: 'https://idp.example'}}
---
";

/// What a policy says with one more rule, and what is wrong with that.
fn with_a_rule(all: &str) -> (String, Vec<String>) {
    let (_directory, editor, engine) = editor_of(all);
    let [kind, namespace, name] = ["FilterPolicy", "default", "policy"].map(ToOwned::to_owned);
    let change =
        ChangeRequest { kind, namespace, name, add: Some("spec.rules".to_owned()), ..ChangeRequest::default() };
    let view = editor.dry_run(&engine, &change).unwrap();
    let errors: Vec<_> = view.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert_eq!(view.is_valid, errors.is_empty(), "{view:#?}");
    (view.manifest.text, errors.into_iter().map(|problem| problem.field.clone()).collect())
}

#[test]
fn a_rule_that_is_added_asks_a_filter_that_there_is() {
    let (text, problems) = with_a_rule(&(POLICY.to_owned() + FILTERS));
    assert!(text.contains("  - host: \"*\"\n    path: /\n    filters: [{name: token}]\n"), "{text}");
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn a_rule_without_any_filter_is_a_problem_and_not_applied() {
    let (text, problems) = with_a_rule(POLICY);
    assert!(text.contains("filters: [{name: \"\"}]"), "{text}");
    assert!(problems.contains(&"spec.rules[1].filters[0].name".to_owned()), "{problems:?}");
}
