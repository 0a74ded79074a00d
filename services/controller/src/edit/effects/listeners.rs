//! Which connections come in another way than before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_ir::{FilterChain, Handler, Listener, Model, SecretName};
use nuncio_translate::HostPattern;

use super::places::Place;

/// Whose requests a changed listener carries.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Classes of which every name comes by something that changed.
    whole: BTreeSet<Arc<str>>,
    /// Names, of some classes, that have a way of their own which changed.
    named: Vec<(BTreeSet<Arc<str>>, HostPattern)>,
    /// The listener itself is another.
    is_whole: bool,
}

impl Reach {
    /// Whether every route behind the listener is reached.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether requests for this route come by what changed.
    pub(super) fn takes(&self, place: &Place<'_>) -> bool {
        let class = &place.table.scope.class;
        self.whole.contains(class)
            || self.named.iter().any(|(classes, pattern)| {
                classes.contains(class) && place.host.domains.iter().any(|domain| meets(pattern, domain))
            })
    }
}

fn meets(pattern: &HostPattern, domain: &str) -> bool {
    HostPattern::parse(domain).is_some_and(|domain| pattern.covers(&domain))
}

/// Listeners that are others, come or go, or whose certificates are others.
pub(super) fn changed(before: &Model, after: &Model) -> BTreeMap<String, Reach> {
    let secrets = changed_secrets(before, after);
    let names: BTreeSet<_> = before.listeners.keys().chain(after.listeners.keys()).collect();
    let reach = |name: &Arc<str>| {
        let (was, is) = (before.listeners.get(name), after.listeners.get(name));
        Some((name.to_string(), compare(was.map(AsRef::as_ref), is.map(AsRef::as_ref), &secrets)?))
    };
    names.into_iter().filter_map(reach).collect()
}

/// Secrets that are there before and after, and are others.
pub(super) fn changed_secrets<'m>(before: &'m Model, after: &Model) -> BTreeSet<&'m SecretName> {
    let other = before.secrets.iter().filter(|(name, was)| after.secrets.get(*name).is_some_and(|is| is != *was));
    other.map(|(name, _)| name).collect()
}

fn compare(was: Option<&Listener>, is: Option<&Listener>, secrets: &BTreeSet<&SecretName>) -> Option<Reach> {
    let (Some(was), Some(is)) = (was, is) else {
        let listener = was.or(is)?;
        return Some(Reach { whole: classes(listener), named: Vec::new(), is_whole: true });
    };
    if was == is && !was.secrets().any(|name| secrets.contains(name)) {
        return None;
    }
    let without_chains = |listener: &Listener| Listener { chains: Vec::new(), origins: Vec::new(), ..listener.clone() };
    let all: BTreeSet<_> = classes(was).union(&classes(is)).cloned().collect();
    if without_chains(was) != without_chains(is) {
        return Some(Reach { whole: all, named: Vec::new(), is_whole: true });
    }
    let mut reach = Reach::default();
    for chain in changed_chains(was, is, secrets) {
        let own: BTreeSet<_> = match class(chain) {
            Some(class) => [class].into(),
            None => all.clone(),
        };
        let patterns: Vec<_> = chain.matches.server_names.iter().filter_map(|name| HostPattern::parse(name)).collect();
        if patterns.is_empty() {
            reach.whole.extend(own);
        } else {
            reach.named.extend(patterns.into_iter().map(|pattern| (own.clone(), pattern)));
        }
    }
    reach.is_whole = !all.is_empty() && reach.whole == all;
    Some(reach)
}

/// Chains of either that the other does not have so.
fn changed_chains<'l>(
    was: &'l Listener,
    is: &'l Listener,
    secrets: &BTreeSet<&SecretName>,
) -> impl Iterator<Item = &'l FilterChain> {
    let is_renewed = move |chain: &FilterChain| {
        let tls = chain.tls.as_ref();
        tls.is_some_and(|tls| {
            secrets.contains(&tls.certificate)
                || tls.client.as_ref().is_some_and(|client| secrets.contains(&client.authorities))
        })
    };
    let gone = was.chains.iter().filter(|chain| !is.chains.contains(chain));
    gone.chain(is.chains.iter().filter(move |chain| !was.chains.contains(chain) || is_renewed(chain)))
}

fn classes(listener: &Listener) -> BTreeSet<Arc<str>> {
    listener.chains.iter().filter_map(class).collect()
}

/// The class of the tables that a chain's requests see.
fn class(chain: &FilterChain) -> Option<Arc<str>> {
    match &chain.handler {
        Handler::Http(settings) => Some(Arc::clone(&settings.class)),
        Handler::Tcp(_) | Handler::Close => None,
    }
}
