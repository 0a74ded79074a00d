//! Certificates of Ingresses, and Hosts beside them.

use nuncio_e2e::yaml::{mapping, object};
use nuncio_e2e::{Authority, Tls, eventually};

use super::*;

#[tokio::test]
async fn certificates_come_from_secrets_and_clear_text_is_served() {
    let (shop, authority) = (Shop::new(&["a", "b", "other"]).await, Authority::new("ca"));
    let tls = json!([
        {"hosts": ["a.example", "*.wild.example"], "secretName": "cert"},
        {"hosts": ["late.example"], "secretName": "late"},
    ]);
    let of_all = json!([path("Prefix", "/", "a")]);
    let rules = ["a.example", "*.wild.example", "late.example"].map(|host| rule(host, of_all.clone()));
    shop.write(&[
        ingress("web", json!({"tls": tls, "rules": rules})),
        // Another Ingress for the same name, and one for a name without a certificate.
        ingress("more", json!({"rules": [rule("a.example", json!([path("Prefix", "/more", "b")]))]})),
        ingress("plain", json!({"rules": [rule("plain.example", json!([path("Prefix", "/", "other")]))]})),
        yaml::tls_secret("cert", &authority.issue(&["a.example", "*.wild.example"])),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    let secure = async |host: &str, path: &str| {
        let client = Client::https(shop.site.https(), Tls::to(host, &authority));
        client.send(&get(host, path)).await.map(|reply| reply.by()).map_err(|failure| failure.to_string())
    };
    for (host, path, wanted) in [("a.example", "/", "a"), ("a.example", "/more", "b"), ("x.wild.example", "/", "a")] {
        assert_eq!(secure(host, path).await.as_deref(), Ok(wanted), "{host}{path}");
        assert_eq!(shop.by(host, path).await, wanted, "clear text: {host}{path}");
    }
    assert_eq!(shop.by("plain.example", "/").await, "other");
    assert_eq!(shop.by("late.example", "/").await, "a", "whoever issues the certificate asks in clear text");
    assert!(secure("late.example", "/").await.is_err());
    gateway.admin.problem(&["InvalidTLSSecret", "spec.tls[1].secretName"]).await;
    let secret = yaml::tls_secret("late", &authority.issue(&["late.example"]));
    shop.site.write("late.yaml", documents(&[secret]));
    eventually("the certificate is shown", async || {
        let by = secure("late.example", "/").await?;
        if by == "a" { Ok(()) } else { Err(by) }
    })
    .await;
    gateway.stop().await;
}

/// As in the original: what a Mapping says for every name is not said for the names of an Ingress's certificates.
#[tokio::test]
async fn a_certificate_of_the_original_class_takes_paths_of_ingresses_only() {
    let (shop, authority) = (Shop::new(&["a"]).await, Authority::new("ca"));
    let wide = Backend::start("wide").await;
    let spec = json!({
        "tls": [{"hosts": ["a.example"], "secretName": "cert"}],
        "rules": [{"http": {"paths": [path("Prefix", "/x/", "a")]}}],
    });
    let mut old = ingress("old", spec);
    old["spec"]["ingressClassName"] = json!("old");
    shop.write(&[
        old,
        yaml::tls_secret("cert", &authority.issue(&["a.example"])),
        yaml::host("any", "*"),
        mapping("wide", "/", wide.address()),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    for (host, path, wanted) in [
        ("a.example", "/x/", "a"),
        ("a.example", "/y", "404"),
        ("b.example", "/x/", "wide"),
        ("b.example", "/y", "wide"),
    ] {
        assert_eq!(shop.by(host, path).await, wanted, "{host}{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_host_of_its_own_speaks_for_its_name() {
    let (shop, authority) = (Shop::new(&["a"]).await, Authority::new("ca"));
    let tls = json!([{"hosts": ["a.example"], "secretName": "of-ingress"}]);
    shop.write(&[
        ingress("web", json!({"tls": tls, "rules": [rule("a.example", json!([path("Prefix", "/", "a")]))]})),
        yaml::tls_secret("of-ingress", &authority.issue(&["a.example", "ingress.example"])),
        object("Host", "mine", json!({"hostname": "a.example", "tlsSecret": {"name": "of-host"}})),
        yaml::tls_secret("of-host", &authority.issue(&["a.example"])),
    ]);
    let gateway = Gateway::start(&shop.site).await;
    assert_eq!(shop.by("a.example", "/").await, "301", "the Host's action counts");
    let client = Client::https(shop.site.https(), Tls::to("a.example", &authority));
    assert_eq!(client.ask(&get("a.example", "/")).await.by(), "a");
    gateway.admin.problem(&["DuplicateHost", "Host default/mine"]).await;
    gateway.stop().await;
}
