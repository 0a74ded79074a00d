//! Which service somebody meant by one that no route goes to.

use std::collections::BTreeSet;

use nuncio_api::{ServiceRef, closest};

use crate::preview::Replacement;
use crate::upstream::Location;

/// The one of those that routes go to: with its port where that alone is another, of the same name in another namespace, or of
/// one that is spelled nearly alike.
pub(super) fn meant(wrong: &Replacement, known: &BTreeSet<(Location, u16)>) -> Option<String> {
    let host = wrong.backend.baseline.host.as_str();
    let there: Vec<u16> = known.iter().filter(|(place, _)| *place == wrong.location).map(|(_, port)| *port).collect();
    match there[..] {
        [] => {}
        [port] => {
            let is_other = wrong.port.is_some_and(|wrong| wrong != port);
            let service = ServiceRef { host: host.to_owned(), port: Some(port), ..ServiceRef::default() };
            return is_other.then(|| service.to_string());
        }
        _ => return None,
    }
    let names: BTreeSet<String> = known.iter().flat_map(|(place, _)| names(place, &wrong.owner.namespace)).collect();
    let others: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != host).collect();
    let namesake = others.iter().copied().find(|name| first_label(name) == first_label(host));
    namesake.or_else(|| closest(host, &others)).map(str::to_owned)
}

/// What a service is called in a namespace; an address has no name.
fn names(place: &Location, namespace: &str) -> Vec<String> {
    let whole = match place {
        Location::Service(key) => format!("{}.{}", key.name, key.namespace),
        Location::Name(name) => name.clone(),
        Location::Address(_) => return Vec::new(),
    };
    let short = whole.strip_suffix(namespace).and_then(|name| name.strip_suffix('.')).map(str::to_owned);
    short.into_iter().chain([whole]).collect()
}

fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}
