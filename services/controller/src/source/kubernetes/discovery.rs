//! Which kinds the server has: asked for once by all reflectors that may not read theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use kube::Client;
use serde::Deserialize;

use super::reflector::patient;
use super::request::{self, Failure, Form};
use super::resources::ApiKind;

/// How long an answer is good for. Kinds that are missing together are looked for together.
const FRESH: Duration = Duration::from_secs(4);

/// The resources of a group and version; unknown where that was not answered.
type Answer = Shared<BoxFuture<'static, Option<Arc<BTreeSet<String>>>>>;

/// What the server said it has, by group and version, and when it was asked.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    answers: Mutex<BTreeMap<String, (Instant, Answer)>>,
}

/// `APIResourceList`.
#[derive(Debug, Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    name: String,
}

impl Discovery {
    /// Whether the server has a kind; `None` if it does not say.
    pub(super) async fn has(&self, client: &Client, api: &ApiKind) -> Option<bool> {
        let resources = self.answer(client, api.discovery_path()).await?;
        Some(resources.contains(api.plural))
    }

    /// The answer that there is, or that is on its way; else it is asked for.
    fn answer(&self, client: &Client, path: String) -> Answer {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answer)) = answers.get(&path).filter(|(asked, _)| asked.elapsed() < FRESH) {
            return answer.clone();
        }
        let answer = resources(client.clone(), path.clone()).boxed().shared();
        answers.insert(path, (Instant::now(), answer.clone()));
        answer
    }
}

async fn resources(client: Client, path: String) -> Option<Arc<BTreeSet<String>>> {
    let text = patient(request::get(&client, &path, Form::Whole)).await;
    match text.and_then(|text| request::read::<Resources>(&text)) {
        Ok(found) => Some(Arc::new(found.resources.into_iter().map(|resource| resource.name).collect())),
        Err(Failure::Missing) => Some(Arc::default()),
        Err(_) => None,
    }
}
