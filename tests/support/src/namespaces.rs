//! Tests for which the machine is another: with networks and mounts of their own, which end with them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// Runs another test of this program, which is ignored elsewhere, where networks and mounts are its own and a shell has
/// prepared them.
///
/// # Panics
/// If that test does not pass.
pub fn in_namespaces(test: &str, prepare: &str, variables: &[(&str, &OsStr)]) {
    let script = format!("PATH=$PATH:/usr/sbin:/sbin\n{prepare}\nexec \"$@\"");
    // Root needs no user namespace, which some systems do not allow.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let done = Command::new("unshare")
        .args((!is_root).then_some("--map-root-user"))
        .args(["--net", "--mount", "sh", "-euc", &script, "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).join("\n");
    assert!(done.status.success() && said.contains("1 passed"), "in namespaces of its own: {said}");
}
