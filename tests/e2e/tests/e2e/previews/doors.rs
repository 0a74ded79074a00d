//! Who is let into previews, by TLS: each way of access on one gateway.

use nuncio_authz_tests::Issuer;
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, listener, mapping_on, object, tls_host, tls_secret};
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, get};
use serde_json::{Value, json};

use super::{SHOP, policy, preview};

/// An access, and by the name of each visitor what he gets.
struct Door {
    name: &'static str,
    access: Value,
    answers: [(&'static str, &'static str); 5],
}

fn doors() -> [Door; 4] {
    [
        Door {
            name: "public",
            access: json!({"mode": "Public"}),
            answers: [
                ("nobody", "branch"),
                ("ann", "branch"),
                ("bob", "branch"),
                ("job", "branch"),
                ("forged", "branch"),
            ],
        },
        Door {
            name: "authenticated",
            access: json!({"mode": "Authenticated"}),
            answers: [("nobody", "401"), ("ann", "branch"), ("bob", "branch"), ("job", "branch"), ("forged", "401")],
        },
        Door {
            name: "members",
            access: json!({"mode": "Members", "groups": ["team-cart"]}),
            answers: [("nobody", "401"), ("ann", "branch"), ("bob", "403"), ("job", "403"), ("forged", "401")],
        },
        Door {
            name: "owner",
            access: json!({"mode": "Owner", "owner": "repo:acme/cart:ref:refs/heads/fix"}),
            answers: [("nobody", "401"), ("ann", "403"), ("bob", "403"), ("job", "branch"), ("forged", "401")],
        },
    ]
}

#[tokio::test]
async fn by_tls_each_way_of_access_lets_in_whom_it_names_and_nobody_else() {
    let [cart, branch] = ["cart", "branch"].map(Backend::start);
    let (site, cart, branch, issuer) = (Site::new(), cart.await, branch.await, Issuer::start().await);
    let authority = Authority::new("ca");
    let mut policy = policy();
    policy["spec"].as_object_mut().unwrap().remove("scheme");
    policy["spec"]["access"] = json!(["Public", "Authenticated", "Members", "Owner"]);
    policy["spec"]["filters"] = json!([{"name": "token"}]);
    let mut objects = vec![
        listener("https", site.https().port(), "HTTPS"),
        tls_host("shop", SHOP),
        tls_secret("shop", &authority.issue(&[SHOP])),
        tls_host("previews", "*.preview.example"),
        tls_secret("previews", &authority.issue(&["*.preview.example"])),
        mapping_on(SHOP, "cart", "/cart/", cart.address()),
        object("Filter", "token", json!({"JWT": {"jwksURI": issuer.jwks_uri}})),
        policy,
    ];
    for door in doors() {
        let mut preview = preview(door.name, &cart, &branch);
        preview["spec"]["access"] = door.access;
        objects.push(preview);
    }
    site.write("all.yaml", documents(&objects));
    let gateway = Gateway::start(&site).await;
    // Of the same name, and signed by somebody else.
    let forger = Issuer::start().await;
    let ann = json!({"iss": "https://people.example", "sub": "ann", "groups": ["team-cart"]});
    let token = |visitor: &str| match visitor {
        "ann" => Some(issuer.token(&ann)),
        "bob" => Some(issuer.token(&json!({"iss": "https://people.example", "sub": "bob", "groups": ["sales"]}))),
        "job" => {
            let claims = json!({"iss": "https://ci.example", "sub": "repo:acme/cart:ref:refs/heads/fix"});
            Some(issuer.token(&claims))
        }
        "forged" => Some(forger.token(&ann)),
        _ => None,
    };
    let mut expected = 0;
    for door in doors() {
        gateway.admin.state("Preview", door.name, "acked").await;
        let shown = gateway.admin.list(&format!("previews?name={}", door.name)).await;
        let url = shown[0]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{shown:?}")).to_owned();
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        let tls = || Tls::to(host, &authority);
        for client in [Client::https(site.https(), tls()), Client::https(site.https(), tls().offering(&["h2"])).http2()]
        {
            for (visitor, answer) in door.answers {
                let ask = get(host, "/cart/");
                let ask =
                    token(visitor).iter().fold(ask, |ask, token| ask.with("authorization", &format!("Bearer {token}")));
                let reply = client.ask(&ask).await;
                assert_eq!(reply.by(), answer, "{} for {visitor}", door.name);
                expected += u64::from(answer == "branch");
            }
        }
    }
    assert_eq!((branch.requests(), cart.requests()), (expected, 0), "nobody else got there");
    gateway.stop().await;
}
