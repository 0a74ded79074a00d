//! Events as records among the logs.

use nuncio_api::Severity;
use nuncio_controller::{Event, LocatedProblem};
use tracing::field::display;
use tracing::{error, info, warn};

/// Writes an event, of which `lines` is what a person would be told.
pub(super) fn write(event: &Event, lines: &[String]) {
    match event {
        Event::Problem(located) => problem(located),
        Event::Nacked { .. } => warn!(target: "nuncio::report", "{}", joined(lines)),
        _ => lines.iter().for_each(|line| info!(target: "nuncio::report", "{}", line.trim())),
    }
}

/// One record for each problem, at the level of its severity.
fn problem(located: &LocatedProblem) {
    let LocatedProblem { object, called: _, problem, location, snippet } = located;
    let object = object.as_ref().map(display);
    let file = location.as_ref().map(|location| display(&location.file));
    let place = location.as_ref().filter(|location| location.has_lines());
    let (line, column) = (place.map(|place| place.line), place.map(|place| place.column));
    let (reason, field) = (problem.reason, (!problem.field.is_empty()).then_some(&*problem.field));
    let excerpt = (!snippet.is_empty()).then_some(&**snippet);
    match problem.severity {
        Severity::Error => {
            error!(target: "nuncio::report", reason, object, field, file, line, column, excerpt, "{problem}");
        }
        Severity::Warning => {
            warn!(target: "nuncio::report", reason, object, field, file, line, column, excerpt, "{problem}");
        }
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ")
}
