//! Files that are no YAML, or no objects.

use std::time::{Duration, Instant};

use nuncio_e2e::yaml::{documents, mapping as good_mapping, plain};
use nuncio_e2e::{Gateway, Site, eventually, get};

use super::{Bench, mapping, row};

const ANNOTATED: &str = "apiVersion: v1
kind: Service
metadata:
  name: bad
  annotations:
    getambassador.io/config: |
      kind: [
spec: {}
";

#[tokio::test]
async fn bad_texts_are_told_and_the_rest_goes_on() {
    let site = Site::new();
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, last) in ('b'..='j').zip('a'..) {
        let ten = format!("*{last}, ").repeat(10);
        bomb += &format!("{name}: &{name} [{ten}]\n");
    }
    let utf16: Vec<u8> = "\u{feff}kind: Mapping\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows = vec![
        row("an unclosed list", "a: [", 1, "InvalidYaml", ""),
        row("an unclosed quote", "kind: \"Mapping\n", 1, "InvalidYaml", ""),
        row("a tab as indentation", "kind: Mapping\nmetadata:\n\tname: bad\n", 3, "InvalidYaml", ""),
        row("indentation that goes back too little", "a:\n  b: 1\n c: 2\n", 3, "InvalidYaml", ""),
        row("an alias of nothing", "kind: Mapping\nmetadata: *nothing\n", 2, "InvalidYaml", ""),
        row("a key twice", mapping("rewrite: /") + "spec: {}\n", 9, "InvalidYaml", ""),
        row("a text", "hello\n", 1, "NotAnObject", ""),
        row("a list", "- kind: Mapping\n", 1, "NotAnObject", ""),
        row("no apiVersion", "kind: Mapping\nmetadata: {name: bad}\n", 1, "NotAnObject", "apiVersion"),
        row("no kind", "apiVersion: getambassador.io/v3alpha1\nmetadata: {name: bad}\n", 1, "NotAnObject", "kind"),
        row(
            "a version of the future",
            "apiVersion: getambassador.io/v9\nkind: Mapping\nmetadata: {name: bad}\n",
            1,
            "UnknownVersion",
            "apiVersion",
        ),
        row(
            "a kind that does not exist",
            "apiVersion: getambassador.io/v3alpha1\nkind: Maping\nmetadata: {name: bad}\n",
            2,
            "UnknownKind",
            "kind",
        ),
        row(
            "no name",
            "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {}\nspec: {}\n",
            3,
            "MissingField",
            "metadata.name",
        ),
        row(
            "a name that is a boolean in YAML 1.1",
            mapping("rewrite: /").replace("metadata: {name: bad}", "metadata: {name: n}"),
            3,
            "InvalidValue",
            "metadata.name",
        ),
        row(
            "a namespace that is a list",
            mapping("rewrite: /").replace("metadata: {name: bad}", "metadata: {name: bad, namespace: []}"),
            3,
            "InvalidValue",
            "metadata.namespace",
        ),
        row(
            "labels that are a list",
            mapping("rewrite: /").replace("metadata: {name: bad}", "metadata: {name: bad, labels: [a]}"),
            3,
            "InvalidValue",
            "metadata.labels",
        ),
        row("a List of no list", "apiVersion: v1\nkind: List\nitems: 7\n", 3, "InvalidValue", "items"),
        row("an annotation that is broken", ANNOTATED, 7, "InvalidYaml", ""),
        row(
            "bytes that are no UTF-8",
            [mapping("rewrite: /").as_bytes(), b"# \xff\xfe\n"].concat(),
            9,
            "InvalidUtf8",
            "",
        ),
        row("any bytes", (0..=255).collect::<Vec<u8>>(), 2, "InvalidUtf8", ""),
        row("UTF-16", utf16, 1, "InvalidUtf8", ""),
        row("aliases that multiply", bomb, 0, "InvalidYaml", ""),
        row("a hundred thousand lists in each other", "[".repeat(100_000), 1, "InvalidYaml", ""),
        row("a hundred thousand mappings in each other", "{a: ".repeat(100_000), 1, "InvalidYaml", ""),
        row("a NUL", mapping("rewrite: /a\0b"), 8, "InvalidYaml", ""),
    ];
    Bench::start(&site).await.try_all(rows).await;
}

#[tokio::test]
async fn odd_texts_that_are_fine_are_no_problem() {
    let site = Site::new();
    let bench = Bench::start(&site).await;
    let good = |name: &str| documents(&[good_mapping(name, &format!("/{name}/"), bench.backend.address())]);
    site.write("empty.yaml", "");
    site.write("comment.yaml", "# nothing\n");
    site.write("dashes.yaml", "---\n---\n...\n---\n");
    site.write("null.yaml", "null\n");
    site.write("bom.yaml", format!("\u{feff}{}", good("bom")));
    site.write("crlf.yaml", good("crlf").replace('\n', "\r\n"));
    site.write("json.json", good("json").trim_end().trim_end_matches("---"));
    let item = good_mapping("list", "/list/", bench.backend.address());
    site.write("list.yml", format!("apiVersion: v1\nkind: List\nitems: [{item}]\n"));
    site.write("README.md", "not: [yaml");
    site.write(".hidden.yaml", "not: [yaml");
    site.write("other.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\nspec: {replicas: 1}\n");
    site.write("other-id.yaml", mapping("ambassador_id: [another]").replace("timeout", "nonsense"));
    for name in ["bom", "crlf", "json", "list"] {
        bench.gateway.admin.state("Mapping", name, "acked").await;
        assert_eq!(bench.client.ask(&get("a.example", &format!("/{name}/"))).await.by(), "good", "{name}");
    }
    assert_eq!(bench.client.ask(&get("a.example", "/bad/")).await.status, 404, "another instance's");
    let problems = bench.gateway.admin.list("problems").await;
    assert!(problems.is_empty(), "{problems:#?}");
    bench.gateway.stop().await;
}

/// YAML wants such lines to be indented; `kubectl` does not.
#[tokio::test]
async fn flow_style_at_the_margin_is_read_as_kubectl_reads_it() {
    let site = Site::new();
    let bench = Bench::start(&site).await;
    let item = |name: &str| format!("{:#}", good_mapping(name, &format!("/{name}/"), bench.backend.address()));
    let at_margin = |text: String| text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let items = at_margin([item("one"), item("two")].join(",\n"));
    site.write("list.yaml", format!("apiVersion: v1\nitems: [\n{items}\n]\nkind: List\n"));
    for name in ["one", "two"] {
        bench.gateway.admin.state("Mapping", name, "acked").await;
        assert_eq!(bench.client.ask(&get("a.example", &format!("/{name}/"))).await.by(), "good", "{name}");
    }
    let problems = bench.gateway.admin.list("problems").await;
    assert!(problems.is_empty(), "{problems:#?}");
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_broken_document_leaves_its_neighbours_alone() {
    let site = Site::new();
    let bench = Bench::start(&site).await;
    let good = |name: &str| documents(&[good_mapping(name, &format!("/{name}/"), bench.backend.address())]);
    site.write("mixed.yaml", format!("{}a: [\n---\n{}kind: 7\n---\n{}", good("one"), good("two"), good("three")));
    for name in ["one", "two", "three"] {
        bench.gateway.admin.state("Mapping", name, "acked").await;
        assert_eq!(bench.client.ask(&get("a.example", &format!("/{name}/"))).await.by(), "good", "{name}");
    }
    bench.gateway.admin.problem(&["InvalidYaml", "mixed.yaml"]).await;
    bench.gateway.admin.problem(&["NotAnObject", "mixed.yaml"]).await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_file_that_is_truncated_serves_on_for_a_while() {
    let site = Site::new();
    let bench = Bench::start(&site).await;
    let good = |name: &str| documents(&[good_mapping(name, &format!("/{name}/"), bench.backend.address())]);
    let ask = |name: &str| get("a.example", &format!("/{name}/"));
    let mut rounds = 1..=20;
    let cut = loop {
        let round = rounds.next().expect("a round in which all of it was done before the file counts as empty");
        let (cut, other) = (format!("cut-{round}"), format!("other-{round}"));
        let (file, text) = (format!("{cut}.yaml"), good(&cut));
        site.write(&file, &text);
        bench.gateway.admin.state("Mapping", &cut, "acked").await;

        let begun = Instant::now();
        site.write(&file, "");
        // Whatever comes after the truncation is live while the file still counts.
        site.write(&format!("{other}.yaml"), good(&other));
        bench.gateway.admin.state("Mapping", &other, "acked").await;
        let by = bench.client.ask(&ask(&cut)).await.by();
        site.write(&file, text.replace(&format!("/{cut}/"), &format!("/{cut}")));
        // It counts for a second: what took longer on a busy machine says nothing.
        if begun.elapsed() < Duration::from_millis(900) {
            assert_eq!(by, "good", "it may still be written");
            break cut;
        }
    };
    let object = format!("Mapping default/{cut}");
    bench.gateway.line(&[&object, "changed"]).await;

    site.write(&format!("{cut}.yaml"), "# nothing\n");
    bench.gateway.line(&[&object, "removed"]).await;
    eventually("the Mapping is gone, and the log says why", async || {
        let (status, log) = (bench.client.ask(&ask(&cut)).await.status, bench.gateway.stderr());
        let said = format!("{cut}.yaml is empty now");
        let warned = log.iter().any(|line| line.contains("WARN") && line.contains(&said));
        if status == 404 && warned { Ok(()) } else { Err(format!("{status} {log:#?}")) }
    })
    .await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_directory_of_nothing_but_bad_files_still_starts() {
    let site = Site::new();
    site.write("a.yaml", "a: [");
    site.write("b.yaml", [0xff, 0xfe, 0x00]);
    site.write("c.yaml", mapping("timeout_ms: soon"));
    let gateway = Gateway::start(&site).await;
    for file in ["a.yaml", "b.yaml", "c.yaml"] {
        gateway.admin.problem(&[file]).await;
    }
    gateway.line(&["nowhere"]).await;
    site.write("listener.yaml", plain(&site));
    gateway.admin.state("Listener", "http", "acked").await;
    gateway.stop().await;
}
