//! Pull requests of the policy's repositories that have previews here.

use std::sync::Arc;

use nuncio_api::{Forge, Object, PreviewPolicy, PreviewRepository, PreviewSource, Spec};

use super::{policy, secret};
use crate::engine::Engine;

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

/// A Preview of a pull request, and what its forge is asked with.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub(super) pull: PullRequest,
    pub(super) repository: PreviewRepository,
    pub(super) token: String,
    pub(super) object: Arc<Object>,
    pub(super) has_ended: bool,
}

/// All that are of a repository for whose forge there is a token; and the domain of the policy.
pub(super) fn all(engine: &Engine) -> (String, Vec<Of>) {
    let Ok((id, policy)) = policy(engine) else { return (String::new(), Vec::new()) };
    let of = |object: &Arc<Object>| {
        let (pull, repository) = pull_request(policy, object)?;
        let token = secret(engine, id, repository)?.text(PreviewRepository::TOKEN)?.to_owned();
        let has_ended = engine.world.preview_has_ended(&object.id, false);
        Some(Of { pull, repository: repository.clone(), token, object: Arc::clone(object), has_ended })
    };
    (policy.domain.clone(), engine.world.all_previews().filter_map(of).collect())
}

/// What a Preview says that it is of.
pub(super) fn source(object: &Object) -> Option<&PreviewSource> {
    match &object.spec {
        Spec::Preview(spec) => spec.source.as_ref(),
        _ => None,
    }
}

/// The pull request that a Preview is of. Whoever writes a Preview says what it is of; the policy, where that is so.
fn pull_request<'p>(policy: &'p PreviewPolicy, object: &Object) -> Option<(PullRequest, &'p PreviewRepository)> {
    let source = source(object)?;
    let found = policy.repositories.iter().find(|it| {
        let is_it = it.provider == source.provider && source.repository.as_ref() == Some(&it.name);
        is_it && *it.namespace == *object.id.namespace
    })?;
    let (provider, api, name) = (found.provider, found.api().to_owned(), found.name.clone());
    Some((PullRequest { repository: Repository { provider, api, name }, number: source.pull_request? }, found))
}
