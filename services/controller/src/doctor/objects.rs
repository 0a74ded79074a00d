//! The objects, as `nuncio check` sees them.

use nuncio_api::Severity;

use super::{Check, Outcome, first};
use crate::event::LocatedProblem;
use crate::offline::Offline;

const SECTION: &str = "Objects";

/// Looks at every object; `again` is how to have them all listed.
#[must_use]
pub fn objects(offline: &Offline, again: &str) -> Vec<Check> {
    let problems = offline.problems();
    let of = |severity| problems.iter().filter(move |located| located.problem.severity == severity);
    let count = offline.objects();
    let mut checks = vec![
        check(&format!("all {count} objects are valid"), Outcome::Failed, of(Severity::Error), again),
        check("everything in them has an effect", Outcome::Warning, of(Severity::Warning), again),
    ];
    if offline.listeners().is_empty() {
        let hint = "without a Listener no port is opened: write one for each port (docs/install-on-kubernetes.md has a first one)";
        checks.push(Check::warning(SECTION, "something is listened to", "there is no Listener that can be used", hint));
    }
    checks
}

fn check<'p>(check: &str, outcome: Outcome, problems: impl Iterator<Item = &'p LocatedProblem>, again: &str) -> Check {
    let found = first(problems.map(line).collect());
    if found.is_empty() {
        return Check::ok(SECTION, check);
    }
    let hint = format!("{again} lists them all, each with its place and what to change");
    Check { outcome, found, hint: Some(hint), ..Check::ok(SECTION, check) }
}

fn line(located: &LocatedProblem) -> String {
    let object = located.object.as_ref().map(ToString::to_string);
    let place = object.or_else(|| located.location.as_ref().map(ToString::to_string)).unwrap_or_default();
    format!("{place}: {}", located.problem).replace('\n', " ")
}
