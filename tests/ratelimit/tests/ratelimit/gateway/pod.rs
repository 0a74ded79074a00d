//! A pod as the kubelet would make it: the program's paths, ports and names, in namespaces of a test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use nuncio_test_support::{Authority, Identity, in_namespaces};

/// Says where the pod's root is.
const ROOT: &str = "RATELIMIT_POD";
/// Brings up the loopback interface, and puts the libraries and the program into the root.
const PREPARE: &str = r#"
ip link set lo up
for directory in lib lib64; do
  [ ! -e /$directory ] || { mkdir "$RATELIMIT_POD/$directory"; mount --rbind /$directory "$RATELIMIT_POD/$directory"; }
done
mount --bind "$NUNCIO" "$RATELIMIT_POD/usr/local/bin/nuncio"
"#;

/// What containers of the pod see as `/`.
pub(super) struct Pod(PathBuf);

impl Pod {
    /// Runs the (ignored) test of this name where ports and mounts are its own; there, [`Pod::here`] is the pod.
    pub(super) fn run(test: &str) {
        let root = tempfile::tempdir().unwrap();
        image(root.path());
        let nuncio = nuncio_e2e::nuncio();
        let variables = [(ROOT, root.path().as_os_str()), ("NUNCIO", nuncio.as_os_str())];
        in_namespaces(test, PREPARE, &variables);
    }

    pub(super) fn here() -> Self {
        Self(std::env::var_os(ROOT).expect("the test that makes the pod runs this one").into())
    }

    /// Writes a file, by its path in the pod.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The files of a Secret for TLS.
    pub(super) fn write_tls(&self, directory: &str, authority: &Authority, identity: &Identity) {
        self.write(&format!("{directory}/tls.crt"), &identity.cert);
        self.write(&format!("{directory}/tls.key"), &identity.key);
        self.write(&format!("{directory}/ca.crt"), &authority.pem());
    }

    /// The container's command, with no variables but what runtimes set.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command.arg("--root").arg(&self.0).arg(program);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

/// The files of the image that matter to the program.
fn image(root: &Path) {
    for directory in ["bin", "etc", "tmp", "usr/local/bin"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    let container = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/container");
    std::fs::copy("/bin/sh", root.join("bin/sh")).unwrap();
    std::fs::copy(container.join("ratelimit"), root.join("bin/ratelimit")).unwrap();
    std::fs::write(root.join("usr/local/bin/nuncio"), "").unwrap();
}
