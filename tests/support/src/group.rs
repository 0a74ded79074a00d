//! Processes that end with the one that started them, however it ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Signal, kill_process_group};

use crate::Running;
use crate::child::pid;

/// Its standard input ends when the test's process does, also when that is killed or leaves through `exit`, where nothing
/// is dropped. Then it ends its process group and removes the directory.
const REAPER: &str = r#"
trap '' TERM INT HUP
cat >/dev/null
kill -TERM 0
sleep 2
[ -e "$0/keep" ] || rm -rf "$0"
kill -KILL 0
"#;

/// A group of processes. When it is dropped they are killed; when this process ends without that, a small process of the
/// group ends them and removes their directory, unless there is a file `keep` in it.
///
/// Needed for what lives in a `static`, since Rust drops none of those.
#[derive(Debug)]
pub struct Group {
    reaper: Running,
}

impl Group {
    /// A new group, whose processes keep their files in `directory`.
    ///
    /// # Panics
    /// If no shell can be started.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", REAPER]).arg(directory).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { reaper: Running::spawn(&mut command) }
    }

    /// Makes the command start in this group.
    ///
    /// # Panics
    /// Never: process ids are in the range that groups have.
    pub fn adopt<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.process_group(pid(self.reaper.id()).as_raw_pid())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It can only fail when the whole group has ended.
        let _ = kill_process_group(pid(self.reaper.id()), Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventually;

    fn sleeper(group: &Group) -> Running {
        Running::spawn(group.adopt(Command::new("sleep").arg("600")))
    }

    #[tokio::test]
    async fn a_dropped_group_ends_its_processes() {
        let group = Group::new(Path::new("/nonexistent"));
        let mut sleeper = sleeper(&group);
        drop(group);
        assert!(!sleeper.exit().await.success());
    }

    #[tokio::test]
    async fn the_end_of_the_process_that_made_a_group_ends_it_and_removes_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let mut group = Group::new(directory.path());
        let mut sleeper = sleeper(&group);
        drop(group.reaper.child().stdin.take());
        assert!(!sleeper.exit().await.success());
        let removed = async || if directory.path().exists() { Err("it is there") } else { Ok(()) };
        eventually("the directory is removed", removed).await;
    }

    #[tokio::test]
    async fn a_directory_to_keep_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("keep"), "").unwrap();
        let mut group = Group::new(directory.path());
        drop(group.reaper.child().stdin.take());
        assert!(!group.reaper.exit().await.success());
        assert!(directory.path().exists());
    }
}
