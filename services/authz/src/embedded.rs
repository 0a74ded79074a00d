//! The service inside of a gateway: rules and checks over Unix sockets, and no port but one that was asked for.

use std::path::Path;

use nuncio_redis::Urls;

use crate::settings::{Address, Settings};

/// Settings of a service that takes rules from the xDS server at `rules` and checks at `checks`. Sessions are in this
/// process; in the Redis of that URL where the environment names keys that replicas share (`NUNCIO_AUTHZ_KEYS`). Operators
/// are answered where the environment says (`NUNCIO_AUTHZ_ADMIN`). All else is as it says, too.
///
/// # Errors
/// When a variable or the URL cannot be understood.
pub fn embedded(rules: &Path, checks: &Path, redis: Option<&str>) -> Result<Settings, String> {
    let mut settings = Settings::from_environment()?;
    settings.grpc = Address::Unix(checks.to_owned());
    settings.xds = Some(Address::Unix(rules.to_owned()));
    settings.rules = None;
    settings.http = None;
    if settings.redis.is_none() && settings.keys.is_some() {
        settings.redis = redis.map(str::parse::<Urls>).transpose()?;
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_opened() {
        let settings = embedded(Path::new("/run/xds"), Path::new("/run/checks"), Some("redis://r:1")).unwrap();
        assert_eq!(settings.grpc, Address::Unix("/run/checks".into()));
        assert!(settings.http.is_none() && settings.admin.is_none());
        assert!(settings.redis.is_none(), "other processes have not its keys");
    }
}
