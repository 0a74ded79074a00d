//! Expressions in formats (CEL), as far as they read headers of requests.

use super::value::is_token;

/// What holds the headers of a request.
const REQUEST: &str = "request";
const HEADERS: &str = "headers";

/// The header of the request that an expression reads and that `is_kept` knows, in lower case; `request.headers` where it does
/// not name each that it reads. Understood is `request.headers['name']`: of whatever is written otherwise nobody knows what
/// it reads.
pub(super) fn kept_header(expression: &str, is_kept: impl Fn(&str) -> bool) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(found) = expression[at..].find(REQUEST) {
        let (before, after) = (&expression[..at + found], &expression[at + found + REQUEST.len()..]);
        at = expression.len() - after.len();
        if before.ends_with(is_part) || after.starts_with(is_part) {
            continue;
        }
        match read(after) {
            Read::Other => {}
            Read::Header(name, _) if is_kept(&name.to_ascii_lowercase()) => return Some(name.to_ascii_lowercase()),
            Read::Header(_, after) => at = expression.len() - after.len(),
            Read::Anything => return Some(format!("{REQUEST}.{HEADERS}")),
        }
    }
    None
}

/// What is read of a request.
enum Read<'a> {
    /// No header.
    Other,
    /// Of this name; and what follows.
    Header(&'a str, &'a str),
    Anything,
}

/// Of what stands behind `request`.
fn read(after: &str) -> Read<'_> {
    match field(after) {
        Some((HEADERS, after)) => {
            index(after).or_else(|| field(after)).map_or(Read::Anything, |(name, after)| Read::Header(name, after))
        }
        Some(_) => Read::Other,
        None => Read::Anything,
    }
}

/// `.name`, which is not called, and what follows.
fn field(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().strip_prefix('.')?.trim_start();
    let (name, after) =
        text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len()));
    (!name.is_empty() && !after.trim_start().starts_with('(')).then_some((name, after))
}

/// `['name']`, and what follows.
fn index(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().strip_prefix('[')?.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (name, after) = text[1..].split_once(quote)?;
    let after = after.trim_start().strip_prefix(']')?;
    is_token(name.strip_prefix(':').unwrap_or(name)).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::kept_header;

    #[test]
    fn a_header_is_known_by_the_name_that_is_written() {
        let kept = |expression: &str| kept_header(expression, |name| name == "baggage");
        for expression in [
            "request.headers['baggage']",
            "x.y + request . headers [ \"Baggage\" ]",
            "request.headers.baggage",
            "request.headers['x-request-id']+request.headers['baggage']",
        ] {
            assert_eq!(kept(expression).as_deref(), Some("baggage"), "{expression}");
        }
        for expression in [
            "request",
            "request.headers",
            "request['headers']",
            "request.headers['bag' + 'gage']",
            "request.headers[r'baggage']",
            r"request.headers['\x62aggage']",
            "request.headers['''baggage''']",
            "request.headers.map(name, name)",
            "request.map(it, it)",
            "[request].map(it, it.headers['baggage'])",
            "request.`headers`['baggage']",
            "request//\n.headers['baggage']",
        ] {
            assert_eq!(kept(expression).as_deref(), Some("request.headers"), "{expression}");
        }
        for expression in [
            "request.headers['x-request-id']",
            "request.headers[':path']",
            "request.headers.host",
            "request.path + response.headers['baggage']",
            "my_request.headers['baggage']",
            "requests['baggage']",
        ] {
            assert_eq!(kept(expression), None, "{expression}");
        }
    }
}
