//! TLS settings.

use super::{hostname, invalid};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{TlsConfig, TlsContext};

/// Cipher suites up to TLS 1.2 in the names that Envoy 1.40 takes; `BoringSSL` has further ones that no one should use.
const CIPHERS: [&str; 22] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-PSK-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-PSK-AES128-CBC-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-PSK-AES256-CBC-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "PSK-AES128-CBC-SHA",
    "AES256-SHA",
    "PSK-AES256-CBC-SHA",
    "DES-CBC3-SHA",
];

/// Names of many cipher suites at once.
const GROUPS: [&str; 18] = [
    "ALL", "HIGH", "kRSA", "aRSA", "RSA", "kECDHE", "ECDHE", "aECDSA", "ECDSA", "kPSK", "aPSK", "PSK", "3DES", "AES",
    "AES128", "AES256", "AESGCM", "CHACHA20",
];

/// Curves that Envoy 1.40 takes.
const CURVES: [&str; 10] = [
    "X25519",
    "x25519",
    "P-256",
    "prime256v1",
    "P-384",
    "secp384r1",
    "P-521",
    "secp521r1",
    "X25519MLKEM768",
    "MLKEM1024",
];

/// Checks a `TLSContext`.
pub(crate) fn tls_context(context: &TlsContext, path: &Path<'_>, issues: &mut Issues<'_>) {
    let hosts = path.key("hosts");
    for (index, host) in context.hosts.iter().enumerate() {
        hostname::glob(host, &hosts.index(index), issues);
    }
    config(&context.config(), path, issues);
}

/// Checks the settings that a Host can also have by itself.
pub(super) fn config(config: &TlsConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let (Some(min), Some(max)) = (config.min_tls_version, config.max_tls_version)
        && min > max
    {
        invalid(&path.key("min_tls_version"), "is newer than max_tls_version: no version is left", issues);
    }
    let suites = path.key("cipher_suites");
    for (index, suite) in config.cipher_suites.iter().enumerate() {
        if let Some(unknown) = unknown_cipher(suite) {
            let message = format!("Envoy knows no cipher suite \"{}\" for TLS up to 1.2", shorten(unknown));
            invalid(&suites.index(index), message, issues);
        }
    }
    let curves = path.key("ecdh_curves");
    for (index, curve) in config.ecdh_curves.iter().enumerate().filter(|(_, curve)| !CURVES.contains(&curve.as_str())) {
        invalid(&curves.index(index), format!("Envoy knows no curve \"{}\"", shorten(curve)), issues);
    }
    if config.alpn_protocols.iter().any(|protocol| protocol.len() > 255) {
        // RFC 7301, section 3.1.
        invalid(&path.key("alpn_protocols"), "a protocol's name is at most 255 bytes long", issues);
    }
    if config.cert_chain_file.is_some() != config.private_key_file.is_some() {
        invalid(&path.key("cert_chain_file"), "cert_chain_file and private_key_file go together", issues);
    }
}

/// The first part of an entry that names no cipher suite. An entry is a rule: names joined by `+` for what they have in
/// common or by `|` in brackets for suites of equal rank, and `!`, `-` or `+` in front.
fn unknown_cipher(entry: &str) -> Option<&str> {
    let names = entry.split(['[', ']', '|', ':', ' ']).filter(|name| !name.is_empty());
    names.map(|name| name.strip_prefix(['!', '-', '+']).unwrap_or(name)).find(|name| {
        let whole = CIPHERS.contains(name) || is_iana(name);
        !whole && !name.split('+').all(|part| GROUPS.contains(&part) || part == "SHA" || part == "SHA1")
    })
}

/// IANA's names of the suites before TLS 1.3, which have a `WITH` in them.
fn is_iana(name: &str) -> bool {
    name.starts_with("TLS_") && name.contains("_WITH_")
}
