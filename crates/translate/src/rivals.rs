//! Hosts of one hostname, of which one counts.
//!
//! In one namespace the later by name counts, as in the original, but for what keeps people out: a slip must not take a
//! client certificate's place, so one that is not valid goes before others, and then who asks more strictly for
//! certificates. Hosts of different namespaces may be different people's: no one takes away a guard that another has set.
//! The Host that is as strict as every other in each guard counts, the later of equals; where there is none, the name
//! answers nothing. Where the one that counts has no certificate, TLS goes on by that of another of its namespace.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem};
use nuncio_ir::{ClientValidation, DownstreamTls, TlsSettings, TlsVersion};

use crate::host::{CompiledHost, invalid};
use crate::policy::HostPolicy;

/// Which of the rivals for one hostname counts.
pub(crate) enum Verdict<'a> {
    /// This one.
    Counts(&'a CompiledHost),
    /// None, these being in each other's way.
    Deadlock(Vec<&'a CompiledHost>),
}

impl<'a> Verdict<'a> {
    /// Settles it among `rivals`, one or more of one hostname, in the order of names.
    pub(crate) fn of(rivals: &[&'a CompiledHost]) -> Option<Self> {
        let mut by_namespace = BTreeMap::new();
        for (at, host) in rivals.iter().enumerate().filter(|(_, host)| host.policy.id.kind == Kind::Host) {
            let first = by_namespace.entry(&host.policy.id.namespace).or_insert((at, *host));
            if strictness(host) >= strictness(first.1) {
                *first = (at, host);
            }
        }
        let mut last: Vec<_> = by_namespace.into_values().collect();
        last.sort_by_key(|(at, _)| *at);
        let last: Vec<_> = last.into_iter().map(|(_, host)| host).collect();
        let is_strictest =
            |host: &&&CompiledHost| last.iter().all(|other| compare(host, other).is_some_and(Ordering::is_ge));
        match last.iter().rev().find(is_strictest) {
            Some(host) => Some(Self::Counts(host)),
            // What Ingresses bring guards nothing.
            None if last.is_empty() => rivals.last().copied().map(Self::Counts),
            None => Some(Self::Deadlock(last)),
        }
    }

    /// What is served for the name.
    pub(crate) fn policy(&self, rivals: &[&CompiledHost]) -> Arc<HostPolicy> {
        match self {
            Self::Counts(host) => match certificate(host, rivals) {
                Some(other) => Arc::new(HostPolicy {
                    own_chain: other.policy.own_chain.clone(),
                    certificate_of: Some(other.policy.id.clone()),
                    ..HostPolicy::clone(&host.policy)
                }),
                None => Arc::clone(&host.policy),
            },
            Self::Deadlock(hosts) => {
                let first = &hosts[0];
                let HostPolicy { id, pattern, selector, .. } = &*first.policy;
                invalid(id, &first.labels, pattern.clone(), selector.clone()).policy
            }
        }
    }

    /// What is to be said to the rivals.
    pub(crate) fn problems(&self, rivals: &[&CompiledHost]) -> Vec<(ObjectId, Problem)> {
        let hosts = rivals.iter().filter(|host| host.policy.id.kind == Kind::Host);
        let problem = |host: &CompiledHost| {
            let message = match self {
                Self::Counts(other) if other.policy.id == host.policy.id => return None,
                Self::Counts(other) => {
                    let is_shown = certificate(other, rivals).is_some_and(|shown| shown.policy.id == host.policy.id);
                    let effect = if is_shown { "only its certificate has an effect" } else { "has no effect" };
                    format!("{effect}: {} has this hostname too, and counts", other.policy.id)
                }
                Self::Deadlock(hosts) => {
                    let others = hosts.iter().map(|other| &other.policy.id).filter(|id| **id != host.policy.id);
                    let others: Vec<_> = others.map(ToString::to_string).collect();
                    format!(
                        "the name answers nothing: {} has this hostname too, and neither is the stricter one in client \
                         certificates, TLS settings and insecure action together",
                        others.join(", ")
                    )
                }
            };
            Some((host.policy.id.clone(), Problem::error("DuplicateHost", "spec.hostname", message)))
        };
        hosts.filter_map(|host| problem(host)).collect()
    }
}

/// Whose certificate is shown for a name whose Host has none.
fn certificate<'a>(counting: &CompiledHost, rivals: &[&'a CompiledHost]) -> Option<&'a CompiledHost> {
    let (policy, has_tls) = (&counting.policy, counting.tls.is_some());
    let near = |host: &&CompiledHost| host.policy.id.namespace == policy.id.namespace && host.tls.is_some();
    if policy.invalid || has_tls { None } else { rivals.iter().copied().rev().find(near) }
}

/// How strictly a Host chooses whom it lets in: nobody where it is not valid, then whoever has a certificate.
fn strictness(host: &CompiledHost) -> (bool, Option<bool>) {
    let client = host.tls.as_ref().and_then(|tls| tls.tls.client.as_ref());
    (host.policy.invalid, client.map(|client| client.required))
}

/// Compares how strict two Hosts are; `None` where each lets in what the other does not.
fn compare(a: &CompiledHost, b: &CompiledHost) -> Option<Ordering> {
    if a.policy.invalid || b.policy.invalid {
        return Some(a.policy.invalid.cmp(&b.policy.invalid));
    }
    let (a_tls, b_tls) = (a.tls.as_ref().map(|tls| &tls.tls), b.tls.as_ref().map(|tls| &tls.tls));
    let client = |tls: Option<&'_ DownstreamTls>| tls.and_then(|tls| tls.client.clone());
    let settings = |tls: Option<&'_ DownstreamTls>| tls.map(|tls| tls.settings.clone()).unwrap_or_default();
    let guards = [
        Some(a.policy.insecure.cmp(&b.policy.insecure)),
        Some(a_tls.is_some().cmp(&b_tls.is_some())),
        compare_clients(client(a_tls).as_ref(), client(b_tls).as_ref()),
    ];
    let settings = compare_settings(&settings(a_tls), &settings(b_tls));
    guards.into_iter().chain(settings).try_fold(Ordering::Equal, |all, guard| together(all, guard?))
}

fn together(a: Ordering, b: Ordering) -> Option<Ordering> {
    match (a, b) {
        (Ordering::Equal, other) | (other, Ordering::Equal) => Some(other),
        (a, b) => (a == b).then_some(a),
    }
}

fn compare_clients(a: Option<&ClientValidation>, b: Option<&ClientValidation>) -> Option<Ordering> {
    let level = |client: Option<&ClientValidation>| client.map(|client| client.required);
    match level(a).cmp(&level(b)) {
        Ordering::Equal => (a == b).then_some(Ordering::Equal),
        other => Some(other),
    }
}

/// Envoy's default as the lowest version of a server.
const LOWEST: TlsVersion = TlsVersion::V1_2;

fn compare_settings(a: &TlsSettings, b: &TlsSettings) -> [Option<Ordering>; 4] {
    [
        Some(a.min_version.unwrap_or(LOWEST).cmp(&b.min_version.unwrap_or(LOWEST))),
        restricted(&a.max_version, &b.max_version),
        restricted(&a.cipher_suites, &b.cipher_suites),
        restricted(&a.ecdh_curves, &b.ecdh_curves),
    ]
}

/// A choice of one's own is stricter than the default, and not comparable to another.
fn restricted<T: PartialEq + Default>(a: &T, b: &T) -> Option<Ordering> {
    let is_own = |choice: &T| *choice != T::default();
    match (is_own(a), is_own(b)) {
        (true, true) => (a == b).then_some(Ordering::Equal),
        (a, b) => Some(a.cmp(&b)),
    }
}
