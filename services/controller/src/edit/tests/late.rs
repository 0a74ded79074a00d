//! Changes of a text that is not the object's any more.

use std::sync::Barrier;

use super::*;

#[test]
fn of_two_who_apply_a_change_at_once_one_is_told_that_the_other_was_faster() {
    let (directory, editor, engine) = editor();
    let ManifestView { text, digest, .. } = manifest(&editor, &engine);
    let both = Barrier::new(2);
    let apply = |path: &str| {
        let change = change(&text.replace("/cart/", path), Some(&digest));
        both.wait();
        let mut outcome = editor.apply(&engine, &change);
        while outcome == Err(ChangeError::Busy) {
            std::thread::yield_now();
            outcome = editor.apply(&engine, &change);
        }
        outcome.map(|_| path.to_owned())
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
fn of_a_text_that_is_not_the_objects_any_more_both_changes_are_told() {
    let (directory, editor, engine) = editor();
    let shown = manifest(&editor, &engine);
    let path = directory.path().join("all.yaml");
    fs::write(&path, TEXT.replace("prefix: /cart/", "prefix: /carts/")).unwrap();
    let more = format!("{}  timeout_ms: 700\n", shown.text);
    let mine = change(&more, Some(&shown.digest));
    let conflict = Err(ChangeError::Conflict("all.yaml".to_owned()));
    assert_eq!((editor.dry_run(&engine, &mine), editor.apply(&engine, &mine)), (conflict.clone(), conflict));
    let told = editor.compare(&engine, &mine).unwrap();
    assert!(told.yours.contains("+  timeout_ms: 700") && !told.yours.contains("carts"), "{told:#?}");
    assert!(told.others.contains("+  prefix: /carts/") && !told.others.contains("700"), "{told:#?}");
    assert!(told.text == more && told.manifest.text.contains("/carts/"), "{told:#?}");
    let merged = told.merged.unwrap();
    assert_eq!(merged, more.replace("prefix: /cart/", "prefix: /carts/"));
    editor.apply(&engine, &change(&merged, Some(&told.manifest.digest))).unwrap();
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("/carts/") && written.contains("700") && written.contains("h4rd-to-guess"), "{written}");

    let lost = editor.compare(&engine, &change(&more, Some("of another time"))).unwrap();
    assert_eq!((lost.others.as_str(), lost.merged), ("", None), "nobody knows what it was made of");
    assert!(lost.yours.contains("-  prefix: /carts/"), "so it is held against what stands: {}", lost.yours);
}

#[test]
fn what_somebody_changes_beside_the_object_is_no_conflict_and_stays() {
    let (directory, editor, engine) = editor();
    let shown = manifest(&editor, &engine);
    let path = directory.path().join("all.yaml");
    let beside = TEXT.replace("action: Route", "action: Reject").replace("h4rd-to-guess", "another");
    fs::write(&path, &beside).unwrap();
    let new = shown.text.replace("/cart/", "/c/");
    editor.apply(&engine, &change(&new, Some(&shown.digest))).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), beside.replace("/cart/", "/c/"));
}

#[test]
fn who_applies_again_what_he_has_applied_is_told_that_it_is_so() {
    let (directory, editor, engine) = editor();
    let shown = manifest(&editor, &engine);
    let mine = change(&shown.text.replace("/cart/", "/c/"), Some(&shown.digest));
    editor.apply(&engine, &mine).unwrap();
    let written = fs::read_to_string(directory.path().join("all.yaml")).unwrap();
    assert!(written.contains("prefix: /c/"), "{written}");

    let mut by_field = change("", Some(&shown.digest));
    by_field.text = None;
    by_field.set.insert("spec.prefix".to_owned(), "/c/".to_owned());
    for again in [editor.apply(&engine, &mine), editor.dry_run(&engine, &mine), editor.apply(&engine, &by_field)] {
        let told = again.unwrap();
        assert!(told.patch.is_empty() && told.manifest.text.contains("prefix: /c/"), "{told:#?}");
        assert_ne!(told.manifest.digest, shown.digest, "what is changed next is made of what stands there");
    }
    assert_eq!(fs::read_to_string(directory.path().join("all.yaml")).unwrap(), written);

    let conflict = Err(ChangeError::Conflict("all.yaml".to_owned()));
    let other = change(&shown.text.replace("/cart/", "/d/"), Some(&shown.digest));
    assert_eq!((editor.apply(&engine, &other), editor.dry_run(&engine, &other)), (conflict.clone(), conflict.clone()));
    by_field.digest = Some("of another time".to_owned());
    let mut nothing = by_field.clone();
    nothing.set.clear();
    for unknown in [by_field, nothing] {
        let told = (editor.apply(&engine, &unknown), editor.dry_run(&engine, &unknown));
        assert_eq!(told, (conflict.clone(), conflict.clone()), "nobody knows what {unknown:?} was made of");
    }
    let by_text = change(mine.text.as_deref().unwrap(), Some("of another time"));
    assert!(editor.apply(&engine, &by_text).is_ok(), "a whole text says all of what is wanted");
    let unseen = change(&shown.text.replace("/cart/", "/c/"), None);
    assert_eq!(editor.apply(&engine, &unseen), conflict, "by whom it was not seen");
    let guess = mine.text.unwrap().replace("(not shown)", "Basic h4rd-to-guess");
    let guessed = editor.dry_run(&engine, &change(&guess, Some(&shown.digest)));
    assert_eq!(guessed, conflict, "the right one is told like any other");
}
