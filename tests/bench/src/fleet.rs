//! Fleets: many hosts with ten routes each.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;

use nuncio_e2e::Site;
use nuncio_e2e::yaml::{documents, host, listener, object};
use serde_json::json;

/// Routes of a host.
pub(crate) const ROUTES: usize = 10;

/// The one that is changed.
pub(crate) const CHANGED: usize = 3;

/// Which Host objects a fleet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// One, for all names.
    Wildcard,
    /// One for each name.
    Each,
}

/// A fleet in a site's directory: a file for each host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) routes: usize,
    pub(crate) hosts: Hosts,
    pub(crate) upstream: SocketAddr,
}

impl Fleet {
    pub(crate) fn names(&self) -> usize {
        self.routes / ROUTES
    }

    /// Writes all of it, and what the whole edge needs.
    pub(crate) fn write(&self, site: &Site) {
        let log = site.root().join("access.log");
        let module = object("Module", "ambassador", json!({"config": {"envoy_log_path": log}}));
        let mut edge = vec![listener("http", site.http().port(), "HTTP"), module];
        if self.hosts == Hosts::Wildcard {
            edge.push(host("any", "*.bench.example"));
        }
        site.write("edge.yaml", documents(&edge));
        for index in 0..self.names() {
            fs::write(site.manifests().join(file(index)), self.text(index, "0")).expect("a file");
        }
    }

    /// The file of one host. Replies of the changed route bear `version`.
    pub(crate) fn text(&self, index: usize, version: &str) -> String {
        let name = name(index);
        let mut text = String::new();
        if self.hosts == Hosts::Each {
            text.push_str(&documents(&[host(&name, &name)]));
        }
        for route in 0..ROUTES {
            let header = if route == CHANGED {
                format!("  add_response_headers:\n    x-version: {{value: \"{version}\", append: false}}\n")
            } else {
                String::new()
            };
            let (prefix, upstream) = (prefix(route), self.upstream);
            let namespace = index % 100;
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: route-{index}-{route}\n  \
                 namespace: team-{namespace}\nspec:\n  hostname: {name}\n  prefix: {prefix}\n  service: {upstream}\n{header}"
            );
        }
        text
    }
}

pub(crate) fn file(index: usize) -> String {
    format!("host-{index:05}.yaml")
}

/// The name of a host.
pub(crate) fn name(index: usize) -> String {
    format!("host-{index:05}.bench.example")
}

/// The prefix of a route.
pub(crate) fn prefix(route: usize) -> String {
    format!("/route-{route}/")
}
