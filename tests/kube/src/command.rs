//! Running the programs that users have.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::Cluster;
use crate::components::program;

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Output {
    /// The status it left with, if it was not killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output.
    ///
    /// # Panics
    /// If it did not succeed.
    #[must_use]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

impl Cluster {
    /// Runs `kubectl` as the administrator.
    ///
    /// # Panics
    /// If it cannot be run.
    pub async fn kubectl(&self, args: &[&str]) -> Output {
        self.kubectl_as(&self.admin_kubeconfig(), args).await
    }

    /// Runs `kubectl` with a kubeconfig.
    ///
    /// # Panics
    /// If it cannot be run.
    pub async fn kubectl_as(&self, kubeconfig: &Path, args: &[&str]) -> Output {
        run("kubectl", self.layout.directory(), kubeconfig, args, "").await
    }

    /// Applies manifests as the administrator: `kubectl apply --server-side`, with further arguments (`--namespace`,
    /// `--dry-run=server`).
    ///
    /// # Panics
    /// If it cannot be run.
    pub async fn apply(&self, manifests: &str, args: &[&str]) -> Output {
        let args = [&["apply", "--server-side", "--filename=-"], args].concat();
        run("kubectl", self.layout.directory(), &self.admin_kubeconfig(), &args, manifests).await
    }

    /// Runs `helm` as the administrator.
    ///
    /// # Panics
    /// If it cannot be run.
    pub async fn helm(&self, args: &[&str]) -> Output {
        run("helm", self.layout.directory(), &self.admin_kubeconfig(), args, "").await
    }
}

/// Runs `kubectl` or `helm`, which keep their caches in `home`.
async fn run(name: &str, home: &Path, kubeconfig: &Path, args: &[&str], input: &str) -> Output {
    let mut command = Command::from(program(name));
    command.args(args).env("KUBECONFIG", kubeconfig).env("HOME", home).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program that starts");
    // A program that reads none of its input may have closed it.
    let mut stdin = child.stdin.take().expect("piped");
    let write = async move {
        let _ = stdin.write_all(input.as_bytes()).await;
    };
    let ((), output) = tokio::join!(write, child.wait_with_output());
    let output = output.expect("a program that ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}
