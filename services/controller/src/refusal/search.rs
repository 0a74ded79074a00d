//! Finding the object that a proxy refuses among several that may be to blame.
//!
//! An Envoy names the resource that it refuses, not the object. So it is asked what it thinks of the first few
//! suspects alone, then of more or fewer, until they are accepted without the last one and refused with it.

use nuncio_api::ObjectId;

/// A search for one guilty object. Knows nothing of what is refused: the caller makes the trials.
#[derive(Debug)]
pub(crate) struct Search {
    suspects: Vec<ObjectId>,
    /// Who is suspected when none of those is guilty.
    everyone: Vec<ObjectId>,
    /// So many of the first suspects are accepted. None until it is known of none of them.
    accepted: Option<usize>,
    /// So many are refused, if a trial has shown any.
    refused: Option<usize>,
    /// So many are on trial.
    tried: usize,
    nothing: Nothing,
}

/// What an Envoy thinks of the resource without any suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// There is nothing in it to refuse.
    IsAccepted,
    /// It has to be tried.
    IsNotKnown,
}

/// Where a search stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// With this one there is a refusal, without it there is none.
    Guilty(ObjectId),
    /// That is true of nobody.
    Nobody,
    /// There must be a trial of [`Search::tried`].
    GoOn,
}

impl Search {
    /// Searches among `suspects` first, then among `everyone`.
    pub(crate) fn new(suspects: Vec<ObjectId>, everyone: Vec<ObjectId>, nothing: Nothing) -> Self {
        let everyone = if suspects == everyone { Vec::new() } else { everyone };
        let mut search = Self { suspects, everyone, accepted: None, refused: None, tried: 0, nothing };
        search.start();
        search
    }

    fn start(&mut self) {
        self.accepted = (self.nothing == Nothing::IsAccepted).then_some(0);
        self.refused = None;
    }

    /// Whom the trial is about: all other suspects are to be left out.
    pub(crate) fn tried(&self) -> &[ObjectId] {
        &self.suspects[..self.tried]
    }

    /// The suspects whom the trial is not about.
    pub(crate) fn left_out(&self) -> &[ObjectId] {
        &self.suspects[self.tried..]
    }

    /// The trial was refused: somebody in it is guilty.
    pub(crate) fn refused(&mut self) -> Verdict {
        self.refused = Some(self.tried);
        self.step()
    }

    /// The trial was accepted: somebody else is guilty.
    pub(crate) fn accepted(&mut self) -> Verdict {
        self.accepted = Some(self.tried);
        self.step()
    }

    /// What is to be done next; to be asked before the first trial too.
    pub(crate) fn step(&mut self) -> Verdict {
        let Some(accepted) = self.accepted else {
            return if self.refused.is_some() { self.nobody() } else { self.try_first(0) };
        };
        // That all are refused together is what began the search; it counts when a trial has shown it.
        let refused = self.refused.unwrap_or(self.suspects.len());
        match refused.saturating_sub(accepted) {
            0 => self.nobody(),
            1 if self.refused.is_some() => Verdict::Guilty(self.suspects[accepted].clone()),
            1 => self.try_first(refused),
            between => self.try_first(accepted + between / 2),
        }
    }

    fn try_first(&mut self, number: usize) -> Verdict {
        self.tried = number;
        Verdict::GoOn
    }

    fn nobody(&mut self) -> Verdict {
        if self.everyone.is_empty() {
            return Verdict::Nobody;
        }
        self.suspects = std::mem::take(&mut self.everyone);
        self.start();
        self.step()
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    fn ids() -> Vec<ObjectId> {
        (0..11).map(|n| ObjectId::new(Kind::Mapping, "default", format!("m{n}"))).collect()
    }

    fn run(mut search: Search, refused: impl Fn(&[ObjectId]) -> bool) -> (Verdict, u32) {
        let (mut verdict, mut trials) = (search.step(), 0);
        while verdict == Verdict::GoOn {
            trials += 1;
            verdict = if refused(search.tried()) { search.refused() } else { search.accepted() };
        }
        (verdict, trials)
    }

    fn among_all(nothing: Nothing, refused: impl Fn(&[ObjectId]) -> bool) -> (Verdict, u32) {
        run(Search::new(ids(), ids(), nothing), refused)
    }

    #[test]
    fn halving_finds_the_guilty_one() {
        for guilty in ids() {
            for nothing in [Nothing::IsAccepted, Nothing::IsNotKnown] {
                let (verdict, trials) = among_all(nothing, |tried| tried.contains(&guilty));
                assert_eq!(verdict, Verdict::Guilty(guilty.clone()));
                assert!(trials <= 6, "{trials} trials for 11 suspects");
            }
        }
    }

    #[test]
    fn of_two_one_is_found() {
        let both = [&ids()[2], &ids()[7]].map(Clone::clone);
        let (verdict, _) = among_all(Nothing::IsAccepted, |tried| tried.iter().any(|id| both.contains(id)));
        assert_eq!(verdict, Verdict::Guilty(both[0].clone()));
        // Neither alone, but both together: the second makes the difference.
        let (verdict, _) = among_all(Nothing::IsAccepted, |tried| both.iter().all(|id| tried.contains(id)));
        assert_eq!(verdict, Verdict::Guilty(both[1].clone()));
    }

    #[test]
    fn nobody_is_convicted_without_a_trial_that_shows_it() {
        assert_eq!(among_all(Nothing::IsAccepted, |_| false).0, Verdict::Nobody);
        assert_eq!(among_all(Nothing::IsNotKnown, |_| false).0, Verdict::Nobody);
        assert_eq!(among_all(Nothing::IsNotKnown, |_| true), (Verdict::Nobody, 1));
        assert_eq!(run(Search::new(Vec::new(), Vec::new(), Nothing::IsAccepted), |_| true).0, Verdict::Nobody);
        let (verdict, trials) = run(Search::new(ids()[..1].into(), ids()[..1].into(), Nothing::IsAccepted), |_| true);
        assert_eq!((verdict, trials), (Verdict::Guilty(ids()[0].clone()), 1));
    }

    #[test]
    fn everyone_is_suspected_when_the_first_suspects_are_innocent() {
        let guilty = &ids()[9];
        let search = Search::new(ids()[..2].into(), ids(), Nothing::IsAccepted);
        assert_eq!(run(search, |tried| tried.contains(guilty)).0, Verdict::Guilty(guilty.clone()));
    }
}
