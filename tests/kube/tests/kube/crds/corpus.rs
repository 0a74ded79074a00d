//! The manifests of the corpus, document by document.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use nuncio_api::{Defaults, parse};

/// All documents of ours in which nothing is wrong, each after a separator, and the namespaces that they are in.
pub(super) fn valid(errors: fn(&str) -> Vec<String>) -> (String, BTreeSet<String>) {
    let (mut text, mut namespaces) = (String::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    for case in cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/cases")) {
        for document in fill(&manifests(&case)).split("\n---\n") {
            // The API server cannot be given what an annotation says by itself, and takes one document as a whole.
            let document = document.trim_matches('\n');
            let parsed = parse(document.as_bytes(), &Arc::from("case"), &Defaults::default());
            let ours = parsed.objects.iter().all(|object| object.id.kind.is_ours() && !object.annotated);
            let known = parsed.problems.is_empty() && !parsed.objects.is_empty();
            if !ours || !known || !errors(document).is_empty() || !seen.insert(document.to_owned()) {
                continue;
            }
            namespaces.extend(parsed.objects.iter().map(|object| object.id.namespace.to_string()));
            text.push_str("\n---\n");
            text.push_str(document);
            text.push('\n');
        }
    }
    (text, namespaces)
}

fn cases(directory: &Path) -> Vec<String> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cases.extend(self::cases(&path));
        } else {
            cases.push(std::fs::read_to_string(path).unwrap());
        }
    }
    cases
}

/// The block of a case that holds its manifests.
fn manifests(case: &str) -> String {
    let lines = case.lines().skip_while(|line| !line.starts_with("manifests:")).skip(1);
    let block = lines.take_while(|line| line.is_empty() || line.starts_with("  "));
    block.map(|line| line.get(2..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Puts a port or some base64 where the corpus has a placeholder.
fn fill(text: &str) -> String {
    let mut pieces = text.split("${");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or(("", piece));
        let file = ["CRT", "KEY", "CA", "CRL"].iter().any(|start| name.starts_with(start));
        filled.push_str(if file { "Zm9v" } else { "8080" });
        filled.push_str(rest);
    }
    filled
}
