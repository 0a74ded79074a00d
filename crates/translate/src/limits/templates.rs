//! The Go templates of a limit.

use nuncio_api::{Limit, ObjectId, Problem, Severity, TemplatedHeader, is_assertion, template_problem};
use nuncio_expr::Template;

use super::Problems;

/// What templates are told.
const KNOWN: [&str; 3] = ["RateLimitResponse.OverallCode", "RateLimitResponse.Statuses", "RetryAfter"];

/// Those that compile and are not the gateway's own; the others were told of.
pub(super) fn headers(headers: &[TemplatedHeader]) -> Vec<(String, String)> {
    let good = headers.iter().filter(|header| Template::new(&header.value).is_ok() && !is_assertion(&header.name));
    good.map(|header| (header.name.to_ascii_lowercase(), header.value.clone())).collect()
}

/// Tells of templates that do not compile, without which the limit holds, and of those that ask for what there is not.
pub(super) fn check(limit: &Limit, index: usize, id: &ObjectId, problems: &mut Problems) {
    let mut one = |field: String, template: &str| {
        let field = format!("spec.limits[{index}].{field}");
        problems.extend(problem(&field, template).map(|problem| (id.clone(), problem)));
    };
    let none = Vec::new();
    let error = limit.error_response.as_ref();
    for (field, headers) in [
        ("injectRequestHeaders", &limit.inject_request_headers),
        ("injectResponseHeaders", &limit.inject_response_headers),
        ("errorResponse.headers", error.map_or(&none, |error| &error.headers)),
    ] {
        for (place, header) in headers.iter().enumerate() {
            one(format!("{field}[{place}].value"), &header.value);
        }
    }
    if let Some(body) = error.and_then(|error| error.body_template.as_deref()) {
        one("errorResponse.bodyTemplate".to_owned(), body);
    }
}

/// The limit holds without a template that does not compile.
fn problem(field: &str, template: &str) -> Option<Problem> {
    let problem = template_problem(template, &KNOWN, field)?;
    Some(match problem.severity {
        Severity::Error => Problem { message: format!("{}; it is left out", problem.message), ..problem },
        Severity::Warning => problem,
    })
}
