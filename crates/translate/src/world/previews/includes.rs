//! Previews that others include.

use nuncio_api::{ObjectId, Preview, PreviewAccessMode, PreviewPolicy, PreviewSource, PreviewedService, Spec};

use crate::preview::{self, Absent, Phase};
use crate::world::World;

/// A service that a Preview replaces.
#[derive(Clone, Copy, Debug)]
pub struct PreviewReplacement<'w> {
    /// The service, and who stands in for it.
    pub service: &'w PreviewedService,
    /// The Preview that says so, where it is one that is included.
    pub included: Option<&'w ObjectId>,
    /// Why nobody stands in for it now, where it is so.
    pub missing: Option<&'w str>,
    /// And the baseline gets its requests.
    pub falls_back: bool,
}

/// That a Preview keeps out some of those whom the one would let in which includes it.
fn is_for_fewer(id: &ObjectId, spec: &Preview, whole: &Preview) -> Option<String> {
    let lets_in_all = match (&spec.access, &whole.access) {
        (Some(part), Some(whole)) => part.takes_all_of(whole),
        _ => false,
    };
    (!lets_in_all).then(|| format!("{id} may not be seen by all who may see this one"))
}

/// That a Preview is of a fork. No link shows anything of it, not even a link to another that came to include it later.
fn is_for_no_links(id: &ObjectId, spec: &Preview, whole: &Preview) -> Option<String> {
    let is_by_links = whole.access.as_ref().is_some_and(|it| it.mode == Some(PreviewAccessMode::ShareLink));
    let is_of_fork = spec.source.as_ref().is_some_and(PreviewSource::is_fork);
    (is_by_links && is_of_fork).then(|| format!("{id} is of a fork, and there are no links to what a fork has"))
}

impl World {
    /// What a Preview replaces: its own services by their places in the spec, and then those of Previews that it includes. By
    /// these places its requests are counted. Nobody is missing behind one that has ended.
    pub fn preview_replacements(&self, id: &ObjectId) -> Vec<PreviewReplacement<'_>> {
        if let Some(compiled) = self.previews.compiled.get(id) {
            let is_shown = !compiled.phase.is_over();
            let replacements = compiled.replacements.iter().map(|it| {
                let included = Some(&it.owner).filter(|owner| **owner != compiled.id);
                let missing = it.missing.as_deref().filter(|_| is_shown);
                let falls_back = is_shown && it.is_left_to_baseline();
                PreviewReplacement { service: &it.backend, included, missing, falls_back }
            });
            return replacements.collect();
        }
        let Some(Spec::Preview(spec)) = self.objects.get(id).map(|object| &object.spec) else { return Vec::new() };
        let alone = |service| PreviewReplacement { service, included: None, missing: None, falls_back: false };
        spec.services.iter().map(alone).collect()
    }

    /// The Previews that a Preview includes, straight or by others.
    pub fn preview_members(&self, id: &ObjectId) -> impl Iterator<Item = &ObjectId> {
        self.previews.compiled.get(id).into_iter().flat_map(|compiled| &compiled.members)
    }

    /// A Preview that another, which says `whole`, may include; why not otherwise.
    pub(super) fn to_include(
        &self,
        id: &ObjectId,
        whole: &Preview,
        policy: &PreviewPolicy,
    ) -> Result<&Preview, Absent<'_>> {
        let spec = match self.objects.get(id).map(|object| &object.spec) {
            Some(Spec::Preview(spec)) => &**spec,
            Some(_) => return Err(Absent { why: format!("{id} is not valid"), spec: None }),
            None => return Err(Absent { why: format!("there is no {id}"), spec: None }),
        };
        let obstacle = self.obstacle(id, spec, policy).or_else(|| is_for_fewer(id, spec, whole));
        let obstacle = obstacle.or_else(|| is_for_no_links(id, spec, whole));
        obstacle.map_or(Ok(spec), |why| Err(Absent { why, spec: Some(spec) }))
    }

    /// Why a Preview is not shown.
    fn obstacle(&self, id: &ObjectId, spec: &Preview, policy: &PreviewPolicy) -> Option<String> {
        if let Some(problem) = preview::forbidden(id, spec, policy) {
            return Some(format!("{id} is not shown: {}", problem.message));
        }
        if self.is_quarantined(id) {
            return Some(format!("{id} was refused by Envoy"));
        }
        if self.previews.beyond.contains(id) {
            return Some(format!("{id} is one more than its namespace may have"));
        }
        match self.phase_by(policy, id) {
            Some(Phase::Shown | Phase::EndsSoon) => None,
            Some(Phase::Ended | Phase::Forgotten) | None => Some(format!("{id} has ended")),
        }
    }
}
