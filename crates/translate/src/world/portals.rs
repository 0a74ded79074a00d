//! Which of several DevPortals is in force: what it says is for a developer portal to ask, and changes nothing of the model.

use nuncio_api::{DevPortal, Kind, ObjectId, Problem, Spec};

use super::{Dirty, World};

impl World {
    /// The DevPortal that is in force: one that says it is the default, else the first by name. The original takes any.
    #[must_use]
    pub fn dev_portal(&self) -> Option<(&ObjectId, &DevPortal)> {
        let mut usable = self.dev_portals().collect::<Vec<_>>();
        usable.sort_by_key(|(id, portal)| (!portal.default, *id));
        usable.into_iter().next()
    }

    fn dev_portals(&self) -> impl Iterator<Item = (&ObjectId, &DevPortal)> {
        self.ids_of(Kind::DevPortal).filter_map(|id| match &self.objects.get(id)?.spec {
            Spec::DevPortal(portal) => Some((id, &**portal)),
            _ => None,
        })
    }

    /// With one of them others may come into force, or no longer be.
    pub(super) fn settle_portals(&mut self, dirty: &Dirty) {
        if dirty.portals {
            let all: Vec<_> = self.ids_of(Kind::DevPortal).cloned().collect();
            self.stirred.extend(all);
        }
    }

    /// Why a DevPortal is not the one that is in force.
    pub(super) fn portal_problem(&self, id: &ObjectId) -> Option<Problem> {
        let Some(Spec::DevPortal(portal)) = self.objects.get(id).map(|object| &object.spec) else { return None };
        let (chosen, _) = self.dev_portal().filter(|(chosen, _)| *chosen != id)?;
        let message = match portal.default {
            true => format!("has no effect: {chosen} says that it is the default, too, and comes first by name"),
            false => format!("has no effect: {chosen} is in force (default: true chooses another)"),
        };
        Some(Problem::warning("NotInForce", "spec.default", message))
    }
}
