//! Cipher suites of TLS up to 1.2.

use super::{invalid, no_effect};
use crate::parse::Issues;
use crate::text::{closest, shorten};
use crate::yaml::Path;

/// The suites that Envoy 1.40 takes (tried on it), by the names of OpenSSL and of IANA.
const SUITES: [&str; 44] = [
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
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_PSK_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_PSK_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
];

/// The suites of TLS 1.3 (RFC 8446, appendix B.4). Envoy lets them stand beside others, and does nothing with them.
const TLS_1_3: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/// Names of many suites at once, and of what suites have in common (tried on Envoy 1.40).
const GROUPS: [&str; 27] = [
    "ALL", "HIGH", "FIPS", "kRSA", "aRSA", "RSA", "kECDHE", "kEECDH", "ECDHE", "EECDH", "ECDH", "aECDSA", "ECDSA",
    "kPSK", "aPSK", "PSK", "3DES", "AES", "AES128", "AES256", "AESGCM", "CHACHA20", "SHA", "SHA1", "SSLv3", "TLSv1",
    "TLSv1.2",
];

/// Checks a list of suites, each entry of which is a rule of `BoringSSL`'s: names joined by `+` for what they have in
/// common, by `:` or, in brackets, by `|` for suites of equal rank, and `!`, `-` or `+` in front.
pub(super) fn cipher_suites(suites: &[String], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, entry) in suites.iter().enumerate() {
        let path = path.index(index);
        // The default suites can only come first.
        let rules = entry.strip_prefix("DEFAULT").filter(|_| index == 0).unwrap_or(entry);
        if let Some(unknown) = names(rules).find(|name| !is_known(name)) {
            let meant = closest(unknown, &SUITES).map(|suite| format!(": did you mean {suite}?")).unwrap_or_default();
            let message = format!("Envoy knows no cipher suite \"{}\" for TLS up to 1.2{meant}", shorten(unknown));
            invalid(&path, message, issues);
        } else if TLS_1_3.contains(&entry.as_str()) {
            no_effect(&path, "has no effect: the suites of TLS 1.3 are all on and cannot be chosen among", issues);
        }
    }
    if !suites.is_empty() && suites.iter().all(|suite| TLS_1_3.contains(&suite.as_str())) {
        invalid(
            path,
            "no cipher suite is left for TLS up to 1.2: the suites of TLS 1.3 cannot be chosen among",
            issues,
        );
    }
}

fn names(rules: &str) -> impl Iterator<Item = &str> {
    let names = rules.split(['[', ']', '|', ':']).filter(|name| !name.is_empty() && *name != "@STRENGTH");
    names.map(|name| name.strip_prefix(['!', '-', '+']).unwrap_or(name))
}

fn is_known(name: &str) -> bool {
    SUITES.contains(&name) || TLS_1_3.contains(&name) || name.split('+').all(|part| GROUPS.contains(&part))
}
