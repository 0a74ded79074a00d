//! Previews that others include.

use nuncio_api::{ObjectId, Preview, PreviewPolicy, PreviewedService, Spec};

use crate::preview::{self, Phase};
use crate::world::World;

/// A service that a Preview replaces.
#[derive(Clone, Copy, Debug)]
pub struct PreviewReplacement<'w> {
    /// The service, and who stands in for it.
    pub service: &'w PreviewedService,
    /// The Preview that says so, where it is one that is included.
    pub included: Option<&'w ObjectId>,
    /// Nobody stands in for it now.
    pub is_missing: bool,
    /// And the baseline gets its requests.
    pub falls_back: bool,
}

impl World {
    /// What a Preview replaces: its own services by their places in the spec, and then those of Previews that it includes. By
    /// these places its requests are counted.
    pub fn preview_replacements(&self, id: &ObjectId) -> Vec<PreviewReplacement<'_>> {
        if let Some(compiled) = self.previews.compiled.get(id) {
            let replacements = compiled.replacements.iter().map(|it| {
                let included = Some(&it.owner).filter(|owner| **owner != compiled.id);
                let (is_missing, falls_back) = (it.missing.is_some(), it.is_left_to_baseline());
                PreviewReplacement { service: &it.backend, included, is_missing, falls_back }
            });
            return replacements.collect();
        }
        let Some(Spec::Preview(spec)) = self.objects.get(id).map(|object| &object.spec) else { return Vec::new() };
        let alone = |service| PreviewReplacement { service, included: None, is_missing: false, falls_back: false };
        spec.services.iter().map(alone).collect()
    }

    /// The Previews that a Preview includes, straight or by others.
    pub fn preview_members(&self, id: &ObjectId) -> impl Iterator<Item = &ObjectId> {
        self.previews.compiled.get(id).into_iter().flat_map(|compiled| &compiled.members)
    }

    /// A Preview that another may include; why not otherwise.
    pub(super) fn to_include(&self, id: &ObjectId, policy: &PreviewPolicy) -> Result<&Preview, String> {
        let object = self.objects.get(id).ok_or_else(|| format!("there is no {id}"))?;
        let Spec::Preview(spec) = &object.spec else { return Err(format!("{id} is not valid")) };
        if let Some(problem) = preview::forbidden(id, spec, policy) {
            return Err(format!("{id} is not shown: {}", problem.message));
        }
        if self.is_quarantined(id) {
            return Err(format!("{id} was refused by Envoy"));
        }
        if self.previews.beyond.contains(id) {
            return Err(format!("{id} is one more than its namespace may have"));
        }
        match self.phase_by(policy, id) {
            Some(Phase::Shown | Phase::EndsSoon) => Ok(spec),
            Some(Phase::Ended | Phase::Forgotten) | None => Err(format!("{id} has ended")),
        }
    }
}
