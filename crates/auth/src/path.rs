//! Paths that mean one thing to the edge and another to what is behind it.

use std::borrow::Cow;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not begin with a slash, or is longer than any that is meant.
    #[error("the path is not one")]
    NotAPath,
    /// A character that no URL holds, as it is or encoded.
    #[error("the path holds a control character")]
    Control,
    /// `%` without two digits, or bytes that are no UTF-8.
    #[error("the path is not encoded as it should be")]
    Encoding,
    /// `%25` with digits that follow: something that may be decoded twice.
    #[error("the path is encoded twice")]
    Twice,
    /// A segment `.` or `..`, plain or in disguise: servers differ in where it leads.
    #[error("the path leads up and down")]
    Dots,
}

/// Refuses paths that no honest client sends and that are read differently by different servers.
///
/// # Errors
/// When the path is one of those.
pub fn check(path: &str) -> Result<(), Refused> {
    if !path.starts_with('/') {
        return Err(Refused::NotAPath);
    }
    if path.contains(['#', '\\']) || path.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return Err(Refused::Control);
    }
    let decoded = decode(path).ok_or(Refused::Encoding)?;
    if decoded.chars().any(char::is_control) {
        return Err(Refused::Control);
    }
    let mut encoded = decoded.match_indices('%');
    if encoded.any(|(at, _)| is_hex_pair(&decoded.as_bytes()[at + 1..])) {
        return Err(Refused::Twice);
    }
    let is_dots = |segment: &str| matches!(segment.split([';', '?', '#']).next(), Some("." | ".."));
    if decoded.split(['/', '\\']).any(is_dots) {
        return Err(Refused::Dots);
    }
    Ok(())
}

/// The path as the most liberal server reads it: decoded, without parameters of segments, dots resolved, slashes merged.
/// `None` for one that [`check`] refuses.
#[must_use]
pub fn liberal(path: &str) -> Option<String> {
    let decoded = decode(path)?;
    let decoded = decoded.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_open = true;
    for segment in decoded.split('/') {
        let segment = segment.split(';').next().unwrap_or_default();
        ends_open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let mut path = format!("/{}", segments.join("/"));
    if ends_open && path.len() > 1 {
        path.push('/');
    }
    Some(path)
}

/// Percent-decoding, once.
pub(crate) fn decode(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        if !is_hex_pair(tail) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn is_hex_pair(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Case 13, and 15's first half, of the attack suite.
    #[test]
    fn what_no_client_sends_is_refused() {
        let refused = [
            ("/public/%252e%252e/admin", Refused::Twice),
            ("/a%00", Refused::Control),
            ("/admin/%c0%af", Refused::Encoding),
            ("/a%0d%0ab", Refused::Control),
            ("/a%", Refused::Encoding),
            ("/a%zz", Refused::Encoding),
            ("/a%+1", Refused::Encoding),
            ("/admin#/public", Refused::Control),
            ("/a\\b", Refused::Control),
            ("admin", Refused::NotAPath),
            ("/public/../admin/..;/..;/public/x", Refused::Dots),
            ("/public/%2e%2E/admin", Refused::Dots),
            ("/public/..%2fadmin", Refused::Dots),
            ("/public/..%5cadmin", Refused::Dots),
            ("/public/..%3fx", Refused::Dots),
            ("/public/.;a=b/x", Refused::Dots),
            ("/public/..", Refused::Dots),
        ];
        for (path, reason) in refused {
            assert_eq!(check(path), Err(reason), "{path}");
        }
        for path in ["/", "/a%20b", "/100%25", "/%C3%A9/é", "/a;b=c", "/a:b@c", "/...", "/..a/a..;b"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    /// Cases 8 to 12.
    #[test]
    fn the_liberal_reading_is_the_plain_one() {
        for path in [
            "//admin",
            "/./admin",
            "/x/../admin",
            "/%2e%2e/admin",
            "/public/%2E%2e/admin",
            "/public/..;/admin",
            "/%61dmin",
            "/admin;x=1",
            "/admin%23/public",
            "/admin%3f/public",
            "/public/..%2fadmin",
            "/..%5cadmin",
        ] {
            assert_eq!(liberal(path).unwrap(), "/admin", "{path}");
        }
        assert_eq!(liberal("/a/").unwrap(), "/a/");
        assert_eq!(liberal("/a/b/..").unwrap(), "/a/");
        assert_eq!(liberal("/").unwrap(), "/");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(path in "\\PC{0,40}|[/%0-9a-f.;]{0,40}") {
            if check(&path).is_ok() {
                let plain = liberal(&path).unwrap();
                prop_assert!(plain.starts_with('/'));
                prop_assert!(!plain.split('/').any(|segment| segment == ".."));
            }
        }
    }
}
