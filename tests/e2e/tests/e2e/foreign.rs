//! Documents that others made: a framework's, one that is larger than most, and some that mean harm.

mod framework;
mod hostile;
mod large;
mod server;

use std::time::Duration;

use nuncio_e2e::{Client, DEADLINE, Gateway, Reply, Site, get, within, yaml};
use serde_json::{Value, json};

/// A gateway whose portal anybody reads at its own port, with further arguments.
async fn gateway<'s>(site: &'s Site, more: &[&str]) -> Gateway<'s> {
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(more);
    })
    .await
}

/// The host of all that is served.
const HOST: &str = "foreign.localhost";

/// Writes what serves these Mappings.
fn serve(site: &Site, mappings: &[Value]) {
    let listener = yaml::listener("http", site.http().port(), "HTTP");
    let host = yaml::host("foreign", HOST);
    site.write("all.yaml", yaml::documents(&[&[listener, host][..], mappings].concat()));
}

/// A Mapping that says where its service's document is.
fn mapping(site: &Site, name: &str, port: u16, docs: &Value) -> Value {
    let mut mapping = yaml::mapping_on(HOST, name, &format!("/{name}/"), site.at(port));
    mapping["spec"]["docs"] = docs.clone();
    mapping
}

/// What the portal says at a path.
async fn ask(site: &Site, path: &str) -> Reply {
    Client::http(site.at(8088)).send(&get("localhost", path)).await.unwrap()
}

/// An API, once its document is as `state` says.
async fn api(site: &Site, name: &str, state: &str) -> Value {
    api_within(DEADLINE, site, name, state).await
}

/// The same where that may take another time.
async fn api_within(deadline: Duration, site: &Site, name: &str, state: &str) -> Value {
    within(deadline, &format!("{name} is {state}"), async || {
        let asked = get("localhost", &format!("/docs/api/v1/apis/default/{name}"));
        let reply = Client::http(site.at(8088)).send(&asked).await.map_err(|error| error.to_string())?;
        let api: Value = serde_json::from_str(&reply.text()).map_err(|_| format!("{}", reply.status))?;
        if api["state"] == json!(state) { Ok(api) } else { Err(api.to_string()) }
    })
    .await
}
