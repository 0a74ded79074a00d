//! The gateway's word of who a request is from (`x-nuncio-assertion`), for those who are told: what it says once the signature is
//! verified.

use std::net::SocketAddr;
use std::time::Duration;

use nuncio_ir::auth::Presence;
use serde_json::Value as Json;

use crate::jwt::{ClaimRules, check_claims};

/// How much the clocks of the gateway and of who is told may differ.
const LEEWAY: Duration = Duration::from_secs(10);

/// Whom such a word has to be for.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The origin that was asked for, without a port, where that is known.
    pub origin: Option<&'a str>,
    /// What the service that is told is called by the gateway (`cart.shop:8080`): what is for others too, which could have passed it
    /// on, is not for it.
    pub names: &'a [String],
}

/// What the gateway calls a service that listens at an address: the names that a Mapping beside it may have for that.
#[must_use]
pub fn audiences_at(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut names = vec![address.to_string()];
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        names.extend(["127.0.0.1", "[::1]", "localhost"].map(|host| format!("{host}:{port}")));
    }
    names.sort_unstable();
    names.dedup();
    names
}

impl Recipient<'_> {
    fn check(&self, claims: &Json) -> Result<(), String> {
        let audiences: Vec<&str> = match &claims["aud"] {
            Json::String(only) => vec![only],
            Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let (origins, services): (Vec<&str>, Vec<&str>) = audiences.into_iter().partition(|it| it.contains("://"));
        if let Some(origin) = self.origin.filter(|origin| !origins.contains(origin)) {
            return Err(format!("it is for {}, not for {origin}", origins.join(", ")));
        }
        if services.is_empty() {
            return Err("it says of no service that it is for it".to_owned());
        }
        match services.iter().find(|service| !self.names.iter().any(|name| name.eq_ignore_ascii_case(service))) {
            Some(other) => Err(format!("it was sent to {other:?}; the portal is known as {:?}", self.names.join(", "))),
            None => Ok(()),
        }
    }
}

/// Somebody who is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asserted {
    /// What the one who vouches calls him.
    pub subject: String,
    /// Who vouches.
    pub issuer: String,
    /// The groups that he is in.
    pub groups: Vec<String>,
    /// The login by which he is known, as a logout names it; none where it is another credential.
    pub realm: Option<String>,
}

impl Asserted {
    /// Reads claims that the gateway has signed for a recipient. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Why they are not believed.
    pub fn read(claims: &Json, recipient: Recipient<'_>, now: u64) -> Result<Self, String> {
        let needed = Presence { required: true, leeway: LEEWAY };
        let rules = ClaimRules {
            issuer: Some("nuncio".to_owned()),
            require_issuer: true,
            expires_at: needed,
            issued_at: needed,
            ..ClaimRules::default()
        };
        check_claims(&rules, claims, now).map_err(|error| error.to_string())?;
        recipient.check(claims)?;
        let text = |claim: &str| claims[claim].as_str().unwrap_or_default().to_owned();
        let subject = Some(text("sub")).filter(|subject| !subject.is_empty()).ok_or("it names nobody")?;
        let groups = claims["groups"].as_array().into_iter().flatten();
        Ok(Self {
            subject,
            issuer: text("idp"),
            groups: groups.filter_map(Json::as_str).map(str::to_owned).collect(),
            realm: claims["realm"].as_str().map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn read(audience: &Json, origin: Option<&str>) -> Result<String, String> {
        let names = ["portal.shop:8088".to_owned(), "portal:8088".to_owned()];
        let claims = json!({ "iss": "nuncio", "aud": audience, "sub": "ann", "iat": NOW, "exp": NOW + 60 });
        Asserted::read(&claims, Recipient { origin, names: &names }, NOW).map(|asserted| asserted.subject)
    }

    #[test]
    fn what_another_service_was_sent_is_not_for_this_one() {
        let origin = Some("https://shop.example");
        for good in
            [json!(["https://shop.example", "portal.shop:8088"]), json!(["https://shop.example", "portal:8088"])]
        {
            assert_eq!(read(&good, origin).unwrap(), "ann", "{good}");
            assert_eq!(read(&good, None).unwrap(), "ann");
        }
        let bad = [
            json!("https://shop.example"),
            json!(["https://shop.example"]),
            json!(["https://shop.example", "cart.shop:8088"]),
            // Half of the requests of the route, or a copy of each, go to somebody else, who has this word too.
            json!(["https://shop.example", "cart.shop:8088", "portal.shop:8088"]),
            json!(["https://shop.example", "portal.shop:80880"]),
            json!(["https://shop.example", 7]),
            json!([]),
            json!(null),
        ];
        for audience in bad {
            for origin in [origin, None] {
                read(&audience, origin).unwrap_err();
            }
        }
        let elsewhere = read(&json!(["https://other.example", "portal.shop:8088"]), origin).unwrap_err();
        assert!(elsewhere.contains("https://other.example"), "{elsewhere}");
        let replayed = read(&json!(["https://shop.example", "cart.shop:8088"]), origin).unwrap_err();
        assert!(replayed.contains("cart.shop:8088") && replayed.contains("portal.shop:8088"), "{replayed}");
    }

    #[test]
    fn who_has_no_name_is_told_nothing() {
        let claims = json!({ "iss": "nuncio", "aud": ["https://a", "b:1"], "sub": "ann", "iat": NOW, "exp": NOW + 60 });
        Asserted::read(&claims, Recipient { origin: None, names: &[] }, NOW).unwrap_err();
    }

    #[test]
    fn a_service_beside_the_gateway_has_the_names_of_its_machine() {
        assert!(audiences_at("127.0.0.1:8088".parse().unwrap()).contains(&"localhost:8088".to_owned()));
        assert!(audiences_at("0.0.0.0:8088".parse().unwrap()).contains(&"127.0.0.1:8088".to_owned()));
        assert_eq!(audiences_at("10.1.2.3:8088".parse().unwrap()), ["10.1.2.3:8088"]);
    }
}
