//! TCPMappings: connections by port, and by server name.

use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_e2e::backend::{Backend, Tcp};
use nuncio_e2e::yaml::{self, documents, mapping};
use nuncio_e2e::{Authority, Client, Gateway, Identity, Site, Tls, eventually, get};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const PORT: u16 = 7001;

fn tcp_mapping(site: &Site, name: &str, service: SocketAddr, more: &Value) -> Value {
    let mut spec = json!({"port": PORT, "address": site.ip().to_string(), "service": service.to_string()});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    yaml::object("TCPMapping", name, spec)
}

/// What comes back for a line.
async fn say(stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> Result<String, String> {
    let mut stream = BufReader::new(stream);
    stream.write_all(format!("{text}\n").as_bytes()).await.map_err(|error| error.to_string())?;
    let mut line = String::new();
    stream.read_line(&mut line).await.map_err(|error| error.to_string())?;
    if line.is_empty() { Err("closed".to_owned()) } else { Ok(line.trim_end().to_owned()) }
}

async fn in_clear_text(address: SocketAddr, text: &str) -> Result<String, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    say(stream, text).await
}

async fn over_tls(address: SocketAddr, sni: &str, authority: &Authority) -> Result<String, String> {
    over_tls_as(None, address, sni, authority).await
}

/// The same with a client certificate.
async fn over_tls_as(
    client: Option<&Identity>,
    address: SocketAddr,
    sni: &str,
    authority: &Authority,
) -> Result<String, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match client {
        Some(client) => builder.with_client_auth_cert(vec![client.der()], client.key_der()).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let tcp = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let name = ServerName::try_from(sni.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|error| error.to_string())?;
    say(stream, "hello").await
}

#[tokio::test]
async fn a_port_goes_to_a_service_and_follows_changes() {
    let (site, a, b) = (Site::new(), Tcp::start("a").await, Tcp::start("b").await);
    site.write("tcp.yaml", documents(&[tcp_mapping(&site, "t", a.address(), &json!({}))]));
    let gateway = Gateway::start(&site).await;
    let port = site.at(PORT);
    eventually("a answers", async || in_clear_text(port, "hello").await).await;
    assert_eq!(in_clear_text(port, "hello").await.as_deref(), Ok("a: hello"));

    let mut kept = TcpStream::connect(port).await.unwrap();
    assert_eq!(say(&mut kept, "before").await.as_deref(), Ok("a: before"));
    site.write("tcp.yaml", documents(&[tcp_mapping(&site, "t", b.address(), &json!({}))]));
    eventually("b answers", async || match in_clear_text(port, "hello").await {
        Ok(line) if line == "b: hello" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(say(&mut kept, "after").await.as_deref(), Ok("a: after"), "connections stay with their service");
    drop(kept);

    site.remove("tcp.yaml");
    eventually("the port is closed", async || match TcpStream::connect(port).await {
        Ok(_) => Err("it is open"),
        Err(_) => Ok(()),
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_server_name_picks_the_service() {
    let (site, a, b, authority) = (Site::new(), Tcp::start("a").await, Tcp::start("b").await, Authority::new("ca"));
    let mut objects = Vec::new();
    for (name, backend) in [("a", &a), ("b", &b)] {
        let hostname = format!("{name}.example");
        objects.push(tcp_mapping(&site, name, backend.address(), &json!({"host": hostname})));
        objects.push(yaml::tls_secret(name, &authority.issue(&[&hostname])));
        objects.push(yaml::object("TLSContext", name, json!({"hosts": [hostname], "secret": name})));
    }
    site.write("tcp.yaml", documents(&objects));
    let gateway = Gateway::start(&site).await;
    let port = site.at(PORT);
    eventually("it serves", async || over_tls(port, "a.example", &authority).await).await;
    assert_eq!(over_tls(port, "a.example", &authority).await.as_deref(), Ok("a: hello"));
    assert_eq!(over_tls(port, "b.example", &authority).await.as_deref(), Ok("b: hello"));
    assert!(over_tls(port, "c.example", &authority).await.is_err(), "a name of nobody");
    assert!(in_clear_text(port, "hello").await.is_err(), "clear text");
    gateway.stop().await;
}

/// A name with its own client certificates, under a wildcard that asks for none.
#[tokio::test]
async fn a_name_that_cannot_be_served_is_left_to_no_wider_one() {
    let (site, wide, own, authority) =
        (Site::new(), Tcp::start("wide").await, Tcp::start("own").await, Authority::new("ca"));
    let context = json!({"hosts": ["own.x.example"], "secret": "own", "ca_secret": "ca", "cert_required": true});
    let objects = [
        yaml::tls_secret("wide", &authority.issue(&["*.x.example"])),
        yaml::object("TLSContext", "wide", json!({"hosts": ["*.x.example"], "secret": "wide"})),
        tcp_mapping(&site, "wide", wide.address(), &json!({"host": "*.x.example"})),
        yaml::text_secret("ca", "ca.crt", &authority.pem()),
        yaml::object("TLSContext", "own", context),
        tcp_mapping(&site, "own", own.address(), &json!({"host": "own.x.example"})),
    ];
    site.write("tcp.yaml", documents(&objects));
    let gateway = Gateway::start(&site).await;
    let port = site.at(PORT);
    eventually("the wide one serves", async || over_tls(port, "other.x.example", &authority).await).await;
    gateway.admin.problem(&["NoCertificate", "own.x.example"]).await;
    let missing = over_tls(port, "own.x.example", &authority).await;
    assert!(missing.is_err(), "without its Secret: {missing:?}");
    assert!(in_clear_text(port, "hello").await.is_err(), "in clear text");

    let client = authority.issue(&["client"]);
    let showing = async || over_tls_as(Some(&client), port, "own.x.example", &authority).await;
    site.write("secret.yaml", documents(&[yaml::tls_secret("own", &authority.issue(&["own.x.example"]))]));
    eventually("it serves", showing).await;
    assert_eq!(showing().await.as_deref(), Ok("own: hello"));
    let anonymous = over_tls(port, "own.x.example", &authority).await;
    assert!(anonymous.is_err(), "without a client certificate: {anonymous:?}");

    site.remove("secret.yaml");
    eventually("it is closed again", async || match showing().await {
        Ok(line) => Err(line),
        Err(_) => Ok(()),
    })
    .await;
    assert_eq!(over_tls(port, "other.x.example", &authority).await.as_deref(), Ok("wide: hello"));
    gateway.stop().await;
}

#[tokio::test]
async fn shares_are_in_proportion_to_weights() {
    let (site, a, b) = (Site::new(), Tcp::start("a").await, Tcp::start("b").await);
    let objects = [
        tcp_mapping(&site, "a", a.address(), &json!({"weight": 20})),
        tcp_mapping(&site, "b", b.address(), &json!({"weight": 80})),
    ];
    site.write("tcp.yaml", documents(&objects));
    let gateway = Gateway::start(&site).await;
    let port = site.at(PORT);
    eventually("it serves", async || in_clear_text(port, "hello").await).await;
    let mut to_a = 0;
    for _ in 0..300 {
        to_a += u32::from(in_clear_text(port, "x").await.unwrap() == "a: x");
    }
    assert!((30..=95).contains(&to_a), "{to_a} of 300 for 20 %");
    gateway.stop().await;
}

#[tokio::test]
async fn http_and_a_named_tcp_service_share_the_tls_port() {
    let (site, a, b, authority) = (Site::new(), Backend::start("a").await, Tcp::start("b").await, Authority::new("ca"));
    let port = site.https().port();
    let tcp = tcp_mapping(&site, "b", b.address(), &json!({"host": "b.example", "port": port}));
    let objects = [
        tcp,
        yaml::tls_secret("b", &authority.issue(&["b.example"])),
        yaml::object("TLSContext", "b", json!({"hosts": ["b.example"], "secret": "b"})),
        yaml::tls_secret("a", &authority.issue(&["a.example"])),
        yaml::tls_host("a", "a.example"),
        mapping("x", "/x/", a.address()),
    ];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::https(site.https(), Tls::to("a.example", &authority));
    assert_eq!(client.ask(&get("a.example", "/x/")).await.by(), "a");
    assert_eq!(over_tls(site.https(), "b.example", &authority).await.as_deref(), Ok("b: hello"));
    gateway.stop().await;
}
