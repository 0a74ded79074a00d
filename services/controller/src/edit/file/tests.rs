use std::process::Command;
use std::sync::Barrier;

use nuncio_api::MASK;

use super::*;

fn at(line: u32) -> Location {
    Location { file: "a.yaml".into(), line, column: 1 }
}

fn read_at(directory: &Path, line: u32) -> Manifest {
    File::read(directory, Kind::Mapping, &at(line)).unwrap()
}

#[test]
fn a_document_changes_and_its_neighbours_stay() {
    let directory = tempfile::tempdir().unwrap();
    let (path, text) = (directory.path().join("a.yaml"), "a: 1\n---\nb: 1\n---\nc: 1\n");
    fs::write(&path, text).unwrap();
    let manifest = read_at(directory.path(), 3);
    assert_eq!((manifest.text.as_str(), manifest.line), ("b: 1\n", 3));
    manifest.write("b: 2\n# more\n", |_| false).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1\n---\nb: 2\n# more\n---\nc: 1\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");

    let again = read_at(directory.path(), 3);
    assert_ne!(again.digest, manifest.digest);
    let late = manifest.write("b: 3\n", |_| true);
    assert_eq!(late, Err(ChangeError::Conflict("a.yaml".to_owned())), "another was faster");
    assert_eq!(manifest.remove(), Err(ChangeError::Conflict("a.yaml".to_owned())));
    std::os::unix::fs::symlink(&path, directory.path().join("l.yaml")).unwrap();
    let link = Location { file: "l.yaml".into(), ..at(3) };
    assert!(matches!(File::read(directory.path(), Kind::Mapping, &link), Err(ChangeError::NotEditable(_))));
}

/// What is left of a file, and what a patch of the same leaves of it.
fn without(text: &str, line: u32) -> [Option<String>; 2] {
    [false, true].map(|by_patch| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        fs::write(&path, text).unwrap();
        let manifest = read_at(directory.path(), line);
        if by_patch {
            apply(directory.path(), &manifest.removal(&manifest.text));
        } else {
            manifest.remove().unwrap();
        }
        fs::read_to_string(&path).ok()
    })
}

fn in_crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

fn apply(directory: &Path, patch: &str) {
    fs::write(directory.join("patch"), patch).unwrap();
    let git = Command::new("git").args(["apply", "--unidiff-zero", "patch"]).current_dir(directory).output().unwrap();
    assert!(git.status.success(), "{patch}\n{}", String::from_utf8_lossy(&git.stderr));
}

#[test]
fn a_document_goes_and_the_others_stay_with_their_comments() {
    let file = "# All of it.\n---\na: 1 # one\n---\n# Two.\nb: 1\n--- # three\nc: 1\n";
    for (line, left) in [
        (3, Some("# All of it.\n---\n# Two.\nb: 1\n--- # three\nc: 1\n")),
        (6, Some("# All of it.\n---\na: 1 # one\n--- # three\nc: 1\n")),
        (8, Some("# All of it.\n---\na: 1 # one\n---\n# Two.\nb: 1\n")),
    ] {
        assert_eq!(without(file, line), [left, left].map(|left| left.map(ToOwned::to_owned)), "{line}");
        let [file, left] = [Some(file), left].map(|text| text.map(in_crlf));
        assert_eq!(without(&file.unwrap(), line), [left.clone(), left], "{line}, with other ends of lines");
    }
    assert_eq!(without("---\na: 1\n---\n", 2), [None, None], "nothing is left");
    assert_eq!(without(&in_crlf("---\na: 1\n---\n"), 2), [None, None], "nothing is left");
    assert_eq!(without("a: 1\n---\nb: 1\n", 1)[0].as_deref(), Some("---\nb: 1\n"));
    assert_eq!(without("# Ours.\n---\na: 1\n", 3)[0].as_deref(), Some("# Ours.\n"), "a comment is something");
}

#[test]
fn a_change_is_one_of_the_lines_as_the_file_has_them() {
    let (old, new) = ("a: 1\n---\nb: 1\nc: 1\n", "a: 1\n---\nb: 2\nc: 1\nd: 1\n");
    for (old, new) in [
        (old.to_owned(), new.to_owned()),
        (in_crlf(old), in_crlf(new)),
        (old.replace("c: 1\n", "c: 1\r\n"), new.replace("c: 1\n", "c: 1\r\n")),
    ] {
        for by_patch in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("a.yaml");
            fs::write(&path, &old).unwrap();
            let (manifest, text) = (read_at(directory.path(), 3), "b: 2\nc: 1\nd: 1\n");
            if by_patch {
                apply(directory.path(), &manifest.change(&manifest.text, text));
            } else {
                manifest.write(text, |_| true).unwrap();
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), new, "{by_patch}");
        }
    }
}

#[test]
fn no_line_of_a_secret_is_in_a_patch_of_a_file_with_other_ends_of_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.yaml");
    let file = in_crlf("a: 1\nb: 1\nsecret: abc\nc: 1\nd: 1\n");
    fs::write(&path, &file).unwrap();
    let (manifest, told) = (read_at(directory.path(), 1), format!("a: 1\nb: 1\nsecret: {MASK}\nc: 1\nd: 1\n"));
    let patch = manifest.change(&told, &told.replace("b: 1", "b: 2").replace("c: 1", "c: 2"));
    assert!(!patch.contains("secret"), "{patch}");
    apply(directory.path(), &patch);
    assert_eq!(fs::read_to_string(&path).unwrap(), file.replace("b: 1", "b: 2").replace("c: 1", "c: 2"));
}

#[test]
fn an_object_is_added_at_the_end_of_a_file_or_in_a_new_one() {
    for (old, new) in [
        (None, "b: 1\n"),
        (Some("a: 1 # one\n"), "a: 1 # one\n---\nb: 1\n"),
        (Some("a: 1\n---\n"), "a: 1\n---\n---\nb: 1\n"),
        (Some("\n"), "\nb: 1\n"),
        (Some("a: 1\r\n"), "a: 1\r\n---\r\nb: 1\r\n"),
        (Some("\r\n"), "\r\nb: 1\r\n"),
    ] {
        for by_patch in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("b.yaml");
            old.into_iter().for_each(|old| fs::write(&path, old).unwrap());
            let manifest = File::end_of(directory.path(), "b.yaml", String::new()).unwrap();
            if by_patch {
                apply(directory.path(), &manifest.creation("b: 1\n"));
            } else {
                manifest.write("b: 1\n", |_| true).unwrap();
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), new, "{by_patch}");
        }
    }
}

#[test]
fn of_several_who_make_a_file_of_one_name_at_once_one_does() {
    let directory = tempfile::tempdir().unwrap();
    let all = Barrier::new(8);
    let make = |number: u8| {
        let manifest = File::end_of(directory.path(), "b.yaml", String::new()).unwrap();
        all.wait();
        manifest.create(&format!("b: {number}\n"), |_| true).map(|()| number)
    };
    let outcomes = std::thread::scope(|scope| {
        let all = [0, 1, 2, 3, 4, 5, 6, 7].map(|number| scope.spawn(move || make(number)));
        all.map(|thread| thread.join().unwrap())
    });
    let (made, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(others.iter().all(|other| *other == Err(ChangeError::Conflict("b.yaml".to_owned()))), "{others:?}");
    let text = fs::read_to_string(directory.path().join("b.yaml")).unwrap();
    assert_eq!(text, format!("b: {}\n", made[0].as_ref().unwrap()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn no_file_is_made_that_the_directory_is_not_read_for() {
    let outside = tempfile::tempdir().unwrap();
    let directory = outside.path().join("manifests");
    fs::create_dir(&directory).unwrap();
    std::os::unix::fs::symlink(outside.path(), directory.join("out")).unwrap();
    let names = [
        "",
        "../a.yaml",
        "/tmp/a.yaml",
        "x/../a.yaml",
        "out/a.yaml",
        "a.txt",
        "a.json",
        ".a.yaml",
        ".x/a.yaml",
        "x/a.yaml",
        "a\n.yaml",
        "cut.yaml",
        "link.yaml",
    ];
    fs::write(directory.join("cut.yaml"), "a: 1").unwrap();
    std::os::unix::fs::symlink(directory.join("cut.yaml"), directory.join("link.yaml")).unwrap();
    for name in names {
        let refused = File::end_of(&directory, name, String::new());
        let Err(ChangeError::Field { field, .. }) = refused else { panic!("{name}: {refused:?}") };
        assert_eq!(field, "file", "{name}");
    }
    fs::create_dir(directory.join("x")).unwrap();
    File::end_of(&directory, "x/a.yaml", String::new()).unwrap().write("a: 1\n", |_| true).unwrap();
    assert!(directory.join("x/a.yaml").exists());
}
