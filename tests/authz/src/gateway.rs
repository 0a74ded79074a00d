//! A real Envoy that asks the service: set up by the controller from manifests, or so as no manifest would have it.

mod bare;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use nuncio_test_support::{Authority, Process, bootstrap, eventually, tool};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Decider, Service, Upstream, free_address, program};

/// A running Envoy.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens for HTTP.
    pub address: String,
    /// What browsers call it.
    pub origin: String,
    envoy: Process,
    _controller: Option<(Process, Decider)>,
    _directory: TempDir,
}

impl Gateway {
    /// Starts one: `/open/` is not checked, everything else is, under the rules of [`rule_set`].
    pub async fn start(service: &Service, upstream: &Upstream) -> Self {
        Self::of_manifests(service, upstream, "http").await
    }

    /// The same with TLS.
    pub async fn start_with_tls(service: &Service, upstream: &Upstream) -> Self {
        Self::of_manifests(service, upstream, "https").await
    }

    async fn of_manifests(service: &Service, upstream: &Upstream, scheme: &str) -> Self {
        let (address, xds, admin) = (free_address(), free_address(), free_address());
        let origin = format!("{scheme}://{address}");
        let directory = tempfile::tempdir().unwrap();
        let manifests = write_manifests(directory.path(), &origin, &upstream.address);
        let (ip, _) = address.split_once(':').unwrap();
        let mut command = Command::new(program("nuncio"));
        command.arg("controller").arg(manifests).args(["--bind", ip, "--xds", &xds, "--admin", &admin]);
        let controller = Process::spawn(command.args(["--authz", &service.grpc]));
        let decider = Decider::of(&xds);
        let envoy = envoy(directory.path(), &bootstrap("edge", xds.parse().unwrap()));
        is_ready(&format!("http://{admin}/ambassador/v0/check_ready")).await;
        let sent_in_the_end = |line: &String| line.contains("no authentication service has");
        assert!(!controller.stderr().iter().any(sent_in_the_end), "the Envoy has waited for rules that are nobody's");
        Self { address, origin, envoy, _controller: Some((controller, decider)), _directory: directory }
    }

    /// What browsers call it, as the controller tells the service: Envoy takes ports off the hosts of requests.
    #[must_use]
    pub fn protected_origin(&self) -> Value {
        json!({ "origin": self.origin, "internal_origins": [self.portless_origin()] })
    }

    /// The same as the service sees it.
    #[must_use]
    pub fn portless_origin(&self) -> &str {
        self.origin.rsplit_once(':').map_or(&self.origin, |(origin, _)| origin)
    }

    /// The Envoy.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.envoy
    }
}

/// What routes of [`Gateway::start`] call the rules that they are held to: the controller decides it, by which rules can apply
/// to them.
#[must_use]
pub fn rule_set() -> &'static str {
    static RULE_SET: OnceLock<String> = OnceLock::new();
    RULE_SET.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let manifests = write_manifests(directory.path(), "http://127.0.0.2:80", "127.0.0.2:81");
        let output = Command::new(program("nuncio")).arg("envoy-config").arg(manifests).output().unwrap();
        let made: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let routes = made["Route"]["nuncio/wildcard"]["virtualHosts"][0]["routes"].as_array().unwrap();
        let all = routes.iter().find(|route| route["match"]["prefix"] == "/").unwrap();
        let told = &all["typedPerFilterConfig"]["nuncio.filters"]["checkSettings"]["contextExtensions"];
        told["nuncio.dev/rules"].as_str().unwrap_or_else(|| panic!("{all:#}")).to_owned()
    })
}

/// The manifests of a gateway at this origin, in a directory of their own.
fn write_manifests(directory: &Path, origin: &str, upstream: &str) -> PathBuf {
    let identity = Authority::new("gateway").issue(&["gateway.test"]);
    let (scheme, port) = (origin.split(':').next().unwrap(), origin.rsplit(':').next().unwrap());
    let words = [
        ("ORIGIN", origin.to_owned()),
        ("PORT", port.to_owned()),
        ("PROTOCOL", scheme.to_uppercase()),
        ("UPSTREAM", upstream.to_owned()),
        ("CERTIFICATE", json!(identity.cert).to_string()),
        ("KEY", json!(identity.key).to_string()),
    ];
    let template = include_str!("../manifests/gateway.yaml").to_owned();
    let text = words.iter().fold(template, |text, (name, word)| text.replace(&format!("${{{name}}}"), word));
    let manifests = directory.join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    std::fs::write(manifests.join("gateway.yaml"), text).unwrap();
    manifests
}

fn envoy(directory: &Path, configuration: &Value) -> Process {
    let file = directory.join("envoy.json");
    std::fs::write(&file, configuration.to_string()).unwrap();
    let mut command = Command::new(tool("envoy", "envoy"));
    command.args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warning", "-c"]);
    Process::spawn(command.arg(file))
}

async fn is_ready(url: &str) {
    eventually("the gateway is ready", async || match reqwest::get(url).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(answer.status().to_string()),
        Err(error) => Err(error.to_string()),
    })
    .await;
}
