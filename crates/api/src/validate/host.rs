//! Hosts.

use super::{hostname, invalid, missing, no_effect, tls};
use crate::Host;
use crate::parse::Issues;
use crate::yaml::Path;

/// Checks a Host, and brings older spellings in it to the newer ones.
pub(crate) fn host(host: &mut Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    host.hostname.take_if(|hostname| hostname.is_empty());
    if let Some(hostname) = &host.hostname {
        hostname::glob(hostname, &path.key("hostname"), issues);
    }
    selector(host, path, issues);
    // An empty name is the old way to say that there is no TLS.
    host.tls_secret.take_if(|secret| secret.name.is_empty());
    host.tls_context.take_if(|context| context.name.is_empty());
    tls_settings(host, path, issues);
    if let Some(acme) = &host.acme_provider
        && acme.private_key_secret.as_ref().is_some_and(|secret| secret.name.is_empty())
    {
        let path = path.key("acmeProvider");
        let path = path.key("privateKeySecret");
        missing(&path.key("name"), issues);
    }
}

fn selector(host: &mut Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    let Some(old) = host.selector.take() else { return };
    if host.mapping_selector.is_some() {
        no_effect(&path.key("selector"), "mappingSelector is used instead", issues);
    } else {
        host.mapping_selector = Some(old);
    }
}

fn tls_settings(host: &Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(config) = &host.tls {
        tls::config(config, &path.key("tls"), issues);
    }
    let given = match (&host.tls, &host.tls_context) {
        (Some(_), Some(_)) => return invalid(&path.key("tls"), "tls and tlsContext exclude each other", issues),
        (Some(_), None) => "tls",
        (None, Some(_)) => "tlsContext",
        (None, None) => return,
    };
    if host.tls_secret.is_none() {
        no_effect(&path.key(given), "there is no TLS for a Host without tlsSecret", issues);
    }
}
