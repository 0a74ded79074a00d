//! Looks out for what filters need of others and cannot have, so that whoever runs the gateway hears of it before his users do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use nuncio_ir::auth::{FilterId, Trouble};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::config::{Active, Config};
use crate::engine::Services;
use crate::filter::{Compiled, Lacking};
use crate::idp::told;

/// How often what cannot be had is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long to wait for more changes: filters come by hundreds.
const SETTLE: Duration = Duration::from_millis(20);
/// How many filters are looked at at the same time.
const TOGETHER: usize = 8;
/// How far apart passes begin at least, whatever happens meanwhile.
const APART: Duration = Duration::from_secs(1);
/// How many characters of a reason are told: it may hold the words of a service.
const LONGEST_WHY: usize = 200;

/// Looks at filters when they are new, and whenever something turns out not to be had, and tells of it, until stopped.
pub(crate) async fn watch(active: Active, services: Arc<Services>, stop: CancellationToken) {
    let mut failing = Failing::new();
    loop {
        let began = Instant::now();
        let (config, mut changes) = active.filters();
        tokio::select! {
            () = stop.cancelled() => return,
            // Those that are new need not wait for those that hang.
            _ = changes.changed() => tokio::time::sleep(SETTLE).await,
            () = look_at_all(&config, &services, &mut failing) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(began + APART) => {}
        }
    }
}

/// The filters that lack something, as they were when that was found.
type Failing = HashMap<FilterId, Arc<Compiled>>;

/// Looks at all filters, and waits until they are to be looked at again.
async fn look_at_all(config: &Config, services: &Arc<Services>, failing: &mut Failing) {
    services.troubles.send_if_modified(|known| forget_others(known, config));
    failing.retain(|id, _| config.filters.contains_key(id));
    let filters = config.filters.iter().map(|(id, filter)| (id.clone(), filter.clone())).collect::<Vec<_>>();
    let looks = filters.into_iter().map(|(id, filter)| look(id, filter, services.clone()));
    let mut found = stream::iter(looks).buffer_unordered(TOGETHER);
    while let Some((id, lacking)) = found.next().await {
        let Some(filter) = config.filters.get(&id) else { continue };
        let before = match lacking {
            Some(_) => failing.insert(id.clone(), filter.clone()),
            None => failing.remove(&id),
        };
        // One that was changed does not need any longer what it needed.
        let is_same = before.is_some_and(|before| Arc::ptr_eq(&before, filter));
        services.troubles.send_if_modified(|known| take(known, id, lacking, is_same));
    }
    let again = if services.troubles.borrow().is_empty() { None } else { Some(AGAIN) };
    tokio::select! {
        () = services.clients.turned.notified() => {}
        () = after(again) => {}
    }
}

/// What is lacking, in a task of its own: what it fetches is known to the next pass although nobody waits for this one.
async fn look(id: FilterId, filter: Arc<Compiled>, services: Arc<Services>) -> (FilterId, Option<Lacking>) {
    let look = tokio::spawn(async move { filter.lacking(&services).await });
    (id, look.await.ok().flatten())
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Troubles of a filter that is gone go with it.
fn forget_others(known: &mut Vec<Trouble>, config: &Config) -> bool {
    let before = known.len();
    known.retain(|trouble| config.filters.contains_key(&trouble.filter));
    known.len() != before
}

/// Notes what was found of a filter in place of what was known of it, and logs it where it is news: also that it was mended,
/// where the filter is the same.
fn take(known: &mut Vec<Trouble>, filter: FilterId, found: Option<Lacking>, is_same: bool) -> bool {
    let place_of = known.binary_search_by(|trouble| trouble.filter.cmp(&filter));
    let before = place_of.ok().map(|index| known.remove(index));
    let Some(Lacking { field, url, why, has_old }) = found else {
        if let Some(before) = before.as_ref().filter(|_| is_same) {
            tracing::info!("Filter {}: {} can be had again", place(&filter), before.url);
        }
        return before.is_some();
    };
    let url = told(&url);
    let same = before.as_ref().filter(|before| (&*before.field, &*before.url) == (field, &*url));
    let since = same.map_or_else(now, |same| same.since);
    let why: String = why.chars().take(LONGEST_WHY).collect();
    let trouble = Trouble { filter, field: field.into(), url: url.into(), why: why.into(), since, has_old };
    if same.is_none_or(|same| same.why != trouble.why) {
        tracing::warn!("Filter {}: {}: {}: {}", place(&trouble.filter), trouble.field, trouble.url, trouble.why);
    }
    let is_news = before.as_ref() != Some(&trouble);
    known.insert(place_of.unwrap_or_else(|index| index), trouble);
    is_news
}

/// As manifests name it: a filter's id is `NAME.NAMESPACE`.
pub(crate) fn place(id: &FilterId) -> String {
    id.0.rsplit_once('.').map_or_else(|| id.0.to_string(), |(name, namespace)| format!("{namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(why: &str) -> Lacking {
        Lacking {
            field: "spec.JWT.jwksURI",
            url: "http://idp/jwks?key=s3cret".to_owned(),
            why: why.to_owned(),
            has_old: false,
        }
    }

    #[test]
    fn an_outage_has_a_beginning_and_an_end() {
        let id = FilterId("a.b.shop".into());
        let mut known = Vec::new();
        let mut found = |why: Option<&str>| {
            let is_news = take(&mut known, id.clone(), why.map(lacking), true);
            assert!(known.iter().all(|trouble| &*trouble.url == "http://idp/jwks"), "nothing that may be secret");
            let told = known.first_mut().map(|trouble| (std::mem::replace(&mut trouble.since, 7), trouble.why.clone()));
            (is_news, told)
        };
        assert!(found(Some("no answer in time")).0);
        assert_eq!(found(Some("no answer in time")), (false, Some((7, "no answer in time".into()))), "nothing new");
        assert_eq!(found(Some("status 404")), (true, Some((7, "status 404".into()))));
        assert_eq!(found(Some(&"é".repeat(9999))).1.unwrap().1.chars().count(), LONGEST_WHY);
        assert_eq!(found(None), (true, None));
        assert_eq!(found(None), (false, None));
        assert_eq!(place(&id), "shop/a.b");
    }

    #[test]
    fn troubles_are_in_the_order_of_filters_and_go_with_them() {
        let mut known = Vec::new();
        for id in ["b", "c", "a", "b"] {
            take(&mut known, FilterId(id.into()), Some(lacking("")), true);
        }
        assert_eq!(known.iter().map(|trouble| &*trouble.filter.0).collect::<Vec<_>>(), ["a", "b", "c"]);
        let mut config = Config::default();
        config.filters.insert(FilterId("b".into()), Arc::new(Compiled::invalid("")));
        assert!(forget_others(&mut known, &config) && !forget_others(&mut known, &config));
        assert_eq!(known.iter().map(|trouble| &*trouble.filter.0).collect::<Vec<_>>(), ["b"]);
    }

    /// Services whose calls may hang for as long as a test runs.
    fn patient() -> Arc<Services> {
        use crate::session::{MemoryStore, Sessions, Store};
        let metrics = crate::metrics::AuthzMetrics::new();
        let store = Store::Memory(MemoryStore::default());
        let sessions = Sessions::new(store, nuncio_auth::crypto::Keys::ephemeral(), Duration::from_secs(15));
        let clients = crate::idp::Clients::new(Duration::from_secs(600), metrics.clone());
        Arc::new(Services::new(clients, sessions, metrics))
    }

    #[tokio::test]
    async fn what_hangs_delays_no_word_of_others_nor_of_new_ones_and_passes_are_apart() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let hangs = format!("http://{}/", listener.local_addr().unwrap());
        let (active, services, stop) = (Active::new(), patient(), CancellationToken::new());
        let put = |id: &str, url: &str| {
            let filter = serde_json::json!({ "id": id, "kind": { "jwt": { "jwks_uri": url } } });
            active.apply(serde_json::from_value(serde_json::json!({ "filters": [filter] })).unwrap()).unwrap();
        };
        put("hangs", &hangs);
        put("dead", "http://127.0.0.1:1/");
        let (mut told, began) = (services.troubles.subscribe(), Instant::now());
        let watching = tokio::spawn(watch(active.clone(), services.clone(), stop.clone()));
        let ids = |known: &Vec<Trouble>| known.iter().map(|trouble| trouble.filter.0.to_string()).collect::<Vec<_>>();
        told.wait_for(|known| ids(known) == ["dead"]).await.unwrap();
        put("new", "http://127.0.0.1:1/");
        told.wait_for(|known| ids(known) == ["dead", "new"]).await.unwrap();
        assert!(began.elapsed() >= APART);
        stop.cancel();
        watching.await.unwrap();
    }
}
