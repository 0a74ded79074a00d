//! Real files in a temporary directory, and the batches that they cause.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

mod links;

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A source whose first scan is over.
struct Fixture {
    root: TempDir,
    changes: Changes,
}

impl Fixture {
    fn start(root: TempDir, path: &Path) -> (Self, Vec<String>) {
        Self::with(root, path, Options::default())
    }

    fn with(root: TempDir, path: &Path, options: Options) -> (Self, Vec<String>) {
        let mut source = DirectorySource::open(path, options).unwrap();
        let first = source.scan().iter().map(show).collect();
        (Self { changes: source.changes().unwrap(), root }, first)
    }

    fn empty() -> Self {
        Self::empty_with(Options::default())
    }

    fn empty_with(options: Options) -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().to_owned();
        Self::with(root, &path, options).0
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    async fn next(&mut self) -> Vec<String> {
        let batch = tokio::time::timeout(PATIENCE, self.changes.next()).await.expect("a batch in time").unwrap();
        batch.changes.iter().map(show).collect()
    }

    /// All that comes until a marker file arrives, written last: proves that something did not come.
    async fn until_marker(&mut self) -> Vec<String> {
        self.write("zz-marker.yaml", "m");
        let mut seen = Vec::new();
        while !seen.iter().any(|change| change == "zz-marker.yaml=m") {
            seen.append(&mut self.next().await);
        }
        seen.retain(|change| !change.starts_with("zz-marker"));
        seen
    }

    /// Batches until `n` changes have come.
    async fn collect(&mut self, n: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < n {
            seen.append(&mut self.next().await);
        }
        seen.sort();
        seen
    }
}

fn show(change: &FileChange) -> String {
    match &change.content {
        Content::Bytes(bytes) | Content::Json(bytes) => format!("{}={}", change.file, String::from_utf8_lossy(bytes)),
        Content::Gone => format!("{} gone", change.file),
        Content::Unreadable(error) => format!("{}: {error}", change.file),
    }
}

#[test]
fn reads_manifests_at_any_depth_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("shop/.git")).unwrap();
    for name in ["b.yml", "shop/a.yaml", "c.json", "README.md", ".hidden.yaml", "shop/.git/x.yaml", "a.yaml~"] {
        fs::write(root.path().join(name), "x").unwrap();
    }
    symlink("..", root.path().join("shop/loop")).unwrap();
    let all: Vec<_> = read(root.path(), Options::default()).unwrap().iter().map(show).collect();
    assert_eq!(all, ["b.yml=x", "c.json=x", "shop/a.yaml=x"]);
}

#[test]
fn a_missing_directory_and_a_file_are_errors() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(read(&file, Options::default()), Err(SourceError::NotADirectory(_))));
    assert!(matches!(read(&root.path().join("no"), Options::default()), Err(SourceError::Unreadable { .. })));
}

#[tokio::test]
async fn sees_writes_and_removals() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    source.write("a.yaml", "2");
    assert_eq!(source.next().await, ["a.yaml=2"]);
    fs::remove_file(source.path("a.yaml")).unwrap();
    assert_eq!(source.next().await, ["a.yaml gone"]);
}

#[tokio::test]
async fn equal_content_is_no_change() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    source.write("a.yaml", "1");
    assert_eq!(source.until_marker().await, [""; 0]);
}

#[tokio::test]
async fn a_file_is_not_read_while_it_is_written() {
    let options = Options { quiet: PATIENCE, ..Options::default() };
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_owned();
    let (mut source, _) = Fixture::with(root, &path, options);
    let mut file = File::create(source.path("a.yaml")).unwrap();
    file.write_all(b"half").unwrap();
    assert_eq!(source.until_marker().await, [""; 0]);
    file.write_all(b"+half").unwrap();
    drop(file);
    assert_eq!(source.next().await, ["a.yaml=half+half"]);
}

#[tokio::test]
async fn a_file_that_nobody_closes_is_read_when_it_is_quiet() {
    let mut source = Fixture::empty();
    let mut file = File::create(source.path("a.yaml")).unwrap();
    file.write_all(b"open").unwrap();
    file.flush().unwrap();
    assert_eq!(source.next().await, ["a.yaml=open"]);
}

#[tokio::test]
async fn an_atomic_save_is_one_change() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    source.write("a.yaml.tmp", "2");
    fs::rename(source.path("a.yaml.tmp"), source.path("a.yaml")).unwrap();
    assert_eq!(source.until_marker().await, ["a.yaml=2"]);
}

#[tokio::test]
async fn moving_the_old_file_away_first_loses_nothing() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    fs::rename(source.path("a.yaml"), source.path("a.yaml~")).unwrap();
    source.write("a.yaml", "2");
    fs::remove_file(source.path("a.yaml~")).unwrap();
    assert_eq!(source.until_marker().await, ["a.yaml=2"]);
}

#[tokio::test]
async fn a_file_that_is_truncated_and_written_anew_was_never_empty() {
    // Longer than this writer may be kept from writing it anew.
    let mut source = Fixture::empty_with(Options { empty_grace: PATIENCE, ..Options::default() });
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    source.write("a.yaml", "");
    assert_eq!(source.until_marker().await, [""; 0]);
    source.write("a.yaml", "# about to be written\n");
    source.write("a.yaml", "2");
    assert_eq!(source.next().await, ["a.yaml=2"]);
}

#[tokio::test]
async fn a_file_that_stays_empty_is_empty_after_a_while() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    let begun = Instant::now();
    source.write("a.yaml", "# nothing\n");
    assert_eq!(source.next().await, ["a.yaml=# nothing\n"]);
    assert!(begun.elapsed() >= Options::default().empty_grace, "{:?}", begun.elapsed());
    source.write("a.yaml", "");
    assert_eq!(source.next().await, ["a.yaml="], "there is nothing to lose any more");
    source.write("a.yaml", "2");
    assert_eq!(source.next().await, ["a.yaml=2"]);
}

#[tokio::test]
async fn a_file_that_is_empty_from_the_start_is_so_at_once() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), "").unwrap();
    let path = root.path().to_owned();
    assert_eq!(Fixture::start(root, &path).1, ["a.yaml="]);
}

#[tokio::test]
async fn a_renamed_file_is_a_new_one_and_an_old_one() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    fs::rename(source.path("a.yaml"), source.path("b.yaml")).unwrap();
    assert_eq!(source.collect(2).await, ["a.yaml gone", "b.yaml=1"]);
}

#[tokio::test]
async fn directories_come_move_and_go() {
    let mut source = Fixture::empty();
    fs::create_dir_all(source.path("d/e")).unwrap();
    source.write("d/e/a.yaml", "1");
    assert_eq!(source.next().await, ["d/e/a.yaml=1"]);
    fs::rename(source.path("d"), source.path("f")).unwrap();
    assert_eq!(source.collect(2).await, ["d/e/a.yaml gone", "f/e/a.yaml=1"]);
    source.write("f/e/a.yaml", "2");
    assert_eq!(source.next().await, ["f/e/a.yaml=2"]);
    fs::remove_dir_all(source.path("f")).unwrap();
    assert_eq!(source.next().await, ["f/e/a.yaml gone"]);
}

#[tokio::test]
async fn too_large_is_an_error_of_its_own() {
    let options = Options { size_limit: 4, ..Options::default() };
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_owned();
    let (mut source, _) = Fixture::with(root, &path, options);
    source.write("a.yaml", "1234");
    assert_eq!(source.next().await, ["a.yaml=1234"]);
    source.write("a.yaml", "12345");
    assert_eq!(source.next().await, ["a.yaml: larger than the limit of 4 bytes"]);
    source.write("a.yaml", "1234");
    assert_eq!(source.next().await, ["a.yaml=1234"]);
}

#[tokio::test]
async fn what_is_no_file_is_an_error() {
    let mut source = Fixture::empty();
    let _socket = std::os::unix::net::UnixListener::bind(source.path("a.yaml")).unwrap();
    assert_eq!(source.next().await, ["a.yaml: not a regular file"]);
}

/// Root may read everything, so this shows something only for other users; for root the mode changes nothing.
#[tokio::test]
async fn a_change_of_mode_is_noticed() {
    let mut source = Fixture::empty();
    source.write("a.yaml", "1");
    assert_eq!(source.next().await, ["a.yaml=1"]);
    fs::set_permissions(source.path("a.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(source.path("a.yaml")).is_ok() {
        assert_eq!(source.until_marker().await, [""; 0]);
        return;
    }
    assert!(source.next().await[0].starts_with("a.yaml: cannot read the file"));
    fs::set_permissions(source.path("a.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(source.next().await, ["a.yaml=1"]);
}

#[tokio::test]
async fn many_files_come_in_few_batches() {
    // Longer than this writer may be kept from writing the next one.
    let mut source = Fixture::empty_with(Options { settle: Duration::from_millis(50), ..Options::default() });
    for n in 0..500 {
        source.write(&format!("{n:03}.yaml"), "x");
    }
    let (mut seen, mut batches) = (0, 0);
    while seen < 500 {
        seen += source.next().await.len();
        batches += 1;
    }
    assert_eq!(seen, 500);
    assert!(batches < 100, "{batches} batches");
}
