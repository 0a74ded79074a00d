//! Secrets.

use nuncio_ir::{Pem, Secret, SecretValue};
use serde_json::json;

use super::build::secret_name;
use super::json;
use crate::secret;

fn pem(text: &str) -> Pem {
    Pem(text.into())
}

#[test]
fn a_private_key_never_shows() {
    let secret = secret(&Secret {
        name: secret_name("ns/a"),
        value: SecretValue::Certificate { chain: pem("C"), key: pem("K") },
    });
    assert_eq!(
        json(&secret),
        json!({
            "name": "ns/a",
            "tlsCertificate": {"certificateChain": {"inlineString": "C"}, "privateKey": "[redacted]"},
        })
    );
    assert!(!format!("{secret:?}").contains("body"), "the bytes of {secret:?}");
}

#[test]
fn authorities_with_revocations() {
    let value = SecretValue::Validation { ca: pem("CA"), crl: Some(pem("CRL")) };
    assert_eq!(
        json(&secret(&Secret { name: secret_name("ns/a~ca"), value })),
        json!({
            "name": "ns/a~ca",
            "validationContext": {"trustedCa": {"inlineString": "CA"}, "crl": {"inlineString": "CRL"}},
        })
    );
}

#[test]
fn no_authority_trusts_nobody() {
    let value = SecretValue::Validation { ca: pem(" \n"), crl: Some(pem("CRL")) };
    assert_eq!(
        json(&secret(&Secret { name: secret_name("ns/a~ca"), value }))["validationContext"],
        json!({"trustedCa": {"inlineString": include_str!("../secret/nobody.pem")}})
    );
}
