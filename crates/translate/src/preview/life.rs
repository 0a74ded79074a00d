//! How long a preview is shown.

use nuncio_api::{Duration, Preview, PreviewLifetime, PreviewLifetimeFrom, PreviewPolicy, Problem};

/// How long it is told that a preview has ended.
pub(crate) const REMEMBERED: u64 = 24 * 3600;
/// How long before its end people are warned at most, and which part of its life that is at most.
const WARNED: u64 = 24 * 3600;
const WARNED_PART: u64 = 8;

/// The times of a preview, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) created: u64,
    pub(crate) expires: Option<u64>,
    /// The same, however many ask for it.
    pub(crate) fixed: Option<u64>,
    /// When it ends at the latest, whatever is said of it.
    pub(crate) longest: Option<u64>,
    /// From when people are warned.
    warned: u64,
    /// It ends because somebody had it end.
    pub(crate) is_deleted: bool,
    /// It is of a pull request, and ends with that.
    is_of_pull_request: bool,
}

/// When a preview began, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) created: u64,
    /// And when what it says was last changed.
    pub(crate) changed: u64,
    /// When somebody last asked for it, or this process began to look; none where nobody looks.
    pub(crate) asked: Option<u64>,
    /// When somebody had it end.
    pub(crate) ended: Option<u64>,
}

/// What is shown of a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Shown,
    /// It is shown, and not for long.
    EndsSoon,
    /// That it has ended.
    Ended,
    Forgotten,
}

impl Phase {
    /// Whether it is shown no more.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Forgotten)
    }
}

impl Life {
    /// Of a preview that began then.
    pub(crate) fn new(spec: &Preview, policy: &PreviewPolicy, begun: Begun) -> Self {
        let Begun { created, changed, asked, ended } = begun;
        let lifetime = spec.lifetime.as_ref();
        let began = match lifetime.and_then(|lifetime| lifetime.from).unwrap_or_default() {
            PreviewLifetimeFrom::Created => created,
            PreviewLifetimeFrom::Changed => changed,
        };
        let after = |began: u64, length: &Duration| began.saturating_add(length.0.as_secs());
        let ttl = lifetime.and_then(|lifetime| lifetime.ttl.as_ref()).or(policy.ttl.as_ref());
        let wanted = lifetime.and_then(PreviewLifetime::end).or_else(|| ttl.map(|ttl| after(began, ttl)));
        let longest = policy.max_ttl.as_ref().map(|longest| after(created, longest));
        let fixed = [wanted, longest].into_iter().flatten().min();
        let idle = lifetime.and_then(|lifetime| lifetime.idle.as_ref()).zip(asked);
        let idle = idle.map(|(idle, asked)| after(asked.max(changed), idle));
        let expires = [fixed, idle].into_iter().flatten().min();
        // Who asks for it does not need to be told that he should.
        let warned = fixed.map_or(u64::MAX, |end| end - (end.saturating_sub(began) / WARNED_PART).min(WARNED));
        let is_deleted = ended.is_some() && ended == expires;
        let is_of_pull_request = spec.source.as_ref().is_some_and(|source| source.pull_request.is_some());
        Self { created, expires, fixed, longest, warned, is_deleted, is_of_pull_request }
    }

    pub(crate) fn phase(&self, now: u64) -> Phase {
        match self.expires {
            Some(end) if now >= end.saturating_add(REMEMBERED) => Phase::Forgotten,
            Some(end) if now >= end => Phase::Ended,
            Some(_) if now >= self.warned => Phase::EndsSoon,
            _ => Phase::Shown,
        }
    }

    /// When something else may be shown of it, if nothing but time passes.
    pub(crate) fn next_turn(&self, now: u64) -> Option<u64> {
        let end = self.expires?;
        [self.warned, end, end.saturating_add(REMEMBERED)].into_iter().filter(|at| now < *at).min()
    }

    /// What is to be said of it.
    pub(crate) fn problem(&self, now: u64) -> Option<Problem> {
        let field = "spec.lifetime";
        match self.phase(now) {
            Phase::Shown => None,
            Phase::EndsSoon => {
                Some(Problem::warning("ExpiresSoon", field, "is shown for a short time only from here on"))
            }
            Phase::Ended | Phase::Forgotten if self.is_deleted => {
                let message = match self.is_of_pull_request {
                    true => "is shown no more: it was deleted, or its change was merged or closed",
                    false => "is shown no more: it was deleted",
                };
                Some(Problem::warning("Deleted", field, message))
            }
            Phase::Ended | Phase::Forgotten => {
                Some(Problem::warning("Expired", field, "is shown no more: its time is over"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(lifetime: &str, policy: &str) -> Life {
        let spec: Preview = serde_json::from_str(&format!("{{\"lifetime\": {{{lifetime}}}}}")).unwrap();
        let (asked, ended) = (Some(1_000_000 + 2400), None);
        let begun = Begun { created: 1_000_000, changed: 1_000_000 + 1800, asked, ended };
        Life::new(&spec, &serde_json::from_str(&format!("{{{policy}}}")).unwrap(), begun)
    }

    #[test]
    fn the_shortest_that_is_allowed_counts() {
        let end = |lifetime: &str, policy: &str| life(lifetime, policy).expires.map(|end| end - 1_000_000);
        assert_eq!(end("", ""), None);
        assert_eq!(end("\"ttl\": \"1h\"", ""), Some(3600));
        assert_eq!(end("", "\"ttl\": \"2h\""), Some(7200));
        assert_eq!(end("\"ttl\": \"3h\"", "\"ttl\": \"2h\""), Some(3 * 3600));
        assert_eq!(end("\"ttl\": \"3h\"", "\"maxTTL\": \"2h\""), Some(7200));
        assert_eq!(end("", "\"maxTTL\": \"2h\""), Some(7200), "for ever is too long");
        let from = |ttl: &str| format!("\"ttl\": \"{ttl}\", \"from\": \"Changed\"");
        assert_eq!(end(&from("1h"), "\"maxTTL\": \"2h\""), Some(5400));
        assert_eq!(
            end(&from("2h"), "\"maxTTL\": \"2h\""),
            Some(7200),
            "no change makes it live longer than the longest"
        );
        let until = "\"ttl\": \"9h\", \"expiresAt\": \"1970-01-12T14:46:40Z\"";
        assert_eq!(end(until, ""), Some(3600), "a million seconds are over at 13:46:40");
    }

    #[test]
    fn what_nobody_asks_for_ends() {
        let life = life("\"ttl\": \"8h\", \"idle\": \"10m\"", "");
        let at = |seconds: u64| life.phase(1_000_000 + seconds);
        assert_eq!([at(2999), at(3000)], [Phase::Shown, Phase::Ended]);
    }

    #[test]
    fn the_end_is_told_before_it_comes_and_for_a_day_after() {
        let life = life("\"ttl\": \"8h\"", "");
        let at = |hours: u64| life.phase(1_000_000 + hours * 3600);
        let turn = |hours: u64| life.next_turn(1_000_000 + hours * 3600).map(|at| (at - 1_000_000) / 3600);
        assert_eq!([turn(0), turn(7), turn(8), turn(32)], [Some(7), Some(8), Some(32), None]);
        assert_eq!(
            [at(0), at(6), at(7), at(8), at(31), at(32)],
            [Phase::Shown, Phase::Shown, Phase::EndsSoon, Phase::Ended, Phase::Ended, Phase::Forgotten]
        );
    }
}
