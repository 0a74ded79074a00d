//! Certificates in use.

use std::collections::BTreeSet;

use nuncio_ir::{Model, Secret, SecretName, SecretValue};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

use crate::admin::{AuthoritiesView, CertificateView, ListQuery};

/// Those that can be read, the one that ends first at the beginning.
pub(super) fn certificates(model: &Model, query: &ListQuery) -> Vec<CertificateView> {
    // What the gateway makes for itself lasts as long as it runs.
    let named = model.secrets.values().filter(|secret| !secret.name.0.starts_with("nuncio/"));
    let wanted = named.filter(|secret| query.wants_name(&secret.name.0));
    let mut views: Vec<_> = wanted.filter_map(|secret| view(model, secret)).collect();
    views.sort_by(|a, b| (a.not_after, &a.secret).cmp(&(b.not_after, &b.secret)));
    views
}

/// Authorities by their name; a certificate with its key is none.
pub(super) fn authorities(model: &Model, name: &str) -> Option<AuthoritiesView> {
    match &model.secrets.get(&SecretName(name.into()))?.value {
        SecretValue::Validation { ca, crl } => {
            let crl = crl.as_ref().map(|crl| crl.0.to_string());
            Some(AuthoritiesView { ca: ca.0.to_string(), crl })
        }
        SecretValue::Certificate { .. } => None,
    }
}

fn view(model: &Model, secret: &Secret) -> Option<CertificateView> {
    let (pem, usage) = match &secret.value {
        SecretValue::Certificate { chain, .. } => (chain, "certificate"),
        SecretValue::Validation { ca, .. } => (ca, "authorities"),
    };
    let blocks: Vec<_> = Pem::iter_from_buffer(pem.0.as_bytes()).filter_map(Result::ok).collect();
    let parsed: Vec<_> = blocks.iter().filter_map(|block| block.parse_x509().ok()).collect();
    let first = parsed.first()?;
    Some(CertificateView {
        secret: secret.name.to_string(),
        usage: usage.to_owned(),
        shown_for: shown_for(model, secret),
        names: names(first),
        issuer: first.issuer().to_string(),
        not_before: first.validity().not_before.timestamp(),
        not_after: parsed.iter().map(|one| one.validity().not_after.timestamp()).min()?,
    })
}

fn shown_for(model: &Model, secret: &Secret) -> Vec<String> {
    let chains = model.listeners.values().flat_map(|listener| &listener.chains);
    let shown = chains.filter(|chain| chain.tls.as_ref().is_some_and(|tls| tls.certificate == secret.name));
    let names: BTreeSet<_> = shown
        .flat_map(|chain| match &chain.matches.server_names[..] {
            [] => vec!["*".to_owned()],
            names => names.to_vec(),
        })
        .collect();
    names.into_iter().collect()
}

/// The alternative names, which alone count; of a certificate without any, its subject.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { vec![certificate.subject().to_string()] } else { names }
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string())).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use nuncio_ir::Pem;

    use super::*;
    use crate::webhook::Credentials;

    #[test]
    fn names_and_the_first_end_are_told_and_keys_are_not() {
        let made = Credentials::make(&["a.example".to_owned(), "b.example".to_owned()], SystemTime::now()).unwrap();
        let secret = |name: &str, chain: &str| {
            let value = SecretValue::Certificate { chain: Pem(chain.into()), key: Pem("a key".into()) };
            let name = SecretName(name.into());
            (name.clone(), Arc::new(Secret { name, value }))
        };
        let secrets = [
            secret("shop/tls", &made.serving.0.chain),
            secret("shop/broken", "nonsense"),
            secret("nuncio/fallback", &made.serving.0.chain),
        ];
        let model = Model { secrets: secrets.into(), ..Model::default() };
        let views = certificates(&model, &ListQuery::default());
        let [view] = &views[..] else { panic!("{views:?}") };
        assert_eq!((view.secret.as_str(), view.usage.as_str()), ("shop/tls", "certificate"));
        assert_eq!(view.names, ["a.example", "b.example"]);
        assert!(view.not_before < view.not_after && view.shown_for.is_empty(), "{view:?}");
        assert!(!format!("{view:?}").contains("a key"));
        assert_eq!(authorities(&model, "shop/tls"), None, "its key is nobody's");
    }
}
