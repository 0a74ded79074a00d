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
