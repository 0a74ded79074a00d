use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use tokio::sync::watch::Receiver;

use super::*;
use crate::limiter::{Options, Shared};
use crate::provider::Loads;

/// Rules with so many limits.
fn rules(limits: usize) -> String {
    let mut rules = "domain: d\ndescriptors:\n".to_owned();
    for value in 0..limits {
        writeln!(rules, "- {{key: k, value: v{value}, rate_limit: {{unit: day, requests_per_unit: 1}}}}").unwrap();
    }
    rules
}

fn files(root: &Path, app_directory: &str) -> Files {
    Files {
        root: root.display().to_string(),
        subdirectory: String::new(),
        app_directory: app_directory.to_owned(),
        ignore_dot_files: true,
        watch_root: false,
    }
}

fn limits(shared: &Shared) -> usize {
    shared.config.load_full().map_or(0, |config| config.rules().len())
}

/// Files that are watched until this is dropped.
struct Watched {
    shared: Arc<Shared>,
    loads: Receiver<Loads>,
    _stop: tokio_util::sync::DropGuard,
}

impl Watched {
    fn new(files: Files) -> Self {
        let shared = Arc::new(Shared::new(Options::default(), None));
        let active = Active::new(shared.clone(), false);
        let (loads, stop) = (active.loads(), CancellationToken::new());
        tokio::spawn(watch(files, active, stop.clone()));
        Self { shared, loads, _stop: stop.drop_guard() }
    }

    /// How many limits are in force once rules were loaded so often: at once, and not when files are looked at anyway.
    async fn limits_of(&mut self, load: u64) -> usize {
        let loaded = self.loads.wait_for(|loads| loads.events >= load);
        let loads = *tokio::time::timeout(LOOK_EVERY / 2, loaded).await.expect("nobody told of a change").unwrap();
        assert_eq!(loads.events, load);
        limits(&self.shared)
    }
}

#[tokio::test]
async fn nobody_waits_while_rules_are_read() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("rules.yaml"), rules(50_000)).unwrap();
    let mut watched = Watched::new(files(directory.path(), ""));
    // On this thread both take turns.
    tokio::task::yield_now().await;
    assert_eq!(watched.loads.borrow().events, 0, "the rules are being read");
    watched.loads.wait_for(|loads| loads.has_domains).await.unwrap();
}

/// `RUNTIME_WATCH_ROOT`: the root is a link, which is made to lead elsewhere.
#[tokio::test]
async fn a_root_that_leads_elsewhere_is_read_again() {
    let place = tempfile::tempdir().unwrap();
    let at = |path: &str| place.path().join(path);
    let version = |name: &str, count: usize| {
        fs::create_dir_all(at(name).join("config")).unwrap();
        fs::create_dir(at(name).join("other")).unwrap();
        fs::write(at(name).join("config/rules.yaml"), rules(count)).unwrap();
        fs::write(at(name).join("other/rules.yaml"), "of another application").unwrap();
    };
    version("v1", 1);
    symlink("v1", at("current")).unwrap();
    let mut watched = Watched::new(Files { watch_root: true, ..files(&at("current"), "config") });
    assert_eq!(watched.limits_of(1).await, 1);
    version("v2", 2);
    symlink("v2", at("next")).unwrap();
    fs::rename(at("next"), at("current")).unwrap();
    assert_eq!(watched.limits_of(2).await, 2);
    // Files are watched where it leads now.
    fs::write(at("new.yaml"), rules(3)).unwrap();
    fs::rename(at("new.yaml"), at("v2/config/rules.yaml")).unwrap();
    assert_eq!(watched.limits_of(3).await, 3);
}

/// The kubelet writes a directory for each version, and makes `..data` lead there.
#[tokio::test]
async fn a_config_map_is_read_again_with_each_version() {
    let place = tempfile::tempdir().unwrap();
    let at = |path: &str| place.path().join("rules").join(path);
    let version = |count: usize| {
        let directory = format!("..{count}");
        fs::create_dir_all(at(&directory)).unwrap();
        fs::write(at(&directory).join("a.yaml"), rules(count)).unwrap();
        symlink(&directory, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    version(1);
    symlink("..data/a.yaml", at("a.yaml")).unwrap();
    let mut watched = Watched::new(files(place.path(), "rules"));
    assert_eq!(watched.limits_of(1).await, 1);
    for count in 2..4 {
        version(count);
        fs::remove_dir_all(at(&format!("..{}", count - 1))).unwrap();
        assert_eq!(watched.limits_of(count as u64).await, count);
    }
}

#[test]
fn files_that_cannot_be_read_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    fs::create_dir(at("below")).unwrap();
    fs::write(at("below/rules.yaml"), rules(1)).unwrap();
    symlink("nowhere", at("dangling.yaml")).unwrap();
    // Which nobody can read.
    symlink("/proc/self/clear_refs", at("secret.yaml")).unwrap();
    let shared = Arc::new(Shared::new(Options::default(), None));
    let (files, active) = (files(directory.path(), ""), Active::new(shared.clone(), false));
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let found = read(&files).unwrap();
    assert_eq!(names(&found.texts), ["below.rules.yaml"]);
    assert_eq!(names(&found.unreadable), ["dangling.yaml", "secret.yaml"]);
    let first = load_changed(&files, &active, None);
    assert_eq!((limits(&shared), load_changed(&files, &active, Some(first))), (1, first));
    fs::remove_file(at("secret.yaml")).unwrap();
    assert_ne!(load_changed(&files, &active, Some(first)), first);
}

/// Moved away, or never there: not the same as a directory without files.
#[test]
fn without_the_directory_the_last_good_rules_stay() {
    for watch_root in [true, false] {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let files = Files { subdirectory: "rl".to_owned(), watch_root, ..files(root.path(), "config") };
        let shared = Arc::new(Shared::new(Options::default(), None));
        let active = Active::new(shared.clone(), false);
        let loads = active.loads();
        let mut last = None;
        let mut load = |expected: (u64, bool, usize)| {
            last = Some(load_changed(&files, &active, last));
            let loads = *loads.borrow();
            assert_eq!((loads.events, loads.refused, limits(&shared)), expected, "RUNTIME_WATCH_ROOT={watch_root}");
        };
        fs::create_dir_all(at("rl/other")).unwrap();
        load((1, true, 0));
        let error = read(&files).err().unwrap();
        assert_eq!(error.file, at("rl/config").display().to_string());
        fs::create_dir(at("rl/config")).unwrap();
        fs::write(at("rl/config/rules.yaml"), rules(2)).unwrap();
        load((2, false, 2));
        fs::rename(at("rl/config"), at("rl/away")).unwrap();
        load((3, true, 2));
        // It is told once.
        load((3, true, 2));
        fs::rename(at("rl/away"), at("rl/config")).unwrap();
        load((4, false, 2));
        fs::remove_file(at("rl/config/rules.yaml")).unwrap();
        load((5, false, 0));
    }
}
