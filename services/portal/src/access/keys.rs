//! The public keys by which the gateway's word is verified.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use nuncio_auth::jwt::{Invalid, KeySet, Unverified};
use nuncio_ir::auth::JwtAlgorithm;
use serde_json::Value;
use tokio::sync::Mutex;

/// How long nobody is asked again for a key that is not among those that are known.
const PAUSE: Duration = Duration::from_secs(5);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where keys are (RFC 7517).
#[derive(Clone)]
pub enum IdentityKeys {
    /// At this URL.
    Url(String),
    /// In this process.
    Own(Arc<dyn Fn() -> Value + Send + Sync>),
}

impl fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.debug_tuple("Url").field(url).finish(),
            Self::Own(_) => f.write_str("Own"),
        }
    }
}

/// Keys as they were last told. They are asked for when a token names another.
#[derive(Debug)]
pub(super) struct Known {
    source: IdentityKeys,
    client: reqwest::Client,
    keys: ArcSwap<KeySet>,
    asked: Mutex<Option<Instant>>,
}

impl Known {
    /// None are known yet.
    pub(super) fn new(source: IdentityKeys) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { source, client, keys: ArcSwap::default(), asked: Mutex::default() })
    }

    /// What a token says that one of the keys has signed.
    pub(super) async fn verify(&self, token: &str) -> Result<Value, Invalid> {
        match self.verify_now(token) {
            Err(error) if error.may_be_new_key() && self.ask().await => self.verify_now(token),
            result => result,
        }
    }

    fn verify_now(&self, token: &str) -> Result<Value, Invalid> {
        let verified = Unverified::parse(token)?.verify(&[JwtAlgorithm::ES256], &self.keys.load())?;
        Ok(verified.claims)
    }

    /// Takes the newest keys; false where that was done a moment ago, or there are none to have.
    async fn ask(&self) -> bool {
        let begun = Instant::now();
        let mut asked = self.asked.lock().await;
        if let Some(at) = asked.filter(|at| at.elapsed() < PAUSE) {
            // While this waited, another has asked.
            return at > begun;
        }
        let answer = match &self.source {
            IdentityKeys::Own(keys) => Ok(keys().to_string().into_bytes()),
            IdentityKeys::Url(url) => self.fetch(url).await,
        };
        // As of now, so that whoever began to wait meanwhile knows that it was for this.
        *asked = Some(Instant::now());
        match answer.and_then(|text| KeySet::parse(&text).map_err(|error| error.to_string())) {
            Ok(keys) => self.keys.store(Arc::new(keys)),
            Err(error) => tracing::warn!("nobody can be told from others: no keys at {:?}: {error}", self.source),
        }
        true
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        let reply = self.client.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let body = async { reply?.bytes().await };
        body.await.map(|bytes| bytes.to_vec()).map_err(|error| crate::fetch::causes(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use nuncio_auth::jwt::Signer;
    use serde_json::json;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_comes_while_keys_are_asked_for_is_verified_by_them() {
        let signer = Signer::ephemeral().unwrap();
        let mut key = signer.public_key().unwrap();
        key["kid"] = json!("k");
        let token = signer.sign(json!({ "kid": "k" }).as_object().unwrap().clone(), &json!({ "sub": "ann" })).unwrap();
        let (asked, is_asked) = std::sync::mpsc::channel();
        let (answer, answered) = std::sync::mpsc::channel::<()>();
        let answered = std::sync::Mutex::new(answered);
        let source = IdentityKeys::Own(Arc::new(move || {
            asked.send(()).unwrap();
            answered.lock().unwrap().recv().unwrap();
            json!({ "keys": [key] })
        }));
        let known = Arc::new(Known::new(source).unwrap());
        let verify = |known: Arc<Known>, token: String| tokio::spawn(async move { known.verify(&token).await });
        let first = verify(Arc::clone(&known), token.clone());
        tokio::task::block_in_place(|| is_asked.recv().unwrap());
        let second = {
            let mut second = Box::pin(known.verify(&token));
            // It has begun, and waits.
            let is_waiting = std::future::poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_pending()));
            assert!(is_waiting.await);
            answer.send(()).unwrap();
            second.await
        };
        first.await.unwrap().unwrap();
        second.unwrap();
    }
}
