//! `nuncio ratelimit check`: what is wrong with files of rules.

use std::fmt::Write;

use nuncio_ratelimit::config::ConfigError;
use nuncio_ratelimit::{CheckOptions, Checked};
use serde::Serialize;

use crate::cli::{Format, RulesCheckArgs};
use crate::exit::{Failure, Outcome, print_json, print_text};

#[derive(Serialize)]
struct View<'c> {
    files: usize,
    limits: usize,
    errors: Vec<ErrorView<'c>>,
    warnings: Vec<ErrorView<'c>>,
}

#[derive(Serialize)]
struct ErrorView<'c> {
    file: &'c str,
    /// From 1; 0 where no line is to blame.
    line: usize,
    /// The descriptors that lead there.
    path: &'c str,
    message: &'c str,
}

/// Prints every error. Fails if there is one.
pub(super) fn run(args: &RulesCheckArgs) -> Outcome {
    let options = CheckOptions { merge_domains: args.merge_domains, ignore_dot_files: args.ignore_dot_files };
    let checked = nuncio_ratelimit::check(&args.dir, options)
        .map_err(|error| Failure::usage(format!("{}: {error}", args.dir.display())))?;
    match args.output {
        Format::Text => print_text(&text(&checked)),
        Format::Json => print_json(&view(&checked))?,
    }
    if checked.errors.is_empty() { Ok(()) } else { Err(Failure::found()) }
}

fn limits(checked: &Checked) -> usize {
    checked.config.as_ref().map_or(0, |config| config.rules().len())
}

fn view(checked: &Checked) -> View<'_> {
    View {
        files: checked.files,
        limits: limits(checked),
        errors: checked.errors.iter().map(ErrorView::from).collect(),
        warnings: checked.warnings.iter().map(ErrorView::from).collect(),
    }
}

impl<'c> From<&'c ConfigError> for ErrorView<'c> {
    fn from(error: &'c ConfigError) -> Self {
        Self { file: &error.file, line: error.line, path: &error.path, message: &error.message }
    }
}

fn text(checked: &Checked) -> String {
    let mut text = String::new();
    let errors = checked.errors.iter().map(|error| ("", error));
    // Writing to a string does not fail.
    for (severity, error) in errors.chain(checked.warnings.iter().map(|warning| ("warning: ", warning))) {
        let line = if error.line > 0 { format!(":{}", error.line) } else { String::new() };
        let path = if error.path.is_empty() { String::new() } else { format!(" (at {})", error.path) };
        let _ = writeln!(text, "{severity}{}{line}: {}{path}", error.file, error.message.replace('\n', " "));
    }
    if checked.errors.is_empty() {
        let _ = writeln!(text, "{} files, {} limits, 0 errors", checked.files, limits(checked));
    } else {
        let _ = writeln!(text, "{} files, {} errors", checked.files, checked.errors.len());
    }
    text
}
