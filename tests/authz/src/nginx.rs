//! A real nginx: one that asks the service, with the configuration that the documentation shows, or one before it.

use std::path::Path;
use std::process::Command;

use nuncio_test_support::{Authority, Process, eventually};

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
        let address = free_address();
        let server = documented()
            .replace("listen 8080;", &format!("listen {address};"))
            .replace("app:3000", &upstream.address)
            .replace("authz:8502", &service.http)
            .replace("RULES", "s");
        Self::launch(&server, format!("http://{address}"), &[]).await
    }

    /// Starts one that passes to the service what clients ask who show a certificate of this authority; its own is, too.
    pub async fn start_for_certified(service: &Service, authority: &Authority) -> Self {
        let address = free_address();
        let identity = authority.issue(&[address.split(':').next().unwrap()]);
        let server = format!(
            "server {{ listen {address} ssl; ssl_certificate own.crt; ssl_certificate_key own.key;\n\
             ssl_client_certificate authority.crt; ssl_verify_client on;\n\
             location / {{ proxy_pass http://{}; }} }}\n",
            service.http
        );
        let files = [("own.crt", identity.cert), ("own.key", identity.key), ("authority.crt", authority.pem())];
        Self::launch(&server, format!("https://{address}"), &files).await
    }

    async fn launch(server: &str, origin: String, files: &[(&str, String)]) -> Self {
        assert!(Path::new(PROGRAM).is_file(), "{PROGRAM} is missing: scripts/setup.sh authz");
        let directory = tempfile::tempdir().unwrap();
        let configuration = format!("{MAIN}http {{\naccess_log off;\n{}{server}}}\n", temporary());
        for (name, text) in files.iter().chain(&[("nginx.conf", configuration)]) {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let process = Process::spawn(Command::new(PROGRAM).arg("-p").arg(directory.path()).args([
            "-c",
            "nginx.conf",
            "-e",
            "stderr",
        ]));
        let (_, address) = origin.split_once("://").unwrap();
        eventually("nginx listens", async || tokio::net::TcpStream::connect(address).await).await;
        Self { origin, _process: process, _directory: directory }
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
