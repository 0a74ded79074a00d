//! Documents that are no objects.

use nuncio_api::Severity;

use super::GOOD;
use crate::support::{is_invalid, only, read};

/// A document that is no YAML is a problem of the file, with the object it was meant to be; its neighbours serve.
#[test]
fn broken_documents_harm_no_other() {
    let head = "kind: Mapping\nmetadata: {name: bad}\n";
    let table: &[(&str, &str, u32, u32)] = &[
        ("spec: [\n", "InvalidYaml", 5, 8),
        ("spec:\n\tprefix: /\n", "InvalidYaml", 6, 1),
        ("spec:\n\tprefix: /\n\tservice: a\n", "InvalidYaml", 6, 1),
        ("spec:\n\tprefix: /\n\tservice: a\n\thostname: b\n", "InvalidYaml", 6, 1),
        ("spec:\n  prefix: /\n\tservice: a\n", "InvalidYaml", 7, 1),
        ("spec:\n  prefix: /\n  headers:\n  \tx: y\n  \tz: y\n", "InvalidYaml", 8, 3),
        ("spec: {a: 1, a: 2}\n", "InvalidYaml", 5, 14),
        ("spec: *nowhere\n", "InvalidYaml", 5, 7),
        ("spec: 'open\n", "InvalidYaml", 5, 7),
        ("spec: a: b\n", "InvalidYaml", 5, 8),
        ("spec: {[a]: b}\n", "InvalidYaml", 5, 8),
        ("spec: {<<: 5}\n", "InvalidYaml", 5, 12),
        ("spec: {}\rx: y\n", "InvalidYaml", 5, 9),
    ];
    for (broken, reason, line, column) in table {
        let text = format!("---\napiVersion: getambassador.io/v3alpha1\n{head}{broken}---\n{GOOD}");
        let parsed = read(&text);
        assert_eq!(parsed.objects.len(), 1, "{broken}");
        assert!(!is_invalid(&parsed.objects[0]));
        let [file] = parsed.problems.as_slice() else { panic!("{broken}: {:?}", parsed.problems) };
        assert_eq!(file.problem.reason, *reason, "{broken}: {}", file.problem);
        assert_eq!((file.location.line, file.location.column), (*line, *column), "{broken}: {}", file.problem);
        assert_eq!(file.id.as_ref().unwrap().to_string(), "Mapping default/bad");
        assert!(file.snippet.starts_with(&format!("{line} | ")), "{}", file.snippet);
    }
}

#[test]
fn a_star_without_quotes_is_told_what_it_lacks() {
    for hostname in ["*", "*.example.com", "*, prefix: /"] {
        for spec in [format!("{{hostname: {hostname}}}"), format!("\n  hostname: {hostname}\n  service: a")] {
            let text =
                format!("apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {{name: bad}}\nspec: {spec}\n");
            let parsed = read(&text);
            let [file] = parsed.problems.as_slice() else { panic!("{text}: {:?}", parsed.problems) };
            assert!(file.problem.message.contains("begins with * or & in quotes"), "{text}: {}", file.problem);
        }
    }
}

#[test]
fn a_version_that_there_is_is_suggested() {
    for (version, kind, meant) in [
        ("getambasador.io/v2", "Mapping", "getambassador.io/v2"),
        ("getambasador.io/v1.9", "Mapping", "getambassador.io/v3alpha1"),
        ("v1", "Mapping", "getambassador.io/v1"),
        ("v1beta1", "Host", "getambassador.io/v3alpha1"),
        ("v3alpha1", "Preview", "nuncio.dev/v1alpha1"),
    ] {
        let parsed = read(&format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n"));
        let told: Vec<_> = parsed.problems.iter().map(|found| found.problem.message.as_str()).collect();
        assert!(told.len() == 1 && told[0].ends_with(&format!("did you mean {meant}?")), "{version}: {told:?}");
    }
    let unknown = only("apiVersion: getambassador.io/v1.9\nkind: Mapping\nmetadata: {name: a}\nspec: {}\n");
    let told: Vec<_> = unknown.problems.iter().map(|(problem, _)| problem.message.as_str()).collect();
    assert_eq!(told, ["the version getambassador.io/v1.9 is not known: expected getambassador.io/v3alpha1, v2 or v1"]);
}

#[test]
fn an_object_of_a_kind_without_effect_is_named() {
    for kind in ["LogService", "TracingService", "ConsulResolver", "WebApplicationFirewall"] {
        let text =
            format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: it, namespace: shop}}\n");
        let parsed = read(&text);
        let [file] = parsed.problems.as_slice() else { panic!("{text}: {:?}", parsed.problems) };
        assert!(file.problem.message.contains(kind) && file.problem.message.contains("shop/it"), "{}", file.problem);
    }
}

#[test]
fn invalid_utf8_is_found_where_it_is() {
    let mut text = b"kind: Host\nmetadata: {name: h}\nspec: {hostname: \xc3\xa9\xff}\n---\n".to_vec();
    text.extend_from_slice(GOOD.as_bytes());
    let parsed = nuncio_api::parse(&text, &"f".into(), &nuncio_api::Defaults::default());
    assert_eq!(parsed.objects.len(), 1);
    let [file] = parsed.problems.as_slice() else { panic!() };
    assert_eq!((file.problem.reason, file.location.line, file.location.column), ("InvalidUtf8", 3, 19));
    assert_eq!(file.id.as_ref().unwrap().to_string(), "Host default/h");
}

#[test]
fn what_is_no_object_is_told() {
    let ours = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n";
    let table = [
        ("just text\n".to_owned(), Severity::Warning, "NotAnObject", "", 1),
        ("a: b\n".to_owned(), Severity::Warning, "NotAnObject", "", 1),
        ("kind: Mapping\n".to_owned(), Severity::Error, "NotAnObject", "apiVersion", 1),
        ("apiVersion: v1\nkind: 5\n".to_owned(), Severity::Error, "NotAnObject", "kind", 2),
        (format!("{ours}spec: {{}}\n"), Severity::Error, "MissingField", "metadata.name", 1),
        (format!("{ours}metadata: {{name: n}}\n"), Severity::Error, "InvalidValue", "metadata.name", 3),
        (format!("{ours}metadata: {{name: 7}}\n"), Severity::Error, "InvalidValue", "metadata.name", 3),
        ("apiVersion: v1\nkind: List\nitems: 5\n".to_owned(), Severity::Error, "InvalidValue", "items", 3),
        (
            "apiVersion: getambassador.io/v3alpha1\nkind: LogService\n".to_owned(),
            Severity::Warning,
            "NotYetSupported",
            "kind",
            2,
        ),
        ("apiVersion: getambassador.io/v3alpha1\nkind: Maping\n".to_owned(), Severity::Error, "UnknownKind", "kind", 2),
        ("apiVersion: ambassador/v2\nkind: Mapping\n".to_owned(), Severity::Error, "UnknownGroup", "apiVersion", 1),
        (
            "apiVersion: getambasador.io/v2\nkind: Mapping\n".to_owned(),
            Severity::Error,
            "UnknownGroup",
            "apiVersion",
            1,
        ),
    ];
    for (text, severity, reason, field, line) in table {
        let parsed = read(&format!("{text}---\n{GOOD}"));
        assert_eq!(parsed.objects.len(), 1, "{text}");
        let [file] = parsed.problems.as_slice() else { panic!("{text}: {:?}", parsed.problems) };
        assert_eq!((file.problem.severity, file.problem.reason), (severity, reason), "{text}: {}", file.problem);
        assert_eq!((file.problem.field.as_str(), file.location.line), (field, line), "{text}");
    }
}

#[test]
fn an_object_of_a_kind_that_is_not_read_is_called_by_what_is_written() {
    for (version, kind) in [
        ("getambassador.io/v3alpha1", "LogService"),
        ("getambassador.io/v3alpha1", "EnvoyFilter"),
        ("getambassador.io/v3alpha1", "Maping"),
        ("getambassador.io/v9", "Maping"),
        ("extensions/v1beta1", "Ingress"),
        ("v1", "Endpoints"),
    ] {
        for (metadata, name) in [("{name: a, namespace: shop}", " shop/a"), ("{name: a}", " default/a"), ("{}", "")] {
            let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {metadata}\n");
            let parsed = read(&text);
            let [found] = parsed.problems.as_slice() else { panic!("{text}: {:?}", parsed.problems) };
            assert_eq!(found.called.as_deref(), Some(&*format!("{kind}{name}")), "{text}");
        }
    }
    let text = read("just text\n");
    assert_eq!(text.problems[0].called, None);
}

#[test]
fn groups_of_others_are_no_concern_of_ours() {
    for group in ["apps", "gateway.networking.k8s.io", "ci.getambassador.io", "x.getambassador.io", "a.io"] {
        let parsed = read(&format!("apiVersion: {group}/v1\nkind: Mapping\nmetadata: {{name: a}}\n"));
        assert_eq!((parsed.problems.len(), parsed.ignored), (0, 1), "{group}");
    }
}

/// Aliases and nesting are bounded.
#[test]
fn bombs_do_not_go_off() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let before = format!("*a{}", i - 1);
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![before; 10].join(", ")));
    }
    let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
    let deeper: String = (0..5000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    for text in [bomb, deep, deeper, "a: &a [*a]\n".to_owned()] {
        let parsed = read(&format!("{text}\n---\n{GOOD}"));
        assert_eq!(parsed.objects.len(), 1);
        assert_eq!(parsed.problems.len(), 1, "{}", &text[..20]);
        assert_eq!(parsed.problems[0].problem.reason, "InvalidYaml");
    }
}
