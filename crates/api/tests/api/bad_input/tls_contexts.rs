//! TLSContexts.

use super::{Row, check};
use crate::support::{is_invalid, of_kind, only};

#[test]
fn bad_tls_contexts_are_refused() {
    let rows: &[Row] = &[
        ("TLSContext", "{hosts: x}", "InvalidValue", "spec.hosts", "x}"),
        ("TLSContext", "{secret: s, cipher_suites: [NULL-MD5]}", "InvalidValue", "spec.cipher_suites[0]", "NULL-MD5"),
        (
            "TLSContext",
            "{secret: s, cipher_suites: [AES128-SHA, TLS_RSA_WITH_AES_192_CBC_SHA]}",
            "InvalidValue",
            "spec.cipher_suites[1]",
            "TLS_RSA",
        ),
        ("TLSContext", "{secret: s, cipher_suites: ['ALL:!MD5']}", "InvalidValue", "spec.cipher_suites[0]", "'ALL"),
        (
            "TLSContext",
            "{secret: s, cipher_suites: [TLS_AES_128_GCM_SHA256]}",
            "InvalidValue",
            "spec.cipher_suites",
            "[TLS",
        ),
        ("TLSContext", "{secret: s, ecdh_curves: [P-256, P-225]}", "InvalidValue", "spec.ecdh_curves[1]", "P-225"),
        ("TLSContext", "{secret: s, cert_required: maybe}", "InvalidValue", "spec.cert_required", "maybe"),
    ];
    rows.iter().copied().for_each(check);
}

#[test]
fn cipher_suites_that_envoy_takes_are_taken() {
    for suites in
        ["[DEFAULT, '!AES128-SHA']", "['ALL:!kEECDH+AES:@STRENGTH', '[AES|RSA]', -SHA1, +TLSv1.2]", "[AES256-SHA]"]
    {
        assert_eq!(only(&of_kind("TLSContext", &format!("{{cipher_suites: {suites}}}"))).problems, [], "{suites}");
    }
    let object = only(&of_kind("TLSContext", "{cipher_suites: [TLS_AES_128_GCM_SHA256, AES128-SHA]}"));
    assert_eq!((object.problems[0].0.reason, is_invalid(&object)), ("NoEffect", false), "{object:?}");
}
