//! The gateway's word of who a request is from (`x-nuncio-assertion`), for those who are told: what it says once the signature is
//! verified.

use std::time::Duration;

use nuncio_ir::auth::{Audiences, Presence};
use serde_json::Value as Json;

use crate::jwt::{ClaimRules, check_claims};

/// How much the clocks of the gateway and of who is told may differ.
const LEEWAY: Duration = Duration::from_secs(10);

/// Somebody who is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asserted {
    /// What the one who vouches calls him.
    pub subject: String,
    /// Who vouches.
    pub issuer: String,
    /// The groups that he is in.
    pub groups: Vec<String>,
}

impl Asserted {
    /// Reads claims that the gateway has signed for one of these origins, which have no port. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Why they are not believed.
    pub fn read(claims: &Json, origins: &[String], now: u64) -> Result<Self, String> {
        if origins.is_empty() {
            return Err("it is for no address that is known".to_owned());
        }
        let needed = Presence { required: true, leeway: LEEWAY };
        let rules = ClaimRules {
            audiences: Audiences::Any(origins.iter().map(|origin| origin.as_str().into()).collect()),
            require_audience: true,
            issuer: Some("nuncio".to_owned()),
            require_issuer: true,
            expires_at: needed,
            issued_at: needed,
            ..ClaimRules::default()
        };
        check_claims(&rules, claims, now).map_err(|error| error.to_string())?;
        let text = |claim: &str| claims[claim].as_str().unwrap_or_default().to_owned();
        let subject = Some(text("sub")).filter(|subject| !subject.is_empty()).ok_or("it names nobody")?;
        let groups = claims["groups"].as_array().into_iter().flatten();
        Ok(Self { subject, issuer: text("idp"), groups: groups.filter_map(Json::as_str).map(str::to_owned).collect() })
    }
}
