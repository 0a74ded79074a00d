//! Whether Redis can be reached, for whoever looks before he starts.

use std::sync::Arc;
use std::time::Duration;

use crate::run::redis_options;
use crate::settings::{BackendType, Environment, Settings};
use crate::stats::Registry;
use crate::store::RedisStore;

/// Connects to the Redis that the environment names, as the service would, and says what became of it. `None` where the
/// environment names none.
pub async fn reach_redis(patience: Duration) -> Option<Result<(), String>> {
    let lookup = |name: &str| std::env::var(name).ok();
    lookup("REDIS_URL").filter(|url| !url.is_empty())?;
    Some(reach(&Environment::new(&lookup), patience).await)
}

async fn reach(environment: &Environment<'_>, patience: Duration) -> Result<(), String> {
    let settings = Settings::read(environment).map_err(|error| error.to_string())?;
    if settings.backend != BackendType::Redis {
        return Ok(());
    }
    // Fails only where one is in place already, which does as well.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for redis in std::iter::once(&settings.redis).chain(&settings.redis_per_second) {
        let options = redis_options(redis, settings.expiration_jitter)?;
        let store = RedisStore::start(options, Arc::new(Registry::default()))?;
        let mut connected = store.connected();
        match tokio::time::timeout(patience, connected.wait_for(|connected| *connected)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err("the connection was given up".to_owned()),
            Err(_) => return Err(format!("no connection within {} s", patience.as_secs())),
        }
    }
    Ok(())
}
