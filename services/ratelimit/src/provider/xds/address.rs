//! Servers by the names that gRPC for Go takes.

use std::num::NonZeroU16;

use http::uri::Authority;

use crate::settings::{SettingError, Xds};

const ADDRESS: &str = "expected host:port, dns:///host:port, passthrough:///host:port or unix:/path";
const PORT: &str = "expected a port, from 1 to 65535, behind the host, as in localhost:18000";
/// The port of names that DNS resolves, where they have none.
const DNS_PORT: NonZeroU16 = NonZeroU16::new(443).unwrap();

/// Tells a server that cannot be one.
pub(crate) fn check(settings: &Xds) -> Result<(), SettingError> {
    uri(&settings.server, settings.tls.is_some())
        .map(drop)
        .map_err(|wanted| SettingError::new("CONFIG_GRPC_XDS_SERVER_URL", &settings.server, wanted))
}

/// The URI of a server, or what was expected.
pub(super) fn uri(server: &str, tls: bool) -> Result<String, &'static str> {
    if let Some(path) = server.strip_prefix("unix:") {
        return if path.trim_start_matches('/').is_empty() { Err(ADDRESS) } else { Ok(server.to_owned()) };
    }
    let (address, port) = match (endpoint(server, "dns:"), endpoint(server, "passthrough:")) {
        (Some(endpoint), _) => (endpoint, Some(DNS_PORT)),
        (None, Some(endpoint)) => (endpoint, None),
        (None, None) => (server, None),
    };
    let scheme = if tls { "https" } else { "http" };
    authority(address, port).map(|authority| format!("{scheme}://{authority}"))
}

/// What is behind a scheme.
fn endpoint<'s>(server: &'s str, scheme: &str) -> Option<&'s str> {
    let rest = server.strip_prefix(scheme)?;
    Some(match rest.strip_prefix("//") {
        // What stands before the name is who resolves it.
        Some(rest) => rest.split_once('/').map_or("", |(_, endpoint)| endpoint),
        None => rest.strip_prefix('/').unwrap_or(rest),
    })
}

/// `host:port`; no host is this one.
fn authority(address: &str, default: Option<NonZeroU16>) -> Result<String, &'static str> {
    if address.is_empty() || address.contains(['/', '@']) {
        return Err(ADDRESS);
    }
    let (host, port) = match address.rsplit_once(':') {
        // Colons in brackets are the host's own.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| PORT)?),
        _ => (address, default.ok_or(PORT)?),
    };
    let host = if host.is_empty() { "localhost" } else { host };
    let authority: Authority = format!("{host}:{port}").parse().map_err(|_| ADDRESS)?;
    Ok(authority.to_string())
}

#[cfg(test)]
mod tests {
    use super::uri;
    use crate::settings::{Environment, Settings};

    #[test]
    fn servers_are_named_as_in_go() {
        for (server, tls, expected) in [
            ("gateway:18001", true, "https://gateway:18001"),
            ("localhost:18000", false, "http://localhost:18000"),
            (":32003", false, "http://localhost:32003"),
            ("[::1]:18000", false, "http://[::1]:18000"),
            ("dns:///gateway:18001", true, "https://gateway:18001"),
            ("dns:gateway:18001", true, "https://gateway:18001"),
            ("dns:///gateway", false, "http://gateway:443"),
            ("dns:///[::1]", false, "http://[::1]:443"),
            ("dns://10.0.0.10/gateway:18001", false, "http://gateway:18001"),
            ("passthrough:///[::1]:18000", false, "http://[::1]:18000"),
            ("unix:/run/xds.sock", true, "unix:/run/xds.sock"),
        ] {
            assert_eq!(uri(server, tls).as_deref(), Ok(expected), "{server}");
        }
    }

    fn read(server: &str, config_type: &str) -> Result<Settings, String> {
        let variables = [("CONFIG_GRPC_XDS_SERVER_URL", server), ("CONFIG_TYPE", config_type)];
        Settings::read(&Environment::of(&variables)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_server_is_told_at_the_start() {
        let address = "expected host:port, dns:///host:port, passthrough:///host:port or unix:/path";
        let port = "expected a port, from 1 to 65535, behind the host, as in localhost:18000";
        for (server, wanted) in [
            ("127.0.0.1", port),
            ("[::1]", port),
            ("gateway:0", port),
            ("gateway:xds", port),
            ("::1:18000", address),
            ("http://gateway:18000", address),
            ("https://ann:secret@gateway:1", address),
            ("ann:secret@gateway:1", address),
            ("dns://gateway:18000", address),
            ("unix:", address),
        ] {
            let expected = format!("CONFIG_GRPC_XDS_SERVER_URL: {wanted}");
            assert_eq!(read(server, "GRPC_XDS_SOTW").unwrap_err(), expected, "{server}");
            read(server, "FILE").unwrap();
        }
        read(":32003", "GRPC_XDS_SOTW").unwrap();
    }
}
