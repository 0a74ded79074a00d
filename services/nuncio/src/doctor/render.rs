//! Checks for people: a line each under its heading, what was found, and what to do.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use nuncio_controller::doctor::{Check, Outcome};

const HEADING: Style = Style::new().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// The text, with styles that whoever prints it takes out where nobody sees them.
pub(super) fn text(checks: &[Check]) -> String {
    let mut sections: Vec<&str> = Vec::new();
    for check in checks {
        if !sections.contains(&check.section) {
            sections.push(check.section);
        }
    }
    let mut text = String::new();
    for section in sections {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{HEADING}{section}{HEADING:#}");
        checks.iter().filter(|check| check.section == section).for_each(|check| line(&mut text, check));
        text.push('\n');
    }
    text.push_str(&summary(checks));
    text
}

fn line(text: &mut String, Check { section: _, check, outcome, found, hint }: &Check) {
    let (sign, style) = sign(*outcome);
    // What is well is one line.
    let brief =
        if *outcome == Outcome::Ok && !found.is_empty() { format!(": {}", found.join(", ")) } else { String::new() };
    let _ = writeln!(text, "{style}{sign}{style:#} {check}{brief}");
    if *outcome != Outcome::Ok {
        for found in found {
            let _ = writeln!(text, "    {found}");
        }
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "    {HINT}→ {hint}{HINT:#}");
    }
}

fn sign(outcome: Outcome) -> (char, Style) {
    match outcome {
        Outcome::Ok => ('√', AnsiColor::Green.on_default()),
        Outcome::Warning => ('‼', AnsiColor::Yellow.on_default()),
        Outcome::Failed => ('×', AnsiColor::Red.on_default().bold()),
        Outcome::Skipped => ('-', Style::new().dimmed()),
    }
}

fn summary(checks: &[Check]) -> String {
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let (ok, warnings, failed, skipped) =
        (count(Outcome::Ok), count(Outcome::Warning), count(Outcome::Failed), count(Outcome::Skipped));
    let (_, style) = sign(if failed > 0 {
        Outcome::Failed
    } else if warnings > 0 {
        Outcome::Warning
    } else {
        Outcome::Ok
    });
    let warnings = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
    format!("{style}{ok} ok, {warnings}, {failed} failed, {skipped} not looked at{style:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_stand_under_their_headings() {
        let checks = [
            Check::ok("A", "one works").with("well"),
            Check::failed("B", "two works", "it does not", "mend it"),
            Check::skipped("A", "three works", "nobody asked"),
        ];
        let styled = text(&checks);
        let plain = anstream::adapter::strip_str(&styled).to_string();
        let expected = "A\n√ one works: well\n- three works\n    nobody asked\n\nB\n× two works\n    it does not\n    → mend it\n\n\
            1 ok, 0 warnings, 1 failed, 1 not looked at\n";
        assert_eq!(plain, expected);
        assert_ne!(styled, plain);
    }
}
