//! The portal as a whole.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, IdentityKeys};
use crate::catalog::Shared;
use crate::console::{self, Console, Window};
use crate::content;
use crate::exports::Exports;
use crate::fetch::{Certificates, Fetcher, Secrets};
use crate::gateway::{Admin, Gateway};
use crate::history::{DiskError, History, Shared as SharedHistory};
use crate::keys::{KeyUses, Keys, KeysError, Uses};
use crate::refresh::{Refresher, Wish, follow, index};
use crate::search::SharedSearch;
use crate::settings::Settings;
use crate::web::{self, Site};

/// How long a portal waits at its start for what others have recorded.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Why the portal cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no HTTP client.
    #[error("cannot set up an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// Where documents were to be kept.
    #[error(transparent)]
    History(#[from] DiskError),
    /// Where they were to be shared.
    #[error("the Redis of --portal-history-redis: {0}")]
    Redis(#[from] nuncio_redis::Error),
    /// Where API keys were to be kept.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Its socket failed.
    #[error("the portal's port: {0}")]
    Serve(#[from] std::io::Error),
}

/// What the authentication service tells a portal in its own process.
#[derive(Clone, Debug)]
pub struct Beside {
    /// By which it is verified who reads, unless the settings say where others are.
    pub identity_keys: IdentityKeys,
    /// How often API keys were used.
    pub key_uses: KeyUses,
    /// By which services are verified, and what is shown to them.
    pub secrets: Secrets,
}

/// What documents were before, and what tells other portals of it and hears what they know.
async fn history(settings: &Settings) -> Result<(Arc<History>, Option<JoinHandle<()>>), RunError> {
    if let Some(place) = settings.shared_history() {
        let (history, mut shared) = (Arc::new(History::sharing()), SharedHistory::new(&place)?);
        // What is seen first is compared with what others saw before, if that can be had soon.
        _ = tokio::time::timeout(FIRST_LOOK, shared.round(&history)).await;
        let sharing = tokio::spawn(shared.follow(Arc::clone(&history)));
        return Ok((history, Some(sharing)));
    }
    let directory = settings.history.clone();
    let history = tokio::task::spawn_blocking(move || History::open(directory.as_deref())).await;
    Ok((Arc::new(history.map_err(std::io::Error::other)??), None))
}

/// Runs the portal of the gateway with the admin address `admin` on a socket, until stopped. What is `beside` it
/// needs no address.
///
/// # Errors
/// When it cannot be set up, or its socket fails.
pub async fn run(
    settings: Settings,
    admin: &str,
    beside: Option<Beside>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let (catalog, search) = (Shared::default(), SharedSearch::default());
    let (history, sharing) = history(&settings).await?;
    let (refresh, changed) = (Arc::<Wish>::default(), Arc::new(Notify::new()));
    let (content, content_wish) = (content::Shared::default(), Arc::new(Notify::new()));
    let (told, heard) = mpsc::channel(1);
    let admin = Admin::new(admin)?.publishing(&settings.published_ports).bearing(settings.admin_token.clone());
    let certificates = match &beside {
        Some(beside) => Certificates::Own(beside.secrets.clone()),
        None => Certificates::Elsewhere { admin: admin.clone(), directory: settings.client_certificates.clone() },
    };
    let fetcher = Fetcher::new(&settings, certificates)?;
    let refresher = Refresher::new(
        fetcher.clone(),
        Arc::clone(&history),
        settings.clone(),
        Arc::clone(&catalog),
        Arc::clone(&changed),
    );
    let place_of_keys = settings.keys();
    let console = Console {
        admin,
        hosts: settings.console_hosts.into(),
        groups: settings.console_groups.into(),
        window: Window::default(),
    };
    let following = tokio::spawn(follow(Gateway::new(console.admin.clone()), told));
    let refreshing = tokio::spawn(refresher.run(heard, Arc::clone(&refresh), stop.clone()));
    let reading = tokio::spawn(content::follow(
        settings.content.clone(),
        Arc::clone(&catalog),
        Arc::clone(&content),
        Arc::clone(&changed),
        Arc::clone(&content_wish),
    ));
    let indexing = tokio::spawn(index(Arc::clone(&catalog), Arc::clone(&content), Arc::clone(&search), changed));
    let (own_keys, uses) = beside.map(|beside| (beside.identity_keys, beside.key_uses)).unzip();
    let uses = uses.map_or_else(|| Uses::Of(console.admin.clone()), Uses::Beside);
    let keys = settings.identity_keys.map(IdentityKeys::Url).or(own_keys);
    let access = Access::new(keys, settings.audiences, settings.shows_all)?;
    let keys = match place_of_keys {
        Some(place) => Some(Keys::open(&place, Some(uses)).await?),
        None => None,
    };
    let title = settings.title.into();
    let exports = Exports::default();
    let site = Site {
        title,
        catalog,
        content,
        content_wish,
        history,
        search,
        exports,
        refresh,
        fetcher,
        console,
        access,
        keys,
    };
    let router = web::router(site).layer(middleware::from_fn(console::note_place));
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    following.abort();
    refreshing.abort();
    indexing.abort();
    reading.abort();
    if let Some(sharing) = sharing {
        sharing.abort();
    }
    Ok(())
}
