//! Finding the object that a proxy refuses among several that may be to blame.
//!
//! An Envoy names the resource that it refuses, not the object. Where one object alone may be to blame it is
//! out at once. Where several may, all are taken out, so that the rest is served, and let in again one
//! by one: whoever is on trial when the next refusal comes is guilty.

use std::collections::{BTreeSet, VecDeque};

use nuncio_api::ObjectId;

#[derive(Debug, Default)]
pub(crate) struct Probation {
    waiting: VecDeque<ObjectId>,
    on_trial: Option<ObjectId>,
    guilty: BTreeSet<ObjectId>,
}

impl Probation {
    /// Whom to take out now.
    pub(crate) fn blame(&mut self, suspects: &[ObjectId]) -> Vec<ObjectId> {
        if let Some(on_trial) = self.on_trial.take() {
            if suspects.contains(&on_trial) {
                self.guilty.insert(on_trial.clone());
                return vec![on_trial];
            }
            // Somebody else's doing.
            self.on_trial = Some(on_trial);
        }
        let new: Vec<_> =
            suspects.iter().filter(|id| !self.guilty.contains(*id) && !self.waiting.contains(id)).cloned().collect();
        match &new[..] {
            [only] => drop(self.guilty.insert(only.clone())),
            several => self.waiting.extend(several.iter().cloned()),
        }
        new
    }

    /// The last trial ended well: who is next?
    pub(crate) fn next(&mut self) -> Option<ObjectId> {
        self.on_trial = self.waiting.pop_front();
        self.on_trial.clone()
    }

    /// These objects changed: what was held against them counts no more.
    pub(crate) fn forget<'a>(&mut self, ids: impl Iterator<Item = &'a ObjectId>) {
        for id in ids {
            self.guilty.remove(id);
            self.waiting.retain(|waiting| waiting != id);
            self.on_trial.take_if(|on_trial| on_trial == id);
        }
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    fn ids(names: &[&str]) -> Vec<ObjectId> {
        names.iter().map(|name| ObjectId::new(Kind::Mapping, "default", *name)).collect()
    }

    #[test]
    fn one_suspect_is_guilty() {
        let mut probation = Probation::default();
        assert_eq!(probation.blame(&ids(&["a"])), ids(&["a"]));
        assert_eq!(probation.next(), None);
    }

    #[test]
    fn several_are_tried_one_by_one() {
        let mut probation = Probation::default();
        let suspects = ids(&["a", "b", "c"]);
        assert_eq!(probation.blame(&suspects), suspects);
        assert_eq!(probation.next().as_ref(), Some(&suspects[0]));
        assert_eq!(probation.next().as_ref(), Some(&suspects[1]));
        assert_eq!(probation.blame(&suspects[..2]), ids(&["b"]));
        assert_eq!(probation.next().as_ref(), Some(&suspects[2]));
        assert_eq!(probation.next(), None);
        assert_eq!(probation.blame(&suspects[..2]), ids(&["a"]), "a second defect is found as well");
    }
}
