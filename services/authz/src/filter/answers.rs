//! The answers to who has no good token, written by templates where a filter has some.

use http::{HeaderName, HeaderValue, StatusCode};
use nuncio_auth::jwt::Invalid;
use nuncio_auth::{ClientKind, Denial, Reply, Request, Strength, challenge};
use nuncio_expr::Template;
use nuncio_expr::template::Value;
use nuncio_ir::auth::{ErrorResponse, FilterId};

/// `errorResponse`, compiled.
#[derive(Debug)]
pub(super) struct Answers {
    filter: FilterId,
    realm: String,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
}

/// What went wrong with a token.
pub(super) struct Problem<'a> {
    pub(super) status: StatusCode,
    /// `error` of RFC 6750; none where there was no token.
    pub(super) error: Option<&'static str>,
    /// For metrics and logs.
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// What would do.
    pub(super) wanted: Vec<(&'static str, String)>,
    /// What the token has that it must not.
    pub(super) invalid: Option<&'a Invalid>,
}

impl Problem<'_> {
    /// A login that is not as the rule wants it (RFC 9470).
    pub(super) fn weak_login(wanted: &Strength) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            error: Some(Strength::INSUFFICIENT),
            reason: "weak_login",
            message: "the login was not as it must be for this".to_owned(),
            wanted: wanted.parameters(),
            invalid: None,
        }
    }
}

impl Answers {
    pub(super) fn new(id: &FilterId, response: &ErrorResponse) -> Result<Self, String> {
        let template = |place: &str, source: &str| Template::new(source).map_err(|error| format!("{place}: {error}"));
        let header = |(name, source): &(std::sync::Arc<str>, std::sync::Arc<str>)| {
            let name = HeaderName::try_from(&**name).map_err(|_| format!("{name:?} is no name of a header"))?;
            let source = template(&format!("the template of {name}"), source)?;
            Ok::<_, String>((name, source))
        };
        Ok(Self {
            filter: id.clone(),
            realm: response.realm.as_deref().unwrap_or(&id.0).to_owned(),
            headers: response.headers.iter().map(header).collect::<Result<_, _>>()?,
            body: response
                .body_template
                .as_deref()
                .map(|source| template("the template of the body", source))
                .transpose()?,
        })
    }

    /// The denial for a problem.
    pub(super) fn deny(&self, request: &Request, problem: &Problem<'_>) -> Denial {
        let kind = ClientKind::of(request);
        let mut reply = Reply::message(kind, problem.status, &problem.message, request);
        if let Err(error) = self.write(request, problem, &mut reply) {
            let filter = &self.filter;
            tracing::warn!(
                "Filter {filter}: the answer of errorResponse cannot be written, so it is the usual one: {error}"
            );
            reply = Reply::message(kind, problem.status, &problem.message, request);
        }
        // Also where a template wrote one of its own: RFC 9110 wants a 401 to have a challenge.
        if !reply.headers.iter().any(|(name, _)| name == http::header::WWW_AUTHENTICATE) {
            reply = reply.challenge(&self.challenge(problem));
        }
        Denial::new(problem.reason, problem.message.clone(), reply)
    }

    fn write(&self, request: &Request, problem: &Problem<'_>, reply: &mut Reply) -> Result<(), String> {
        if self.headers.is_empty() && self.body.is_none() {
            return Ok(());
        }
        let data = data(request, problem);
        for (name, template) in &self.headers {
            let Some(text) = template.render(&data).map_err(|error| error.to_string())? else { continue };
            let value = HeaderValue::from_str(&text).map_err(|_| format!("{name} is no value of a header"))?;
            reply.headers.retain(|(other, _)| other != name);
            reply.headers.push((name.clone(), value));
        }
        if let Some(body) = &self.body {
            reply.body = body.render(&data).map_err(|error| error.to_string())?.unwrap_or_default();
        }
        Ok(())
    }

    /// RFC 6750, section 3.
    fn challenge(&self, problem: &Problem<'_>) -> String {
        let error = problem.error.map(|error| [("error", error), ("error_description", &problem.message)]);
        let wanted = problem.wanted.iter().map(|(name, value)| (*name, &**value));
        let all: Vec<_> =
            [("realm", &*self.realm)].into_iter().chain(error.into_iter().flatten()).chain(wanted).collect();
        challenge("Bearer", &all)
    }
}

/// What the original's templates are given.
fn data(request: &Request, problem: &Problem<'_>) -> Value {
    let validation = problem.invalid.map_or(Value::Null, |invalid| {
        Value::map([("Errors", Value::Int(invalid.bits())), ("Inner", Value::Text(invalid.to_string()))])
    });
    let status = i64::from(problem.status.as_u16());
    Value::map([
        ("status_code", Value::Int(status)),
        ("httpStatus", Value::Int(status)),
        ("message", Value::Text(problem.message.clone())),
        ("requestId", Value::Text(request.id.clone())),
        ("request_id", Value::Text(request.id.clone())),
        ("httpRequestHeader", Value::headers(request.headers())),
        ("error", Value::map([("ValidationError", validation), ("Error", Value::Text(problem.message.clone()))])),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nuncio_expr::told;

    use super::*;

    fn fields(value: &Value, way: &str) -> BTreeSet<String> {
        match value {
            Value::Map(entries) => {
                entries.iter().flat_map(|(name, value)| fields(value, &format!("{way}.{name}"))).collect()
            }
            _ => [way.trim_start_matches('.').to_owned()].into(),
        }
    }

    #[test]
    fn templates_are_told_what_objects_are_held_against() {
        let problem = Problem { invalid: Some(&Invalid::Expired), ..Problem::weak_login(&Strength::default()) };
        let data = data(&Request::new("GET", "https", "a", "/"), &problem);
        assert_eq!(fields(&data, ""), told::DENIAL.map(str::to_owned).into());
    }
}
