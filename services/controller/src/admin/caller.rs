//! By whom a request is that `access` has let in.
//!
//! Whoever is on this machine is believed. From elsewhere, such as the portal's pod, a request is by whom the gateway itself has
//! named in a signed assertion, which the portal passes on, and by nobody without: neither a name that it bears nor that it bears
//! none says anything.

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequest, Json, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nuncio_auth::jwt::{KeySet, Unverified};
use nuncio_auth::{Asserted, Recipient};
use nuncio_ir::auth::JwtAlgorithm;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Place;
use super::{MAX_BODY, PreviewError, Shared, refusals};
use crate::clock;

/// Who wants something.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// What the one who vouches for him calls him.
    pub subject: String,
    /// Who vouches.
    pub issuer: String,
    /// The groups that he is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The gateway's word for that (`x-nuncio-assertion`), without which nobody elsewhere is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<String>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({:?} of {:?}, {:?})", self.subject, self.issuer, self.groups)
    }
}

/// The keys by which the gateway's word is verified (RFC 7517), as they are at the time.
#[derive(Clone)]
pub struct IdentityKeys(pub Arc<dyn Fn() -> serde_json::Value + Send + Sync>);

impl fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKeys")
    }
}

/// Finds out by whom requests are.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    keys: Option<IdentityKeys>,
    /// What the gateway calls the portal.
    portal: Arc<[String]>,
}

impl Callers {
    /// By what is signed with these keys for a portal that the gateway calls by one of these names.
    pub fn new(keys: Option<IdentityKeys>, portal: &[String]) -> Self {
        Self { keys, portal: portal.into() }
    }

    /// By whom a request from there is; the operator where it is by nobody.
    ///
    /// # Errors
    /// When nobody knows.
    fn find(&self, place: Option<Place>, by: Option<Caller>) -> Result<Option<Caller>, PreviewError> {
        if place == Some(Place::Here) {
            return Ok(by.map(|by| Caller { assertion: None, ..by }));
        }
        let token = by.and_then(|by| by.assertion).ok_or("it bears no word of the gateway's for who that is");
        match token.map_err(str::to_owned).and_then(|token| self.verify(&token)) {
            Ok(Asserted { subject, issuer, groups, realm: _ }) => {
                Ok(Some(Caller { subject, issuer, groups, assertion: None }))
            }
            Err(why) => {
                let from = words(place);
                refusals::warn(format_args!("an unauthenticated request about previews from {from} is refused: {why}"));
                Err(PreviewError::Unauthorized(format!(
                    "unauthenticated: the request is not from this machine, and {why}"
                )))
            }
        }
    }

    /// The same request, which says by whom it is.
    ///
    /// # Errors
    /// When nobody knows, or it says nothing that can be read.
    pub(super) async fn identify(&self, place: Place, request: Request) -> Result<Request, Response> {
        let (mut head, body) = request.into_parts();
        let body = match axum::body::to_bytes(body, MAX_BODY).await {
            Ok(body) => body,
            Err(_) => return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
        };
        // What else it says is read where it is wanted; who is here and says nothing that can be read learns it there.
        let named = serde_json::from_slice::<Named>(&body);
        if named.is_err() && place == Place::Here {
            return Ok(Request::from_parts(head, body.into()));
        }
        let by = self.find(Some(place), named.unwrap_or_default().by).map_err(IntoResponse::into_response)?;
        head.extensions.insert(Known(by));
        Ok(Request::from_parts(head, body.into()))
    }

    fn verify(&self, token: &str) -> Result<Asserted, String> {
        let Some(IdentityKeys(keys)) = &self.keys else {
            return Err("this controller has no keys to verify anybody's word".to_owned());
        };
        if self.portal.is_empty() {
            return Err("this controller is not told which service the portal is (--portal-audience)".to_owned());
        }
        let keys = KeySet::parse(keys().to_string().as_bytes()).map_err(|error| error.to_string())?;
        let verified = Unverified::parse(token).and_then(|token| token.verify(&[JwtAlgorithm::ES256], &keys));
        let verified = verified.map_err(|error| format!("its assertion is not believed: {error}"))?;
        Asserted::read(&verified.claims, Recipient { origin: None, names: &self.portal }, clock::now())
            .map_err(|error| format!("its assertion is not believed: {error}"))
    }
}

fn words(place: Option<Place>) -> String {
    match place {
        Some(Place::Elsewhere(from)) => from.to_string(),
        Some(Place::Here) | None => "elsewhere".to_owned(),
    }
}

/// What a request says of who it is by.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    by: Option<Caller>,
}

/// By whom a request is; the operator where by nobody.
#[derive(Clone, Debug)]
struct Known(Option<Caller>);

/// What somebody wants.
pub(super) trait Wanted: DeserializeOwned {
    /// Who.
    fn by(&mut self) -> &mut Option<Caller>;
}

/// What says it in a field `by`.
macro_rules! says_by_whom {
    ($($wanted:ty),+) => {
        $(impl $crate::admin::caller::Wanted for $wanted {
            fn by(&mut self) -> &mut Option<$crate::admin::caller::Caller> {
                &mut self.by
            }
        })+
    };
}
pub(super) use says_by_whom;

/// The body of a request, which says by whom it really is.
#[derive(Debug)]
pub(super) struct By<T>(pub(super) T);

impl<T: Wanted> FromRequest<Shared> for By<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Response> {
        let known = request.extensions().get::<Known>().cloned();
        let Json(mut wanted) = Json::<T>::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        let Some(Known(by)) = known else {
            let why = "unauthenticated: nobody has looked who asks for this path";
            return Err(PreviewError::Unauthorized(why.to_owned()).into_response());
        };
        *wanted.by() = by;
        Ok(Self(wanted))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use nuncio_auth::jwt::Signer;
    use serde_json::{Value, json};

    use super::*;

    const POD: Place = Place::Elsewhere(IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)));

    fn callers(signer: &Signer, portal: &[&str]) -> Callers {
        let mut key = signer.public_key().unwrap();
        key["kid"] = json!("k");
        let keys = IdentityKeys(Arc::new(move || json!({ "keys": [key] })));
        Callers::new(Some(keys), &portal.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    fn word(signer: &Signer, change: impl FnOnce(&mut Value)) -> String {
        let now = clock::now();
        let mut claims = json!({ "iss": "nuncio", "aud": ["https://portal.example", "portal.shop:8088"], "sub": "ann", "idp": "https://idp.example",
            "groups": ["staff"], "iat": now, "exp": now + 60 });
        change(&mut claims);
        signer.sign(json!({ "kid": "k" }).as_object().unwrap().clone(), &claims).unwrap()
    }

    fn claiming(assertion: Option<String>) -> Option<Caller> {
        Some(Caller { subject: "bob".into(), groups: vec!["admins".into()], assertion, ..Caller::default() })
    }

    #[test]
    fn who_is_elsewhere_is_whom_the_gateway_names() {
        let (signer, other) = (Signer::ephemeral().unwrap(), Signer::ephemeral().unwrap());
        let known = callers(&signer, &["portal.shop:8088"]);
        let ann = known.find(Some(POD), claiming(Some(word(&signer, |_| {})))).unwrap().unwrap();
        assert_eq!(
            (&*ann.subject, &*ann.issuer, &*ann.groups),
            ("ann", "https://idp.example", &["staff".to_owned()][..])
        );
        assert_eq!(ann.assertion, None, "it goes no further");
        let service = |claims: &mut Value| claims["aud"] = json!(["https://portal.example", "cart.shop:8088"]);
        let wrong = [
            None,
            claiming(None),
            claiming(Some("ann".into())),
            claiming(Some(word(&other, |_| {}))),
            claiming(Some(word(&signer, service))),
            claiming(Some(word(&signer, |claims| claims["exp"] = json!(1)))),
        ];
        for by in wrong {
            for place in [Some(POD), None] {
                let refused = known.find(place, by.clone());
                assert!(matches!(refused, Err(PreviewError::Unauthorized(_))), "{place:?} {by:?}: {refused:?}");
            }
        }
        let good = || claiming(Some(word(&signer, |_| {})));
        callers(&signer, &[]).find(Some(POD), good()).unwrap_err();
        Callers::default().find(Some(POD), good()).unwrap_err();
    }

    #[test]
    fn who_is_here_is_whom_he_says() {
        let known = Callers::default();
        assert_eq!(known.find(Some(Place::Here), None), Ok(None), "the operator");
        assert_eq!(known.find(Some(Place::Here), claiming(Some("x".into()))), Ok(claiming(None)));
    }
}
