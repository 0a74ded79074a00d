//! Connections that had to show a certificate, and addresses that were kept out.

use nuncio_api::Kind;
use nuncio_ir::{FilterChain, Handler, HttpFilter, HttpSettings, IpRule, Listener, RouteMatch};

use super::losses::Losses;
use super::lost::forwards;
use super::places::Place;
use super::side::{Host, Sample, Side, Way};
use crate::admin::LossKind;
use crate::explain::of_listener;

/// What is asked less of connections. What comes by a listener that was not there came by the others.
pub(super) fn between(was: &Side<'_>, is: &Side<'_>, lost: &mut Losses) {
    for (name, listener) in &is.model.listeners {
        let before: Vec<&Listener> = match was.model.listeners.get(name) {
            Some(same) => vec![same],
            None => was.model.listeners.values().map(AsRef::as_ref).collect(),
        };
        of_addresses(name, &before, listener, lost);
        if before.iter().flat_map(|listener| ways_in(listener)).any(|(chain, _)| wants_certificate(chain)) {
            is.hosts().for_each(|host| of_certificates((was, &before), (is, listener), host, lost));
        }
    }
}

fn of_certificates<'m>(
    (was, before): (&Side<'_>, &[&Listener]),
    (is, after): (&Side<'m>, &Listener),
    host: &Host<'m>,
    lost: &mut Losses,
) {
    for name in is.names_of(host, None) {
        let wanted = before.iter().filter_map(|listener| certificate(was, listener, &name));
        let is_wanted = wanted.reduce(|one, other| one && other) == Some(true);
        if is_wanted && certificate(is, after, &name) == Some(false) {
            let was = before.iter().map(|listener| listener.name.to_string()).collect::<Vec<_>>().join(", ");
            lost.note(LossKind::Certificate, &host.shown, "", "/", &was);
        }
    }
}

/// Whether requests for a name come by this listener with certificates of clients only; `None` where none come.
fn certificate(side: &Side<'_>, listener: &Listener, name: &str) -> Option<bool> {
    let like = RouteMatch::any();
    let open = ways_in(listener).filter(|(chain, settings)| {
        let hosts = side.hosts_of(&settings.class, name);
        let scheme = if chain.tls.is_some() { "https" } else { "http" };
        let way = Some(Way { chain: &settings.chain, scheme });
        let taker = side.taker(&hosts, &Sample { path: "/", name, like: &like, way });
        !hosts.is_empty() && !taker.is_some_and(|place| is_guard(&place))
    });
    open.map(|(chain, _)| wants_certificate(chain)).reduce(|one, other| one && other)
}

fn ways_in(listener: &Listener) -> impl Iterator<Item = (&FilterChain, &HttpSettings)> {
    listener.chains.iter().filter_map(|chain| match &chain.handler {
        Handler::Http(settings) => Some((chain, &**settings)),
        Handler::Tcp(_) | Handler::Close => None,
    })
}

fn wants_certificate(chain: &FilterChain) -> bool {
    chain.tls.as_ref().and_then(|tls| tls.client.as_ref()).is_some_and(|client| client.required)
}

/// Whether a route is there to refuse what comes another way than its Host wants.
fn is_guard(place: &Place<'_>) -> bool {
    let of_hosts = place.route.origins.iter().all(|id| id.kind == Kind::Host);
    !forwards(place.route) && of_hosts && &*place.route.name != nuncio_translate::NOT_FOUND
}

fn of_addresses(name: &str, before: &[&Listener], after: &Listener, lost: &mut Losses) {
    let new = Access::of(after);
    let wider = before.iter().filter(|listener| new.takes_more_than(&Access::of(listener)));
    // Of a listener that is new each other one has to keep out what it does.
    let is_wider = !before.is_empty() && wider.clone().count() == before.len();
    if let Some(listener) = wider.clone().next().filter(|_| is_wider) {
        let settings = ways_in(listener).next().map(|(_, settings)| settings);
        let words = settings.into_iter().flat_map(of_listener).filter(|told| told.by.starts_with("ip_"));
        let words: Vec<_> = words.map(|told| format!("{}: {}", told.by, told.outcome)).collect();
        lost.note(LossKind::Address, "*", &format!("all of {name}"), "/", &words.join(", "));
    }
}

/// Which addresses get in by a listener.
struct Access<'m> {
    /// These alone, where it says so.
    allowed: Option<&'m [IpRule]>,
    denied: &'m [IpRule],
}

impl<'m> Access<'m> {
    fn of(listener: &'m Listener) -> Self {
        let mut access = Self { allowed: None, denied: &[] };
        for filter in ways_in(listener).take(1).flat_map(|(_, settings)| &settings.filters) {
            match filter {
                HttpFilter::IpAccess { allow: true, rules } => access.allowed = Some(rules),
                HttpFilter::IpAccess { allow: false, rules } => access.denied = rules,
                _ => {}
            }
        }
        access
    }

    /// Whether somebody gets in whom the other keeps out.
    fn takes_more_than(&self, other: &Self) -> bool {
        let is_wider = other.allowed.is_some_and(|others| match self.allowed {
            None => true,
            Some(own) => own.iter().any(|rule| !others.iter().any(|other| covers(other, rule))),
        });
        let mut denied = other.denied.iter();
        is_wider
            || denied.any(|rule| {
                let is_kept_out = self.denied.iter().any(|own| covers(own, rule));
                let may_pass = self.allowed.is_none_or(|own| own.iter().any(|own| may_meet(own, rule)));
                !is_kept_out && may_pass
            })
    }
}

fn covers(wide: &IpRule, narrow: &IpRule) -> bool {
    wide.source == narrow.source && wide.prefix_len <= narrow.prefix_len && begins_like(wide, narrow, wide.prefix_len)
}

/// Whether a client may have an address of both. Who the peer is says nothing of whom it speaks for.
fn may_meet(one: &IpRule, other: &IpRule) -> bool {
    one.source != other.source || begins_like(one, other, one.prefix_len.min(other.prefix_len))
}

fn begins_like(one: &IpRule, other: &IpRule, bits: u8) -> bool {
    use std::net::IpAddr::{V4, V6};
    let differing = match (one.address, other.address) {
        (V4(one), V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (V6(one), V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    bits == 0 || differing >> (128 - u32::from(bits.min(128))) == 0
}
