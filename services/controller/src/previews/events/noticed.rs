//! What other gateways have noticed of a preview, beside what this one has.

use std::collections::BTreeMap;

use super::Log;
use crate::admin::{PreviewEventKind, PreviewEventView};

/// Gateways notice the same thing at most so long after each other, in seconds.
const APART: u64 = 10;

impl Log {
    /// Takes in what another gateway has noticed, and this one has not, or later.
    pub(super) fn take(&mut self, noticed: Vec<PreviewEventView>) {
        // They come with the last first.
        for event in noticed.into_iter().rev() {
            let is_same = |it: &PreviewEventView| (it.kind, &it.detail) == (event.kind, &event.detail);
            let known = self.events.iter_mut().find(|it| is_same(it) && it.at.abs_diff(event.at) <= APART);
            match known {
                Some(known) => known.at = known.at.min(event.at),
                None => self.events.push_back(event),
            }
        }
        self.events.make_contiguous().sort_by_key(|event| event.at);
        self.leave_out_again();
        self.limit();
    }

    /// A gateway that has begun later notices then what had been so for long.
    pub(super) fn leave_out_again(&mut self) {
        let mut last = BTreeMap::<(Subject, String), (PreviewEventKind, String)>::new();
        self.events.retain(|event| {
            if event.kind == PreviewEventKind::Changed {
                // It may end sooner by that, and be extended until the same time once more: nobody notices that late who begins.
                last.retain(|_, (kind, _)| *kind != PreviewEventKind::Extended);
            }
            let before = last.insert(subject(event), (event.kind, event.detail.clone()));
            let is_again = before.is_some_and(|(kind, detail)| (kind, &detail) == (event.kind, &event.detail));
            !is_again || event.kind == PreviewEventKind::Changed
        });
    }
}

/// What an event is about. Of that the same does not happen twice in a row, but for changes.
fn subject(event: &PreviewEventView) -> (Subject, String) {
    use PreviewEventKind::{Changed, Created, Ended, EndsSoon, Extended, Failed, FellBack, Hidden, Live, Returned};
    match event.kind {
        Created => (Subject::Origin, String::new()),
        Changed | Live | Hidden => (Subject::Sight, String::new()),
        Extended | EndsSoon | Ended => (Subject::End, String::new()),
        FellBack | Failed | Returned => (Subject::Service, event.detail.clone()),
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Origin,
    Sight,
    End,
    Service,
}

#[cfg(test)]
mod tests {
    use super::super::KEPT;
    use super::*;

    #[test]
    fn what_gateways_have_noticed_is_told_once_and_in_order() {
        use PreviewEventKind::{Changed, Created, EndsSoon, FellBack, Live, Returned};
        let event =
            |at: u64, kind: PreviewEventKind, detail: &str| PreviewEventView { at, kind, detail: detail.into() };
        let long_ago =
            [event(5, Created, ""), event(6, Live, ""), event(20, FellBack, "cart"), event(22, Returned, "cart")];
        let last_first = |events: &[PreviewEventView]| events.iter().rev().cloned().collect::<Vec<_>>();
        // It has begun later.
        let mut log = Log { events: [event(80, Created, ""), event(90, Live, "")].into(), ..Log::default() };
        log.take(last_first(&long_ago));
        assert_eq!(log.events, long_ago);
        // It was told by another that it is live, before it saw that itself.
        let mut log = Log { events: [event(80, Created, "")].into(), ..Log::default() };
        log.take(vec![event(76, Live, ""), event(75, Created, "")]);
        log.events.push_back(event(81, Live, ""));
        log.leave_out_again();
        assert_eq!(log.events, [event(75, Created, ""), event(76, Live, "")]);
        // It says once that it ends soon, though it was changed before another noticed that.
        let changed = [event(30, EndsSoon, "t"), event(31, Changed, "")];
        let mut log = Log { events: changed.clone().into(), ..Log::default() };
        log.take(vec![event(90, EndsSoon, "t")]);
        assert_eq!(log.events, changed);
        let mut log = Log { events: long_ago.into(), ..Log::default() };
        // What comes back from another, a little later by its clock, is the same; what happens again soon is not.
        log.events.extend([event(24, FellBack, "cart"), event(25, Returned, "cart")]);
        let all = log.events.clone();
        let echo: Vec<_> = all.iter().map(|it| event(it.at + 2, it.kind, &it.detail)).collect();
        log.take(last_first(&echo));
        assert_eq!(log.events, all);
        log.take(vec![event(60, FellBack, "web")]);
        assert_eq!(log.events.back(), Some(&event(60, FellBack, "web")));
        log.take((0..200).map(|at| event(1_000 - at, FellBack, &at.to_string())).collect());
        assert_eq!((log.events.len(), log.events.back().unwrap().at), (KEPT, 1_000));
    }
}
