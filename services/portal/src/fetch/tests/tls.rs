//! Services that are spoken to by TLS, as the gateway speaks it.

use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_ir::{Pem, SecretValue};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::tls::{Certificates, Secrets};
use super::super::{FetchError, Fetched, Fetcher, Service, Target, Validators};
use crate::gateway::Upstream;

/// An authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name, and its key.
    fn vouch_for(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A service that shows `shown` and, with `clients`, asks for a certificate that these vouch for. It answers with the name
/// that it was asked for.
async fn service((chain, key): (String, String), clients: Option<&Authority>) -> SocketAddr {
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        }
    };
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let name = stream.get_ref().1.server_name().unwrap_or("nobody").to_owned();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let length = name.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{name}");
            _ = stream.write_all(answer.as_bytes()).await;
            _ = stream.shutdown().await;
        }
    });
    address
}

fn target(address: SocketAddr, authorities: Option<&str>, certificate: Option<&str>) -> Target {
    let upstream: Upstream = serde_json::from_value(json!({
        "service": "cart:443", "endpoints": [{ "address": address.to_string() }], "names": [], "host": null,
        "tls": { "sni": "cart.internal", "authorities": authorities, "certificate": certificate },
    }))
    .unwrap();
    Target::Service(Service::new(&upstream, Some("shop.example"), "/"))
}

async fn ask(certificates: Certificates, target: &Target) -> Result<String, FetchError> {
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let fetcher = Fetcher::new(&crate::settings::tests::settings(&[]), certificates).unwrap();
    match fetcher.fetch(target, &Validators::default(), None).await? {
        Fetched::Text { body, .. } => Ok(String::from_utf8(body.to_vec()).unwrap()),
        Fetched::NotModified => panic!("it is new"),
    }
}

fn validation(ca: String) -> SecretValue {
    SecretValue::Validation { ca: Pem(ca.into()), crl: None }
}

fn own(secrets: Vec<(&'static str, SecretValue)>) -> Certificates {
    Certificates::Own(Secrets(Arc::new(move |name| {
        secrets.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    })))
}

#[tokio::test]
async fn a_service_is_verified_by_the_authorities_of_its_context_alone() {
    let (authority, other) = (Authority::new(), Authority::new());
    // Envoy does not compare the name, and so neither does the portal.
    let address = service(authority.vouch_for("elsewhere.internal"), None).await;
    let target = target(address, Some("a/ca#ca"), None);
    let asked = ask(own(vec![("a/ca#ca", validation(authority.pem()))]), &target).await;
    assert_eq!(asked.unwrap(), "cart.internal", "the name that the gateway sends");
    let refused = ask(own(vec![("a/ca#ca", validation(other.pem()))]), &target).await.unwrap_err();
    assert!(matches!(&refused, FetchError::Unreachable(why) if why.contains("certificate")), "{refused}");
    let nobody = ask(own(vec![("a/ca#ca", validation(String::new()))]), &target).await.unwrap_err();
    assert!(matches!(nobody, FetchError::NotAllowed(_)), "{nobody}");
    let missing = ask(own(Vec::new()), &target).await.unwrap_err();
    assert!(missing.to_string().contains("a/ca#ca"), "{missing}");
}

#[tokio::test]
async fn a_certificate_that_vouches_for_itself_is_trusted_by_itself() {
    let made = rcgen::generate_simple_self_signed(vec!["cart.internal".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let address = service((chain.clone(), key), None).await;
    let target = target(address, Some("a/ca#ca"), None);
    assert!(ask(own(vec![("a/ca#ca", validation(chain))]), &target).await.is_ok());
    let other = rcgen::generate_simple_self_signed(vec!["cart.internal".to_owned()]).unwrap();
    assert!(ask(own(vec![("a/ca#ca", validation(other.cert.pem()))]), &target).await.is_err());
}

#[tokio::test]
async fn without_authorities_nothing_is_verified() {
    let address = service(Authority::new().vouch_for("x"), None).await;
    assert!(ask(own(Vec::new()), &target(address, None, None)).await.is_ok());
}

#[tokio::test]
async fn a_service_is_shown_the_certificate_of_its_context() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let address = service(servers.vouch_for("cart.internal"), Some(&clients)).await;
    let (chain, key) = clients.vouch_for("gateway");
    let shown = SecretValue::Certificate { chain: Pem(chain.clone().into()), key: Pem(key.clone().into()) };
    let secrets = || own(vec![("a/client", shown.clone()), ("a/ca#ca", validation(servers.pem()))]);
    assert!(ask(secrets(), &target(address, Some("a/ca#ca"), None)).await.is_err(), "it shows nothing");
    assert!(ask(secrets(), &target(address, Some("a/ca#ca"), Some("a/client"))).await.is_ok());

    let admin = crate::gateway::Admin::new("127.0.0.1:1").unwrap();
    let elsewhere = |directory| Certificates::Elsewhere { admin: admin.clone(), directory };
    let target = target(address, None, Some("a/client"));
    let why = ask(elsewhere(None), &target).await.unwrap_err().to_string();
    assert!(why.contains("--portal-client-certificates"), "{why}");
    let place = tempfile::tempdir().unwrap();
    let why = ask(elsewhere(Some(place.path().into())), &target).await.unwrap_err().to_string();
    assert!(why.contains("a/client/tls.crt"), "{why}");
    std::fs::create_dir_all(place.path().join("a/client")).unwrap();
    std::fs::write(place.path().join("a/client/tls.crt"), chain).unwrap();
    std::fs::write(place.path().join("a/client/tls.key"), key).unwrap();
    assert!(ask(elsewhere(Some(place.path().into())), &target).await.is_ok());
}
