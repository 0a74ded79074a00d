//! Links to previews: who may change a Preview may share it.

use std::sync::Mutex;
use std::time::Duration;

use nuncio_api::{Kind, ObjectId, Preview, PreviewAccessMode, PreviewSource, Severity};
use nuncio_translate::PreviewUrl;
use serde_json::Value;

use super::steps::withdraw_step;
use super::{Lifecycle, spec};
use crate::admin::{
    PreviewChanged, PreviewError, PreviewShareView, PreviewShared, PreviewUrlView, SharePreview, WithdrawLinks,
};
use crate::clock;
use crate::engine::Engine;
use crate::run::lock;

/// How long a link is good where nobody says it, and at most.
const USUAL: Duration = Duration::from_secs(24 * 3600);
const LONGEST: Duration = Duration::from_secs(720 * 3600);

impl Lifecycle {
    /// Makes links to a Preview.
    pub(crate) fn share(&self, engine: &Mutex<Engine>, wanted: &SharePreview) -> Result<PreviewShared, PreviewError> {
        let until = clock::now() + length(wanted.ttl.as_deref())?.as_secs();
        let (links, expires_at) = self.links(engine, wanted, until)?;
        Ok(PreviewShared { links: links.into_iter().map(PreviewUrlView::from).collect(), expires_at })
    }

    /// What links would be, and makes none.
    pub(crate) fn shareable(
        &self,
        engine: &Mutex<Engine>,
        wanted: &SharePreview,
    ) -> Result<PreviewShareView, PreviewError> {
        let (now, length) = (clock::now(), length(wanted.ttl.as_deref())?);
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        let (_, expires_at) = self.links(engine, wanted, now + length.as_secs())?;
        let (_, latest) = self.links(engine, wanted, now + LONGEST.as_secs())?;
        let opens = lock(engine).world.preview_urls(&id);
        let opens = opens.into_iter().map(PreviewUrlView::from).collect();
        Ok(PreviewShareView { opens, expires_at, latest, usual: USUAL.as_secs(), longest: LONGEST.as_secs() })
    }

    /// Has no link to a Preview that there is let anybody in any more, and no cookie of who has followed one.
    pub(crate) fn withdraw(
        &self,
        engine: &Mutex<Engine>,
        wanted: &WithdrawLinks,
    ) -> Result<PreviewChanged, PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        self.change(engine, &id, wanted.by.as_ref(), |grant, now| {
            grant.covers(now.spec())?;
            withdraw_step(&id, now)
        })
    }

    /// Links to a Preview that are good until then, or as long as it is there.
    fn links(
        &self,
        engine: &Mutex<Engine>,
        wanted: &SharePreview,
        until: u64,
    ) -> Result<(Vec<PreviewUrl>, u64), PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        self.is_allowed(engine, &id, wanted.by.as_ref())?;
        let engine = lock(engine);
        let missing = || PreviewError::Missing(format!("{}/{}", wanted.namespace, wanted.name));
        let spec = spec(&engine, &id).ok_or_else(missing)?;
        if let Some(fork) = fork(&engine, &id, &spec) {
            let what = if fork == id { "it is".to_owned() } else { format!("it includes {fork}, which is") };
            let why = format!("{what} of a fork: nobody is sent a link to what strangers have written");
            return Err(PreviewError::Forbidden(why));
        }
        let conflict = |why: &str| PreviewError::Conflict(format!("{}/{}: {why}", wanted.namespace, wanted.name));
        let (links, expires_at) = engine.world.preview_share_links(&id, until).ok_or_else(|| {
            let problems = engine.world.problems(&id);
            let wrong = problems.iter().find(|problem| problem.severity == Severity::Error);
            let mode = spec.access.as_ref().and_then(|access| access.mode);
            conflict(&no_links(mode, wrong.map(|problem| &*problem.message)))
        })?;
        if links.is_empty() {
            return Err(conflict("it cannot be seen anywhere"));
        }
        Ok((links, expires_at))
    }
}

/// Why there are no links to a Preview, of which this is wrong.
fn no_links(mode: Option<PreviewAccessMode>, wrong: Option<&str>) -> String {
    match mode {
        Some(PreviewAccessMode::Public) => {
            "it is Public and needs no link: whoever knows its URL sees it (access mode ShareLink keeps others out)"
                .to_owned()
        }
        Some(PreviewAccessMode::ShareLink) => {
            format!("links let nobody in: {}", wrong.unwrap_or("it is not shown"))
        }
        Some(other) => format!("links let nobody in: its access mode is {other:?}, not ShareLink"),
        None => "links let nobody in: its access mode is not ShareLink".to_owned(),
    }
}

/// What strangers have written of a Preview: itself, or one that it includes, straight or by others.
fn fork(engine: &Engine, id: &ObjectId, own: &Preview) -> Option<ObjectId> {
    let is_fork = |spec: &Preview| spec.source.as_ref().is_some_and(PreviewSource::is_fork);
    if is_fork(own) {
        return Some(id.clone());
    }
    // What it says now counts as well, if that is served a moment later.
    let named = own.includes.iter().map(|include| include.id(&id.namespace));
    let mut all = named.chain(engine.world.preview_members(id).cloned());
    all.find(|id| spec(engine, id).is_some_and(|spec| is_fork(&spec)))
}

/// How long a link is to be good.
fn length(ttl: Option<&str>) -> Result<Duration, PreviewError> {
    let Some(text) = ttl.filter(|text| !text.is_empty()) else { return Ok(USUAL) };
    let read = serde_json::from_value::<nuncio_api::Duration>(Value::from(text));
    match read.map(|length| length.0) {
        Ok(length) if length.as_secs() > 0 && length <= LONGEST => Ok(length),
        Ok(_) => Err(PreviewError::Invalid(format!("ttl: {text} is not between 1s and {}h", LONGEST.as_secs() / 3600))),
        Err(error) => Err(PreviewError::Invalid(format!("ttl: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_are_no_links_is_what_is_so() {
        use PreviewAccessMode::{Members, Public, ShareLink};
        for (mode, wrong, why) in [
            (Some(Public), None, "it is Public and needs no link"),
            (Some(Public), Some("no backend"), "it is Public and needs no link"),
            (Some(Members), None, "its access mode is Members, not ShareLink"),
            (None, None, "its access mode is not ShareLink"),
            (
                Some(ShareLink),
                Some("the PreviewPolicy does not allow it"),
                "nobody in: the PreviewPolicy does not allow it",
            ),
            (Some(ShareLink), None, "nobody in: it is not shown"),
        ] {
            let told = no_links(mode, wrong);
            assert!(told.contains(why), "{mode:?}: {told}");
        }
    }

    #[test]
    fn links_are_good_for_a_day_or_as_long_as_is_said_within_bounds() {
        let seconds = |ttl| length(ttl).map(|length| length.as_secs());
        assert_eq!((seconds(None), seconds(Some(""))), (Ok(86_400), Ok(86_400)));
        assert_eq!((seconds(Some("30s")), seconds(Some("720h"))), (Ok(30), Ok(2_592_000)));
        for text in ["0s", "721h", "-1h", "tomorrow", "9999999999999999h"] {
            assert!(matches!(length(Some(text)), Err(PreviewError::Invalid(_))), "{text}");
        }
    }
}
