//! TLS to services as the gateway speaks it: by its authorities, with its certificate, under the name that it sends.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use nuncio_ir::{Pem, SecretValue};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::Deserialize;

use super::FetchError;
use crate::gateway::{Admin, UpstreamTls};

/// What is tried first is the newer HTTP.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Gives what the gateway verifies services by, and what it shows them, by the names that the controller tells.
#[derive(Clone)]
pub struct Secrets(pub Arc<SecretOf>);

/// The Secret of a name.
type SecretOf = dyn Fn(&str) -> Option<SecretValue> + Send + Sync;

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Where certificates come from.
#[derive(Clone, Debug)]
pub(crate) enum Certificates {
    /// The controller of this process.
    Own(Secrets),
    /// Authorities from a controller's admin API. It hands out no keys: certificates to be shown are in a directory, if
    /// anywhere, as `NAMESPACE/NAME/tls.crt` and `tls.key`.
    Elsewhere { admin: Admin, directory: Option<PathBuf> },
}

/// Authorities, as the admin API has them.
#[derive(Debug, Deserialize)]
struct Authorities {
    ca: String,
    crl: Option<String>,
}

impl Certificates {
    /// How a client speaks to a service.
    pub(super) async fn config(&self, tls: &UpstreamTls) -> Result<ClientConfig, FetchError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let authorities = match &tls.authorities {
            Some(name) => Some(self.authorities(name).await?),
            None => None,
        };
        let verifier = Verifier::new(authorities.as_ref(), Arc::clone(&provider))?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| refused(&error))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &tls.certificate {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let (chain, key) = self.shown(name).await?;
                builder.with_client_auth_cert(chain, key).map_err(|error| refused(&error))?
            }
        };
        config.enable_sni = tls.sni.is_some();
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(config)
    }

    async fn authorities(&self, name: &str) -> Result<Authorities, FetchError> {
        match self {
            Self::Own(Secrets(secrets)) => match secrets(name) {
                Some(SecretValue::Validation { ca, crl }) => {
                    Ok(Authorities { ca: ca.0.to_string(), crl: crl.map(|crl| crl.0.to_string()) })
                }
                _ => Err(missing(name)),
            },
            Self::Elsewhere { admin, .. } => {
                let path = format!("/api/v1/authorities?name={}", crate::web::escape_path(name));
                admin.get(&path).await.map_err(|error| FetchError::Unreachable(error.to_string()))
            }
        }
    }

    /// What is shown to a service, and its key.
    async fn shown(&self, name: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), FetchError> {
        let (chain, key) = match self {
            Self::Own(Secrets(secrets)) => match secrets(name) {
                Some(SecretValue::Certificate { chain: Pem(chain), key: Pem(key) }) => {
                    (chain.as_bytes().to_vec(), key.as_bytes().to_vec())
                }
                _ => return Err(missing(name)),
            },
            Self::Elsewhere { directory: None, .. } => return Err(no_directory(name)),
            Self::Elsewhere { directory: Some(directory), .. } => {
                // Names are of manifests.
                if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
                    return Err(missing(name));
                }
                let place = directory.join(name);
                let read = async |file: &str| {
                    let read = tokio::fs::read(place.join(file)).await;
                    read.map_err(|error| {
                        let kind = error.kind();
                        let message = format!("{name}/{file} of --portal-client-certificates cannot be read: {kind}");
                        FetchError::NotAllowed(message)
                    })
                };
                (read("tls.crt").await?, read("tls.key").await?)
            }
        };
        let unusable = |_| FetchError::NotAllowed(format!("the certificate {name} that the gateway shows is no PEM"));
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<_, _>>().map_err(unusable)?;
        Ok((chain, PrivateKeyDer::from_pem_slice(&key).map_err(unusable)?))
    }
}

fn missing(name: &str) -> FetchError {
    FetchError::NotAllowed(format!("the gateway's TLSContext for this service names {name}, which is not there"))
}

fn no_directory(name: &str) -> FetchError {
    FetchError::NotAllowed(format!(
        "the gateway shows this service the certificate {name}, whose key a controller hands to no portal: put tls.crt \
         and tls.key into DIR/{name}/ and start the portal with --portal-client-certificates DIR"
    ))
}

fn refused(error: &rustls::Error) -> FetchError {
    FetchError::NotAllowed(format!("TLS as the gateway speaks it to this service cannot be set up: {error}"))
}

/// Verifies a service as Envoy does: that some authority vouches for its certificate, whatever name that has. Without
/// authorities nothing is verified: the endpoint is the one that requests of users are sent to.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    authorities: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(authorities: Option<&Authorities>, provider: Arc<CryptoProvider>) -> Result<Self, FetchError> {
        let Some(Authorities { ca, crl }) = authorities else {
            return Ok(Self { provider, chain: None, authorities: Vec::new() });
        };
        let unusable = |what: &str| {
            FetchError::NotAllowed(format!("the {what} by which the gateway verifies this service cannot be used"))
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(ca.as_bytes()).collect();
        let authorities = found.map_err(|_| unusable("authorities"))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        if let Some(crl) = crl {
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(crl.as_bytes()).collect();
            builder = builder.with_crls(lists.map_err(|_| unusable("revocation list"))?);
        }
        let chain = builder.build().map_err(|_| unusable("authorities"))?;
        Ok(Self { provider, chain: Some(chain), authorities })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain is verified before the name.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            // A certificate that vouches for itself is trusted by itself. That is found out after its time is checked.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.authorities.iter().any(|authority| authority == end_entity) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
