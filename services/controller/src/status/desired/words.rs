//! Sentences about problems, for people.

use nuncio_api::Problem;

/// Longest message, in bytes. The schema allows 32 KiB; nobody reads that.
pub(super) const LONGEST: usize = 4096;

/// What to do where something that an object names is of no use.
pub(super) fn mend(problem: &Problem) -> &'static str {
    match problem.reason {
        "InvalidFilter" => "Correct that Filter: its own status says how",
        "ProviderUnavailable" => "Correct the address, or have it answer: it is tried again every few seconds",
        _ => "Create what is missing or correct the name",
    }
}

/// What to do where nothing leads to an object.
pub(super) fn attach(problem: &Problem) -> &'static str {
    match problem.reason {
        "HostNotUsable" => "Correct that Host",
        "NoAuthenticationService" => {
            "Run `nuncio up`, which decides by itself, or name the service that does (--authz)"
        }
        "Deleted" => "Make it anew where it is still wanted; it is taken away in a day",
        "Expired" => "Give it a longer lifetime, as far as the PreviewPolicy lets it",
        "NoHosts" => "Create a Host that its hostBinding selects, or widen hostBinding",
        "NoPreviewPolicy" => "Create one there that allows it",
        _ => "Create what it lacks, or correct its hostname or labels",
    }
}

/// Every problem, each with its field.
pub(super) fn list<'a>(problems: impl Iterator<Item = &'a Problem>) -> String {
    let mut text = String::new();
    for problem in problems {
        if text.len() > LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&problem.to_string());
    }
    text
}

pub(super) fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
