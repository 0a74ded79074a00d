//! `nuncio check`: what is wrong with manifests.

use nuncio_api::{Problem, Severity};
use nuncio_controller::admin::{Page, ProblemView};
use nuncio_controller::{LocatedProblem, Topology};

use crate::cli::{CheckArgs, Format, Place};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::gateway::{load, load_file};
use crate::report::{count, severity};
use crate::table;

/// Prints every problem. Fails if one of them is an error.
pub(crate) fn run(args: &CheckArgs) -> Outcome {
    let offline = match args.place.dir.as_deref().filter(|path| path.as_os_str() == "-" || path.is_file()) {
        Some(file) => load_file(file, &args.place, &args.identity)?,
        None => load(&args.place, &args.identity, Topology::default())?,
    };
    let mut problems = offline.problems();
    if offline.objects() == 0 && problems.is_empty() {
        problems.push(nothing(&args.place));
    }
    match args.output {
        Format::Text => print_text(&text(&problems, offline.objects())),
        Format::Json => {
            let items: Vec<_> = problems.iter().map(ProblemView::from).collect();
            print_json(&Page { total: items.len(), items })?;
        }
    }
    let wrong = problems.iter().any(|located| located.problem.severity == Severity::Error);
    if wrong { Err(Failure::found()) } else { Ok(()) }
}

/// Whoever asks about nothing has most likely named another place than he meant.
fn nothing(place: &Place) -> LocatedProblem {
    let message = format!("there are no objects in {}: a directory is read by *.yaml, *.yml and *.json", place.name());
    let problem = Problem::warning("NoObjects", "", message);
    LocatedProblem { object: None, called: None, problem, location: None, snippet: String::new() }
}

fn text(problems: &[LocatedProblem], objects: usize) -> String {
    let number = |severity| problems.iter().filter(|located| located.problem.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let [objects, errors, warnings] = [count(objects, "object"), count(errors, "error"), count(warnings, "warning")];
    let summary = format!("{objects}, {errors}, {warnings}\n");
    if problems.is_empty() {
        return summary;
    }
    let rows: Vec<_> = problems.iter().map(row).collect();
    format!("{}\n{summary}", table::render(["", "WHERE", "OBJECT", "WHAT"], &rows))
}

fn row(located: &LocatedProblem) -> [String; 4] {
    let place = located.location.as_ref().map(ToString::to_string).unwrap_or_default();
    let object =
        located.object.as_ref().map(ToString::to_string).or_else(|| located.called.clone()).unwrap_or_default();
    [severity(located.problem.severity).to_owned(), place, object, located.problem.to_string().replace('\n', " ")]
}
