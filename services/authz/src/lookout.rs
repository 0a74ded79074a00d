//! Looks out for what filters need of others and cannot have, so that whoever runs the gateway hears of it before his users do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use nuncio_ir::auth::{FilterId, Trouble};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::config::Active;
use crate::engine::Services;
use crate::filter::{Compiled, Lacking};

/// How often what cannot be had is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long to wait for more changes: filters come by hundreds.
const SETTLE: Duration = Duration::from_millis(20);
/// How many filters are looked at at once.
const AT_ONCE: usize = 8;

type Found = BTreeMap<FilterId, Lacking>;

/// Looks at filters when they are new, and whenever something turns out not to be had, and tells of it, until stopped.
pub(crate) async fn watch(active: Active, services: Arc<Services>, stop: CancellationToken) {
    loop {
        let (config, mut changes) = active.filters();
        let filters = config.filters.iter().map(|(id, filter)| (id.clone(), filter.clone())).collect::<Vec<_>>();
        let looks = filters.into_iter().map(|(id, filter)| look(id, filter, services.clone()));
        let found = stream::iter(looks).buffer_unordered(AT_ONCE).filter_map(std::future::ready);
        let found: Found = tokio::select! {
            () = stop.cancelled() => return,
            found = found.collect() => found,
        };
        let again = if found.is_empty() { None } else { Some(AGAIN) };
        services.troubles.send_if_modified(|before| take(before, found));
        tokio::select! {
            () = stop.cancelled() => return,
            _ = changes.changed() => {}
            () = services.clients.turned.notified() => {}
            () = after(again) => {}
        }
        tokio::time::sleep(SETTLE).await;
    }
}

async fn look(id: FilterId, filter: Arc<Compiled>, services: Arc<Services>) -> Option<(FilterId, Lacking)> {
    let lacking = filter.lacking(&id, &services).await?;
    Some((id, lacking))
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Notes what was found in place of what was known, and logs what of it is news.
fn take(known: &mut Vec<Trouble>, found: Found) -> bool {
    let before = std::mem::take(known);
    for (filter, Lacking { field, url, why, has_old }) in found {
        let same = before.iter().find(|trouble| trouble.filter == filter && *trouble.url == *url);
        let since = same.map_or_else(now, |trouble| trouble.since);
        let trouble = Trouble { filter, field: field.into(), url: url.into(), why: why.into(), since, has_old };
        if same.is_none_or(|same| same.why != trouble.why) {
            tracing::warn!("Filter {}: {}: {}: {}", place(&trouble.filter), trouble.field, trouble.url, trouble.why);
        }
        known.push(trouble);
    }
    for trouble in before.iter().filter(|before| !known.iter().any(|now| now.filter == before.filter)) {
        tracing::info!("Filter {}: {} can be had again", place(&trouble.filter), trouble.url);
    }
    before != *known
}

/// As manifests name it: a filter's id is `NAME.NAMESPACE`.
pub(crate) fn place(id: &FilterId) -> String {
    id.0.rsplit_once('.').map_or_else(|| id.0.to_string(), |(name, namespace)| format!("{namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_has_a_beginning_and_an_end() {
        let lacking = |why: &str| Lacking {
            field: "spec.JWT.jwksURI",
            url: "http://idp/jwks".to_owned(),
            why: why.to_owned(),
            has_old: false,
        };
        let id = FilterId("a.b.shop".into());
        let found = |why: &str| Found::from([(id.clone(), lacking(why))]);
        let mut known = Vec::new();
        assert!(take(&mut known, found("no answer in time")));
        known[0].since = 7;
        assert!(!take(&mut known, found("no answer in time")), "nothing new");
        assert!(take(&mut known, found("the answer's status is 404")));
        assert_eq!((known[0].since, &*known[0].why), (7, "the answer's status is 404"));
        assert!(take(&mut known, Found::new()) && known.is_empty());
        assert_eq!(place(&id), "shop/a.b");
    }
}
