//! The developer portal with many documents: its pages, its search, its memory, and what it costs when nothing happens.

use std::time::{Duration, Instant};

use nuncio_e2e::yaml::{documents, object};
use nuncio_e2e::{Client, Controller, Process, Site, get};
use nuncio_test_support::Goal;
use nuncio_test_support::usage::resident;
use serde_json::{Value, json};

use crate::loading::loaded_by;
use crate::statistics::{Sample, milliseconds};
use crate::table::Table;

mod service;

/// APIs, and the operations of all of them.
const APIS: usize = 300;
const OPERATIONS: usize = 10_000;
/// The operations of one large document.
const LARGE: usize = 5_000;
/// How often each is asked.
const TIMES: usize = 40;
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(30);
const HOST: &str = "portal.example";

/// What is searched for: names of fields, words of summaries, beginnings of both.
const TERMS: [&str; 5] = ["quantity", "list orders", "price cents", "inv", "update api17"];

pub(crate) async fn measure(table: &mut Table) {
    small(table).await;
    large(table).await;
}

/// A portal of services with so many operations each.
struct Portal {
    site: Site,
    controller: Controller,
    process: Process,
}

impl Portal {
    async fn start(operations: &[usize]) -> Self {
        let site = Site::new();
        let all = operations.iter().enumerate().map(|(api, count)| document(api, *count));
        let service = service::start(&all.collect::<Vec<_>>());
        let mapping = |number: usize| {
            let spec = json!({ "hostname": HOST, "prefix": format!("/api{number}/"), "rewrite": format!("/api{number}/"),
                "service": service.to_string(), "docs": { "path": "/openapi.json", "display_name": format!("API {number}") } });
            object("Mapping", &format!("api{number}"), spec)
        };
        let mut objects = vec![nuncio_e2e::yaml::plain(&site)];
        objects.push(documents(&(0..operations.len()).map(mapping).collect::<Vec<_>>()));
        site.write("site.yaml", objects.concat());
        let controller = Controller::start(&site).await;
        controller.line(&["Serving"]).await;
        let admin = site.admin().to_string();
        let listen = site.at(8088).to_string();
        let process = Process::spawn(&mut site.nuncio(&["portal", "--admin", &admin, "--listen", &listen]));
        Self { site, controller, process }
    }

    async fn ask(&self, path: &str) -> (Duration, usize, String) {
        let begun = Instant::now();
        let reply = Client::http(self.site.at(8088)).send(&get(HOST, path)).await.unwrap();
        let text = reply.text();
        assert_eq!(reply.status, 200, "{path}: {text}");
        (begun.elapsed(), text.len(), text)
    }

    /// How long an answer takes, and how large it is.
    async fn sample(&self, path: impl Fn(usize) -> String) -> (Sample, usize) {
        let (mut times, mut size) = (Vec::new(), 0);
        for number in 0..TIMES {
            let (time, bytes, _) = self.ask(&path(number)).await;
            times.push(time);
            size = size.max(bytes);
        }
        (Sample::new(times), size)
    }

    /// Until every document is there, and can be found.
    async fn loaded(&self, term: &str) -> Duration {
        let begun = Instant::now();
        loaded_by(Duration::from_millis(200), async || {
            let reply = Client::http(self.site.at(8088)).send(&get(HOST, "/docs/api/v1/apis")).await;
            let reply = reply.map_err(|error| error.to_string())?;
            let told: Value = serde_json::from_str(&reply.text()).map_err(|error| error.to_string())?;
            let apis = told["apis"].as_array().ok_or("nothing is told")?;
            let waiting = apis.iter().filter(|api| api["state"] != "current").count();
            if apis.is_empty() || waiting > 0 {
                Err(format!("{waiting} of {} are waited for", apis.len()))
            } else {
                Ok(())
            }
        })
        .await;
        let time = begun.elapsed();
        loaded_by(Duration::from_millis(200), async || {
            let (_, _, found) = self.ask(&format!("/docs/api/search?term={term}")).await;
            if found == "[]" { Err("it is not found yet") } else { Ok(()) }
        })
        .await;
        time
    }

    /// How many bytes of scripts a page loads, by gzip.
    async fn scripts(&self, page: &str) -> usize {
        let (_, _, page) = self.ask(page).await;
        let mut bytes = 0;
        for script in page.split("<script").skip(1).filter_map(|rest| rest.split("src=\"").nth(1)?.split('"').next()) {
            let request = get(HOST, script).with("accept-encoding", "gzip");
            let reply = Client::http(self.site.at(8088)).send(&request).await.unwrap();
            assert_eq!((reply.status, reply.header("content-encoding")), (200, Some("gzip")), "{script}");
            bytes += reply.body.len();
        }
        assert!(bytes > 0, "a page has scripts");
        bytes
    }

    async fn stop(self) {
        drop(self.process);
        self.controller.kill().await;
    }
}

async fn small(table: &mut Table) {
    let counts: Vec<_> = (0..APIS).map(|number| OPERATIONS / APIS + usize::from(number < OPERATIONS % APIS)).collect();
    let portal = Portal::start(&counts).await;
    let time = portal.loaded("quantity").await;
    let what = format!("portal, {APIS} APIs with {OPERATIONS} operations, every document there after");
    table.noted(
        what,
        format!("{:.1} s", time.as_secs_f64()),
        "one service has all of them, and is asked for one at a time",
    );
    let (catalog, size) = portal.sample(|_| "/docs/".to_owned()).await;
    let beside = format!("p90 {:.0} ms, {} KB", catalog.p90(), size / 1024);
    table.targeted("… its catalog, median", catalog.median(), "ms", Goal::AtMost(50.0), beside);
    let term = |number: usize| TERMS[number % TERMS.len()].replace(' ', "%20");
    let (search, _) = portal.sample(|number| format!("/docs/api/search?term={}", term(number))).await;
    let beside = format!("p90 {:.0} ms", search.p90());
    table.targeted("… its search, median", search.median(), "ms", Goal::AtMost(30.0), beside);
    let (before, begun) = (whole_cpu(portal.process.id()), Instant::now());
    tokio::time::sleep(IDLE).await;
    let used = whole_cpu(portal.process.id()).saturating_sub(before);
    let share = used.as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
    let beside = format!("over {} s, in which half of the documents were looked at again", IDLE.as_secs());
    table.targeted("… its CPU while nothing happens", share, "%", Goal::AtMost(1.0), beside);
    table.bounded("… its memory", resident(portal.process.id()), "MB", Goal::AtMost(300.0), String::new());
    portal.stop().await;
}

/// CPU time of a process with threads that have ended, in ticks of 10 ms (`proc_pid_stat(5)`).
fn whole_cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
    // The first field behind the name is the third.
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

fn kilobytes(bytes: usize) -> f64 {
    u32::try_from(bytes.div_ceil(1024)).map_or(f64::INFINITY, f64::from)
}

async fn large(table: &mut Table) {
    let portal = Portal::start(&[LARGE]).await;
    portal.loaded("quantity").await;
    let (time, size, page) = portal.ask("/docs/doc/default/api0").await;
    assert!(page.contains("class=\"at-edge\""), "what the gateway does with each is a part of it");
    let scripts = portal.scripts("/docs/doc/default/api0").await
        + portal.scripts("/docs/doc/default/api0/operations/listOrders0").await;
    let what = format!("portal, a document of {LARGE} operations, its first page for the first time");
    table.targeted(what, milliseconds(time), "ms", Goal::AtMost(200.0), String::new());
    table.bounded("… its size", kilobytes(size), "KB", Goal::AtMost(300.0), String::new());
    let beside = "those of that page and of an operation's, by gzip".to_owned();
    table.bounded("… its scripts", kilobytes(scripts), "KB", Goal::AtMost(60.0), beside);
    portal.stop().await;
}

/// A document of an API with so many operations, two for each path, with a schema for every ten of them.
fn document(api: usize, operations: usize) -> Value {
    let mut paths = serde_json::Map::new();
    let mut schemas = serde_json::Map::new();
    for number in 0..operations.div_ceil(2) {
        let shared = number / 5;
        let schema = json!({ "$ref": format!("#/components/schemas/Item{shared}") });
        let content = json!({ "application/json": { "schema": schema } });
        let parameter = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
        let mut item = json!({ "parameters": [parameter], "get": { "operationId": format!("listOrders{number}"),
            "summary": format!("List orders of customer {number}"), "tags": [format!("group{}", number / 20)],
            "parameters": [{ "name": "page_size", "in": "query", "schema": { "type": "integer" } }],
            "responses": { "200": { "description": "All of them", "content": content } } } });
        if 2 * number + 1 < operations {
            item["put"] = json!({ "operationId": format!("updateOrder{number}"), "tags": [format!("group{}", number / 20)],
                "summary": format!("Update an order {number}"), "requestBody": { "content": content },
                "responses": { "204": { "description": "It is another" }, "404": { "description": "It is not there" } } });
        }
        paths.insert(format!("/api{api}/orders{number}/{{id}}"), item);
        schemas.entry(format!("Item{shared}")).or_insert_with(|| {
            json!({ "type": "object", "description": "What was ordered.", "required": ["quantity"],
                "properties": { "quantity": { "type": "integer" }, "priceCents": { "type": "integer" },
                    "inventory": { "type": "object", "properties": { "warehouse": { "type": "string" } } } } })
        });
    }
    json!({ "openapi": "3.1.0", "info": { "title": "Orders", "version": "1", "description": "What was ordered." },
        "paths": paths, "components": { "schemas": schemas } })
}
