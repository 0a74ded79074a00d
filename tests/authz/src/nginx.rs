//! A real nginx that asks the service, with the configuration that the documentation shows.

use std::path::Path;
use std::process::Command;

use nuncio_test_support::{Process, eventually};

use crate::{Service, Upstream, free_address};

const PROGRAM: &str = "/usr/sbin/nginx";

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    /// What browsers call it.
    pub origin: String,
    _process: Process,
    _directory: tempfile::TempDir,
}

impl Nginx {
    /// Starts one under the rule set `s`.
    pub async fn start(service: &Service, upstream: &Upstream) -> Self {
        assert!(Path::new(PROGRAM).is_file(), "{PROGRAM} is missing: scripts/setup.sh authz");
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let server = documented()
            .replace("listen 8080;", &format!("listen {address};"))
            .replace("app:3000", &upstream.address)
            .replace("authz:8502", &service.http)
            .replace("RULES", "s");
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, format!("{}http {{\naccess_log off;\n{}{server}}}\n", MAIN, temporary())).unwrap();
        let process = Process::spawn(
            Command::new(PROGRAM).arg("-p").arg(directory.path()).arg("-c").arg(&file).args(["-e", "stderr"]),
        );
        eventually("nginx listens", async || tokio::net::TcpStream::connect(&address).await).await;
        Self { origin: format!("http://{address}"), _process: process, _directory: directory }
    }
}

/// One process, which ends with its test.
const MAIN: &str = "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\n";

/// Directories below that of the test.
fn temporary() -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|what| format!("{what}_temp_path {what};\n")).concat()
}

/// The example of `docs/authentication.md`.
fn documented() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authentication.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("```nginx\n").expect("an example for nginx");
    rest.split_once("```").unwrap().0.to_owned()
}
