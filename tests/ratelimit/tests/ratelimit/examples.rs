//! What envoyproxy/ratelimit is shipped and tested with: files of rules that load there load here, and others do not.

use std::path::{Path, PathBuf};
use std::process::Command;

use nuncio_ratelimit_tests::{Redis, Service, Which};

/// The source of the original as `scripts/setup.sh` had it built; Go fetches it where it is no longer there.
fn original() -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/ratelimit-oracle");
    let output = Command::new("go")
        .args(["mod", "download", "-json", "github.com/envoyproxy/ratelimit"])
        .current_dir(module)
        .env("GOWORK", "off")
        .output()
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    PathBuf::from(told["Dir"].as_str().unwrap_or_else(|| panic!("no source: {told}")))
}

/// The files of rules in a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "{} has no rules", directory.display());
    files
}

/// The rules that a service has in force, in the order of their texts.
async fn in_force(service: &Service) -> Vec<String> {
    let page = Service::get(service.debug_port(), "/rlconfig").await.unwrap();
    let (_, body) = page.split_once("\r\n\r\n").unwrap();
    let mut rules: Vec<_> = body.lines().filter(|line| line.contains("unit=")).map(str::to_owned).collect();
    rules.sort();
    rules
}

/// What `nuncio ratelimit check` says of these files.
fn checked(files: &[&Path]) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::copy(file, directory.path().join(file.file_name().unwrap())).unwrap();
    }
    let output =
        Command::new(nuncio_e2e::nuncio()).args(["ratelimit", "check"]).arg(directory.path()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// What each of the two has in force of a file.
async fn both(redis: &str, file: &Path) -> [Vec<String>; 2] {
    let text = std::fs::read_to_string(file).unwrap();
    let mut found = [vec![], vec![]];
    for (which, found) in [Which::Ours, Which::Original].into_iter().zip(&mut found) {
        let service = Service::start(which, &text, &[("REDIS_URL", redis)]).await.unwrap();
        *found = in_force(&service).await;
    }
    found
}

#[tokio::test]
async fn all_examples_load_as_in_the_original() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let examples = files(&original().join("examples/ratelimit/config"));
    for file in &examples {
        let [ours, original] = both(&url, file).await;
        assert!(!ours.is_empty(), "{} does not load", file.display());
        assert_eq!(ours, original, "{}", file.display());
    }
    let (fine, told) = checked(&examples.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert!(fine, "{told}");
}

#[tokio::test]
async fn what_its_tests_load_and_refuse_is_loaded_and_refused() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let mut refused = 0;
    for file in files(&original().join("test/config")) {
        let [ours, original] = both(&url, &file).await;
        assert_eq!(ours, original, "{}", file.display());
        let (fine, told) = checked(&[&file]);
        assert!(fine || original.is_empty(), "{}: {told}", file.display());
        refused += usize::from(!fine);
    }
    assert!(refused > 5, "only {refused} were refused");
}

/// Keys are taken in their order, into what is there already.
const MERGED: &str = "
domain: d
descriptors:
- &base {key: base, rate_limit: &limit {unit: minute, requests_per_unit: 5}}
- {<<: *base, key: a}
- {<<: *base, key: b, rate_limit: {requests_per_unit: 10}}
- {key: c, rate_limit: {requests_per_unit: 10, <<: *limit}}
- {key: d, rate_limit: {<<: *limit, requests_per_unit: 10}}
- {key: e, rate_limit: {<<: [{unit: day}, *limit]}}
- {key: f, <<: [{value: x}, *base], key: f}
- {<<: *base, key: g, rate_limit: null}
";

#[tokio::test]
async fn merged_keys_mean_what_they_mean_to_the_original() {
    let redis = Redis::start(&[]).unwrap();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("merged.yaml");
    std::fs::write(&file, MERGED).unwrap();
    let [ours, original] = both(&redis.address(), &file).await;
    assert_eq!(ours, original);
    assert_eq!(ours.len(), 7, "{ours:?}");
}
