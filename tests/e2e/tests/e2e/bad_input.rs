//! Bad input of every sort: each is told at its place, and everything else goes on serving and changing.

mod gateway_objects;
mod hosts;
mod huge;
mod mappings;
mod yaml_texts;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping as good_mapping, plain};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

/// What is wrong with a file, and what is said about it.
struct Row {
    what: &'static str,
    text: Vec<u8>,
    /// The line that is named; 0 where any of the object's will do.
    line: u64,
    reason: &'static str,
    field: &'static str,
}

fn row(what: &'static str, text: impl Into<Vec<u8>>, line: u64, reason: &'static str, field: &'static str) -> Row {
    Row { what, text: text.into(), line, reason, field }
}

/// An object whose spec begins in line 5.
fn object(kind: &str, spec: &str) -> String {
    named(kind, "bad", spec)
}

fn named(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n")
}

/// A Mapping that would be good without what is in line 8.
fn mapping(more: &str) -> String {
    object("Mapping", &format!("hostname: '*'\n  prefix: /bad/\n  service: 127.0.0.1:9\n  {more}"))
}

/// The Module, with its settings in line 5.
fn module(config: &str) -> String {
    named("Module", "ambassador", &format!("config: {config}"))
}

/// A gateway with a good Mapping, beside which bad files come and go.
struct Bench<'a> {
    site: &'a Site,
    backend: Backend,
    gateway: Gateway<'a>,
    client: Client,
    changes: u64,
}

impl<'a> Bench<'a> {
    async fn start(site: &'a Site) -> Self {
        let backend = Backend::start("good").await;
        site.write("listener.yaml", plain(site));
        site.write("good.yaml", documents(&[good_mapping("good", "/good/", backend.address())]));
        let gateway = Gateway::start(site).await;
        Self { site, backend, gateway, client: Client::http(site.http()), changes: 0 }
    }

    /// The good Mapping serves, and a change of it goes live.
    async fn goes_on(&mut self, what: &str) {
        let reply = self.client.ask(&get("a.example", "/good/")).await;
        assert_eq!(reply.by(), "good", "{what}");
        self.changes += 1;
        let mark = self.changes.to_string();
        let mut mapping = good_mapping("good", "/good/", self.backend.address());
        mapping["spec"]["add_response_headers"] = json!({"x-change": {"value": mark}});
        self.site.write("good.yaml", documents(&[mapping]));
        eventually(&format!("{what}: a good change goes live"), async || {
            let reply = self.client.send(&get("a.example", "/good/")).await.map_err(|failure| failure.to_string())?;
            if reply.header("x-change") == Some(&mark) {
                Ok(())
            } else {
                Err(format!("{} {:?}", reply.status, reply.headers))
            }
        })
        .await;
    }

    /// Every row by itself: it is told, and the rest goes on.
    async fn try_all(mut self, rows: Vec<Row>) {
        for Row { what, text, line, reason, field } in rows {
            self.site.write("bad.yaml", text);
            let problem = eventually(what, async || {
                let problems = self.gateway.admin.list("problems").await;
                let fits = |problem: &&Value| {
                    let told = problem["field"].as_str().unwrap_or_default();
                    let place = &problem["location"];
                    let here = place["file"] == "bad.yaml" && (line == 0 || place["line"] == line);
                    problem["reason"] == reason && told.starts_with(field) && here
                };
                problems.iter().find(fits).cloned().ok_or_else(|| format!("{problems:#?}"))
            })
            .await;
            assert!(problem["location"]["column"].as_u64() >= Some(1), "{what}: {problem}");
            assert!(problem["message"].as_str().is_some_and(|message| message.len() > 5), "{what}: {problem}");
            self.goes_on(what).await;
            self.site.remove("bad.yaml");
            self.gateway.admin.no_problem(&["bad.yaml"]).await;
        }
        self.goes_on("in the end").await;
        self.gateway.stop().await;
    }
}
