//! Whether Redis can be reached, for whoever looks before he starts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::backends::redis_options;
use crate::embedded;
use crate::settings::{BackendType, Environment, Settings};
use crate::store::{Outage, RedisOptions, RedisPool, RedisStore};

/// Connects to the Redis that the environment names, as the service would, and says what became of it. `None` where the
/// environment names none.
pub async fn reach_redis(patience: Duration) -> Option<Result<(), String>> {
    let lookup = |name: &str| std::env::var(name).ok();
    lookup("REDIS_URL").filter(|url| !url.is_empty())?;
    let settings = Settings::read(&Environment::new(lookup)).map_err(|error| error.to_string());
    Some(match settings {
        Ok(settings) => reach(&settings, patience).await,
        Err(error) => Err(error),
    })
}

/// The same for the Redis of a gateway's own service.
///
/// # Errors
/// Why it cannot be reached.
pub async fn reach_redis_at(url: &str, patience: Duration) -> Result<(), String> {
    // Nobody is asked there: only the connection to Redis is made.
    let nowhere = Path::new("/nowhere");
    let settings = embedded(nowhere, nowhere, Some(url)).map_err(|error| error.to_string())?;
    reach(&settings, patience).await
}

async fn reach(settings: &Settings, patience: Duration) -> Result<(), String> {
    if settings.backend != BackendType::Redis {
        return Ok(());
    }
    // Fails only where one is in place already, which does as well.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for redis in std::iter::once(&settings.redis).chain(&settings.redis_per_second) {
        connect(redis_options(redis, settings.expiration_jitter)?, patience).await?;
    }
    Ok(())
}

async fn connect(options: RedisOptions, patience: Duration) -> Result<(), String> {
    let outage = Arc::<Outage>::default();
    let told = outage.subscribe();
    let store = RedisStore::start(options, Arc::new(RedisPool::new(Arc::default(), outage)))?;
    let mut connected = store.connected();
    match tokio::time::timeout(patience, connected.wait_for(|connected| *connected)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err("the connection was given up".to_owned()),
        Err(_) => {
            let reason = told.borrow().as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            Err(format!("no connection within {} s{reason}", patience.as_secs()))
        }
    }
}
