//! Hosts.

use super::{hostname, invalid, missing, no_effect, tls};
use crate::parse::Issues;
use crate::yaml::{Node, Path};
use crate::{Host, InsecureAction, not_effective};

#[cfg(test)]
mod tests;

/// Checks a Host, and brings older spellings in it to the newer ones.
pub(crate) fn host(host: &mut Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    host.hostname.take_if(|hostname| hostname.is_empty());
    name(host, path, issues);
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
    certificate(host, &path.key("acmeProvider"), issues);
}

/// Checks of a Host that is not whole what is wrong whatever the rest of it says.
pub(crate) fn host_in_part(host: &Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    name(host, path, issues);
    if let Some(config) = &host.tls {
        tls::config(config, &path.key("tls"), issues);
    }
}

fn name(host: &Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(hostname) = host.hostname.as_ref().filter(|hostname| !hostname.is_empty()) {
        hostname::glob(hostname, &path.key("hostname"), issues);
    }
}

/// Says what comes of it that nobody fetches the certificate.
fn certificate(host: &Host, path: &Path<'_>, issues: &mut Issues<'_>) {
    if !issues.node(path).is_some_and(wants_certificate) {
        return;
    }
    let meanwhile = match (&host.tls_secret, host.insecure_action()) {
        (Some(secret), _) => {
            let message =
                format!("no certificate is fetched or renewed: let cert-manager write the Secret {}", secret.name);
            return not_effective::warn(path, &message, issues);
        }
        (None, InsecureAction::Redirect) => ", so that requests are redirected to HTTPS for which there is none",
        (None, InsecureAction::Reject) => ", so that requests are refused",
        (None, InsecureAction::Route) => "",
    };
    let message = format!(
        "no certificate is fetched or renewed, and without tlsSecret the Host has none{meanwhile}: name a Secret in \
         tlsSecret, and let cert-manager write it"
    );
    not_effective::warn(path, &message, issues);
}

/// `authority: none` asks for nothing.
fn wants_certificate(provider: &Node<'_>) -> bool {
    let authority = provider.get("authority").and_then(Node::as_text);
    provider.is_set() && !authority.is_some_and(|authority| authority.eq_ignore_ascii_case("none"))
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
