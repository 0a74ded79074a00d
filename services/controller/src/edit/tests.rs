use std::fs;
use std::sync::Barrier;
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::engine::fixture;
use crate::source::{Content, FileChange};

const TEXT: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: http}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop}
spec: {hostname: shop.example, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: cart
spec:
  hostname: shop.example
  prefix: /cart/
  service: cart
  add_request_headers:
    Authorization:
      value: Basic h4rd-to-guess
";

/// An editor of a directory, and what serves it.
fn editor() -> (TempDir, Editor, Mutex<Engine>) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("all.yaml"), TEXT).unwrap();
    let mut engine = fixture::engine();
    let file = FileChange { file: "all.yaml".into(), content: Content::Bytes(TEXT.into()) };
    engine.ingest(vec![file], Instant::now());
    let editor = Editor {
        origin: Origin::Directory(directory.path().to_owned()),
        defaults: defaults("default", false),
        settings: fixture::settings(),
        is_allowed: true,
        turn: Arc::default(),
        trial: Arc::default(),
    };
    (directory, editor, Mutex::new(engine))
}

fn manifest(editor: &Editor, engine: &Mutex<Engine>) -> ManifestView {
    let [kind, namespace, name] = ["Mapping", "default", "cart"].map(ToOwned::to_owned);
    editor.manifest(engine, &ManifestQuery { kind, namespace, name }).unwrap()
}

fn change(text: &str, digest: Option<&str>) -> ChangeRequest {
    let [kind, namespace, name] = ["Mapping", "default", "cart"].map(ToOwned::to_owned);
    let digest = digest.map(ToOwned::to_owned);
    ChangeRequest { kind, namespace, name, text: Some(text.to_owned()), set: std::collections::BTreeMap::new(), digest }
}

#[test]
fn one_change_is_looked_at_at_a_time() {
    let (_directory, editor, engine) = editor();
    let text = manifest(&editor, &engine).text;
    let held = editor.trial.lock().unwrap();
    assert_eq!(editor.dry_run(&engine, &change(&text, None)), Err(ChangeError::Busy));
    drop(held);
    assert!(editor.dry_run(&engine, &change(&text, None)).unwrap().is_valid);
}

#[test]
fn of_two_who_apply_a_change_at_once_one_is_told_that_the_other_was_faster() {
    let (directory, editor, engine) = editor();
    let ManifestView { text, digest, .. } = manifest(&editor, &engine);
    let both = Barrier::new(2);
    let apply = |path: &str| {
        let change = change(&text.replace("/cart/", path), Some(&digest));
        both.wait();
        editor.apply(&engine, &change).map(|_| path.to_owned())
    };
    let outcomes = std::thread::scope(|scope| {
        let all = ["/one/", "/two/"].map(|path| scope.spawn(move || apply(path)));
        all.map(|thread| thread.join().unwrap())
    });
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(lost, [Err(ChangeError::Conflict("all.yaml".to_owned()))]);
    let path = won[0].clone().unwrap();
    assert_eq!(fs::read_to_string(directory.path().join("all.yaml")).unwrap(), TEXT.replace("/cart/", &path));
}

#[test]
fn nobody_finds_out_by_trying_whether_he_guesses_a_secret() {
    let (_directory, editor, engine) = editor();
    let shown = manifest(&editor, &engine);
    assert!(shown.text.contains("value: (not shown)\n") && shown.has_secret, "{}", shown.text);
    let tried = |guess: &str, header: &str| {
        let text = shown.text.replace("(not shown)", guess).replace("Authorization", header);
        let view = editor.dry_run(&engine, &change(&text, None)).unwrap();
        assert_eq!(view.routes_total, 1, "{guess} in {header}: {view:#?}");
        format!("{view:?}").replace(guess, "GUESS").replace(header, "HEADER")
    };
    for header in ["Authorization", "authorization"] {
        assert_eq!(tried("Basic h4rd-to-guess", header), tried("Basic easy-to-guess", header));
    }
    let kept = editor.dry_run(&engine, &change(&shown.text, None)).unwrap();
    assert_eq!((kept.routes_total, kept.patch.as_str()), (0, ""), "what is kept is what it was");
}

#[test]
fn a_secret_that_is_not_shown_goes_where_it_went() {
    let (directory, editor, engine) = editor();
    let ManifestView { text, digest, .. } = manifest(&editor, &engine);
    let elsewhere = text.replace("service: cart", "service: evil.example");
    for refused in
        [editor.dry_run(&engine, &change(&elsewhere, None)), editor.apply(&engine, &change(&elsewhere, Some(&digest)))]
    {
        let Err(ChangeError::Invalid(why)) = refused else { panic!("{refused:?}") };
        assert!(
            why.starts_with("spec.service decides where spec.add_request_headers.Authorization.value is sent"),
            "{why}"
        );
    }
    assert_eq!(fs::read_to_string(directory.path().join("all.yaml")).unwrap(), TEXT);
    editor.apply(&engine, &change(&elsewhere.replace("(not shown)", "Basic new"), Some(&digest))).unwrap();
}
