//! Which kinds the server has: asked for once by all reflectors whose kind it did not have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kube::Client;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::request::{self, Failure, Form};
use super::resources::ApiKind;

/// How long an answer is good for. Kinds that are missing together are looked for together.
const FRESH: Duration = Duration::from_secs(4);

/// What the server said it has, by group and version.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    answers: Mutex<BTreeMap<String, Answer>>,
}

#[derive(Debug)]
struct Answer {
    at: Instant,
    /// Unknown where that was not answered.
    resources: Option<BTreeSet<String>>,
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
        let path = api.discovery_path();
        let mut answers = self.answers.lock().await;
        let has = |answer: &Answer| answer.resources.as_ref().map(|resources| resources.contains(api.plural));
        if let Some(answer) = answers.get(&path).filter(|answer| answer.at.elapsed() < FRESH) {
            return has(answer);
        }
        let text = request::get(client, &path, Form::Whole).await;
        let resources = match text.and_then(|text| request::read::<Resources>(&text)) {
            Ok(found) => Some(found.resources.into_iter().map(|resource| resource.name).collect()),
            Err(Failure::Missing) => Some(BTreeSet::new()),
            Err(_) => None,
        };
        let answer = Answer { at: Instant::now(), resources };
        let found = has(&answer);
        answers.insert(path, answer);
        found
    }
}
