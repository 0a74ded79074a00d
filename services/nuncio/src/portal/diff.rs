//! `nuncio portal diff`: what has changed from one document to another.

use std::fs::File;
use std::io::Read;

use nuncio_portal::{Change, Severity};
use serde::Serialize;

use crate::cli::{DiffArgs, FailOn, Format};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::table;

/// The largest document.
const MAX_BYTES: u64 = 256 << 20;
/// What stands for standard input.
const STDIN: &str = "-";

#[derive(Serialize)]
struct View<'c> {
    breaking: usize,
    warning: usize,
    compatible: usize,
    changes: &'c [Change],
}

/// Prints every change, the worst first. Fails if one is too bad.
pub(crate) fn run(args: &DiffArgs) -> Outcome {
    if args.old == STDIN && args.new == STDIN {
        return Err(Failure::usage("only one of both documents can come from standard input"));
    }
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let changes = nuncio_portal::diff(old, new).map_err(Failure::usage)?;
    let count = |severity| changes.iter().filter(|change| change.severity == severity).count();
    let view = View {
        breaking: count(Severity::Breaking),
        warning: count(Severity::Warning),
        compatible: count(Severity::Compatible),
        changes: &changes,
    };
    match args.output {
        Format::Text => print_text(&text(&view)),
        Format::Json => print_json(&view)?,
    }
    if changes.iter().any(|change| change.severity >= least(args.fail_on)) { Err(Failure::found()) } else { Ok(()) }
}

fn least(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Breaking => Severity::Breaking,
        FailOn::Warning => Severity::Warning,
        FailOn::Any => Severity::Compatible,
    }
}

fn read(name: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{name}: {error}"));
    let source: Box<dyn Read> = match name {
        STDIN => Box::new(std::io::stdin().lock()),
        file => Box::new(File::open(file).map_err(failed)?),
    };
    let mut text = Vec::new();
    source.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!("{name}: the document is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(text)
}

fn text(view: &View<'_>) -> String {
    let View { breaking, warning, compatible, changes } = view;
    let summary = format!("{breaking} breaking, {warning} warning, {compatible} compatible\n");
    if changes.is_empty() {
        return "Nothing has changed for clients.\n".to_owned();
    }
    let rows: Vec<_> = changes.iter().map(row).collect();
    format!("{}\n{summary}", table::render(["", "OPERATION", "WHERE", "WHAT"], &rows))
}

fn row(change: &Change) -> [String; 4] {
    let operation = match &change.operations[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len() + change.more_operations),
    };
    let what = format!("{} ({})", change.text.trim_end_matches('.'), change.rule);
    [change.severity.as_str().to_owned(), operation, change.place.clone(), what]
}
