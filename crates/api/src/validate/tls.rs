//! TLS settings.

use super::cipher::cipher_suites;
use super::{hostname, invalid, no_effect};
use crate::parse::Issues;
use crate::text::{closest, shorten};
use crate::yaml::Path;
use crate::{TlsConfig, TlsContext};

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
    cipher_suites(&config.cipher_suites, &path.key("cipher_suites"), issues);
    let curves = path.key("ecdh_curves");
    for (index, curve) in config.ecdh_curves.iter().enumerate().filter(|(_, curve)| !CURVES.contains(&curve.as_str())) {
        let meant = closest(curve, &CURVES).map(|curve| format!(": did you mean {curve}?")).unwrap_or_default();
        invalid(&curves.index(index), format!("Envoy knows no curve \"{}\"{meant}", shorten(curve)), issues);
    }
    if config.alpn_protocols.iter().any(|protocol| protocol.len() > 255) {
        // RFC 7301, section 3.1.
        invalid(&path.key("alpn_protocols"), "a protocol's name is at most 255 bytes long", issues);
    }
    if config.crl_secret.is_some() && config.ca_secret.is_none() {
        no_effect(&path.key("crl_secret"), "without ca_secret no certificate is verified", issues);
    }
    if config.cert_chain_file.is_some() != config.private_key_file.is_some() {
        invalid(&path.key("cert_chain_file"), "cert_chain_file and private_key_file go together", issues);
    }
}
