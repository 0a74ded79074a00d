//! Bad input: each row has a reason, a field and a place, and harms nothing beside it.

mod auth_services;
mod dev_portals;
mod documents;
mod filters;
mod guards;
mod hosts;
mod limits;
mod listeners;
mod mappings;
mod messages;
mod modules;
mod tcp_mappings;
mod tls_contexts;
mod warnings;

use crate::support::{is_invalid, named, of_kind, problems, read};
use nuncio_api::Severity;

/// A spec, and of its only error: the reason, the field, and the text at whose beginning it stands.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const GOOD: &str = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: good}\n\
                    spec: {hostname: '*', prefix: /good/, service: web}\n";

/// Checks that the row's object is refused for the row's reason, and that its neighbour serves.
fn check((kind, spec, reason, field, at): Row) {
    let text = format!("{}---\n{GOOD}", of_kind(kind, spec));
    let parsed = read(&text);
    let good = named(&parsed, "Mapping default/good");
    assert!(!is_invalid(good) && good.problems.is_empty(), "{spec}: {good:?}");
    let errors: Vec<_> = problems(&parsed).into_iter().filter(|(p, _)| p.severity == Severity::Error).collect();
    let [(problem, location)] = errors.as_slice() else { panic!("{spec}: {errors:#?}") };
    assert_eq!((problem.reason, problem.field.as_str()), (reason, field), "{spec}: {problem}");
    let line = text.lines().nth(3).unwrap();
    let column = line.find(at).unwrap_or_else(|| panic!("{at} is not in {line}")) + 1;
    assert_eq!((location.line, location.column as usize), (4, column), "{spec}: {problem}");
}
