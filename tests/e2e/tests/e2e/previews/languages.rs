//! Services in the languages of the guide, which pass the context on by the line that stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on};
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, get};

use super::context::{INTERNAL, internal_listener};
use super::{SHOP, policy, preview};

/// A service in one language, which asks another and answers what that says. `LINE` is the guide's.
struct Language {
    name: &'static str,
    /// What the line begins with in the guide's table.
    row: &'static str,
    file: &'static str,
    text: &'static str,
    port: u16,
}

const LANGUAGES: [Language; 3] = [
    Language { name: "javascript", row: "JavaScript (`fetch`)", file: "relay.mjs", text: JAVASCRIPT, port: 9110 },
    Language { name: "python", row: "Python (`requests`)", file: "relay.py", text: PYTHON, port: 9111 },
    Language { name: "go", row: "Go (`net/http`)", file: "relay.go", text: GO, port: 9112 },
];

const JAVASCRIPT: &str = "import { createServer } from 'node:http';
const [, , url, host, port] = process.argv;
createServer(async (request, response) => {
  const answer = await LINE;
  response.end(await answer.text());
}).listen(Number(port), host);
";

/// With the library itself, as `pip` brings it along.
const PYTHON: &str = "import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pip._vendor import requests
url, host, port = sys.argv[1:]
class Relay(BaseHTTPRequestHandler):
    def do_GET(request):
        answer = LINE
        request.send_response(200)
        request.end_headers()
        request.wfile.write(answer.content)
ThreadingHTTPServer((host, int(port)), Relay).serve_forever()
";

const GO: &str = "package main
import (\"io\"; \"net/http\"; \"os\")
func main() {
	http.HandleFunc(\"/\", func(answer http.ResponseWriter, in *http.Request) {
		out, _ := http.NewRequest(\"GET\", os.Args[1], nil)
		LINE
		told, err := http.DefaultClient.Do(out)
		if err != nil { http.Error(answer, err.Error(), 502); return }
		io.Copy(answer, told.Body)
	})
	panic(http.ListenAndServe(os.Args[2]+\":\"+os.Args[3], nil))
}
";

/// The line of the guide for a language.
fn line(guide: &str, row: &str) -> String {
    let row = guide.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap_or_else(|| panic!("no {row}"));
    row.split('`').nth_back(1).unwrap().to_owned()
}

/// Starts it, once it is written down.
async fn relay(site: &Site, language: &Language, directory: &Path) -> Process {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = fs::read_to_string(root.join("docs/previews.md")).unwrap();
    let file = directory.join(language.file);
    fs::write(&file, language.text.replace("LINE", &line(&guide, language.row))).unwrap();
    let mut command = match language.name {
        "javascript" => Command::new("node"),
        "python" => Command::new(root.join(".tools/venv/bin/python")),
        _ => built(&file),
    };
    if language.name != "go" {
        command.arg(file);
    }
    let next = format!("http://{}/cart", site.at(INTERNAL));
    command.args([next, site.ip().to_string(), language.port.to_string()]);
    let process = Process::spawn(&mut command);
    let client = Client::http(site.at(language.port));
    eventually(language.name, async || client.send(&get(SHOP, "/")).await).await;
    process
}

/// The program that this text of Go makes: `go run` would outlive its test.
fn built(file: &Path) -> Command {
    let program = file.with_extension("program");
    let status = Command::new("go").arg("build").arg("-o").arg(&program).arg(file).status().expect("go runs");
    assert!(status.success(), "{}", file.display());
    Command::new(program)
}

#[tokio::test]
async fn services_in_the_languages_of_the_guide_pass_the_context_on_by_its_lines() {
    let (site, directory) = (Site::new(), tempfile::tempdir().unwrap());
    let (cart, branch) = (Backend::start("cart").await, Backend::start("branch").await);
    let inside = site.ip().to_string();
    let mut objects = vec![
        listener("http", site.http().port(), "HTTP"),
        internal_listener(&site),
        host("any", "*"),
        mapping_on(&inside, "cart", "/cart", cart.address()),
        // The entrypoint's host leads to what is replaced, too.
        mapping_on(SHOP, "cart-outside", "/cart", cart.address()),
        policy(),
        preview("sale", &cart, &branch),
    ];
    objects.extend(
        LANGUAGES
            .iter()
            .map(|language| mapping_on(SHOP, language.name, &format!("/{}/", language.name), site.at(language.port))),
    );
    site.write("shop.yaml", documents(&objects));
    let gateway = Gateway::start(&site).await;
    gateway.admin.state("Preview", "sale", "acked").await;
    let urls = gateway.admin.list("previews").await[0]["urls"].clone();
    let url = urls[0]["url"].as_str().unwrap().to_owned();
    let preview = url.trim_start_matches("http://").trim_end_matches('/');
    let client = Client::http(site.http());
    for language in &LANGUAGES {
        let _relay = relay(&site, language, directory.path()).await;
        let path = format!("/{}/", language.name);
        let by = async |host| client.ask(&get(host, &path)).await.by();
        assert_eq!(
            [by(SHOP).await, by(preview).await, by(SHOP).await],
            ["cart", "branch", "cart"],
            "{}",
            language.name
        );
    }
    gateway.stop().await;
}
