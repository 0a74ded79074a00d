mod late;

use std::fs;
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

fn editor() -> (TempDir, Editor, Mutex<Engine>) {
    editor_of(TEXT)
}

/// An editor of a directory, and what serves it.
pub(super) fn editor_of(text: &str) -> (TempDir, Editor, Mutex<Engine>) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("all.yaml"), text).unwrap();
    let engine = fixture::engine_of(text);
    let editor = Editor {
        origin: Origin::Directory(directory.path().to_owned()),
        defaults: defaults("default", false),
        settings: Settings {
            limit_socket: Some("limits".into()),
            authz: Some(nuncio_ir::Discovery::Unix("authz".into())),
            ..fixture::settings()
        },
        is_allowed: true,
        trial: Arc::default(),
        seen: Arc::default(),
        created: Arc::default(),
    };
    (directory, editor, Mutex::new(engine))
}

/// An object, as it is read.
pub(super) fn object_of(text: &str) -> Arc<Object> {
    let mut parsed = nuncio_api::parse(text.as_bytes(), &"new.yaml".into(), &defaults("default", false));
    Arc::new(parsed.objects.remove(0))
}

fn manifest(editor: &Editor, engine: &Mutex<Engine>) -> ManifestView {
    let [kind, namespace, name] = ["Mapping", "default", "cart"].map(ToOwned::to_owned);
    editor.manifest(engine, &ManifestQuery { kind, namespace, name, new: false, file: None }).unwrap()
}

fn change(text: &str, digest: Option<&str>) -> ChangeRequest {
    let [kind, namespace, name] = ["Mapping", "default", "cart"].map(ToOwned::to_owned);
    let digest = digest.map(ToOwned::to_owned);
    ChangeRequest { kind, namespace, name, text: Some(text.to_owned()), digest, ..ChangeRequest::default() }
}

#[test]
fn one_change_is_looked_at_at_a_time() {
    let (_directory, editor, engine) = editor();
    let ManifestView { text, digest, .. } = manifest(&editor, &engine);
    let held = editor.trial.lock().unwrap();
    assert_eq!(editor.dry_run(&engine, &change(&text, None)), Err(ChangeError::Busy));
    assert_eq!(editor.apply(&engine, &change(&text, Some(&digest))), Err(ChangeError::Busy));
    drop(held);
    assert!(editor.dry_run(&engine, &change(&text, None)).unwrap().is_valid);
}

#[test]
fn an_object_stands_where_the_list_of_objects_says() {
    let text = TEXT.replace("---\napiVersion", "---\n\n# Ours.\napiVersion");
    let (_directory, editor, engine) = editor_of(&text);
    let id = ObjectId::new(Kind::Mapping, "default", "cart");
    let listed = engine.lock().unwrap().files.object(&id).unwrap().location.line;
    let shown = manifest(&editor, &engine);
    assert_eq!((shown.line, shown.text.lines().nth(1)), (listed, Some("# Ours.")));
    assert_eq!(text.lines().nth(listed as usize - 1), Some("apiVersion: getambassador.io/v3alpha1"));
    let tried = editor.dry_run(&engine, &change(&shown.text.replace("/cart/", "/c/"), None)).unwrap();
    assert!(tried.manifest.line == listed && tried.patch.contains("-  prefix: /cart/"), "{tried:#?}");
}

#[test]
fn a_mark_before_the_first_comment_of_a_file_is_no_line_of_its_own() {
    let (_directory, editor, engine) = editor_of(&format!("\u{feff}# Ours.\n\n{TEXT}"));
    let listed =
        engine.lock().unwrap().files.object(&ObjectId::new(Kind::Listener, "default", "http")).unwrap().location.line;
    let [kind, namespace, name] = ["Listener", "default", "http"].map(ToOwned::to_owned);
    let shown = editor.manifest(&engine, &ManifestQuery { kind, namespace, name, new: false, file: None }).unwrap();
    assert_eq!((shown.line, listed), (3, 3), "{}", shown.text);
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

#[test]
fn a_file_keeps_its_mark_and_the_ends_of_its_lines() {
    let marked = format!("\u{feff}{TEXT}");
    for text in [marked.clone(), TEXT.replace('\n', "\r\n"), marked.replace('\n', "\r\n")] {
        let (directory, editor, engine) = editor_of(&text);
        let shown = manifest(&editor, &engine);
        assert!(!shown.text.contains(['\r', '\u{feff}']) && shown.is_read, "{shown:?}");
        let mut new = change(&shown.text.replace("/cart/", "/carts/"), Some(&shown.digest));
        new.set.insert("spec.timeout_ms".to_owned(), "700".to_owned());
        let patch = editor.apply(&engine, &new).unwrap().patch;
        assert_eq!(patch.lines().filter(|line| line.starts_with('+')).count(), 3, "{patch}");
        let written = fs::read_to_string(directory.path().join("all.yaml")).unwrap();
        let end = if text.contains('\r') { "\r\n" } else { "\n" };
        let more = format!("service: cart{end}  timeout_ms: 700{end}");
        assert_eq!(written, text.replace("/cart/", "/carts/").replace(&format!("service: cart{end}"), &more));
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let (_directory, editor, engine) = editor();
    let text = manifest(&editor, &engine).text.replace("  prefix: /cart/", "  prefix: [/cart/");
    let Err(ChangeError::Invalid(why)) = editor.dry_run(&engine, &change(&text, None)) else { panic!("it is read") };
    assert!(why.starts_with("line ") && why.contains(" of the text (all.yaml:"), "{why}");
}

/// What it would do to set one field of the cart.
fn set(editor: &Editor, engine: &Mutex<Engine>, field: &str, value: &str) -> Result<DryRunView, ChangeError> {
    let mut change = change("", None);
    change.text = None;
    change.set.insert(field.to_owned(), value.to_owned());
    editor.dry_run(engine, &change)
}

#[test]
fn what_is_typed_into_a_field_is_read_as_the_field_is() {
    let (_directory, editor, engine) = editor();
    let number = |value: &str| set(&editor, &engine, "spec.timeout_ms", value).unwrap();
    for typed in ["700", "\"700\"", " '700' "] {
        assert!(number(typed).patch.contains("+  timeout_ms: 700\n"), "{typed}");
    }
    for (typed, told) in
        [("1.5", "found the number 1.5"), ("-5", "found the number -5"), ("soon", "found text \"soon\"")]
    {
        let view = number(typed);
        assert!(!view.is_valid && view.problems[0].message.ends_with(told), "{:#?}", view.problems);
    }
    let service = set(&editor, &engine, "spec.service", "123");
    let Err(ChangeError::Invalid(why)) = service else { panic!("{service:?}") };
    assert!(why.starts_with("spec.service decides"), "{why}");
    let retry = set(&editor, &engine, "spec.retry_policy.retry_on", "123").unwrap();
    assert!(retry.patch.contains("retry_on: \"123\""), "{}", retry.patch);
}

#[test]
fn of_a_field_that_nothing_knows_the_one_is_told_that_is_meant() {
    let (_directory, editor, engine) = editor();
    let refused = set(&editor, &engine, "spec.timout_ms", "700");
    let Err(ChangeError::Invalid(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("did you mean \"spec.timeout_ms\"?"), "{why}");
}

#[test]
fn of_an_object_whose_file_cannot_be_read_that_is_said() {
    let (directory, editor, engine) = editor();
    let broken = TEXT.replace("  prefix: /cart/", "  prefix: [/cart/");
    fs::write(directory.path().join("all.yaml"), &broken).unwrap();
    let file = FileChange { file: "all.yaml".into(), content: Content::Bytes(broken.as_str().into()) };
    engine.lock().unwrap().ingest(vec![file], Instant::now());
    let refused = editor.dry_run(&engine, &change(TEXT, None));
    let Err(ChangeError::NotEditable(why)) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with("its file cannot be read (all.yaml:") && why.contains("stays in force"), "{why}");
    let engine = engine.lock().unwrap();
    let behind = |kind: Kind, name: &str| engine.files.problems_behind(&ObjectId::new(kind, "default", name)).len();
    assert_eq!((behind(Kind::Mapping, "cart"), behind(Kind::Host, "shop")), (1, 0), "the other is read");
}

#[test]
fn an_object_is_created_once_and_deleted() {
    let (directory, editor, engine) = editor();
    let path = directory.path().join("more.yaml");
    let mut new = change("", None);
    (new.act, new.name, new.text, new.file) = (Act::Create, "orders".to_owned(), None, Some("more.yaml".to_owned()));
    let told = editor.dry_run(&engine, &new).unwrap();
    assert!(told.is_valid && told.manifest.text.contains("prefix: /orders/"), "{told:#?}");
    assert!(
        told.routes_total > 0 && told.patch.starts_with("--- /dev/null\n+++ b/more.yaml\n@@ -0,0 +1,"),
        "{told:#?}"
    );
    assert!(!path.exists(), "trying changes nothing");
    editor.apply(&engine, &new).unwrap();
    let exists = |name: &str| Err(ChangeError::Exists(format!("Mapping default/{name}")));
    let again = (editor.dry_run(&engine, &new), editor.apply(&engine, &new));
    assert_eq!(again, (exists("orders"), exists("orders")), "the engine has not read the file yet");
    assert_eq!(fs::read_to_string(&path).unwrap(), told.manifest.text);
    new.file = Some("other.yaml".to_owned());
    assert_eq!(editor.apply(&engine, &new), exists("orders"), "nor in another file");
    fs::remove_file(&path).unwrap();
    editor.apply(&engine, &new).unwrap();

    new.name = "cart".to_owned();
    assert_eq!((editor.dry_run(&engine, &new), editor.apply(&engine, &new)), (exists("cart"), exists("cart")));

    let mut gone = change("", None);
    (gone.act, gone.text) = (Act::Delete, None);
    let conflict = Err(ChangeError::Conflict("all.yaml".to_owned()));
    assert_eq!(editor.apply(&engine, &gone), conflict, "by whom it was not seen");
    let told = editor.dry_run(&engine, &gone).unwrap();
    assert!(told.routes_total == 1 && !told.patch.contains("h4rd-to-guess"), "{told:#?}");
    gone.digest = Some(told.manifest.digest);
    editor.apply(&engine, &gone).unwrap();
    let left = fs::read_to_string(directory.path().join("all.yaml")).unwrap();
    assert_eq!(left, TEXT[..TEXT.rfind("---\n").unwrap()]);
}
