//! The Secret in which the replicas share the webhook's certificates.
//!
//! Whoever comes first makes it; of several who do at once one wins, and the others take what that one made. The API server
//! compares versions, so nothing is written over what was not read.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};

use super::certificate::{Authority, Certificate, CertificateError, ServingCertificate};
use super::rotation::Credentials;
use super::server::Certificates;

/// Keys of the Secret. Those of `kubernetes.io/tls` hold what is shown, as everywhere.
const SERVING: [&str; 2] = ["tls.crt", "tls.key"];
const AUTHORITY: [&str; 2] = ["ca.crt", "ca.key"];
const PREVIOUS: &str = "previous-ca.crt";

/// Tries before a Secret that others write all the time is left to them for a while.
const TRIES: usize = 5;

/// The Secret of this name.
pub(super) struct Store {
    secrets: Api<Secret>,
    name: String,
    /// DNS names that the certificate is for.
    names: Vec<String>,
}

/// What the replicas share, and the Secret that it was read from.
pub(super) struct Shared {
    pub(super) credentials: Credentials,
    secret: Secret,
}

/// Why there is nothing to share.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// The API server would not.
    #[error("{doing} the Secret {name}: {error}")]
    Api {
        doing: &'static str,
        name: String,
        #[source]
        error: Box<kube::Error>,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Somebody writes it all the time.
    #[error("the Secret {0} is written by somebody else again and again")]
    Contended(String),
}

impl Store {
    /// The Secret with the name of the webhook's Service.
    pub(super) fn new(client: Client, namespace: &str, service: &str) -> Self {
        Self {
            secrets: Api::namespaced(client, namespace),
            name: service.to_owned(),
            names: vec![format!("{service}.{namespace}.svc")],
        }
    }

    /// What the replicas share. What is not there, cannot be used or has ended without anybody renewing it is made anew.
    pub(super) async fn read(&self, now: SystemTime) -> Result<Shared, StoreError> {
        for _ in 0..TRIES {
            let found = self.secrets.get_opt(&self.name).await;
            let found = found.map_err(|error| self.failed("cannot read", error))?;
            let credentials = match found.as_ref().map(|secret| self.usable(secret, now)).transpose()? {
                Some(Usable::AsItIs(credentials)) => {
                    return Ok(Shared { credentials, secret: found.unwrap_or_default() });
                }
                Some(Usable::Renewed(credentials)) => credentials,
                None => Credentials::make(&self.names, now)?,
            };
            if let Some(shared) = self.write(found, credentials).await? {
                return Ok(shared);
            }
        }
        Err(StoreError::Contended(self.name.clone()))
    }

    /// Makes what is due at `now`, one thing; `None` where another was faster.
    pub(super) async fn renew(&self, shared: &Shared, now: SystemTime) -> Result<Option<Shared>, StoreError> {
        let renewed = shared.credentials.renewed(now)?;
        self.write(Some(shared.secret.clone()), renewed).await
    }

    /// What can be done with a Secret that is there.
    fn usable(&self, secret: &Secret, now: SystemTime) -> Result<Usable, StoreError> {
        let credentials = match decode(secret, &self.names) {
            Ok(credentials) => credentials,
            Err(error) => {
                tracing::warn!(
                    "the certificates in the Secret {} cannot be used ({error}): new ones are made",
                    self.name
                );
                return Ok(Usable::Renewed(Credentials::make(&self.names, now)?));
            }
        };
        if credentials.serving.0.holds(now) {
            return Ok(Usable::AsItIs(credentials));
        }
        tracing::warn!("the webhook's certificate in the Secret {} has ended: a new one is made", self.name);
        Ok(Usable::Renewed(credentials.restored(now)?))
    }

    /// Writes the Secret; `None` where another was faster.
    async fn write(&self, before: Option<Secret>, credentials: Credentials) -> Result<Option<Shared>, StoreError> {
        let data = Some(encode(&credentials));
        let written = match before {
            Some(secret) => {
                let secret = Secret { data, ..secret };
                self.secrets.replace(&self.name, &PostParams::default(), &secret).await
            }
            None => self.secrets.create(&PostParams::default(), &Secret { data, ..self.empty() }).await,
        };
        match written {
            Ok(secret) => Ok(Some(Shared { credentials, secret })),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(None),
            Err(error) => Err(self.failed("cannot write", error)),
        }
    }

    fn empty(&self) -> Secret {
        let labels = [("app.kubernetes.io/name", "nuncio"), ("app.kubernetes.io/component", "webhook")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            ..Secret::default()
        }
    }

    fn failed(&self, doing: &'static str, error: kube::Error) -> StoreError {
        StoreError::Api { doing, name: self.name.clone(), error: Box::new(error) }
    }
}

enum Usable {
    AsItIs(Credentials),
    /// To be written first.
    Renewed(Credentials),
}

fn encode(credentials: &Credentials) -> BTreeMap<String, ByteString> {
    let Credentials { authority, previous, serving, names: _ } = credentials;
    let pairs = [(SERVING, &serving.0), (AUTHORITY, &authority.0)];
    let pairs = pairs.into_iter().flat_map(|([chain, key], of)| [(chain, &of.chain), (key, &of.key)]);
    let previous = previous.iter().map(|chain| (PREVIOUS, chain));
    pairs.chain(previous).map(|(key, text)| (key.to_owned(), ByteString(text.clone().into_bytes()))).collect()
}

pub(super) fn decode(secret: &Secret, names: &[String]) -> Result<Credentials, CertificateError> {
    let text = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        let bytes = bytes.ok_or_else(|| CertificateError::Parse(format!("there is no {key}")))?;
        String::from_utf8(bytes.0.clone()).map_err(|_| CertificateError::Parse(format!("{key} is no PEM")))
    };
    let pair = |[chain, key]: [&str; 2]| Certificate::read(&text(chain)?, &text(key)?);
    let serving = ServingCertificate(pair(SERVING)?);
    // The key has to belong to it.
    Certificates::new(&serving)?;
    let previous = text(PREVIOUS).ok().filter(|chain| !chain.is_empty());
    Ok(Credentials { authority: Authority(pair(AUTHORITY)?), previous, serving, names: names.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_what_is_broken_is_not() {
        let names = ["nuncio-webhook.nuncio.svc".to_owned()];
        let mut credentials = Credentials::make(&names, SystemTime::now()).unwrap();
        credentials.previous = Some(credentials.authority.0.chain.clone());
        let mut secret = Secret { data: Some(encode(&credentials)), ..Secret::default() };
        assert_eq!(decode(&secret, &names).unwrap(), credentials);
        let other = Credentials::make(&names, SystemTime::now()).unwrap();
        let mut change = |key: &str, text: &str| {
            let data = secret.data.as_mut().unwrap();
            data.insert(key.to_owned(), ByteString(text.as_bytes().to_vec()));
            decode(&secret, &names)
        };
        assert!(change("tls.key", &other.serving.0.key).is_err(), "the key of another");
        assert!(change("tls.key", &credentials.serving.0.key).is_ok());
        assert!(change("ca.crt", "nonsense").is_err());
        assert!(decode(&Secret::default(), &names).unwrap_err().to_string().contains("tls.crt"));
    }
}
