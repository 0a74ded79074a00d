//! TLS with clients: which certificate is shown, who must show one, and that none gets round it.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, mapping};
use nuncio_e2e::{Authority, Client, Gateway, Identity, Site, Tls, eventually, get};
use serde_json::{Value, json};

/// A Host with a certificate from the Secret of its own name, and further TLS settings.
fn host_with(name: &str, hostname: &str, tls: Value) -> Value {
    let mut host = yaml::tls_host(name, hostname);
    host["spec"]["tls"] = tls;
    host
}

async fn shown(site: &Site, sni: &str) -> String {
    let client = Client::https(site.https(), Tls::unchecked(sni));
    match client.connect().await {
        Ok(connection) => connection.common_name(),
        Err(failure) => failure.to_string(),
    }
}

#[tokio::test]
async fn the_server_name_picks_the_certificate() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let mut objects = vec![mapping("x", "/x/", a.address())];
    for (name, hostname) in
        [("a", "a.example"), ("b", "b.example"), ("wild", "*.wild.example"), ("exact", "in.wild.example")]
    {
        objects.push(yaml::tls_host(name, hostname));
        objects.push(yaml::tls_secret(name, &authority.issue(&[hostname])));
    }
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    for (sni, wanted) in [
        ("a.example", "a.example"),
        ("A.Example", "a.example"),
        ("b.example", "b.example"),
        ("x.wild.example", "*.wild.example"),
        ("in.wild.example", "in.wild.example"),
    ] {
        assert_eq!(shown(&site, sni).await, wanted, "{sni}");
        let host = sni.to_lowercase();
        let reply = Client::https(site.https(), Tls::to(&host, &authority)).ask(&get(&host, "/x/")).await;
        assert_eq!(reply.by(), "a", "{sni}");
    }
    let unknown =
        Client::https(site.https(), Tls::unchecked("nobody.example")).send(&get("nobody.example", "/x/")).await;
    assert!(unknown.is_err(), "{unknown:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn clear_text_on_the_tls_port_follows_the_insecure_action() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let redirecting = yaml::object("Host", "a", json!({"hostname": "a.example", "tlsSecret": {"name": "a"}}));
    let objects =
        [redirecting, yaml::tls_secret("a", &authority.issue(&["a.example"])), mapping("x", "/x/", a.address())];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    for port in [site.http(), site.https()] {
        let reply = Client::http(port).ask(&get("a.example", "/x/?q")).await;
        assert_eq!((reply.status, reply.header("location")), (301, Some("https://a.example/x/?q")), "{port}");
    }
    assert_eq!(
        Client::https(site.https(), Tls::to("a.example", &authority)).ask(&get("a.example", "/x/")).await.by(),
        "a"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn versions_are_those_of_the_host() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let objects = [
        host_with("new", "new.example", json!({"min_tls_version": "v1.3"})),
        yaml::tls_secret("new", &authority.issue(&["new.example"])),
        host_with("old", "old.example", json!({"max_tls_version": "v1.2"})),
        yaml::tls_secret("old", &authority.issue(&["old.example"])),
        mapping("x", "/x/", a.address()),
    ];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let with = |name: &str, version| Client::https(site.https(), Tls::to(name, &authority).only(version));
    let (v12, v13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    assert!(with("new.example", v13).send(&get("new.example", "/x/")).await.is_ok());
    assert!(with("new.example", v12).send(&get("new.example", "/x/")).await.is_err());
    assert!(with("old.example", v12).send(&get("old.example", "/x/")).await.is_ok());
    assert!(with("old.example", v13).send(&get("old.example", "/x/")).await.is_err());
    gateway.stop().await;
}

/// Hosts with client certificates required, optional, and with a list of revoked ones.
struct Mutual {
    site: Site,
    a: Backend,
    authority: Authority,
    good: Identity,
    revoked: Identity,
    stranger: Identity,
}

impl Mutual {
    async fn new() -> Self {
        let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
        let [good, revoked] = ["good.client", "revoked.client"].map(|name| authority.issue(&[name]));
        let stranger = Authority::new("other").issue(&["stranger.client"]);
        // A certificate that covers all names, so that browsers reuse its connections.
        let server = authority.issue(&["*.shop.example"]);
        let required = json!({"ca_secret": "ca", "cert_required": true, "alpn_protocols": "h2,http/1.1"});
        let listed = json!({"ca_secret": "ca", "cert_required": true, "crl_secret": "crl"});
        let offering = json!({"alpn_protocols": "h2,http/1.1"});
        let mut objects = vec![
            yaml::text_secret("ca", "ca.crt", &authority.pem()),
            yaml::text_secret("crl", "crl.pem", &authority.revoke(&[&revoked])),
            mapping("x", "/x/", a.address()),
        ];
        for (name, tls) in
            [("open", offering), ("required", required), ("optional", json!({"ca_secret": "ca"})), ("listed", listed)]
        {
            objects.push(host_with(name, &format!("{name}.shop.example"), tls));
            objects.push(yaml::tls_secret(name, &server));
        }
        let module = json!({"config": {
            "forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": {"subject": true},
        }});
        objects.push(yaml::object("Module", "ambassador", module));
        site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
        Self { site, a, authority, good, revoked, stranger }
    }

    /// The backend that answers, with the client's certificate as it is told; or that nothing does.
    async fn ask(&self, host: &str, identity: Option<&Identity>) -> String {
        let mut tls = Tls::to(host, &self.authority);
        if let Some(identity) = identity {
            tls = tls.showing(identity);
        }
        let reply = Client::https(self.site.https(), tls).send(&get(host, "/x/")).await;
        let Ok(reply) = reply else { return "refused".to_owned() };
        let echo = reply.echo().unwrap_or_else(|| panic!("{reply:?}"));
        let client = echo.header("x-forwarded-client-cert").unwrap_or("nobody");
        let subject = client.split(';').find_map(|part| part.strip_prefix("Subject=\"CN=")?.strip_suffix('"'));
        subject.unwrap_or(client).to_owned()
    }
}

#[tokio::test]
async fn client_certificates_are_required_optional_or_revoked() {
    let mutual = Mutual::new().await;
    let gateway = Gateway::start(&mutual.site).await;
    let Mutual { good, revoked, stranger, .. } = &mutual;
    for (host, identity, wanted) in [
        ("open.shop.example", None, "nobody"),
        ("required.shop.example", None, "refused"),
        ("required.shop.example", Some(good), "good.client"),
        ("required.shop.example", Some(revoked), "revoked.client"),
        ("required.shop.example", Some(stranger), "refused"),
        ("optional.shop.example", None, "nobody"),
        ("optional.shop.example", Some(good), "good.client"),
        ("optional.shop.example", Some(stranger), "refused"),
        ("listed.shop.example", None, "refused"),
        ("listed.shop.example", Some(good), "good.client"),
        ("listed.shop.example", Some(revoked), "refused"),
    ] {
        let name = identity.map_or("none", |identity| &identity.serial);
        assert_eq!(mutual.ask(host, identity).await, wanted, "{host} with {name}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_of_another_host_does_not_get_round_client_certificates() {
    let mutual = Mutual::new().await;
    let gateway = Gateway::start(&mutual.site).await;
    // By HTTP/2, as browsers reuse connections of a certificate that covers both names.
    let tls = Tls::to("open.shop.example", &mutual.authority).offering(&["h2"]);
    let mut connection = Client::https(mutual.site.https(), tls).http2().connect().await.unwrap();
    assert_eq!(connection.send(&get("open.shop.example", "/x/")).await.unwrap().by(), "a");
    let before = mutual.a.requests();
    for host in [
        "required.shop.example",
        "REQUIRED.shop.example",
        "Required.Shop.Example:443",
        "required.shop.example.",
        "listed.shop.example",
    ] {
        let forging =
            get(host, "/x/").with("x-nuncio-chain", "tls:required.shop.example").with("x-forwarded-proto", "http");
        for ask in [get(host, "/x/"), forging] {
            let reply = connection.send(&ask).await.unwrap();
            assert_eq!(reply.status, 421, "{host}: {}", reply.text());
        }
    }
    assert_eq!(connection.send(&get("open.shop.example", "/x/")).await.unwrap().by(), "a", "the connection stays");
    assert_eq!(mutual.a.requests(), before + 1);

    // By HTTP/1.1, where only somebody with intent does.
    let client = Client::https(mutual.site.https(), Tls::to("open.shop.example", &mutual.authority));
    assert_eq!(client.ask(&get("required.shop.example", "/x/")).await.status, 421);

    // The other way round nothing is to be guarded.
    let tls = Tls::to("required.shop.example", &mutual.authority).showing(&mutual.good);
    assert_eq!(Client::https(mutual.site.https(), tls).ask(&get("open.shop.example", "/x/")).await.by(), "a");
    gateway.stop().await;
}

#[tokio::test]
async fn a_missing_ca_secret_refuses_every_client() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let objects = [
        host_with("a", "a.example", json!({"ca_secret": "later", "cert_required": true})),
        yaml::tls_secret("a", &authority.issue(&["a.example"])),
        mapping("x", "/x/", a.address()),
    ];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["spec.tls.ca_secret", "later"]).await;
    let client = authority.issue(&["client"]);
    let showing = Client::https(site.https(), Tls::to("a.example", &authority).showing(&client));
    assert!(showing.send(&get("a.example", "/x/")).await.is_err());
    assert!(
        Client::https(site.https(), Tls::to("a.example", &authority)).send(&get("a.example", "/x/")).await.is_err()
    );

    site.write("later.yaml", documents(&[yaml::text_secret("later", "ca.crt", &authority.pem())]));
    eventually("it is let in", async || match showing.send(&get("a.example", "/x/")).await {
        Ok(reply) if reply.by() == "a" => Ok(()),
        Ok(reply) => Err(reply.by()),
        Err(failure) => Err(failure.to_string()),
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_host_without_its_secret_answers_nothing_and_comes_with_it() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    site.write(
        "all.yaml",
        yaml::listeners(&site) + &documents(&[yaml::tls_host("a", "a.example"), mapping("x", "/x/", a.address())]),
    );
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["InvalidTLSSecret"]).await;
    let client = Client::https(site.https(), Tls::to("a.example", &authority));
    assert!(client.send(&get("a.example", "/x/")).await.is_err());
    let clear = Client::http(site.http()).ask(&get("a.example", "/x/")).await;
    assert_ne!(clear.status, 200, "its names are not served in clear text instead");
    assert_eq!(a.requests(), 0);

    site.write("secret.yaml", documents(&[yaml::tls_secret("a", &authority.issue(&["a.example"]))]));
    eventually("it is served", async || match client.send(&get("a.example", "/x/")).await {
        Ok(reply) if reply.by() == "a" => Ok(()),
        Ok(reply) => Err(reply.by()),
        Err(failure) => Err(failure.to_string()),
    })
    .await;
    // A broken renewal leaves the good certificate in force.
    site.write("secret.yaml", documents(&[yaml::text_secret("a", "tls.crt", "nonsense")]));
    gateway.admin.problem(&["InvalidTLSSecret", "the last good certificate stays"]).await;
    gateway.taken().await;
    let mut connection = client.connect().await.unwrap_or_else(|failure| panic!("nothing is served: {failure}"));
    assert_eq!(connection.common_name(), "a.example");
    let reply = connection.send(&get("a.example", "/x/")).await.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(reply.by(), "a");
    gateway.stop().await;
}

#[tokio::test]
async fn without_any_host_there_is_one_for_all_with_a_certificate_of_its_own() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", yaml::listeners(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let reply = Client::https(site.https(), Tls::unchecked("a.example")).ask(&get("a.example", "/x/")).await;
    assert_eq!(reply.by(), "a");
    gateway.stop().await;
}
