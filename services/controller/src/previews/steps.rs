//! What becomes of a Preview by what somebody asks for, and what stays as it was.

use nuncio_api::{Duration, DurationError, ObjectId, Preview, PreviewAccessMode, PreviewLifetime, PreviewSource};

use super::store::{Now, Step};
use crate::admin::{Caller, PreviewChanged, PreviewError, PreviewOutcome};
use crate::clock;

/// Whoever does not say what a Preview is of leaves that as it was. What forges alone can say of it is for them to say: who
/// said it himself could have them unheard, or have it forgotten what was heard of them.
pub(super) fn keep_source(spec: &mut Preview, old: Option<&Preview>) {
    let old = old.and_then(|old| old.source.clone());
    let Some(source) = &mut spec.source else {
        spec.source = old;
        return;
    };
    let PreviewSource { updated, fork, approved, .. } = old.unwrap_or_default();
    *source = PreviewSource { updated, fork, approved, ..std::mem::take(source) };
}

/// Whoever does not say which links are good leaves that as it was, whoever may see it meanwhile: those that were withdrawn stay
/// so when it is for who has a link again, and so do its keys.
pub(super) fn keep_generation(spec: &mut Preview, old: Option<&Preview>) {
    if let Some(access) = spec.access.as_mut().filter(|access| access.generation.is_none()) {
        access.generation = old.and_then(generation);
    }
}

/// A template says the same of all, so it makes no links good that were withdrawn since.
pub(super) fn raise_generation(spec: &mut Preview, old: Option<&Preview>) {
    if let Some(access) = &mut spec.access {
        access.generation = access.generation.max(old.and_then(generation));
    }
}

/// Links to one that was there before under its name, and is forgotten, are none to this: nobody knows which of them were withdrawn.
pub(super) fn begin_generation(spec: &mut Preview, old: Option<&Preview>, now: u64) {
    let had_links = old.and_then(mode) == Some(PreviewAccessMode::ShareLink);
    let has_links = mode(spec) == Some(PreviewAccessMode::ShareLink);
    if let Some(access) = spec.access.as_mut().filter(|_| has_links && !had_links) {
        access.generation = access.generation.or(first(now));
    }
}

/// The links that there are let nobody in from now on; or why there is nothing to be withdrawn.
pub(super) fn withdraw_links(spec: &mut Preview, now: u64) -> Result<(), &'static str> {
    let of_links = spec.access.as_mut().filter(|access| access.mode == Some(PreviewAccessMode::ShareLink));
    let access = of_links.ok_or("there are no links to it: its access mode is not ShareLink")?;
    access.generation = next(access.generation, now);
    Ok(())
}

/// Whoever deletes it cuts off everybody who has a link, also while another mode lets others in: none is good again where it is
/// brought back, or begins anew.
pub(super) fn close_links(spec: &mut Preview, now: u64) {
    let had_links = has_links(spec);
    if let Some(access) = spec.access.as_mut().filter(|_| had_links) {
        access.generation = next(access.generation, now);
    }
}

/// The generation after another. After the last one they begin by the time: those from 0 on may have had links.
fn next(generation: Option<u32>, now: u64) -> Option<u32> {
    generation.unwrap_or_default().checked_add(1).or(first(now))
}

/// The generation with which links begin.
fn first(now: u64) -> Option<u32> {
    u32::try_from(now).ok()
}

/// Whether there may be links to it, also while another mode lets others in.
pub(crate) fn has_links(spec: &Preview) -> bool {
    mode(spec) == Some(PreviewAccessMode::ShareLink) || generation(spec).is_some()
}

fn generation(spec: &Preview) -> Option<u32> {
    spec.access.as_ref()?.generation
}

fn mode(spec: &Preview) -> Option<PreviewAccessMode> {
    spec.access.as_ref()?.mode
}

/// What is wrong with a length of time for which nobody would see a Preview.
pub(super) const NO_TIME: &str = "expected a second or more; to end it, delete it";

/// Nobody ends a Preview by a time that is over: its links would stay good. One that says that time already has ended by it.
pub(super) fn is_to_come(spec: &Preview, old: Option<&Preview>) -> Result<(), PreviewError> {
    let end = |spec: &Preview| spec.lifetime.as_ref().and_then(PreviewLifetime::end);
    let Some(over) = end(spec).filter(|end| *end <= clock::now()) else { return Ok(()) };
    if old.is_none_or(|old| end(old) == Some(over)) {
        return Ok(());
    }
    let field = "spec.lifetime.expiresAt".to_owned();
    let why = format!("{field}: {} is over: expected a time to come; to end it, delete it", clock::text(over));
    Err(PreviewError::Field { field, why })
}

/// For how long a Preview is to be shown.
pub(super) fn length(ttl: Option<&str>) -> Result<Option<Duration>, PreviewError> {
    let length: Option<Duration> = ttl
        .map(str::parse)
        .transpose()
        .map_err(|error: DurationError| PreviewError::Invalid(format!("ttl: {error}")))?;
    if length.is_some_and(|length| length.0.as_secs() == 0) {
        return Err(PreviewError::Invalid(format!("ttl: {NO_TIME}")));
    }
    Ok(length)
}

/// Why a Preview is not shown for as long as somebody has asked for, or no longer than before.
pub(super) fn cut(changed: &PreviewChanged, wanted: Option<u64>) -> Option<String> {
    let ends = changed.preview.as_ref()?.expires_at;
    let is_cut = ends.zip(wanted).is_some_and(|(ends, wanted)| ends < wanted);
    let is_same = changed.outcome == PreviewOutcome::Unchanged;
    match ends {
        Some(ends) if is_cut => {
            Some(format!("the PreviewPolicy lets it be shown until {} and no longer", clock::text(ends)))
        }
        Some(ends) if is_same => Some(format!("it is shown until {} already: nothing has changed", clock::text(ends))),
        None if is_same => Some("it does not end: nothing has changed".to_owned()),
        _ => None,
    }
}

/// For how long a Preview says itself that it is shown.
pub(super) fn own_length(spec: &Preview) -> Option<Duration> {
    spec.lifetime.as_ref()?.ttl
}

/// Why a Preview is shown for longer from now on than what somebody has put lets it be. Who leaves the time as it `was` asks for
/// no other.
pub(super) fn kept(ends: Option<u64>, said: &Preview, was: Option<Duration>, now: u64) -> Option<String> {
    let lifetime = said.lifetime.as_ref().filter(|it| it.expires_at.is_none() && it.ttl != was)?;
    let ends = ends.filter(|ends| lifetime.ttl.is_some_and(|ttl| *ends > now.saturating_add(ttl.0.as_secs())))?;
    let until = clock::text(ends);
    Some(format!("it was extended until {until}, and stays so: an expiresAt in its manifest has it end sooner"))
}

/// Whoever saw it shown does not mean that it be shown again where it has ended meanwhile: somebody else wanted that.
pub(super) fn extend_step(
    id: &ObjectId,
    now: Now<'_>,
    length: Option<Duration>,
    only_shown: bool,
) -> Result<Step, PreviewError> {
    if only_shown && now.times.has_ended {
        let why = format!("{}/{} has ended meanwhile, and was not brought back by that", id.namespace, id.name);
        return Err(PreviewError::Conflict(why));
    }
    now.object.map(|_| Step::Extend(length)).ok_or_else(|| missing(id))
}

pub(super) fn withdraw_step(id: &ObjectId, now: Now<'_>) -> Result<Step, PreviewError> {
    now.object.map(|_| Step::Withdraw).ok_or_else(|| missing(id))
}

/// What ends stays for a while, so that nobody takes it for one that never was, nor makes it anew by what he hears late.
/// Who wants it gone has what he wants where it is gone already, or never was.
pub(super) fn delete_step(now: Now<'_>) -> Step {
    match (now.object, now.spec()) {
        (Some(_), Some(_)) if !now.times.has_ended => Step::End(None),
        // What cannot be used never was there for anybody. Where there seems to be nothing, there may be what nobody can read.
        (_, None) => Step::Remove,
        _ => Step::Stay,
    }
}

fn missing(id: &ObjectId) -> PreviewError {
    PreviewError::Missing(format!("{}/{}", id.namespace, id.name))
}

/// Whoever made it first is its author, whatever the manifest says. What a CI job makes is its repository's.
pub(super) fn note_author(spec: &mut Preview, old: Option<&Preview>, by: Option<&Caller>) {
    let of_old = |old: &Preview| {
        let source = old.source.as_ref();
        source.map(|source| (source.author.clone(), source.author_issuer.clone())).unwrap_or_default()
    };
    let (author, author_issuer) = match (old, by) {
        (Some(old), _) => of_old(old),
        (None, Some(by)) => (Some(by.subject.clone()), Some(by.issuer.clone())),
        (None, None) => (None, None),
    };
    if spec.source.is_some() || author.is_some() {
        let source = spec.source.take().unwrap_or_default();
        spec.source = Some(PreviewSource { author, author_issuer, ..source });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_766_599_200;

    fn preview(access: &str) -> Preview {
        serde_json::from_str(&format!("{{\"access\": {{{access}}}}}")).unwrap()
    }

    #[test]
    fn an_author_is_who_made_it_first_by_whoever_vouches_for_him() {
        let by = |issuer: &str| Caller { subject: "ann".into(), issuer: issuer.into(), ..Caller::default() };
        let mut first = preview("\"mode\": \"Public\"");
        note_author(&mut first, None, Some(&by("https://one.example")));
        let is_by = |spec: &Preview, issuer: &str| spec.source.as_ref().unwrap().is_by("ann", issuer);
        assert!(is_by(&first, "https://one.example") && !is_by(&first, "https://two.example"));
        // Whatever somebody else writes.
        let mut later: Preview = serde_json::from_str(r#"{"source": {"author": "bob", "authorIssuer": "x"}}"#).unwrap();
        note_author(&mut later, Some(&first), Some(&by("https://two.example")));
        assert!(is_by(&later, "https://one.example") && !is_by(&later, "https://two.example"));
        // That of one that was made before anybody noted it counts for all.
        first.source.as_mut().unwrap().author_issuer = None;
        assert!(is_by(&first, "https://one.example") && is_by(&first, "https://two.example"));
        let mut job = preview("\"mode\": \"Public\"");
        note_author(&mut job, None, None);
        assert_eq!(job.source, None);
    }

    #[test]
    fn it_is_said_that_an_extension_stays_where_less_is_put() {
        let spec =
            |lifetime: &str| -> Preview { serde_json::from_str(&format!("{{\"lifetime\": {{{lifetime}}}}}")).unwrap() };
        let (hour, two) = ("\"ttl\": \"1h\"", own_length(&spec("\"ttl\": \"2h\"")));
        let kept = |lifetime: &str, ends: Option<u64>| kept(ends, &spec(lifetime), two, 1_000_000);
        let why = kept(hour, Some(1_003_601)).unwrap();
        assert!(why.contains("1970-01-12T14:46:41Z") && why.contains("expiresAt"), "{why}");
        // Just as long, less, or what it says itself.
        assert_eq!((kept(hour, Some(1_003_600)), kept(hour, Some(1_000_060))), (None, None));
        assert_eq!((kept(hour, None), kept("", Some(1_003_601))), (None, None));
        let own = "\"ttl\": \"1h\", \"expiresAt\": \"1970-01-12T14:46:41Z\"";
        assert_eq!(kept(own, Some(1_003_601)), None);
        // Nobody has asked for another time.
        assert_eq!(kept("\"ttl\": \"2h\"", Some(1_009_999)), None);
    }

    #[test]
    fn a_time_that_is_over_ends_none_that_is_there() {
        let until = |at: &str| -> Preview {
            serde_json::from_str(&format!("{{\"lifetime\": {{\"expiresAt\": \"{at}\"}}}}")).unwrap()
        };
        let [over, before, later] = ["2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"].map(until);
        for there in [&Preview::default(), &before, &later] {
            let Err(PreviewError::Field { field, why }) = is_to_come(&over, Some(there)) else { panic!("{there:?}") };
            assert_eq!(field, "spec.lifetime.expiresAt");
            assert!(why.contains("2020-01-02T00:00:00Z is over"), "{why}");
        }
        for (put, there) in [(&over, Some(&over)), (&over, None), (&later, Some(&before)), (&Preview::default(), None)]
        {
            assert_eq!(is_to_come(put, there), Ok(()), "{put:?} {there:?}");
        }
    }

    #[test]
    fn links_that_were_withdrawn_stay_so() {
        let links = |generation: &str| preview(&format!("\"mode\": \"ShareLink\"{generation}"));
        let after = |change: fn(&mut Preview, Option<&Preview>), new: &Preview, old: Option<&Preview>| {
            let mut new = new.clone();
            change(&mut new, old);
            generation(&new)
        };
        let (plain, second, third) = (links(""), links(", \"generation\": 2"), links(", \"generation\": 3"));
        // Who says nothing of it, and who says it.
        assert_eq!(after(keep_generation, &plain, Some(&third)), Some(3));
        assert_eq!(after(keep_generation, &second, Some(&third)), Some(2));
        assert_eq!(after(keep_generation, &plain, None), None);
        assert_eq!(after(raise_generation, &plain, Some(&third)), Some(3));
        assert_eq!(after(raise_generation, &second, Some(&third)), Some(3));
        assert_eq!(after(raise_generation, &third, Some(&second)), Some(3));
    }

    #[test]
    fn links_begin_at_a_generation_that_none_before_had() {
        let (links, public) = (preview("\"mode\": \"ShareLink\""), preview("\"mode\": \"Public\""));
        let begun = |spec: &Preview, old: Option<&Preview>| {
            let mut new = spec.clone();
            begin_generation(&mut new, old, NOW);
            generation(&new)
        };
        assert_eq!(begun(&links, None), Some(1_766_599_200));
        assert_eq!(begun(&links, Some(&public)), Some(1_766_599_200));
        // Those that there are stay good, what is said counts, and others have none.
        assert_eq!(begun(&links, Some(&links)), None);
        assert_eq!(begun(&preview("\"mode\": \"ShareLink\", \"generation\": 0"), None), Some(0));
        assert_eq!(begun(&public, None), None);
    }

    #[test]
    fn links_that_were_withdrawn_stay_so_when_others_may_see_it_for_a_while() {
        for change in [keep_generation, raise_generation] {
            let mut spec = preview("\"mode\": \"ShareLink\"");
            withdraw_links(&mut spec, NOW).unwrap();
            for mode in ["Public", "Authenticated", "ShareLink"] {
                let mut new = preview(&format!("\"mode\": \"{mode}\""));
                change(&mut new, Some(&spec));
                spec = new;
                assert_eq!(generation(&spec), Some(1), "{mode}");
            }
        }
    }

    #[test]
    fn links_are_closed_whoever_may_see_it_now() {
        let closed = |access: &str| {
            let mut spec = preview(access);
            close_links(&mut spec, NOW);
            generation(&spec)
        };
        assert_eq!(closed("\"mode\": \"ShareLink\""), Some(1));
        assert_eq!(closed("\"mode\": \"ShareLink\", \"generation\": 7"), Some(8));
        assert_eq!(closed("\"mode\": \"Public\", \"generation\": 7"), Some(8));
        let last = closed("\"mode\": \"ShareLink\", \"generation\": 4294967295");
        assert_eq!(last, Some(1_766_599_200), "none that had links before");
        assert_eq!(closed("\"mode\": \"Public\""), None, "there never was one");
    }

    #[test]
    fn links_are_withdrawn_by_the_next_generation() {
        let withdrawn = |access: &str| {
            let mut spec = preview(access);
            withdraw_links(&mut spec, NOW).map(|()| generation(&spec))
        };
        assert_eq!(withdrawn("\"mode\": \"ShareLink\""), Ok(Some(1)));
        assert_eq!(withdrawn("\"mode\": \"ShareLink\", \"generation\": 7"), Ok(Some(8)));
        let none = withdrawn("\"mode\": \"Public\"").unwrap_err();
        assert!(none.contains("ShareLink"), "{none}");
        assert_eq!(withdrawn("\"mode\": \"ShareLink\", \"generation\": 4294967295"), Ok(Some(1_766_599_200)));
    }
}
