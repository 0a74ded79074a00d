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
    resources: BTreeSet<String>,
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
    /// Whether the server has a kind. One that does not answer has none.
    pub(super) async fn has(&self, client: &Client, api: &ApiKind) -> bool {
        let path = api.discovery_path();
        let mut answers = self.answers.lock().await;
        if let Some(answer) = answers.get(&path).filter(|answer| answer.at.elapsed() < FRESH) {
            return answer.resources.contains(api.plural);
        }
        let found = request::get(client, &path, Form::Whole).await;
        let found: Result<Resources, Failure> = found.and_then(|text| request::read(&text));
        let resources = found.map(|found| found.resources).unwrap_or_default();
        let resources: BTreeSet<_> = resources.into_iter().map(|resource| resource.name).collect();
        let has = resources.contains(api.plural);
        answers.insert(path, Answer { at: Instant::now(), resources });
        has
    }
}
