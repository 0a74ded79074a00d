//! The service, as a process of its own.

use std::path::Path;
use std::process::Command;

use nuncio_test_support::{Process, assert_no_secret, eventually};
use serde_json::Value;

use crate::{Collector, free_address, program, replace};

/// A running service.
#[derive(Debug)]
pub struct Service {
    /// Where Envoy asks it.
    pub grpc: String,
    /// Where other proxies ask it.
    pub http: String,
    /// Where operators look.
    pub admin: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    process: Process,
    directory: tempfile::TempDir,
}

impl Service {
    /// Starts one with these rules and filters, and waits until it has them.
    pub async fn start(rules: &Value) -> Self {
        Self::start_with(rules, &[]).await
    }

    /// Starts one that writes no more than operators have it write, with these arguments.
    pub async fn start_as_operators_do(rules: &Value, arguments: &[&str]) -> Self {
        let service = Self::spawn(rules, Vec::new(), |_| arguments.iter().map(ToString::to_string).collect());
        service.ready().await;
        service
    }

    /// The same with more arguments.
    pub async fn start_with(rules: &Value, arguments: &[&str]) -> Self {
        let service = Self::launch(rules, arguments);
        service.ready().await;
        service
    }

    /// Starts one with more arguments that sends its spans there.
    pub async fn start_traced(rules: &Value, arguments: &[&str], collector: &Collector) -> Self {
        let more = arguments.iter().map(ToString::to_string).collect();
        let service = Self::spawn(rules, collector.variables(), |_| more);
        service.ready().await;
        service
    }

    async fn ready(&self) {
        let url = format!("http://{}/readyz", self.admin);
        eventually("the service is ready", async || match reqwest::get(&url).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.text().await.unwrap_or_default()),
            Err(error) => Err(error.to_string()),
        })
        .await;
    }

    /// Starts it again where it was, once it has been ended.
    pub async fn start_again(&mut self) {
        self.process = Process::spawn(command(&self.arguments).envs(self.environment.clone()));
        self.ready().await;
    }

    /// Starts one and does not wait.
    #[must_use]
    pub fn launch(rules: &Value, arguments: &[&str]) -> Self {
        Self::spawn(rules, Vec::new(), |directory| {
            let audit = directory.join("audit.jsonl").to_string_lossy().into_owned();
            let all = ["--log", "debug", "--audit", &audit];
            all.iter().chain(arguments).map(ToString::to_string).collect()
        })
    }

    fn spawn(rules: &Value, environment: Vec<(&'static str, String)>, more: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("rules.json");
        replace(&file, &rules.to_string());
        let (grpc, http, admin) = (free_address(), free_address(), free_address());
        let own = ["--grpc", &grpc, "--http", &http, "--admin", &admin, "--rules", file.to_str().unwrap()];
        let arguments: Vec<String> = own.iter().map(ToString::to_string).chain(more(directory.path())).collect();
        let process = Process::spawn(command(&arguments).envs(environment.clone()));
        Self { grpc, http, admin, arguments, environment, process, directory }
    }

    /// Gives it other rules, and waits until they are in force.
    pub async fn write_rules(&self, rules: &Value) {
        let before = self.loads();
        replace(&self.directory.path().join("rules.json"), &rules.to_string());
        eventually("the rules are in force", async || if self.loads() > before { Ok(()) } else { Err("not yet") })
            .await;
    }

    fn loads(&self) -> usize {
        self.process.stderr().iter().filter(|line| line.contains("rules.json") && line.contains("are in force")).count()
    }

    /// Everything that it wrote: its log and its audit log.
    #[must_use]
    pub fn written(&self) -> String {
        let printed = [self.process.stdout(), self.process.stderr()].concat().join("\n");
        format!("{printed}\n{}", self.audited())
    }

    fn audited(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("audit.jsonl")).unwrap_or_default()
    }

    /// What a page for operators says.
    pub async fn admin(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.admin);
        let answer = eventually("the service answers", async || reqwest::get(&url).await).await;
        answer.text().await.unwrap()
    }

    /// What `authz explain` says of a request.
    #[must_use]
    pub fn explain(&self, request: &[&str]) -> String {
        let own = ["explain", "--admin", &self.admin];
        let arguments: Vec<String> = own.iter().chain(request).map(ToString::to_string).collect();
        let output = command(&arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The process as it runs.
    #[must_use]
    pub fn running(&self) -> &Process {
        &self.process
    }

    /// The process, to be ended.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Of what its processes print they look after themselves.
            assert_no_secret("the audit log", &self.audited());
        }
    }
}

/// A service that has the rules of a controller, and is asked by nobody. A controller lets no Envoy ask by rules that no service
/// has; the one that is asked has those of a test, by a file, of which a controller knows nothing.
#[derive(Debug)]
pub struct Decider {
    _process: Process,
}

impl Decider {
    /// Starts one that follows the controller there.
    pub(crate) fn of(xds: &str) -> Self {
        let own = ["--xds", xds, "--grpc", &free_address(), "--admin", &free_address()].map(str::to_owned);
        Self { _process: Process::spawn(&mut command(&own)) }
    }
}

/// On a machine without authorities, as many images are: what is asked in clear text needs none.
fn command(arguments: &[String]) -> Command {
    let mut command = Command::new(program("authz"));
    command.args(arguments).env("SSL_CERT_FILE", "/dev/null").env_remove("SSL_CERT_DIR");
    command
}
