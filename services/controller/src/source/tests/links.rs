//! Links, and roots that are swapped or go.

use super::*;

/// Lays out `..v`, with `a.yaml` and `b.yaml`, the way the kubelet writes a volume.
fn mount(root: &Path, version: &str) {
    let data = format!("..{version}");
    fs::create_dir(root.join(&data)).unwrap();
    fs::write(root.join(&data).join("a.yaml"), version).unwrap();
    fs::write(root.join(&data).join("b.yaml"), "same").unwrap();
    symlink(&data, root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
}

#[tokio::test]
async fn a_config_map_is_swapped_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_owned();
    mount(&path, "v1");
    symlink("..data/a.yaml", path.join("a.yaml")).unwrap();
    symlink("..data/b.yaml", path.join("b.yaml")).unwrap();
    let (mut source, first) = Fixture::start(root, &path);
    assert_eq!(first, ["a.yaml=v1", "b.yaml=same"]);
    for (old, new) in [("v1", "v2"), ("v2", "v3")] {
        mount(&path, new);
        fs::remove_dir_all(path.join(format!("..{old}"))).unwrap();
        assert_eq!(source.next().await, [format!("a.yaml={new}")]);
    }
    assert_eq!(source.until_marker().await, [""; 0]);
}

#[tokio::test]
async fn a_link_that_dangled_is_read_when_it_leads_somewhere_again() {
    let root = tempfile::tempdir().unwrap();
    let (path, data) = (root.path().to_owned(), root.path().join("..data"));
    mount(&path, "v1");
    symlink("..data/a.yaml", path.join("a.yaml")).unwrap();
    let (mut source, first) = Fixture::start(root, &path);
    assert_eq!(first, ["a.yaml=v1"]);
    fs::remove_file(&data).unwrap();
    assert_eq!(source.next().await, ["a.yaml: a link to a file that is missing"]);
    mount(&path, "v2");
    assert_eq!(source.next().await, ["a.yaml=v2"], "the link is there again");
    fs::remove_dir_all(path.join("..v2")).unwrap();
    assert_eq!(source.next().await, ["a.yaml: a link to a file that is missing"]);
    fs::create_dir(path.join("..v2")).unwrap();
    fs::write(path.join("..v2/a.yaml"), "v3").unwrap();
    assert_eq!(source.next().await, ["a.yaml=v3"], "the directory is there again");
}

#[tokio::test]
async fn a_link_as_the_root_may_be_swapped() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().to_owned();
    for version in ["v1", "v2"] {
        fs::create_dir(path.join(version)).unwrap();
        fs::write(path.join(version).join("a.yaml"), version).unwrap();
    }
    symlink("v1", path.join("current")).unwrap();
    let (mut source, first) = Fixture::start(outer, &path.join("current"));
    assert_eq!(first, ["a.yaml=v1"]);
    symlink("v2", path.join("new")).unwrap();
    fs::rename(path.join("new"), path.join("current")).unwrap();
    assert_eq!(source.next().await, ["a.yaml=v2"]);
    fs::write(path.join("v2/a.yaml"), "v2b").unwrap();
    assert_eq!(source.next().await, ["a.yaml=v2b"]);
}

#[tokio::test]
async fn files_behind_links_are_followed_outside_the_root() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("real.txt"), "1").unwrap();
    let mut source = Fixture::empty();
    symlink(outside.path().join("real.txt"), source.path("a.yaml")).unwrap();
    assert_eq!(source.next().await, ["a.yaml=1"]);
    fs::write(outside.path().join("real.txt"), "2").unwrap();
    assert_eq!(source.next().await, ["a.yaml=2"]);
    fs::remove_file(outside.path().join("real.txt")).unwrap();
    assert_eq!(source.next().await, ["a.yaml: a link to a file that is missing"]);
    fs::write(outside.path().join("real.txt"), "2").unwrap();
    assert_eq!(source.next().await, ["a.yaml=2"], "the error is over although the content is the same");
}

#[tokio::test]
async fn a_root_that_is_gone_keeps_its_files() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("root");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.yaml"), "1").unwrap();
    fs::write(path.join("b.yaml"), "1").unwrap();
    let (mut source, _) = Fixture::start(outer, &path);
    fs::remove_dir_all(&path).unwrap();
    let lost = source.next().await;
    assert!(lost.len() == 1 && lost[0].starts_with(".: cannot list the directory"), "{lost:?}");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.yaml"), "2").unwrap();
    assert_eq!(source.collect(3).await, [". gone", "a.yaml=2", "b.yaml gone"]);
    fs::write(path.join("a.yaml"), "3").unwrap();
    assert_eq!(source.next().await, ["a.yaml=3"]);
}
