//! What a client says and believes in a TLS handshake.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use crate::{Authority, Identity};

/// What a client offers and trusts in TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Whom it trusts. None: it looks at no certificate.
    pub trust: Option<CertificateDer<'static>>,
    /// The name that it asks for by SNI.
    pub sni: String,
    /// Protocols offered by ALPN.
    pub alpn: Vec<Vec<u8>>,
    /// Its own certificate.
    pub identity: Option<Identity>,
    /// Versions that it speaks.
    pub versions: Vec<&'static rustls::SupportedProtocolVersion>,
}

impl Tls {
    /// Asks for `name` and trusts `authority`.
    #[must_use]
    pub fn to(name: &str, authority: &Authority) -> Self {
        Self { trust: Some(authority.der()), ..Self::unchecked(name) }
    }

    /// Asks for `name` and takes any certificate.
    #[must_use]
    pub fn unchecked(name: &str) -> Self {
        let versions = vec![&rustls::version::TLS13, &rustls::version::TLS12];
        Self { trust: None, sni: name.to_owned(), alpn: Vec::new(), identity: None, versions }
    }

    /// Shows this certificate.
    #[must_use]
    pub fn showing(self, identity: &Identity) -> Self {
        Self { identity: Some(identity.clone()), ..self }
    }

    /// Offers these protocols.
    #[must_use]
    pub fn offering(self, protocols: &[&str]) -> Self {
        Self { alpn: protocols.iter().map(|name| name.as_bytes().to_vec()).collect(), ..self }
    }

    /// Speaks this version only.
    #[must_use]
    pub fn only(self, version: &'static rustls::SupportedProtocolVersion) -> Self {
        Self { versions: vec![version], ..self }
    }

    pub(super) fn config(&self) -> rustls::ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(&self.versions).expect("versions that go together");
        let builder = match &self.trust {
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(authority.clone()).expect("a certificate");
                builder.with_root_certificates(roots)
            }
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(unchecked::Anyone(provider))),
        };
        let mut config = match &self.identity {
            Some(identity) => builder
                .with_client_auth_cert(vec![identity.der()], identity.key_der())
                .expect("a certificate and its key"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        // A resumed session would not look at a renewed certificate.
        config.resumption = rustls::client::Resumption::disabled();
        config
    }
}

mod unchecked {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Trusts anyone, as `curl -k` does.
    #[derive(Debug)]
    pub(super) struct Anyone(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for Anyone {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
