//! Which comments should be there, and what they should say.

use std::collections::BTreeMap;

use nuncio_api::{Forge, ObjectId, PreviewPolicy, PreviewRepository, PreviewSource};

use super::text;
use crate::engine::Engine;
use crate::previews::{policy, secret, spec};
use crate::view::preview_view;

/// A repository: what it is of, where its API is, and its name there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Repository {
    pub(super) provider: Option<Forge>,
    pub(super) api: String,
    pub(super) name: String,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PullRequest {
    pub(super) repository: Repository,
    pub(super) number: u64,
}

/// A comment that should be there.
#[derive(Clone, Debug, Default)]
pub(super) struct Comment {
    pub(super) repository: PreviewRepository,
    pub(super) token: String,
    pub(super) marker: String,
    /// What it says of each preview.
    previews: BTreeMap<ObjectId, String>,
    /// It says of previews that went, and will say nothing else.
    pub(super) is_farewell: bool,
}

impl Comment {
    /// It says so of a preview.
    pub(super) fn add(&mut self, id: ObjectId, section: String) {
        self.previews.insert(id, section);
    }

    /// The whole text.
    pub(super) fn body(&self) -> String {
        text::comment(&self.marker, self.previews.values())
    }

    /// The one that says that all of its previews are gone.
    pub(super) fn into_farewell(mut self) -> Self {
        self.previews.iter_mut().for_each(|(id, section)| *section = text::gone(id));
        Self { is_farewell: true, ..self }
    }
}

/// The comments that should be there.
pub(super) fn all(engine: &Engine) -> BTreeMap<PullRequest, Comment> {
    let mut comments: BTreeMap<PullRequest, Comment> = BTreeMap::new();
    let Ok((policy_id, policy)) = policy(engine) else { return comments };
    for object in engine.world.all_previews() {
        let Some(source) = spec(engine, &object.id).and_then(|spec| spec.source) else { continue };
        let Some((pull, repository)) = pull_request(policy, &source, &object.id) else { continue };
        let secret = secret(engine, policy_id, repository);
        let Some(token) = secret.and_then(|secret| secret.text(PreviewRepository::TOKEN)) else { continue };
        let comment = comments.entry(pull).or_insert_with(|| Comment {
            repository: repository.clone(),
            token: token.to_owned(),
            marker: text::marker(&policy.domain),
            ..Comment::default()
        });
        let has_ended = engine.world.preview_has_ended(&object.id, false);
        let view = || text::preview(&object.id, &preview_view(engine, object));
        comment.add(object.id.clone(), if has_ended { text::gone(&object.id) } else { view() });
    }
    comments
}

/// The pull request that a Preview is of. Whoever writes a Preview says what it is of; the policy, where that is so.
fn pull_request<'p>(
    policy: &'p PreviewPolicy,
    source: &PreviewSource,
    id: &ObjectId,
) -> Option<(PullRequest, &'p PreviewRepository)> {
    let found = policy.repositories.iter().find(|it| {
        it.provider == source.provider && source.repository.as_ref() == Some(&it.name) && *it.namespace == *id.namespace
    })?;
    let (provider, api, name) = (found.provider, found.api().to_owned(), found.name.clone());
    Some((PullRequest { repository: Repository { provider, api, name }, number: source.pull_request? }, found))
}
