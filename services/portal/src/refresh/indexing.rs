//! Keeping the search in step with the catalog.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::catalog::Shared;
use crate::search::{Search, SharedSearch};

/// How long changes are gathered: at the start one document comes after the other.
const GATHER: Duration = Duration::from_millis(300);

/// Makes the index anew whenever the catalog is another.
pub(crate) async fn index(catalog: Shared, search: SharedSearch, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        tokio::time::sleep(GATHER).await;
        let now = catalog.load_full();
        let index = tokio::task::spawn_blocking(move || Search::new(&now).map_err(|error| error.to_string()));
        match index.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(index) => search.store(Arc::new(Some(index))),
            Err(error) => tracing::error!("the search cannot be brought up to date: {error}"),
        }
    }
}
