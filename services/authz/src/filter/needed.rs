//! What filters need of others before they can decide: keys, and descriptions of identity providers.

use std::sync::Arc;

use nuncio_auth::login::Provider;
use nuncio_ir::auth::HttpClient;

use super::jwt::JwtFilter;
use super::oauth2::{AUTHORIZATION_URL, OAuth2Filter};
use crate::engine::Services;
use crate::idp::{Document, Documents, Failed, IdpError};

/// Something of that which cannot be had, or a call that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// The field of the Filter that says where it is.
    pub(crate) field: &'static str,
    pub(crate) url: String,
    pub(crate) why: String,
    /// What was had before is used meanwhile.
    pub(crate) has_old: bool,
}

impl From<Failed> for Lacking {
    fn from(Failed { field, url, why, is_absent: _ }: Failed) -> Self {
        Self { field, url, why, has_old: false }
    }
}

impl JwtFilter {
    pub(super) async fn lacking(&self, services: &Services) -> Option<Lacking> {
        let url = self.spec.jwks_uri.as_deref()?;
        fetch(&services.keys, &self.spec.client, url, "spec.JWT.jwksURI").await.err()
    }
}

impl OAuth2Filter {
    pub(super) async fn lacking(&self, services: &Services) -> Option<Lacking> {
        let (client, url) = (&self.spec.client, Provider::location(&self.spec.issuer));
        let provider = match fetch(&services.providers, client, &url, AUTHORIZATION_URL).await {
            Ok(provider) => provider,
            Err(lacking) => return Some(lacking),
        };
        if let Err(why) = provider.value.check_issuer(&self.spec.issuer) {
            return Some(Lacking { field: AUTHORIZATION_URL, url, why, has_old: false });
        }
        fetch(&services.keys, client, &provider.value.jwks_uri, AUTHORIZATION_URL).await.err()
    }
}

/// A document, if it could be fetched when that was last tried.
async fn fetch<T: Send + Sync + 'static>(
    documents: &Documents<T>,
    client: &HttpClient,
    url: &str,
    field: &'static str,
) -> Result<Arc<Document<T>>, Lacking> {
    let found = documents.get(client, url).await;
    let lacking = |why: &IdpError| Lacking {
        field,
        url: url.to_owned(),
        why: why.to_string(),
        has_old: documents.has(client, url),
    };
    match (found, documents.failure(client, url)) {
        (Ok(document), None) => Ok(document),
        (_, Some(why)) => Err(lacking(&why)),
        (Err(why), None) => Err(lacking(&why)),
    }
}
