//! What a change would do, found out beside what serves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use nuncio_api::{Object, ObjectId, Severity, Spec};
use xxhash_rust::xxh3::xxh3_128;

use super::Editor;
use super::effects::{Effects, effects, effects_of};
use super::manifest::Manifest;
use super::text::{blinded, hides, invalid, new_text, shown};
use crate::admin::{Act, ChangeError, ChangeRequest, DryRunView, LossView, ManifestView, ProblemView};
use crate::engine::Engine;
use crate::event::LocatedProblem;
use crate::run::lock;

impl Editor {
    /// The text that would stand there, and what comes of it.
    pub(super) fn tried(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        old: &Manifest,
        change: &ChangeRequest,
    ) -> Result<(String, DryRunView), ChangeError> {
        if change.act == Act::Delete {
            return self.deleted(engine, id, old);
        }
        let shown = shown(id, old)?;
        let new = new_text(id, &shown.text, change, engine)?;
        self.seen.keep(&old.digest, &shown.text);
        let text = shown.unmask(&new).map_err(|error| invalid(&error))?;
        let object = Arc::new(self.parse(id, old, &text)?);
        let is_usable = !matches!(object.spec, Spec::Invalid(_));
        let of_text = object.problems.iter().map(|(problem, location)| {
            let location = Some(location.clone());
            let (object, problem) = (Some(id.clone()), problem.clone());
            LocatedProblem { object, called: None, problem, location, snippet: String::new() }
        });
        let mut problems: Vec<_> = of_text.collect();
        // What cannot be used changes nothing: what was last good stays in force.
        let mut effects = if is_usable {
            effects(self.copy(engine), &Arc::new(self.parse(id, old, &blinded(&shown, &new)?)?))
        } else {
            Effects::default()
        };
        let among_others = std::mem::take(&mut effects.problems);
        problems.extend(among_others.into_iter().map(|problem| LocatedProblem::of(Some(&object), problem)));
        let patch = match change.act {
            Act::Create => old.creation(&new),
            Act::Change | Act::Delete => old.change(&shown.text, &new),
        };
        let manifest = self.view(id, old, shown.hides() || hides(id, &new), new);
        Ok((text, DryRunView { is_usable, ..told(manifest, effects, &problems, patch) }))
    }

    /// What is told of a change of an earlier text: nothing is to be done where just what it wants stands there now, as after
    /// somebody has gone back and applies it again. Else somebody was faster. Texts are held against each other as they are
    /// shown, so that nobody learns whether he guesses a secret.
    pub(super) fn made_already(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        old: &Manifest,
        change: &ChangeRequest,
    ) -> Result<DryRunView, ChangeError> {
        let conflict = || ChangeError::Conflict(old.name.to_string());
        let digest = change.digest.as_deref().filter(|_| change.act == Act::Change).ok_or_else(conflict)?;
        let shown = shown(id, old)?;
        let base = self.seen.text(digest);
        // What fields alone want is a change of a text: of which one, nobody knows any more.
        if base.is_none() && change.text.is_none() {
            return Err(conflict());
        }
        let wanted = new_text(id, base.as_deref().unwrap_or(&shown.text), change, engine);
        if !wanted.is_ok_and(|wanted| old.has(&shown.text, &wanted)) {
            return Err(conflict());
        }
        let nothing = ChangeRequest { text: None, set: BTreeMap::new(), remove: None, add: None, ..change.clone() };
        self.tried(engine, id, old, &nothing).map(|(_, view)| view)
    }

    /// What would come of there being no such object. One of another file may count then.
    fn deleted(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        old: &Manifest,
    ) -> Result<(String, DryRunView), ChangeError> {
        if self.stands_beside(id, old) {
            return Err(ChangeError::NotEditable(format!("{id} stands in {} twice: change the file", old.name)));
        }
        let shown = shown(id, old)?;
        self.seen.keep(&old.digest, &shown.text);
        let instead: Option<Arc<Object>> = lock(engine).files.object_without(id, &old.name).cloned();
        let effects = effects_of(self.copy(engine), id, instead.as_ref());
        let manifest = self.view(id, old, shown.hides(), shown.text.clone());
        Ok((String::new(), told(manifest, effects, &[], old.removal(&shown.text))))
    }
}

fn told(manifest: ManifestView, effects: Effects, problems: &[LocatedProblem], patch: String) -> DryRunView {
    let Effects {
        routes,
        total,
        in_previews,
        hosts,
        hosts_in_previews,
        listeners,
        whole_listeners,
        lost,
        is_bounded,
        problems: _,
    } = effects;
    DryRunView {
        manifest,
        is_valid: problems.iter().all(|problem| problem.problem.severity != Severity::Error),
        is_usable: true,
        problems: problems.iter().map(ProblemView::from).collect(),
        patch,
        routes,
        routes_total: total,
        routes_in_previews: in_previews,
        hosts,
        hosts_in_previews,
        listeners,
        whole_listeners,
        confirm: confirmation(&lost, is_bounded),
        is_bounded,
        lost,
    }
}

/// By what the loss of exactly this protection is confirmed, or that there may be more of it.
fn confirmation(lost: &[LossView], is_bounded: bool) -> Option<String> {
    let told = serde_json::to_vec(&(lost, is_bounded)).unwrap_or_default();
    (!lost.is_empty() || is_bounded).then(|| format!("{:032x}", xxh3_128(&told)))
}
