//! Fields that nothing knows: passed over, unless without the one that was meant somebody might be let in. Of objects that say who
//! is let in, that may be any, however far it is from those that there are.

use super::issues::Issues;
use super::module;
use super::remains::{access_list, names_access_list};
use crate::text::{closest, plain};
use crate::yaml::{Node, Passed};
use crate::{Guard, Kind, Problem};

/// What may stand at the top of an object.
const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Fields of other kinds that shut somebody out, beside [access lists](access_list).
const BARS: [&str; 3] = ["ca_secret", "cert_required", "crl_secret"];

/// Reports the fields that nothing knows.
pub(super) fn report(kind: Kind, passed: Passed, issues: &mut Issues<'_>) {
    let mut unknowns = passed.into_unknown();
    unknowns.retain(|unknown| !crate::convert::is_note(unknown.path.rsplit('.').next().unwrap_or_default()));
    for unknown in unknowns {
        issues.push(unknown.mark, field(kind, unknown.path, unknown.meant));
    }
}

/// Reports what stands at the top of an object and is not known there: a misspelt `spec`, or what was to be below it. Without
/// that an object that shuts somebody out would be an empty one.
pub(super) fn report_at_top(kind: Kind, node: &Node<'_>, issues: &mut Issues<'_>) {
    let loses_settings = kind == Kind::Module && module::lacks_settings(node);
    for entry in node.entries().iter().filter(|entry| !TOP.contains(&&*entry.key)) {
        let shuts_out = kind.is_gate() || Guard::of(kind).is_some() || names_access_list(&entry.node);
        let (key, meant) = (entry.key.to_string(), closest(&entry.key, &TOP));
        let problem = if shuts_out {
            misplaced(key, meant.unwrap_or("spec"))
        } else if loses_settings {
            lost_settings(key)
        } else {
            field(kind, key, meant)
        };
        issues.push(entry.mark, problem);
    }
}

fn misplaced(key: String, meant: &str) -> Problem {
    let message = format!(
        "there is no such field here; if \"{meant}\" or what is below it is meant, without it others might be let in"
    );
    Problem::error("UnknownField", key, message)
}

/// What is wrong with a field that nothing knows in a Module without settings. They would all be taken away by a slip of the pen.
pub(super) fn lost_settings(path: String) -> Problem {
    let message = "there is no such field here; if settings are meant, they belong below \"spec.config\"";
    Problem::error("LostSettings", path, message)
}

/// What is wrong with a field that nothing knows in an object of this kind, by its path and the field that may have been meant.
pub(super) fn field(kind: Kind, path: String, meant: Option<&'static str>) -> Problem {
    if let Some(bar) = shuts_out(kind, &path, meant) {
        let message = format!("there is no such field here; if \"{bar}\" is meant, without it others might be let in");
        return Problem::error("UnknownField", path, message);
    }
    if kind.is_gate() && path.starts_with("spec.") {
        let message = "there is no such field here, and without what it was to say others might be let in";
        return Problem::error("UnknownField", path, message);
    }
    let meant = meant.map(|field| format!(": did you mean \"{field}\"?")).unwrap_or_default();
    Problem::warning("UnknownField", path, format!("there is no such field, it has no effect{meant}"))
}

/// The field that shuts somebody out for which another was meant: misspelt where it belongs, or in the wrong place.
fn shuts_out(kind: Kind, path: &str, meant: Option<&'static str>) -> Option<&'static str> {
    let key = path.rsplit('.').next().unwrap_or_default();
    let is = |field: &&&str| meant == Some(**field) || plain(field) == plain(key);
    let gate = meant.filter(|_| kind.is_gate() && path.starts_with("spec."));
    gate.or_else(|| access_list(key)).or_else(|| BARS.iter().find(is).copied())
}
