//! Whether two path conditions can take the same request.

use super::{PathMatch, RouteMatch};

impl RouteMatch {
    /// Whether some request may be taken by both. `true` where it is not known: a route that is tried
    /// once too often costs little, one that is left out takes requests away.
    #[must_use]
    pub fn may_overlap(&self, other: &Self) -> bool {
        use PathMatch::{Exact, Prefix, Regex, Segments};
        match (&self.path, &other.path) {
            (Regex(_), _) | (_, Regex(_)) => true,
            (Exact { value: x, .. }, Exact { value: y, .. }) => x.eq_ignore_ascii_case(y),
            (Exact { value: path, .. }, Prefix { value: prefix, .. } | Segments(prefix))
            | (Prefix { value: prefix, .. } | Segments(prefix), Exact { value: path, .. }) => begins(path, prefix),
            (Prefix { value: x, .. } | Segments(x), Prefix { value: y, .. } | Segments(y)) => {
                begins(x, y) || begins(y, x)
            }
        }
    }
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
            assert_eq!(a.may_overlap(&b), overlap, "{a:?} {b:?}");
            assert_eq!(b.may_overlap(&a), overlap, "{b:?} {a:?}");
        }
    }
}
