//! Secrets that worlds name: good ones, and ones that do not fit together.

use std::sync::OnceLock;

use serde_json::{Value, json};

/// Names of [`secrets`], and one that is not there.
pub(crate) const NAMES: &[&str] = &["cert", "wild", "ca", "mismatched", "empty", "not-there"];

/// The Secrets of every world.
pub(crate) fn secrets() -> &'static [Value] {
    static SECRETS: OnceLock<Vec<Value>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let make = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
            (made.cert.pem(), made.signing_key.serialize_pem())
        };
        let (cert, key) = make(&["shop.example", "a.shop.example"]);
        let (wild_cert, wild_key) = make(&["*.shop.example", "*.example"]);
        let tls = |name: &str, data: Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                "metadata": {"name": name, "namespace": "default"}, "stringData": data})
        };
        vec![
            tls("cert", json!({"tls.crt": cert, "tls.key": key, "ca.crt": wild_cert})),
            tls("wild", json!({"tls.crt": wild_cert, "tls.key": wild_key})),
            tls("ca", json!({"tls.crt": cert, "ca.crt": cert})),
            tls("mismatched", json!({"tls.crt": cert, "tls.key": wild_key})),
            tls("empty", json!({})),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "words", "namespace": "default"},
                "stringData": {"oauth2-client-secret": "s", "htpasswd": "ann:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM="}}),
        ]
    })
}
