//! Listeners.

use super::{Row, check};

#[test]
fn bad_listeners_are_refused() {
    let listener = "protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}";
    let with_port =
        |port: &str| -> &'static str { Box::leak(format!("{{port: {port}, {listener}}}").into_boxed_str()) };
    let rows: &[Row] = &[
        ("Listener", with_port("70000"), "InvalidValue", "spec.port", "70000"),
        ("Listener", with_port("0"), "InvalidValue", "spec.port", "0,"),
        ("Listener", with_port("-1"), "InvalidValue", "spec.port", "-1"),
        ("Listener", with_port("http"), "InvalidValue", "spec.port", "http,"),
        (
            "Listener",
            "{port: 1, protocol: SMTP, securityModel: XFP, hostBinding: {}}",
            "InvalidValue",
            "spec.protocol",
            "SMTP",
        ),
        ("Listener", "{port: 1, protocol: HTTP, hostBinding: {}}", "MissingField", "spec.securityModel", "{port"),
        ("Listener", "{port: 1, protocol: HTTP, securityModel: XFP}", "MissingField", "spec.hostBinding", "{port"),
        ("Listener", "{port: 1, securityModel: XFP, hostBinding: {}}", "MissingField", "spec.protocol", "{port"),
        (
            "Listener",
            "{port: 1, securityModel: XFP, hostBinding: {}, protocolStack: [TCP, HTTP]}",
            "InvalidValue",
            "spec.protocolStack",
            "[TCP",
        ),
        (
            "Listener",
            "{port: 1, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: SELECTOR}}}",
            "InvalidValue",
            "spec.hostBinding.namespace.from",
            "SELECTOR",
        ),
        (
            "Listener",
            "{port: 1, protocol: HTTP, securityModel: LOOSE, hostBinding: {}}",
            "InvalidValue",
            "spec.securityModel",
            "LOOSE",
        ),
    ];
    rows.iter().copied().for_each(check);
}
