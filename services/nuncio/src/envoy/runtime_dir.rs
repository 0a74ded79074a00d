//! The private directory that holds the sockets between us and our Envoy.

use std::env;
use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::process::{Pid, geteuid, test_kill_process};
use tempfile::TempDir;
use tracing::debug;

/// Names our directories among others: `nuncio-PID-RANDOM`.
const PREFIX: &str = "nuncio-";

/// Held for as long as the directory is in use, and let go by the kernel however its owner ends.
const LOCK: &str = "lock";

/// The longest path that a Unix socket can have: 108 bytes with the final zero (unix(7)).
const MAX_SOCKET_PATH: usize = 107;

/// As long as the longest name of a socket in the directory.
const LONGEST_NAME: &str = "tunnel-1000000000.sock";

/// A directory that only we may enter (mode 0700), removed at the end. What owners that were killed left behind is removed
/// by the next one.
#[derive(Debug)]
pub(crate) struct RuntimeDir {
    dir: TempDir,
    _lock: File,
}

impl RuntimeDir {
    /// Creates it in `XDG_RUNTIME_DIR`, or in the directory for temporary files where there is none.
    pub(crate) fn create() -> anyhow::Result<Self> {
        let bases = [env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), Some(env::temp_dir())];
        let mut failure = None;
        for base in bases.into_iter().flatten().filter(|base| base.is_absolute()) {
            match Self::create_in(&base) {
                Ok(dir) => return Ok(dir),
                Err(error) => failure = Some(error),
            }
        }
        let failure = failure.unwrap_or_else(|| anyhow::anyhow!("TMPDIR is not an absolute path"));
        Err(failure.context("no directory for sockets"))
    }

    fn create_in(base: &Path) -> anyhow::Result<Self> {
        sweep(base);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let private = Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix(&prefix).permissions(private).tempdir_in(base);
        let dir = dir.with_context(|| format!("cannot create a directory in {}", base.display()))?;
        if dir.path().join(LONGEST_NAME).as_os_str().len() > MAX_SOCKET_PATH {
            bail!("{} is too long a path for sockets (at most {MAX_SOCKET_PATH} bytes)", dir.path().display());
        }
        let lock = File::create(dir.path().join(LOCK)).and_then(|file| file.lock().map(|()| file));
        Ok(Self { _lock: lock.context("cannot lock the runtime directory")?, dir })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the controller listens for Envoy.
    pub(crate) fn xds_socket(&self) -> PathBuf {
        self.dir.path().join("xds.sock")
    }

    /// Where Envoy listens for us.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.dir.path().join("admin.sock")
    }

    /// Where the rate limit service takes calls.
    pub(crate) fn limit_socket(&self) -> PathBuf {
        self.dir.path().join("limit.sock")
    }

    /// Where the authentication service takes calls.
    pub(crate) fn authz_socket(&self) -> PathBuf {
        self.dir.path().join("authz.sock")
    }

    /// What Envoy starts with.
    pub(crate) fn bootstrap_file(&self) -> PathBuf {
        self.dir.path().join("bootstrap.json")
    }
}

/// Removes our directories in `base` whose owners were killed.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_abandoned(path)) {
        debug!("removing {}, whose owner is dead", path.display());
        if let Err(error) = fs::remove_dir_all(&path) {
            debug!("cannot remove {}: {error}", path.display());
        }
    }
}

/// Whether `path` is a runtime directory of ours that nobody uses: its process is gone and its lock is free. Both, because
/// a directory is not locked from its very first moment, and because processes in another container are not seen here.
fn is_abandoned(path: &Path) -> bool {
    let Some(pid) = path.file_name().and_then(|name| owner(name.to_str()?)) else { return false };
    let ours = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == geteuid().as_raw());
    // An error other than "no such process" means that there is one.
    let dead = test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
    ours && dead
        && File::open(path.join(LOCK)).is_ok_and(|lock| !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn owner(name: &str) -> Option<Pid> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    Pid::from_raw(pid.parse().ok().filter(|pid| *pid > 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process id that no process can have (proc(5), `pid_max`).
    const NOBODY: u32 = 4_194_305;

    #[test]
    fn is_private_and_goes_away() {
        let base = tempfile::tempdir().unwrap();
        let dir = RuntimeDir::create_in(base.path()).unwrap();
        let path = dir.xds_socket().parent().unwrap().to_owned();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(dir);
        assert!(!path.exists());
    }

    #[test]
    fn sweeps_what_the_dead_left_and_nothing_else() {
        let base = tempfile::tempdir().unwrap();
        let make = |name: &str, locked: bool| {
            let path = base.path().join(name);
            fs::create_dir(&path).unwrap();
            locked.then(|| File::create(path.join(LOCK)).unwrap())
        };
        let used = make(&format!("{PREFIX}{NOBODY}-used"), true);
        used.as_ref().unwrap().lock().unwrap();
        make(&format!("{PREFIX}{NOBODY}-left"), true);
        make(&format!("{PREFIX}{NOBODY}-other"), false);
        make(&format!("{PREFIX}{}-alive", std::process::id()), true);
        make("unrelated", true);
        sweep(base.path());
        let mut left: Vec<_> = fs::read_dir(base.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let pid = std::process::id();
        let mut kept = ["nuncio-4194305-other", "nuncio-4194305-used", &format!("nuncio-{pid}-alive"), "unrelated"];
        kept.sort_unstable();
        assert_eq!(left, kept);
    }

    #[test]
    fn refuses_paths_that_sockets_cannot_have() {
        let base = tempfile::tempdir().unwrap();
        let deep = base.path().join("x".repeat(100));
        fs::create_dir(&deep).unwrap();
        assert!(RuntimeDir::create_in(&deep).unwrap_err().to_string().contains("too long"));
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
    }
}
