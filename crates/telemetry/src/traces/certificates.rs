//! Certificates between this process and a collector: `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE` and
//! `…_CLIENT_KEY`, which the exporter leaves to us.

use std::thread;
use std::time::Duration;

use opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig, Identity};
use reqwest::blocking::Client;

use super::variable;
use crate::Error;

/// What is in the files, in PEM.
pub(super) struct Certificates {
    /// Of the collector's authorities; none for the system's.
    authorities: Option<Vec<u8>>,
    /// What is shown to the collector, and its key.
    own: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    pub(super) fn of_environment() -> Result<Self, Error> {
        Ok(Self { authorities: file("CERTIFICATE")?, own: file("CLIENT_CERTIFICATE")?.zip(file("CLIENT_KEY")?) })
    }

    /// For a collector that is reached over TLS.
    pub(super) fn for_grpc(&self) -> ClientTlsConfig {
        let config = match &self.authorities {
            Some(authorities) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authorities)),
            None => ClientTlsConfig::new().with_enabled_roots(),
        };
        match &self.own {
            Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
            None => config,
        }
    }

    /// A client that knows them. For clear text it needs none: a machine without authorities cannot make one that looks for
    /// them.
    pub(super) fn for_http(self, is_clear_text: bool) -> Result<Client, Error> {
        // It has a runtime of its own, and none can be made within another.
        let client = thread::spawn(move || self.client(is_clear_text)).join();
        client.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(Error::Certificates)
    }

    fn client(self, is_clear_text: bool) -> reqwest::Result<Client> {
        let timeout = variable("TIMEOUT").and_then(|text| text.parse().ok());
        let mut builder =
            Client::builder().timeout(timeout.map_or(OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT, Duration::from_millis));
        if let Some(authorities) = &self.authorities {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(authorities)?);
        } else if is_clear_text {
            builder = builder.tls_certs_only([]);
        }
        if let Some((certificate, key)) = &self.own {
            builder = builder.identity(reqwest::Identity::from_pem(&[&certificate[..], b"\n", key].concat())?);
        }
        builder.build()
    }
}

fn file(name: &str) -> Result<Option<Vec<u8>>, Error> {
    let Some(path) = variable(name) else { return Ok(None) };
    std::fs::read(&path).map(Some).map_err(|error| Error::CertificateFile { path, error })
}
