//! Manifests. Documents are JSON, which is YAML too.

use std::net::SocketAddr;

use nuncio_test_support::keep_secret;
use serde_json::{Value, json};

use crate::{Identity, Site};

/// Several documents in a file.
#[must_use]
pub fn documents(documents: &[Value]) -> String {
    documents.iter().map(|document| format!("{document:#}\n---\n")).collect()
}

/// An object of `getambassador.io/v3alpha1`.
#[must_use]
#[allow(clippy::needless_pass_by_value)]
pub fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A Listener that serves every Host.
#[must_use]
pub fn listener(name: &str, port: u16, protocol: &str) -> Value {
    let binding = json!({"namespace": {"from": "ALL"}});
    let spec = json!({"port": port, "protocol": protocol, "securityModel": "XFP", "hostBinding": binding});
    object("Listener", name, spec)
}

/// Listeners for clear text and for TLS at the site's addresses.
#[must_use]
pub fn listeners(site: &Site) -> String {
    let http = listener("http", site.http().port(), "HTTP");
    documents(&[http, listener("https", site.https().port(), "HTTPS")])
}

/// A Host that serves clear text.
#[must_use]
pub fn host(name: &str, hostname: &str) -> Value {
    object("Host", name, json!({"hostname": hostname, "requestPolicy": {"insecure": {"action": "Route"}}}))
}

/// A Host with a certificate from the Secret of its own name.
#[must_use]
pub fn tls_host(name: &str, hostname: &str) -> Value {
    let mut host = host(name, hostname);
    host["spec"]["tlsSecret"] = json!({"name": name});
    host
}

/// A Listener for clear text at the site's address, and a Host for every name.
#[must_use]
pub fn plain(site: &Site) -> String {
    documents(&[listener("http", site.http().port(), "HTTP"), host("any", "*")])
}

/// A Mapping for every name.
#[must_use]
pub fn mapping(name: &str, prefix: &str, service: SocketAddr) -> Value {
    object("Mapping", name, json!({"hostname": "*", "prefix": prefix, "service": service.to_string()}))
}

/// A Mapping for one name.
#[must_use]
pub fn mapping_on(hostname: &str, name: &str, prefix: &str, service: SocketAddr) -> Value {
    object("Mapping", name, json!({"hostname": hostname, "prefix": prefix, "service": service.to_string()}))
}

/// A Service with a port called `http` of number 80, and its endpoint, if it has one.
#[must_use]
pub fn service(name: &str, endpoint: Option<SocketAddr>) -> [Value; 2] {
    let endpoints: Vec<_> =
        endpoint.iter().map(|it| json!({"addresses": [it.ip()], "conditions": {"ready": true}})).collect();
    [
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": "http", "port": 80}]},
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "endpoints": endpoints, "ports": [{"name": "http", "port": endpoint.map_or(80, |it| it.port())}],
        }),
    ]
}

/// A Secret with a certificate and its key.
#[must_use]
pub fn tls_secret(name: &str, identity: &Identity) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": identity.cert, "tls.key": identity.key},
    })
}

/// A Secret with one text in it, which no log may hold unless it is of certificates.
#[must_use]
pub fn text_secret(name: &str, key: &str, text: &str) -> Value {
    if !key.ends_with(".crt") && !key.ends_with(".pem") {
        keep_secret(text);
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: text}})
}
