//! Whether two path conditions can take the same request.

use nuncio_ir::{PathMatch, RouteMatch};

/// Whether some request may be taken by both. `true` where it is not known: a route that is tried
/// once too often costs little, one that is left out takes requests away.
pub(crate) fn may_overlap(a: &RouteMatch, b: &RouteMatch) -> bool {
    use PathMatch::{Exact, Prefix, Regex, Segments};
    match (&a.path, &b.path) {
        (Regex(_), _) | (_, Regex(_)) => true,
        (Exact { value: x, .. }, Exact { value: y, .. }) => x.eq_ignore_ascii_case(y),
        (Exact { value: path, .. }, Prefix { value: prefix, .. } | Segments(prefix))
        | (Prefix { value: prefix, .. } | Segments(prefix), Exact { value: path, .. }) => begins(path, prefix),
        (Prefix { value: x, .. } | Segments(x), Prefix { value: y, .. } | Segments(y)) => begins(x, y) || begins(y, x),
    }
}

/// Whether the route takes every request, so that none after it is reached.
pub(crate) fn takes_everything(matches: &RouteMatch) -> bool {
    let any_path = matches!(&matches.path, PathMatch::Prefix { value, .. } if value == "/");
    any_path && matches.headers.is_empty() && matches.query.is_empty()
}

fn begins(text: &str, prefix: &str) -> bool {
    text.len() >= prefix.len() && text.as_bytes()[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: PathMatch) -> RouteMatch {
        RouteMatch { path, headers: Vec::new(), query: Vec::new() }
    }

    fn prefix(value: &str) -> RouteMatch {
        path(PathMatch::Prefix { value: value.to_owned(), case_sensitive: true })
    }

    fn exact(value: &str) -> RouteMatch {
        path(PathMatch::Exact { value: value.to_owned(), case_sensitive: true })
    }

    #[test]
    fn overlap_is_only_denied_where_it_is_impossible() {
        for (a, b, overlap) in [
            (prefix("/"), prefix("/a/"), true),
            (prefix("/a/"), prefix("/b/"), false),
            (prefix("/A/"), prefix("/a/b"), true),
            (exact("/a"), prefix("/a/"), false),
            (exact("/a/b"), prefix("/a/"), true),
            (exact("/a"), exact("/b"), false),
            (path(PathMatch::Regex("/x".to_owned())), prefix("/y"), true),
        ] {
            assert_eq!(may_overlap(&a, &b), overlap, "{a:?} {b:?}");
            assert_eq!(may_overlap(&b, &a), overlap, "{b:?} {a:?}");
        }
    }
}
