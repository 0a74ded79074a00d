//! What is written in a language of its own: it is compiled here, before the object is taken in, so that what does not compile
//! takes the place of nothing that does.

use nuncio_expr::{Requirement, Template, regex};

use crate::parse::Issues;
use crate::text::closest;
use crate::yaml::Path;
use crate::{Problem, Severity};

/// Checks a template that is told these fields.
pub(super) fn template(text: &str, told: &[&'static str], path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(Problem { severity, reason, message, .. }) = template_problem(text, told, "") {
        match severity {
            Severity::Error => issues.error(path, reason, message),
            Severity::Warning => issues.warning(path, reason, message),
        }
    }
}

/// What is wrong with a template in this field that is told those fields, with dots between. That it asks for another is no
/// error: the original takes it, and writes `<no value>`.
#[must_use]
pub fn template_problem(text: &str, told: &[&'static str], field: &str) -> Option<Problem> {
    match Template::new(text) {
        Err(error) => Some(Problem::error("InvalidTemplate", field, format!("the template does not compile: {error}"))),
        Ok(template) => template.unknown(told).map(|unknown| {
            let hint = meant(&unknown, told).map_or_else(
                || format!("there are `.{}`", told.join("`, `.")),
                |meant| format!("did you mean `.{meant}`?"),
            );
            let message = format!("there is no `.{unknown}`, which comes out as `<no value>` or fails: {hint}");
            Problem::warning("UnknownVariable", field, message)
        }),
    }
}

/// The field that may have been meant by one that is not there: up to where they differ.
fn meant(unknown: &str, told: &[&'static str]) -> Option<String> {
    let mut way: Vec<&'static str> = Vec::new();
    for part in unknown.split('.') {
        let below = |field: &&'static str| {
            let mut parts = field.split('.');
            way.iter().all(|known| parts.next() == Some(known)).then(|| parts.next()).flatten()
        };
        let candidates: Vec<&'static str> = told.iter().filter_map(below).collect();
        match candidates.iter().find(|candidate| **candidate == part) {
            Some(known) => way.push(known),
            None => {
                way.push(closest(part, &candidates)?);
                return Some(way.join("."));
            }
        }
    }
    None
}

/// Checks an expression over claims.
pub(super) fn requirement(text: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return };
    match Requirement::new(text) {
        Err(error) => issues.error(path, "InvalidExpression", error.to_string()),
        Ok(requirement) => {
            if let Some(unknown) = requirement.unknown() {
                let message = format!("there is no `{unknown}`, so this is never true: there is `claims`");
                issues.warning(path, "UnknownVariable", message);
            }
        }
    }
}

/// Checks an expression that is looked for in a header.
pub(super) fn header_regex(text: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(Err(error)) = text.map(regex) {
        issues.error(path, "InvalidRegex", error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use nuncio_expr::told;

    use super::{meant, template_problem};

    #[test]
    fn the_field_that_was_meant_is_named() {
        for (unknown, expected) in [
            ("tokn.accessToken", Some("token")),
            ("token.Claim.sub", Some("token.Claims")),
            ("idtoken.Raw", Some("idToken")),
            ("token.accessToken", None),
            ("user", None),
        ] {
            assert_eq!(meant(unknown, &told::LOGIN).as_deref(), expected, "{unknown}");
        }
    }

    #[test]
    fn what_is_there_is_no_problem() {
        for good in ["{{ .token.Claims.sub }}", "{{ .httpRequestHeader.Get \"a\" }}", "{{ . }}", "text"] {
            assert_eq!(template_problem(good, &told::JWT, ""), None, "{good}");
        }
        let told = template_problem("{{ .user.Raw }}", &told::JWT, "f").map(|problem| problem.to_string());
        let expected = "f: there is no `.user.Raw`, which comes out as `<no value>` or fails: there are `.token.Raw`, \
                        `.token.Header`, `.token.Claims`, `.token.Signature`, `.httpRequestHeader`";
        assert_eq!(told.as_deref(), Some(expected));
    }
}
