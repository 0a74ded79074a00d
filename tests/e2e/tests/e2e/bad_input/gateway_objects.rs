//! Listeners, TCPMappings and the Module.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping as good_mapping, plain};
use nuncio_e2e::{Client, Gateway, Site, get};

use super::{Bench, module, named, object, row};

/// A Listener that would be good without what is in line 5.
fn listener(port: &str) -> String {
    object("Listener", &format!("{port}\n  {REST}"))
}

/// One on a port that another, earlier by name, has.
fn clash(port: &str) -> String {
    named("Listener", "zzz", &format!("{port}\n  {REST}"))
}

const REST: &str = "protocol: HTTP\n  securityModel: XFP\n  hostBinding: {namespace: {from: ALL}}";

#[tokio::test]
async fn bad_listeners_and_tcp_mappings_are_told_and_the_rest_goes_on() {
    let site = Site::new();
    let rows = vec![
        row(
            "no spec",
            "apiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: bad}\n",
            0,
            "MissingField",
            "spec",
        ),
        row(
            "no port",
            object("Listener", "protocol: HTTP\n  securityModel: XFP\n  hostBinding: {namespace: {from: ALL}}"),
            5,
            "MissingField",
            "spec.port",
        ),
        row("port 0", listener("port: 0"), 5, "InvalidValue", "spec.port"),
        row("port 70000", listener("port: 70000"), 5, "InvalidValue", "spec.port"),
        row("a port below 0", listener("port: -1"), 5, "InvalidValue", "spec.port"),
        row(
            "a protocol that there is not",
            object(
                "Listener",
                "port: 7999\n  protocol: GOPHER\n  securityModel: XFP\n  hostBinding: {namespace: {from: ALL}}",
            ),
            6,
            "InvalidValue",
            "spec.protocol",
        ),
        row(
            "no protocol",
            object("Listener", "port: 7999\n  securityModel: XFP\n  hostBinding: {namespace: {from: ALL}}"),
            5,
            "MissingField",
            "spec.protocol",
        ),
        row(
            "a stack of protocols that does not stand",
            object(
                "Listener",
                "port: 7999\n  protocolStack: [TCP, HTTP]\n  securityModel: XFP\n  hostBinding: {namespace: {from: ALL}}",
            ),
            6,
            "InvalidValue",
            "spec.protocolStack",
        ),
        row(
            "no security model",
            object("Listener", "port: 7999\n  protocol: HTTP\n  hostBinding: {namespace: {from: ALL}}"),
            5,
            "MissingField",
            "spec.securityModel",
        ),
        row(
            "a security model that there is not",
            object(
                "Listener",
                "port: 7999\n  protocol: HTTP\n  securityModel: MAYBE\n  hostBinding: {namespace: {from: ALL}}",
            ),
            7,
            "InvalidValue",
            "spec.securityModel",
        ),
        row(
            "no binding",
            object("Listener", "port: 7999\n  protocol: HTTP\n  securityModel: XFP"),
            5,
            "MissingField",
            "spec.hostBinding",
        ),
        row(
            "a binding that is not supported",
            object(
                "Listener",
                "port: 7999\n  protocol: HTTP\n  securityModel: XFP\n  hostBinding: {namespace: {from: SELECTOR}}",
            ),
            8,
            "InvalidValue",
            "spec.hostBinding.namespace.from",
        ),
        row(
            "a depth below 0",
            object(
                "Listener",
                "port: 7999\n  protocol: HTTP\n  securityModel: XFP\n  l7Depth: -1\n  hostBinding: {namespace: {from: ALL}}",
            ),
            8,
            "InvalidValue",
            "spec.l7Depth",
        ),
        row("a port that another Listener has", clash("port: 7080"), 5, "PortConflict", "spec.port"),
        row(
            "a TCPMapping on port 0",
            object("TCPMapping", "port: 0\n  service: 127.0.0.1:9"),
            5,
            "InvalidValue",
            "spec.port",
        ),
        row("a TCPMapping without a service", object("TCPMapping", "port: 7998"), 5, "MissingField", "spec.service"),
        row(
            "a TCPMapping without a port",
            object("TCPMapping", "service: 127.0.0.1:9"),
            5,
            "MissingField",
            "spec.port",
        ),
        row(
            "a TCPMapping on the port of a Listener",
            object("TCPMapping", "port: 7080\n  service: 127.0.0.1:9"),
            5,
            "PortConflict",
            "spec.host",
        ),
        row(
            "a TCPMapping for a name without a certificate",
            object("TCPMapping", "port: 7998\n  host: nobody.example\n  service: 127.0.0.1:9"),
            6,
            "NoCertificate",
            "spec.host",
        ),
        row(
            "a TCPMapping at no address",
            object("TCPMapping", "port: 7998\n  address: here\n  service: 127.0.0.1:9"),
            6,
            "InvalidValue",
            "spec.address",
        ),
        row(
            "a TCPMapping with a weight of 101",
            object("TCPMapping", "port: 7998\n  weight: 101\n  service: 127.0.0.1:9"),
            6,
            "WeightOver100",
            "spec.weight",
        ),
    ];
    Bench::start(&site).await.try_all(rows).await;
}

#[tokio::test]
async fn bad_modules_are_told_and_the_rest_goes_on() {
    let site = Site::new();
    let rows = vec![
        row("a config that is a list", module("[]"), 5, "InvalidValue", "spec.config"),
        row(
            "a script that is none",
            module(r#"{lua_scripts: "function ("}"#),
            5,
            "InvalidLua",
            "spec.config.lua_scripts",
        ),
        row(
            "an unknown command operator in the log",
            module(r#"{envoy_log_format: "%NOPE%"}"#),
            5,
            "InvalidFormat",
            "spec.config.envoy_log_format",
        ),
        row(
            "a lone percent sign in the log",
            module(r#"{envoy_log_format: "100%"}"#),
            5,
            "InvalidFormat",
            "spec.config.envoy_log_format",
        ),
        row("a log of no type", module("{envoy_log_type: xml}"), 5, "InvalidValue", "spec.config.envoy_log_type"),
        row(
            "a field that does not exist",
            module("{use_remote_adress: true}"),
            5,
            "UnknownField",
            "spec.config.use_remote_adress",
        ),
        row("another name", object("Module", "config: {}"), 5, "NoEffect", "spec.config"),
        row(
            "a buffer without a size",
            module("{buffer: {}}"),
            5,
            "MissingField",
            "spec.config.buffer.max_request_bytes",
        ),
        row(
            "compression out of range",
            module("{gzip: {memory_level: 99}}"),
            5,
            "InvalidValue",
            "spec.config.gzip.memory_level",
        ),
        row(
            "a server name with a line break",
            module(r#"{server_name: "a\nb"}"#),
            5,
            "InvalidValue",
            "spec.config.server_name",
        ),
        row(
            "defaults with a bad header",
            module(r#"{defaults: {httpmapping: {add_request_headers: {"a b": {value: x}}}}}"#),
            5,
            "InvalidHeaderName",
            "spec.config.defaults.httpmapping.add_request_headers",
        ),
        row(
            "retries for nothing known",
            module("{retry_policy: {retry_on: bad-luck}}"),
            5,
            "InvalidValue",
            "spec.config.retry_policy.retry_on",
        ),
        row(
            "a number in words",
            module("{xff_num_trusted_hops: many}"),
            5,
            "NotYetEffective",
            "spec.config.xff_num_trusted_hops",
        ),
        row(
            "an action for underscores that there is not",
            module("{headers_with_underscores_action: SHRUG}"),
            5,
            "InvalidValue",
            "spec.config.headers_with_underscores_action",
        ),
    ];
    Bench::start(&site).await.try_all(rows).await;
}

#[tokio::test]
async fn an_access_list_that_does_not_parse_denies_everybody() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[good_mapping("x", "/x/", a.address())]));
    site.write("module.yaml", module("{}"));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let becomes = async |status: u16| drop(client.until_status(&get("a.example", "/x/"), status).await);
    becomes(200).await;
    let lists = [
        "{ip_allow: [{remote: 300.0.0.0/8}]}",
        "{ip_allow: [{remote: 127.0.0.0/33}]}",
        "{ip_allow: [{remote: everyone}, {peer: 127.0.0.0/40}]}",
        "{ip_deny: [{remote: nonsense}]}",
        "{ip_allow: [{remote: 127.0.0.0/8}], ip_deny: [{remote: 10.0.0.0/8}]}",
        "{ip_allow: everyone}",
    ];
    for list in lists {
        // From a state in which all are let in, so that nothing is left over from the row before.
        site.write("module.yaml", module("{}"));
        becomes(200).await;
        site.write("module.yaml", module(list));
        gateway.admin.problem(&["module.yaml", "spec.config.ip_"]).await;
        becomes(403).await;
    }
    site.write("module.yaml", module("{ip_allow: [{peer: 127.0.0.0/8}]}"));
    becomes(200).await;
    gateway.stop().await;
}
