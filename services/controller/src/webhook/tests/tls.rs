//! The server over TLS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::*;

fn roots(bundle: &str) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    Arc::new(roots)
}

/// Whether one who has `bundle` believes the certificate at that time.
pub(super) fn trusts(bundle: &str, serving: &ServingCertificate, at: SystemTime) -> bool {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(bundle), provider).build().unwrap();
    let leaf = CertificateDer::from_pem_slice(serving.0.chain.as_bytes()).unwrap();
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let name = ServerName::try_from("a.b.svc").unwrap();
    verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::since_unix_epoch(since)).is_ok()
}

/// Sends a review to a server that must show a certificate for `a.b.svc` by `bundle`.
async fn ask(address: std::net::SocketAddr, bundle: &str) -> Result<String, std::io::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(bundle))
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("a.b.svc").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let body = conversion("v3alpha1", json!([])).to_string();
    let head = format!(
        "POST /webhooks/crd-convert HTTP/1.1\r\nhost: a.b.svc\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

#[tokio::test]
async fn certificates_are_swapped_while_it_serves() {
    let names = ["a.b.svc".to_owned()];
    let made = || Credentials::make(&names, SystemTime::now()).unwrap();
    let (first, second) = (made(), made());
    let certificates = Certificates::new(&first.serving).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = serve(listener, certificates.clone(), router(reviewer(Limits::default())), shutdown.clone());
    let server = tokio::spawn(server);

    // One that never begins its handshake is in nobody's way.
    let silent = TcpStream::connect(address).await.unwrap();
    let reply = ask(address, &first.bundle()).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains("\"Success\""), "{reply}");
    assert!(ask(address, &second.bundle()).await.is_err());

    certificates.replace(&second.serving).unwrap();
    assert!(ask(address, &second.bundle()).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(ask(address, &first.bundle()).await.is_err());

    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    drop(silent);
}
