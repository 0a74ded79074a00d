//! Hosts.

use nuncio_api::{Remains, Severity, Spec};

use super::{Row, check};
use crate::support::{mapping, of_kind, only, read};

#[test]
fn bad_hosts_are_refused() {
    let rows: &[Row] = &[
        ("Host", "{hostname: 5}", "InvalidValue", "spec.hostname", "5"),
        ("Host", "{hostname: '*a*'}", "InvalidValue", "spec.hostname", "'*a*'"),
        (
            "Host",
            "{hostname: a, requestPolicy: {insecure: {action: route}}}",
            "InvalidValue",
            "spec.requestPolicy.insecure.action",
            "route}",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {min_tls_version: v9}}",
            "InvalidValue",
            "spec.tls.min_tls_version",
            "v9",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {min_tls_version: v1.3, max_tls_version: v1.2}}",
            "InvalidValue",
            "spec.tls.min_tls_version",
            "v1.3",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {}, tlsContext: {name: c}}",
            "InvalidValue",
            "spec.tls",
            "{}",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {ca_secret: c, cert_requird: true}}",
            "UnknownField",
            "spec.tls.cert_requird",
            "cert_requird",
        ),
    ];
    rows.iter().copied().for_each(check);
}

#[test]
fn all_mistakes_of_a_host_are_told_together() {
    let spec = "{hostname: '*a*', requestPolicy: {insecure: {action: route}}, acmeProvider: {authority: 5}, \
                tlsSecret: {name: s}, tls: {min_tls_version: v9, ecdh_curves: [P-1]}}";
    let object = only(&of_kind("Host", spec));
    let mut told: Vec<_> = object.problems.iter().map(|(problem, _)| &*problem.field).collect();
    told.sort_unstable();
    let expected = [
        "spec.acmeProvider.authority",
        "spec.hostname",
        "spec.requestPolicy.insecure.action",
        "spec.tls.ecdh_curves[0]",
        "spec.tls.min_tls_version",
    ];
    assert_eq!(told, expected, "{:?}", object.problems);
    assert!(object.problems.iter().all(|(problem, _)| problem.severity == Severity::Error));
}

/// An invalid Host keeps the name that it was meant for.
#[test]
fn an_invalid_host_keeps_its_name() {
    let table = [
        ("{hostname: a.example.com, requestPolicy: {insecure: {action: Open}}}", Some("a.example.com")),
        ("{hostname: a.example.com, tls: {min_tls_version: v2}}", Some("a.example.com")),
        ("{requestPolicy: {insecure: {action: Open}}}", Some("*")),
        ("{hostname: 5}", None),
        ("{hostname: ['a']}", None),
    ];
    for (spec, expected) in table {
        let expected = expected.map_or(Remains::Nothing, |hostname| Remains::Hostname(hostname.to_owned()));
        assert_eq!(only(&of_kind("Host", spec)).spec, Spec::Invalid(expected), "{spec}");
    }
    assert_eq!(only(&mapping("{hostname: a}")).spec, Spec::Invalid(Remains::Nothing));
}

/// It keeps the fallback from serving every name in clear text.
#[test]
fn what_was_meant_as_a_host_is_known_to_be_there() {
    let spec = "spec: {hostname: a.example}\n";
    for (kind, metadata, expected) in [
        ("Host", "{}", "Host default/(nameless)"),
        ("Host", "{name: 7}", "Host default/(nameless)"),
        ("host", "{name: a, namespace: b}", "Host b/a"),
        ("Hots", "{}", "Host default/(nameless)"),
        ("HOST", "{}", "Host default/(nameless)"),
    ] {
        let text = format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {metadata}\n{spec}");
        let parsed = read(&text);
        let ids: Vec<_> = parsed.problems.iter().map(|file| file.id.as_ref().map(ToString::to_string)).collect();
        assert_eq!(ids, [Some(expected.to_owned())], "{text}");
        assert_eq!(parsed.problems[0].problem.severity, Severity::Error, "{text}");
    }
}
