//! Keeping documents: when each is fetched, and what stays when it cannot be.

mod indexing;
mod kept;
mod look;
mod wish;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::indexing::index;
use self::kept::Kept;
pub(crate) use self::look::document;
use self::look::{Looked, look};
use self::wish::Turn;
pub(crate) use self::wish::Wish;
use crate::api::{ApiId, Served, Undocumented};
use crate::catalog::{Catalog, Outage, Shared};
use crate::cause::Cause;
use crate::fetch::Fetcher;
use crate::gateway::{self, Gateway, GatewayError, PortalSpec, ServedApi};
use crate::history::History;
use crate::settings::Settings;

/// How many documents are fetched at once.
const AT_ONCE: usize = 8;
/// How often the gateway is asked whether something has changed.
const GATEWAY: Duration = Duration::from_secs(1);

/// What the gateway told.
type Told = Result<Option<gateway::Told>, GatewayError>;

/// Asks the gateway again and again.
pub(crate) async fn follow(mut gateway: Gateway, told: mpsc::Sender<Told>) {
    while told.send(gateway.changed().await).await.is_ok() {
        tokio::time::sleep(GATEWAY).await;
    }
}

/// Keeps the catalog.
pub(crate) struct Refresher {
    fetcher: Fetcher,
    history: Arc<History>,
    settings: Settings,
    catalog: Shared,
    /// Told whenever the catalog is another.
    changed: Arc<Notify>,
    kept: BTreeMap<ApiId, Kept>,
    undocumented: Vec<Undocumented>,
    portal: PortalSpec,
    addresses: Vec<String>,
    console_addresses: Vec<String>,
    has_login: bool,
    gateway: Option<Outage>,
    is_known: bool,
    /// How often the gateway told something new.
    edition: u64,
    /// Whoever is being asked: one request at a time.
    asked: BTreeMap<String, (task::Id, ApiId)>,
    /// When strangers have every document looked at.
    strangers: Turn,
    looking: JoinSet<(ApiId, String, Looked)>,
}

impl Refresher {
    pub(crate) fn new(
        fetcher: Fetcher,
        history: Arc<History>,
        settings: Settings,
        catalog: Shared,
        changed: Arc<Notify>,
    ) -> Self {
        Self {
            fetcher,
            history,
            settings,
            catalog,
            changed,
            kept: BTreeMap::new(),
            undocumented: Vec::new(),
            portal: PortalSpec::default(),
            addresses: Vec::new(),
            console_addresses: Vec::new(),
            has_login: false,
            gateway: None,
            is_known: false,
            edition: 0,
            asked: BTreeMap::new(),
            strangers: Turn::default(),
            looking: JoinSet::new(),
        }
    }

    /// Until stopped. `all` asks for every document at once.
    pub(crate) async fn run(mut self, mut told: mpsc::Receiver<Told>, all: Arc<Wish>, stop: CancellationToken) {
        loop {
            self.begin();
            let due = self.next_due();
            let changed = tokio::select! {
                () = stop.cancelled() => return,
                Some(told) = told.recv() => self.hear(told),
                Some(looked) = self.looking.join_next() => match looked {
                    Ok((id, authority, looked)) => self.take(&id, &authority, looked),
                    Err(error) => self.lose(&error),
                },
                is_urgent = all.asked() => {
                    let now = Instant::now();
                    let turn = if is_urgent { now } else { self.strangers.next(now) };
                    self.kept.values_mut().for_each(|kept| kept.wish(turn, is_urgent));
                    false
                }
                () = tokio::time::sleep_until(due) => false,
            };
            if changed {
                self.publish();
            }
        }
    }

    /// Begins to fetch what is due, as far as that is not too much at once.
    fn begin(&mut self) {
        let now = Instant::now();
        for (id, kept) in &mut self.kept {
            if self.looking.len() >= AT_ONCE {
                return;
            }
            let Ok(target) = kept.api.target.clone() else { continue };
            let authority = target.authority().to_owned();
            if !kept.is_due(now) || self.asked.contains_key(&authority) {
                continue;
            }
            let question = kept.begin(target);
            let (fetcher, history) = (self.fetcher.clone(), Arc::clone(&self.history));
            let (of, at) = (id.clone(), authority.clone());
            let looking = self.looking.spawn(async move { (of, at, look(&fetcher, history, question).await) });
            self.asked.insert(authority, (looking.id(), id.clone()));
        }
    }

    fn next_due(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let waits = |kept: &&Kept| {
            let Ok(target) = &kept.api.target else { return false };
            self.looking.len() < AT_ONCE && !self.asked.contains_key(target.authority())
        };
        self.kept.values().filter(waits).filter_map(Kept::due).min().unwrap_or(far)
    }

    /// Takes what the gateway told; says whether something is another.
    fn hear(&mut self, told: Told) -> bool {
        let told = match told {
            Ok(told) => told,
            Err(error) => {
                let (before, why) = (self.gateway.as_ref(), Cause::from(&error));
                let is_new = before.is_none_or(|before| before.why != why);
                if is_new {
                    tracing::warn!("{why}; what it served last is shown");
                    let since = before.map_or_else(Timestamp::now, |before| before.since);
                    self.gateway = Some(Outage { since, why });
                }
                return is_new;
            }
        };
        let was_away = self.gateway.take().is_some();
        let Some(told) = told else { return was_away };
        let gateway::Told { apis, portal } = told;
        let own: Vec<_> = apis.iter().filter(|served| served.is_portal()).collect();
        self.addresses = own.iter().flat_map(|served| &served.hosts).flat_map(|host| &host.urls).cloned().collect();
        let is_own = |served: &ServedApi| own.iter().any(|own| own.upstream.is_same(&served.upstream));
        let with_console = apis.iter().filter(|served| served.is_console() || (served.is_whole() && is_own(served)));
        let with_console: BTreeSet<&String> =
            with_console.flat_map(|served| &served.hosts).flat_map(|host| &host.urls).collect();
        let both = self.addresses.iter().filter(|address| with_console.contains(address));
        self.console_addresses = both.cloned().collect();
        // Where it is not known which of them leads here, any may.
        let mut ways = apis.iter().filter(|served| own.is_empty() || served.is_portal());
        self.has_login = ways.any(ServedApi::may_log_in);
        let Served { apis, undocumented } =
            Served::of(apis, &portal, &self.settings.published_ports, self.settings.probes);
        let now = Instant::now();
        let mut kept = std::mem::take(&mut self.kept);
        for api in apis {
            let before = kept.remove(&api.id);
            self.kept.insert(api.id.clone(), Kept::updated(before, api, now));
        }
        self.undocumented = undocumented;
        self.portal = portal;
        self.is_known = true;
        self.edition += 1;
        true
    }

    /// Takes what came of looking at a document.
    fn take(&mut self, id: &ApiId, authority: &str, looked: Looked) -> bool {
        self.asked.remove(authority);
        // It may have gone in the meantime.
        self.kept.get_mut(id).is_some_and(|kept| kept.take(looked, self.settings.poll()))
    }

    /// Looking at a document broke off: the next of the same service is not to wait for it for ever.
    fn lose(&mut self, error: &JoinError) -> bool {
        let lost = self.asked.iter().find(|(_, (task, _))| *task == error.id());
        let Some((authority, (_, id))) = lost.map(|(authority, asked)| (authority.clone(), asked.clone())) else {
            return false;
        };
        tracing::error!("looking at the document of {id} broke off: {error}");
        self.asked.remove(&authority);
        self.kept.get_mut(&id).is_some_and(Kept::lose)
    }

    fn publish(&mut self) {
        let (without, documented): (Vec<_>, Vec<_>) = self.kept.values_mut().partition(|kept| kept.is_without());
        let documented = documented.into_iter();
        let mut undocumented = self.undocumented.clone();
        undocumented.extend(without.into_iter().map(|kept| Undocumented::of(&kept.api)));
        undocumented.sort_by(|a, b| a.service.cmp(&b.service));
        let mut catalog = Catalog {
            entries: documented.map(Kept::entry).collect(),
            undocumented,
            portal: self.portal.clone(),
            addresses: self.addresses.clone(),
            console_addresses: self.console_addresses.clone(),
            has_login: self.has_login,
            gateway: self.gateway.clone(),
            is_known: self.is_known,
            edition: self.edition,
        };
        catalog.sort();
        self.catalog.store(Arc::new(catalog));
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::of_service;
    use crate::gateway::{Admin, Credential, Path};

    fn refresher() -> Refresher {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let settings = crate::settings::tests::settings(&[]);
        let admin = Admin::new("127.0.0.1:1").unwrap();
        let fetcher =
            Fetcher::new(&settings, crate::fetch::Certificates::Elsewhere { admin, directory: None }).unwrap();
        Refresher::new(fetcher, Arc::default(), settings, Arc::default(), Arc::default())
    }

    #[tokio::test]
    async fn a_look_that_breaks_off_holds_nobody_up() {
        let mut refresher = refresher();
        let api = of_service();
        let (id, target) = (api.id.clone(), api.target.clone().unwrap());
        let mut kept = Kept::updated(None, api, Instant::now());
        let _ = kept.begin(target.clone());
        refresher.kept.insert(id.clone(), kept);
        let looking = refresher.looking.spawn(async { panic!("what nobody thought of") });
        refresher.asked.insert(target.authority().to_owned(), (looking.id(), id.clone()));
        let error = refresher.looking.join_next().await.unwrap().err().unwrap();
        assert!(refresher.lose(&error), "it is told that there is none");
        assert!(refresher.asked.is_empty() && refresher.kept[&id].due().is_some(), "it is asked again");
    }

    #[tokio::test]
    async fn a_login_is_known_by_what_leads_to_the_portal() {
        let served = |prefix: &str, has_login: bool| {
            let mut served = crate::mount::tests::served(Path::Prefix(prefix.to_owned()), None);
            let login = Credential::Login { provider: "https://idp.example".to_owned(), scopes: Vec::new() };
            served.credentials = if has_login { vec![login] } else { Vec::new() };
            served
        };
        for (apis, expected) in [
            (vec![served("/docs/", true)], true),
            (vec![served("/docs/", false), served("/api/", true)], false),
            (vec![served("/", true)], true),
            (vec![served("/", false)], false),
        ] {
            let mut refresher = refresher();
            let told = gateway::Told { apis: apis.clone(), portal: PortalSpec::default() };
            assert!(refresher.hear(Ok(Some(told))));
            assert_eq!(refresher.has_login, expected, "{apis:?}");
        }
    }

    #[tokio::test]
    async fn the_console_is_at_the_gateway_where_a_mapping_leads_to_it() {
        let served = |prefix: &str, service: &str| {
            let mut served = crate::mount::tests::served(Path::Prefix(prefix.to_owned()), None);
            service.clone_into(&mut served.upstream.service);
            served
        };
        for (prefix, service, expected) in [
            ("/console/", "portal", true),
            ("/console", "another", true),
            ("/", "portal", true),
            ("/", "shop", false),
            ("/shop/", "portal", false),
        ] {
            let mut refresher = refresher();
            let apis = vec![served("/docs/", "portal"), served(prefix, service)];
            assert!(refresher.hear(Ok(Some(gateway::Told { apis, portal: PortalSpec::default() }))));
            assert_eq!(!refresher.console_addresses.is_empty(), expected, "{prefix} to {service}");
        }
    }

    #[tokio::test]
    async fn the_newest_reason_is_told_why_the_gateway_is_silent() {
        let mut refresher = refresher();
        let silent = |reason: &str| Err(GatewayError::NoAnswer { address: "a:1".into(), reason: reason.to_owned() });
        assert!(refresher.hear(silent("cannot be reached")));
        let since = refresher.gateway.as_ref().unwrap().since;
        assert!(!refresher.hear(silent("cannot be reached")), "that is known");
        assert!(refresher.hear(silent("answers 503")));
        let told = refresher.gateway.as_ref().unwrap();
        assert!(told.since == since && told.why.to_string().contains("503"), "{told:?}");
    }
}
