//! Objects in annotations of Services and Ingresses.

use nuncio_api::{Kind, Spec};

use crate::support::{is_invalid, named, read};

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: svc
  namespace: shop
  labels: {team: red, zone: north}
  annotations:
    getambassador.io/config: |
      ---
      apiVersion: getambassador.io/v3alpha1
      kind: Mapping
      name: m
      hostname: '*'
      prefix: /m/
      service: web
      weight: 200
      ---
      apiVersion: getambassador.io/v3alpha1
      kind: Mapping
      metadata: {name: nested, namespace: other, labels: {team: blue, tier: web}}
      spec: {prefix: /n/, service: web, timeout: 5}
      ---
      apiVersion: [
      ---
      apiVersion: getambassador.io/v3alpha1
      kind: Module
      name: ambassador
      config: {server_name: noted}
spec:
  ports: [{port: 80}]
";

#[test]
fn both_forms_are_read_and_inherit() {
    let parsed = read(SERVICE);
    assert!(matches!(named(&parsed, "Service shop/svc").spec, Spec::Service(_)));
    let flat = named(&parsed, "Mapping shop/m");
    assert!(flat.annotated && !is_invalid(flat));
    assert_eq!(flat.labels.get("team").map(String::as_str), Some("red"));
    let nested = named(&parsed, "Mapping other/nested");
    assert_eq!(nested.labels.get("team").map(String::as_str), Some("blue"));
    assert_eq!(nested.labels.get("tier").map(String::as_str), Some("web"));
    assert_eq!(nested.labels.get("zone"), None, "what has labels of its own inherits none");
    let Spec::Module(module) = &named(&parsed, "Module shop/ambassador").spec else { panic!() };
    assert_eq!(module.config.server_name.as_deref(), Some("noted"));
}

/// The original takes what stands at the top wherever the rest stands.
#[test]
fn an_object_may_be_of_both_forms() {
    for document in [
        "{name: m, spec: {prefix: /m/, service: web}}",
        "{metadata: {name: m}, prefix: /m/, service: web}",
        "{metadata: {name: other}, name: m, spec: {prefix: /m/}, service: web}",
        "{name: m, prefix: /m/, spec: {prefix: /other/, service: web}}",
        "{name: m, metadata: null, spec: null, prefix: /m/, service: web}",
    ] {
        let document = document.replacen('{', "{apiVersion: getambassador.io/v3alpha1, kind: Mapping, ", 1);
        let text = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: c, annotations: {{getambassador.io/config: \"{document}\"}}}}\n"
        );
        let parsed = read(&text);
        let Spec::Mapping(mapping) = &named(&parsed, "Mapping default/m").spec else {
            panic!("{document}: {parsed:?}")
        };
        assert_eq!((&*mapping.prefix, &*mapping.service.host), ("/m/", "web"), "{document}");
    }
}

#[test]
fn places_are_those_of_the_file() {
    let parsed = read(SERVICE);
    let flat = named(&parsed, "Mapping shop/m");
    assert_eq!((flat.location.line, flat.location.column), (10, 7));
    let (problem, location) = &flat.problems[0];
    assert_eq!((problem.reason, location.line, location.column), ("WeightOver100", 16, 15));
    let (problem, location) = &named(&parsed, "Mapping other/nested").problems[0];
    assert_eq!((problem.reason, location.line, location.column), ("UnknownField", 21, 41));
    let [broken] = parsed.problems.as_slice() else { panic!("{:?}", parsed.problems) };
    assert_eq!((broken.problem.reason, broken.location.line), ("InvalidYaml", 23));
    assert_eq!(broken.snippet, "23 |       apiVersion: [\n   |                    ^");
}

/// In quoted and folded text lines cannot be told; the text's own place stands for them.
#[test]
fn other_texts_have_the_place_of_the_text() {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: svc\n  annotations:\n    getambassador.io/config: \
                \"apiVersion: getambassador.io/v3alpha1\\nkind: Mapping\\nname: m\\nprefix: 5\\n\"\n";
    let parsed = read(text);
    let mapping = named(&parsed, "Mapping default/m");
    assert!(is_invalid(mapping));
    assert_eq!((mapping.location.line, mapping.location.column), (6, 30));
    assert_eq!(mapping.problems[0].1, mapping.location);
}

#[test]
fn ingresses_and_services_without_ports_carry_too() {
    let annotation = "annotations: {getambassador.io/config: \"{apiVersion: ambassador/v1, kind: Mapping, name: m, \
                      prefix: /, service: w}\"}";
    for (version, kind, problems) in
        [("networking.k8s.io/v1", "Ingress", 0), ("extensions/v1beta1", "Ingress", 1), ("v1", "Service", 0)]
    {
        let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: c, {annotation}}}\n");
        let parsed = read(&text);
        assert_eq!((parsed.ignored, parsed.problems.len()), (0, problems), "{kind}");
        let Spec::Mapping(mapping) = &named(&parsed, "Mapping default/m").spec else { panic!("{parsed:?}") };
        assert_eq!(mapping.hostname.as_deref(), Some("*"));
    }
    // Elsewhere `ambassador/v1` is nothing, and not passed over without a word.
    let parsed = read("apiVersion: ambassador/v1\nkind: Mapping\nmetadata: {name: m}\n");
    let reasons: Vec<_> = parsed.problems.iter().map(|found| found.problem.reason).collect();
    assert_eq!((parsed.objects.len(), reasons), (0, vec!["UnknownGroup"]));
}

#[test]
fn only_our_kinds_are_read_in_annotations() {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: c\n  annotations:\n    getambassador.io/config: |\n      \
                apiVersion: v1\n      kind: Secret\n      name: s\n";
    let parsed = read(text);
    assert_eq!(parsed.ignored, 1);
    assert!(parsed.objects.iter().all(|object| object.id.kind == Kind::Service));
}

#[test]
fn an_annotation_that_is_no_text_is_told() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: c, annotations: {getambassador.io/config: {a: b}}}\n";
    let parsed = read(text);
    assert_eq!(parsed.problems.len(), 1);
    assert_eq!(parsed.problems[0].problem.field, "metadata.annotations[\"getambassador.io/config\"]");
}
