//! TCPMappings.

use nuncio_api::{Remains, Spec};

use super::{Row, check};
use crate::support::{of_kind, only};

#[test]
fn bad_tcp_mappings_are_refused() {
    let rows: &[Row] = &[
        ("TCPMapping", "{port: x, service: w}", "InvalidValue", "spec.port", "x,"),
        ("TCPMapping", "{port: 0, service: w}", "InvalidValue", "spec.port", "0,"),
        ("TCPMapping", "{port: 1}", "MissingField", "spec.service", "{port"),
        ("TCPMapping", "{port: 1, service: w, address: here}", "InvalidValue", "spec.address", "here"),
    ];
    rows.iter().copied().for_each(check);
}

/// An invalid TCPMapping keeps the connections that it is for, if they can be told.
#[test]
fn an_invalid_tcp_mapping_keeps_its_connections() {
    let table = [
        ("{port: 7000, host: a.example, service: 'b:port'}", Some((7000, Some("a.example")))),
        ("{port: 7000, host: a.example}", Some((7000, Some("a.example")))),
        ("{port: 7000, service: b, weight: x}", Some((7000, None))),
        ("{port: 70000, host: a.example, service: b}", None),
        ("{host: a.example, service: b}", None),
        ("{port: 7000, host: 'a.*.b', service: b}", None),
        ("{port: 7000, host: a.example, address: nowhere, service: b}", None),
    ];
    for (spec, expected) in table {
        let Spec::Invalid(remains) = only(&of_kind("TCPMapping", spec)).spec else { panic!("{spec}") };
        let kept = match &remains {
            Remains::Connections(mapping) => Some((mapping.port, mapping.host.as_deref())),
            _ => None,
        };
        assert_eq!(kept, expected, "{spec}: {remains:?}");
    }
}
