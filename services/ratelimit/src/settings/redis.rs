//! How to reach Redis.

use std::time::Duration;

use super::{ClientTls, Environment, Redis, SettingError};
use crate::store::{self, ServerKind};

/// The variables of one Redis begin with this.
pub(super) const USUAL: &str = "REDIS_";
/// Those of the Redis for limits a second with this.
pub(super) const PER_SECOND: &str = "REDIS_PERSECOND_";

/// The variables that begin with `prefix`; `socket` is where it is unless they say.
pub(super) fn read(env: &Environment<'_>, prefix: &str, socket: &str) -> Result<Redis, SettingError> {
    let name = |suffix: &str| format!("{prefix}{suffix}");
    let kind = env.parsed(&name("TYPE"), ServerKind::Single, "expected SINGLE, SENTINEL or CLUSTER", |value| {
        match value.to_ascii_uppercase().as_str() {
            "SINGLE" => Some(ServerKind::Single),
            "SENTINEL" => Some(ServerKind::Sentinel),
            "CLUSTER" => Some(ServerKind::Cluster),
            _ => None,
        }
    })?;
    let of_socket = env.parsed(&name("SOCKET_TYPE"), true, "expected tcp or unix", |value| {
        match value.to_ascii_lowercase().as_str() {
            "unix" => Some(true),
            // Go knows the others, too.
            "tcp" | "tcp4" | "tcp6" => Some(false),
            _ => None,
        }
    })?;
    // As with the original, Sentinels and clusters are at addresses, whatever the type of sockets.
    let unix = kind == ServerKind::Single && of_socket;
    let url = env.text(&name("URL"), if unix { socket } else { "" });
    let tls = env.flag(&name("TLS"), false)? || url.split(',').any(|server| server.starts_with("rediss://"));
    Ok(Redis {
        kind,
        unix,
        auth: env.text(&name("AUTH"), ""),
        sentinel_auth: env.text(&name("SENTINEL_AUTH"), ""),
        tls: if tls { Some(client_tls(env)?) } else { None },
        // 0 is no limit, as for the original's library.
        timeout: env
            .duration(&name("TIMEOUT"), "10s")
            .map(|timeout| if timeout.is_zero() { Duration::MAX } else { timeout })?,
        reply_timeout: reply_timeout(env)?,
        url,
    })
}

/// Sees that the servers are named as they must be.
pub(super) fn check(env: &Environment<'_>, redis: &Redis, prefix: &str) -> Result<(), SettingError> {
    let name = format!("{prefix}URL");
    let Redis { kind, url, unix, .. } = redis;
    let hint = if *unix { format!(": an address wants {prefix}SOCKET_TYPE=tcp") } else { String::new() };
    store::redis_servers(*kind, url, *unix)
        .map_err(|reason| SettingError::new(name.as_str(), url, format!("{reason}{hint}")))?;
    if *unix && !url.contains('/') && url.contains(':') {
        env.warn(&name, &format!("is taken as the path of a socket{hint}"));
    }
    Ok(())
}

/// Files of certificates are the same for both instances.
fn client_tls(env: &Environment<'_>) -> Result<ClientTls, SettingError> {
    let mut tls = ClientTls {
        certificate: env.file("REDIS_TLS_CLIENT_CERT"),
        key: env.file("REDIS_TLS_CLIENT_KEY"),
        authorities: env.file("REDIS_TLS_CACERT"),
        name: String::new(),
        skip_name: env.flag("REDIS_TLS_SKIP_HOSTNAME_VERIFICATION", false)?,
    };
    if tls.certificate.is_named() != tls.key.is_named() {
        // As the original does.
        env.warn(tls.certificate.variable, "no certificate is shown without both it and REDIS_TLS_CLIENT_KEY");
        tls.certificate.path.clear();
    }
    Ok(tls)
}

/// How long Redis may take to answer.
fn reply_timeout(env: &Environment<'_>) -> Result<Duration, SettingError> {
    let name = "NUNCIO_REDIS_REPLY_TIMEOUT";
    let timeout = env.duration(name, "1s")?;
    if timeout.is_zero() {
        return Err(SettingError::new(name, "0", "no call would ever be answered: expected a time, as in 250ms"));
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads and checks with these variables, and gives what was warned of, or the error.
    fn read_with(variables: &[(&str, &str)]) -> Result<(Redis, Vec<String>), String> {
        let env = Environment::of(variables);
        let redis = read(&env, USUAL, "/run/socket").map_err(|error| error.to_string())?;
        check(&env, &redis, USUAL).map_err(|error| error.to_string())?;
        Ok((redis, env.warnings()))
    }

    #[test]
    fn addresses_that_are_none_are_told_by_their_variable() {
        let port = "the port is no number from 1 to 65535";
        let sentinels = "expected the master's name and then sentinels: master,host:port,…";
        for (url, kind, expected) in [
            ("", "SINGLE", "expected host:port or redis://…"),
            ("http://user:secret@h:1", "SINGLE", "expected redis:// or rediss://"),
            ("/run/socket", "SINGLE", "a path, where host:port is expected"),
            ("a:1,b:2", "SINGLE", "a list, where one server is expected"),
            ("h:x", "SINGLE", port),
            ("redis://:secret", "SINGLE", port),
            ("redis://:se?cret@h", "SINGLE", "a ? in a password is written %3F"),
            ("h:99999", "CLUSTER", port),
            ("redis://:begin,end@h", "CLUSTER", port),
            ("a:1,,b:2", "CLUSTER", "expected host:port or redis://…"),
            ("master", "SENTINEL", sentinels),
            ("redis://:secret@h:1,b:2", "SENTINEL", sentinels),
        ] {
            let variables = [("REDIS_SOCKET_TYPE", "tcp"), ("REDIS_URL", url), ("REDIS_TYPE", kind)];
            assert_eq!(read_with(&variables).unwrap_err(), format!("REDIS_URL: {expected}"), "{url}");
        }
        for (url, what) in [("redis://:secret@h:1", "a URL"), ("ann:se/cret@h:1", "a login")] {
            let wanted = "where the path of a socket is expected: an address wants REDIS_SOCKET_TYPE=tcp";
            assert_eq!(read_with(&[("REDIS_URL", url)]).unwrap_err(), format!("REDIS_URL: {what}, {wanted}"));
        }
    }

    #[test]
    fn only_a_single_redis_is_at_a_socket() {
        for (kind, url) in [("SENTINEL", "master,a:1"), ("CLUSTER", "a:1,b:2")] {
            for socket in [None, Some(("REDIS_SOCKET_TYPE", "unix"))] {
                let variables: Vec<_> = [("REDIS_TYPE", kind), ("REDIS_URL", url)].into_iter().chain(socket).collect();
                let (redis, warnings) = read_with(&variables).unwrap();
                assert!(!redis.unix && warnings.is_empty(), "{kind}: {warnings:?}");
            }
            assert!(read_with(&[("REDIS_TYPE", kind)]).unwrap_err().starts_with("REDIS_URL: expected "), "{kind}");
        }
    }

    #[test]
    fn sockets_are_of_the_kinds_that_there_are() {
        let kind = |value| read_with(&[("REDIS_SOCKET_TYPE", value), ("REDIS_URL", "/h")]).map(|(redis, _)| redis.unix);
        assert_eq!(kind("UNIX"), Ok(true));
        assert_eq!(kind("udp").unwrap_err(), "REDIS_SOCKET_TYPE=\"udp\": expected tcp or unix");
        let (redis, warnings) = read_with(&[("REDIS_URL", "redis:6379")]).unwrap();
        assert!(redis.unix);
        assert_eq!(warnings, ["REDIS_URL: is taken as the path of a socket: an address wants REDIS_SOCKET_TYPE=tcp"]);
        assert!(read_with(&[("REDIS_URL", "/run/redis:1.sock")]).unwrap().1.is_empty());
    }

    #[test]
    fn a_url_of_tls_is_enough() {
        let tls = |url| {
            let (redis, _) = read_with(&[("REDIS_SOCKET_TYPE", "tcp"), ("REDIS_URL", url)]).unwrap();
            redis.tls.is_some()
        };
        assert!(tls("rediss://h") && !tls("redis://h") && !tls("h:1"));
    }

    #[test]
    fn half_of_a_certificate_is_none() {
        let certificate = ("REDIS_TLS_CLIENT_CERT", "/a.crt");
        let (redis, warnings) = read_with(&[("REDIS_TLS", "true"), certificate]).unwrap();
        assert!(!redis.tls.unwrap().certificate.is_named());
        assert!(warnings[0].starts_with("REDIS_TLS_CLIENT_CERT=\"/a.crt\": "), "{warnings:?}");
    }
}
