//! `nuncio ratelimit explain`: which limit a request is held to, and what is left of it.

use std::fmt::Write;
use std::path::Path;

use nuncio_controller::admin::AdminClient;
use nuncio_ratelimit::{CheckOptions, Explanation, RuleView};

use crate::cli::{Format, LimitExplainArgs, RuleSource};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::gateway::ask;

/// Prints the limit. Fails where none applies.
pub(super) fn run(args: &LimitExplainArgs) -> Outcome {
    let entries = args
        .entries
        .iter()
        .map(|entry| entry.split_once('=').ok_or_else(|| Failure::usage(format!("expected KEY=VALUE, not {entry:?}"))));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let explanation = match &args.source {
        RuleSource::Files(rules) => of_files(rules, args, &entries)?,
        RuleSource::Server(server) => of_server(server, &args.domain, &entries)?,
    };
    match args.output {
        Format::Json => print_json(&explanation)?,
        Format::Text => print_text(&text(&explanation)),
    }
    if explanation.why_not.is_some() { Err(Failure::found()) } else { Ok(()) }
}

fn of_files(rules: &Path, args: &LimitExplainArgs, entries: &[(&str, &str)]) -> Result<Explanation, Failure> {
    let options = CheckOptions { merge_domains: args.merge_domains, ignore_dot_files: args.ignore_dot_files };
    let checked = nuncio_ratelimit::check(rules, options)
        .map_err(|error| Failure::usage(format!("{}: {error}", rules.display())))?;
    match (checked.config, checked.errors.first()) {
        (Some(config), None) => nuncio_ratelimit::explain(&config, &args.domain, entries).map_err(Failure::new),
        (_, Some(error)) => Err(Failure::new(error.with_place())),
        (None, None) => Err(Failure::new("there are no rules")),
    }
}

fn of_server(server: &str, domain: &str, entries: &[(&str, &str)]) -> Result<Explanation, Failure> {
    let path = nuncio_ratelimit::explain_path(domain, entries);
    ask("the rate limit service", server, &AdminClient::tcp(server), &path)
}

fn text(explanation: &Explanation) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for step in &explanation.steps {
        let _ = match (&step.descriptor, &step.by) {
            (Some(descriptor), Some(by)) => writeln!(text, "{:<24}{descriptor} (by {by})", step.entry),
            _ if explanation.rule.is_some() => {
                writeln!(text, "{:<24}any: the limit holds whatever follows", step.entry)
            }
            _ => writeln!(text, "{:<24}none", step.entry),
        };
    }
    if let Some(why_not) = &explanation.why_not {
        let _ = writeln!(text, "\nNo limit: {why_not}");
    }
    let mut part = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<12}{value}");
    };
    if let Some(rule) = &explanation.rule {
        part("Limit", limit(rule));
        part("From", origin(rule));
        part("Descriptor", rule.path.clone());
    }
    if let Some(key) = &explanation.key {
        part("Counter", key.clone());
    }
    if let Some(counter) = &explanation.counter {
        part("Used", format!("{}, {} left", counter.used, counter.remaining));
        part("Reset", format!("in {} s", counter.reset_seconds));
    }
    text
}

/// The object, else the file and line, else the resource.
fn origin(RuleView { object, file, line, .. }: &RuleView) -> String {
    match (object, line) {
        (Some(object), _) => object.clone(),
        (None, Some(line)) => format!("{file}:{line}"),
        (None, None) => file.clone(),
    }
}

/// `60 in a MINUTE, gcra of at most 10 at once, shadow mode`.
fn limit(rule: &RuleView) -> String {
    let mut text = format!("{} in a {}", rule.requests_per_unit, rule.unit);
    if rule.algorithm != "fixed_window" {
        let _ = write!(text, ", {}", rule.algorithm);
    }
    if rule.capacity != rule.requests_per_unit {
        let _ = write!(text, " of at most {} at once", rule.capacity);
    }
    for (flag, name) in [(rule.shadow_mode, ", shadow mode"), (rule.quota_mode, ", quota mode")] {
        text.push_str(if flag { name } else { "" });
    }
    if !rule.name.is_empty() {
        let _ = write!(text, " ({})", rule.name);
    }
    text
}
