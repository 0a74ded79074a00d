//! DevPortals.

use super::{Row, check};

#[test]
fn bad_dev_portals_are_refused() {
    let rows: &[Row] = &[
        ("DevPortal", "{docs: [{url: 'https://a.example/x'}]}", "MissingField", "spec.docs[0].service", "{url"),
        ("DevPortal", "{docs: [{service: a}]}", "MissingField", "spec.docs[0].url", "{service"),
        ("DevPortal", "{docs: [{service: a, url: 'file:///x'}]}", "InvalidValue", "spec.docs[0].url", "'file"),
        (
            "DevPortal",
            "{docs: [{service: a, url: 'https://a.b/'}, {service: a, url: 'https://c.d/'}]}",
            "InvalidValue",
            "spec.docs[1].service",
            "a, url: 'https://c",
        ),
        ("DevPortal", "{naming_scheme: name}", "InvalidValue", "spec.naming_scheme", "name}"),
        ("DevPortal", "{search: {type: everything}}", "InvalidValue", "spec.search.type", "everything"),
        ("DevPortal", "{selector: {matchNamespaces: shop}}", "InvalidValue", "spec.selector.matchNamespaces", "shop"),
        ("DevPortal", "{content: {dir: a/../../b}}", "InvalidValue", "spec.content.dir", "a/.."),
    ];
    rows.iter().copied().for_each(check);
}
