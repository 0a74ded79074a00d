//! Where to listen and how.

use super::{Environment, Listen, ServerTls, SettingError};

/// `HOST`, `PORT`, `GRPC_*`, `DEBUG_*`.
pub(super) fn read(env: &Environment<'_>) -> Result<Listen, SettingError> {
    Ok(Listen {
        http: env.address(("HOST", "0.0.0.0"), ("PORT", 8080))?,
        grpc: env.address(("GRPC_HOST", "0.0.0.0"), ("GRPC_PORT", 8081))?,
        grpc_unix: env.text("GRPC_UDS", ""),
        debug: env.address(("DEBUG_HOST", "0.0.0.0"), ("DEBUG_PORT", 6070))?,
        max_connection_age: env.duration("GRPC_MAX_CONNECTION_AGE", "24h")?,
        max_connection_age_grace: env.duration("GRPC_MAX_CONNECTION_AGE_GRACE", "1h")?,
        tls: tls(env)?,
        threads: env.number("NUNCIO_RATELIMIT_THREADS", 0, "expected how many threads, 0 for one on each core")?,
    })
}

fn tls(env: &Environment<'_>) -> Result<Option<ServerTls>, SettingError> {
    let tls = ServerTls {
        certificate: env.file("GRPC_SERVER_TLS_CERT"),
        key: env.file("GRPC_SERVER_TLS_KEY"),
        client_authorities: env.file("GRPC_CLIENT_TLS_CACERT"),
        client_name: env.text("GRPC_CLIENT_TLS_SAN", ""),
    };
    let own = [&tls.certificate, &tls.key];
    if !env.flag("GRPC_SERVER_USE_TLS", false)? {
        for file in own.into_iter().chain([&tls.client_authorities]).filter(|file| file.is_named()) {
            env.warn(file.variable, "changes nothing without GRPC_SERVER_USE_TLS=true: gRPC is not encrypted");
        }
        return Ok(None);
    }
    if let Some(file) = own.into_iter().find(|file| !file.is_named()) {
        return Err(file.wrong("GRPC_SERVER_USE_TLS wants a file in PEM"));
    }
    if !tls.client_name.is_empty() && !tls.client_authorities.is_named() {
        env.warn("GRPC_CLIENT_TLS_SAN", "no client is let in without GRPC_CLIENT_TLS_CACERT");
    }
    Ok(Some(tls))
}
