//! Limits, and labels.

use super::{Row, check};

#[test]
fn bad_limits_are_refused() {
    let rows: &[Row] = &[
        ("Mapping", "{prefix: /, service: w, labels: {a: [b]}}", "InvalidValue", "spec.labels.a[0]", "b]"),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{generic_key: {}}]}]}}",
            "InvalidValue",
            "spec.labels.a[0].g[0]",
            "{generic_key",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{request_headers: {key: k}}]}]}}",
            "InvalidValue",
            "spec.labels.a[0].g[0]",
            "{request_headers",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, local_rate_limit: {rate: 1}}",
            "MissingField",
            "spec.local_rate_limit.unit",
            "{rate",
        ),
        ("RateLimitService", "{domain: a}", "MissingField", "spec.service", "{"),
        ("RateLimitService", "{service: a, protocol_version: v4}", "InvalidValue", "spec.protocol_version", "v4"),
        ("RateLimit", "{limits: [{pattern: [{a: b}], rate: 1}]}", "MissingField", "spec.limits[0].unit", "{pattern"),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: fortnight}]}",
            "InvalidValue",
            "spec.limits[0].unit",
            "fortnight",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: -1, unit: day}]}",
            "InvalidValue",
            "spec.limits[0].rate",
            "-1",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, burstFactor: 4294967295}]}",
            "InvalidValue",
            "spec.limits[0].burstFactor",
            "4294967295",
        ),
        (
            "AuthService",
            "{auth_service: a, allowed_authorization_headers: [X-Nuncio-Scope]}",
            "InvalidValue",
            "spec.allowed_authorization_headers[0]",
            "X-Nuncio-Scope",
        ),
        ("RateLimit", "{limits: [{rate: 1, unit: day}]}", "MissingField", "spec.limits[0].pattern", "{rate"),
        (
            "RateLimit",
            "{limits: [{pattern: [{}], rate: 1, unit: day}]}",
            "InvalidValue",
            "spec.limits[0].pattern[0]",
            "{}",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, action: Drop}]}",
            "InvalidValue",
            "spec.limits[0].action",
            "Drop",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, burstFactor: 0}]}",
            "InvalidValue",
            "spec.limits[0].burstFactor",
            "0}",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, injectResponseHeaders: [{value: x}]}]}",
            "MissingField",
            "spec.limits[0].injectResponseHeaders[0].name",
            "{value",
        ),
    ];
    rows.iter().copied().for_each(check);
}
