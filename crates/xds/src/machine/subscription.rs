//! What a client subscribes to, of one type: the set algebra of the protocol, without any state of
//! resources. Source: Envoy `xds_protocol`, "How the client specifies what resources to return".

use std::collections::HashSet;
use std::sync::Arc;

/// The name that stands for all resources of a type.
const WILDCARD: &str = "*";

/// The interest of a client in one type.
#[derive(Debug, Default)]
pub(crate) struct Subscription {
    /// Whether there was a request for this type on this stream.
    requested: bool,
    /// Whether a name was ever subscribed to; until then a request without names means everything.
    named_once: bool,
    wildcard: bool,
    names: HashSet<Arc<str>>,
}

/// What a request changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// This was the first request for the type.
    pub(crate) first: bool,
    /// Everything is subscribed to that was not before.
    pub(crate) wildcard_began: bool,
    /// Only names are subscribed to from now on.
    pub(crate) wildcard_ended: bool,
    /// Names to send, also if the client was sent them before.
    pub(crate) wanted: Vec<Arc<str>>,
    /// Names no longer asked for; under a wildcard the client dropped them, but is still to have them.
    pub(crate) dropped: Vec<Arc<str>>,
}

impl Subscription {
    pub(crate) fn includes(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(crate) fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested
    }

    /// Applies a delta request: names to add and to take away.
    pub(crate) fn apply_delta(&mut self, subscribe: Vec<Arc<str>>, unsubscribe: Vec<Arc<str>>) -> Change {
        let mut change = self.begin();
        let was_wildcard = self.wildcard;
        if change.first && subscribe.is_empty() {
            self.wildcard = true;
        }
        let mut seen = HashSet::new();
        for name in subscribe {
            if &*name == WILDCARD {
                self.wildcard = true;
            } else if seen.insert(Arc::clone(&name)) {
                self.names.insert(Arc::clone(&name));
                change.wanted.push(name);
            }
        }
        for name in unsubscribe {
            if &*name == WILDCARD {
                self.wildcard = false;
            } else if self.names.remove(&name) {
                if seen.contains(&name) {
                    change.wanted.retain(|wanted| *wanted != name);
                }
                change.dropped.push(name);
            }
        }
        change.note_wildcard(was_wildcard, self.wildcard);
        change
    }

    /// Applies a state-of-the-world request: the names that are wanted from now on.
    pub(crate) fn apply_names(&mut self, names: Vec<Arc<str>>) -> Change {
        let mut change = self.begin();
        let was_wildcard = self.wildcard;
        self.named_once |= !names.is_empty();
        self.wildcard = !self.named_once || names.iter().any(|name| &**name == WILDCARD);
        let names: HashSet<_> = names.into_iter().filter(|name| &**name != WILDCARD).collect();
        change.wanted.extend(names.difference(&self.names).cloned());
        change.wanted.sort_unstable();
        change.dropped.extend(self.names.difference(&names).cloned());
        self.names = names;
        change.note_wildcard(was_wildcard, self.wildcard);
        change
    }

    fn begin(&mut self) -> Change {
        Change { first: !std::mem::replace(&mut self.requested, true), ..Change::default() }
    }
}

impl Change {
    fn note_wildcard(&mut self, before: bool, after: bool) {
        self.wildcard_began = after && !before;
        self.wildcard_ended = before && !after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn delta_requests() {
        struct Case {
            rule: &'static str,
            before: &'static [(&'static [&'static str], &'static [&'static str])],
            subscribe: &'static [&'static str],
            unsubscribe: &'static [&'static str],
            wildcard: bool,
            wanted: &'static [&'static str],
            dropped: &'static [&'static str],
        }
        #[rustfmt::skip]
        let cases = [
            Case { rule: "an empty first request means everything", before: &[], subscribe: &[], unsubscribe: &[], wildcard: true, wanted: &[], dropped: &[] },
            Case { rule: "a name after that adds to everything", before: &[(&[], &[])], subscribe: &["a"], unsubscribe: &[], wildcard: true, wanted: &["a"], dropped: &[] },
            Case { rule: "* means everything", before: &[], subscribe: &["*"], unsubscribe: &[], wildcard: true, wanted: &[], dropped: &[] },
            Case { rule: "names first: an empty request later means nothing new", before: &[(&["a"], &[])], subscribe: &[], unsubscribe: &[], wildcard: false, wanted: &[], dropped: &[] },
            Case { rule: "only unsubscribing * ends everything", before: &[(&[], &[]), (&["a"], &["a"])], subscribe: &[], unsubscribe: &["*"], wildcard: false, wanted: &[], dropped: &[] },
            Case { rule: "a name again is wanted again", before: &[(&["a"], &[])], subscribe: &["a", "a"], unsubscribe: &[], wildcard: false, wanted: &["a"], dropped: &[] },
            Case { rule: "a superfluous unsubscribe does nothing", before: &[(&["a"], &[])], subscribe: &[], unsubscribe: &["b"], wildcard: false, wanted: &[], dropped: &[] },
            Case { rule: "an unsubscribe drops", before: &[(&["a"], &[])], subscribe: &[], unsubscribe: &["a"], wildcard: false, wanted: &[], dropped: &["a"] },
        ];
        for case in cases {
            let mut subscription = Subscription::default();
            for (subscribe, unsubscribe) in case.before {
                subscription.apply_delta(names(subscribe), names(unsubscribe));
            }
            let change = subscription.apply_delta(names(case.subscribe), names(case.unsubscribe));
            assert_eq!(subscription.is_wildcard(), case.wildcard, "{}", case.rule);
            assert_eq!(change.wanted, names(case.wanted), "{}", case.rule);
            assert_eq!(change.dropped, names(case.dropped), "{}", case.rule);
        }
    }

    #[test]
    fn state_of_the_world_requests() {
        let mut subscription = Subscription::default();
        let change = subscription.apply_names(vec![]);
        assert!(change.first && change.wildcard_began, "no names yet: everything");

        let change = subscription.apply_names(names(&["b", "a"]));
        assert!(change.wildcard_ended, "a name ends the implied wildcard");
        assert_eq!(change.wanted, names(&["a", "b"]));

        let change = subscription.apply_names(names(&["b"]));
        assert_eq!((change.wanted, change.dropped), (vec![], names(&["a"])), "b is known already");

        let change = subscription.apply_names(vec![]);
        assert!(!subscription.is_wildcard(), "no names after names: nothing");
        assert_eq!(change.dropped, names(&["b"]));

        let change = subscription.apply_names(names(&["*", "c"]));
        assert!(change.wildcard_began && subscription.includes("anything") && subscription.is_named("c"));
    }
}
