//! Hosts, and what they need for TLS.

use nuncio_e2e::yaml::{documents, text_secret, tls_secret};
use nuncio_e2e::{Authority, Site};
use serde_json::json;

use super::{Bench, object, row};

/// Secrets that are of little use.
fn secrets() -> String {
    let authority = Authority::new("ca");
    let [one, other] = [authority.issue(&["bad.example"]), authority.issue(&["bad.example"])];
    let mut mismatched = tls_secret("mismatched", &one);
    mismatched["stringData"]["tls.key"] = json!(other.key);
    let mut rubbish = text_secret("rubbish", "tls.crt", "x");
    rubbish["stringData"] = json!({"tls.crt": "x", "tls.key": "y", "ca.crt": "z", "crl.pem": "w"});
    documents(&[
        tls_secret("cert", &one),
        text_secret("keyless", "tls.crt", &one.cert),
        text_secret("ca", "ca.crt", &authority.pem()),
        text_secret("empty", "ca.crt", ""),
        mismatched,
        rubbish,
    ])
}

#[tokio::test]
async fn bad_hosts_are_told_and_the_rest_goes_on() {
    let site = Site::new();
    site.write("secrets.yaml", secrets());
    let rows = vec![
        row("two stars", object("Host", "hostname: '*.a.*'"), 5, "InvalidValue", "spec.hostname"),
        row("a star inside", object("Host", "hostname: a.*.b"), 5, "InvalidValue", "spec.hostname"),
        row("a space in the name", object("Host", "hostname: a b"), 5, "InvalidValue", "spec.hostname"),
        row(
            "an action that there is not",
            object("Host", "hostname: bad.example\n  requestPolicy: {insecure: {action: Ignore}}"),
            6,
            "InvalidValue",
            "spec.requestPolicy.insecure.action",
        ),
        row(
            "both tls and tlsContext",
            object(
                "Host",
                "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {min_tls_version: v1.2}\n  tlsContext: {name: a}",
            ),
            7,
            "InvalidValue",
            "spec.tls",
        ),
        row(
            "an unknown TLSContext",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: cert}\n  tlsContext: {name: nowhere}"),
            7,
            "TLSContextNotFound",
            "spec.tlsContext",
        ),
        row(
            "a missing Secret",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: nowhere}"),
            6,
            "InvalidTLSSecret",
            "spec.tlsSecret",
        ),
        row(
            "a Secret without a key",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: keyless}"),
            6,
            "InvalidTLSSecret",
            "spec.tlsSecret",
        ),
        row(
            "a Secret with rubbish",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: rubbish}"),
            6,
            "InvalidTLSSecret",
            "spec.tlsSecret",
        ),
        row(
            "a Secret whose key is for another certificate",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: mismatched}"),
            6,
            "InvalidTLSSecret",
            "spec.tlsSecret",
        ),
        row(
            "an empty CA",
            object(
                "Host",
                "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {ca_secret: empty, cert_required: true}",
            ),
            7,
            "InvalidClientCA",
            "spec.tls.ca_secret",
        ),
        row(
            "a CA that is rubbish",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {ca_secret: rubbish}"),
            7,
            "InvalidClientCA",
            "spec.tls.ca_secret",
        ),
        row(
            "client certificates of no CA",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {cert_required: true}"),
            7,
            "NoClientCA",
            "spec.tls.ca_secret",
        ),
        row(
            "a missing list of revoked certificates",
            object(
                "Host",
                "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {ca_secret: ca, crl_secret: nowhere}",
            ),
            7,
            "InvalidClientCA",
            "spec.tls.crl_secret",
        ),
        row(
            "a list of revoked certificates that is rubbish",
            object(
                "Host",
                "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {ca_secret: ca, crl_secret: rubbish}",
            ),
            7,
            "InvalidClientCA",
            "spec.tls.crl_secret",
        ),
        row(
            "a TLS version that there is not",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {min_tls_version: v1.4}"),
            7,
            "InvalidValue",
            "spec.tls.min_tls_version",
        ),
        row(
            "TLS versions the wrong way round",
            object(
                "Host",
                "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {min_tls_version: v1.3, max_tls_version: v1.2}",
            ),
            7,
            "InvalidValue",
            "spec.tls.min_tls_version",
        ),
        row(
            "a cipher suite that there is not",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {cipher_suites: [ROT13]}"),
            7,
            "InvalidValue",
            "spec.tls.cipher_suites[0]",
        ),
        row(
            "a curve that there is not",
            object("Host", "hostname: bad.example\n  tlsSecret: {name: cert}\n  tls: {ecdh_curves: [flat]}"),
            7,
            "InvalidValue",
            "spec.tls.ecdh_curves[0]",
        ),
        row(
            "TLS settings without a certificate",
            object("Host", "hostname: bad.example\n  tls: {min_tls_version: v1.2}"),
            6,
            "NoEffect",
            "spec.tls",
        ),
        row(
            "a selector that is a list",
            object("Host", "hostname: bad.example\n  mappingSelector: []"),
            6,
            "InvalidValue",
            "spec.mappingSelector",
        ),
        row(
            "a certificate from files",
            object("Host", "hostname: bad.example\n  tls: {cert_chain_file: /a, private_key_file: /b}"),
            6,
            "NoEffect",
            "spec.tls",
        ),
        row(
            "a Secret that is not base64",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: bad}\ndata: {tls.crt: \"%%%\"}\n",
            4,
            "InvalidValue",
            "data",
        ),
        row(
            "a TLSContext of a strange version",
            object("TLSContext", "hosts: [bad.example]\n  min_tls_version: SSLv3"),
            6,
            "InvalidValue",
            "spec.min_tls_version",
        ),
    ];
    Bench::start(&site).await.try_all(rows).await;
}
