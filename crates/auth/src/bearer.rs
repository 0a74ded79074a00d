//! Bearer tokens in requests (RFC 6750).

use crate::Request;

/// What the request has for a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// No `Authorization: Bearer`.
    Absent,
    /// One token, of the syntax.
    Token(&'a str),
    /// Something that is none, or more than one.
    Malformed,
}

/// The token in `Authorization`; those in the query or a body are never looked at.
#[must_use]
pub fn bearer(request: &Request) -> Bearer<'_> {
    let mut lines = request.headers().get_all(http::header::AUTHORIZATION).iter();
    let (Some(line), other) = (lines.next(), lines.next()) else { return Bearer::Absent };
    if other.is_some() {
        return Bearer::Malformed;
    }
    let Ok(line) = line.to_str() else { return Bearer::Malformed };
    let Some((scheme, token)) = line.split_once(' ') else { return Bearer::Absent };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Bearer::Absent;
    }
    let token = token.trim();
    if is_b64token(token) { Bearer::Token(token) } else { Bearer::Malformed }
}

/// `b64token` of RFC 6750.
#[must_use]
pub(crate) fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 44 and 45.
    #[test]
    fn one_token_in_one_place() {
        let with = |lines: &[&str], check: &dyn Fn(Bearer<'_>)| {
            let mut request = Request::new("GET", "https", "a", "/?access_token=abc");
            for line in lines {
                request.add_header("authorization", line.as_bytes());
            }
            check(bearer(&request));
        };
        with(&[], &|found| assert_eq!(found, Bearer::Absent));
        with(&["Basic abc"], &|found| assert_eq!(found, Bearer::Absent));
        with(&["bearer a.b-c="], &|found| assert_eq!(found, Bearer::Token("a.b-c=")));
        with(&["Bearer a, Bearer b"], &|found| assert_eq!(found, Bearer::Malformed));
        with(&["Bearer a", "Bearer b"], &|found| assert_eq!(found, Bearer::Malformed));
        with(&["Bearer a", "Basic b"], &|found| assert_eq!(found, Bearer::Malformed));
    }
}
