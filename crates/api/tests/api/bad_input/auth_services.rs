//! AuthServices.

use super::check;

#[test]
fn bad_auth_services_are_refused() {
    for (spec, reason, field, at) in [
        ("{}", "MissingField", "spec.auth_service", "{"),
        ("{auth_service: a, proto: soap}", "InvalidValue", "spec.proto", "soap"),
        ("{auth_service: a, proto: grpc}", "UnsupportedProtocol", "spec.protocol_version", "{"),
        ("{auth_service: a, proto: grpc, protocol_version: v2}", "UnsupportedProtocol", "spec.protocol_version", "v2"),
        ("{auth_service: a, path_prefix: zone}", "InvalidValue", "spec.path_prefix", "zone"),
        ("{auth_service: a, timeout_ms: 9300000000000000000}", "InvalidValue", "spec.timeout_ms", "93"),
        ("{auth_service: a, include_body: {max_bytes: 0}}", "InvalidValue", "spec.include_body.max_bytes", "0"),
        ("{auth_service: a, status_on_error: {code: 599}}", "InvalidValue", "spec.status_on_error.code", "599"),
        (
            "{auth_service: a, allowed_request_headers: ['x y']}",
            "InvalidHeaderName",
            "spec.allowed_request_headers[0]",
            "'x y'",
        ),
        ("{auth_service: a, add_auth_headers: {x: '%NO%'}}", "InvalidFormat", "spec.add_auth_headers.x", "'%NO"),
    ] {
        check(("AuthService", spec, reason, field, at));
    }
}
