//! Lists that stay small however large the world is.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Items of a list when the client does not say how many.
const DEFAULT_LIMIT: usize = 1000;

/// Which items of a list to give. All conditions must hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only of this kind (`Mapping`). Compared without case. For objects and problems, and routes by the objects that make them.
    pub kind: Option<String>,
    /// Only of this namespace. For objects and problems, and routes by the objects that make them.
    pub namespace: Option<String>,
    /// Only of this name: of the object, or of the host, route, cluster or Envoy where the list is of those.
    pub name: Option<String>,
    /// Only of this host name. For hosts and routes.
    pub host: Option<String>,
    /// Only those whose kind, namespace and name hold every word of this, in any case. For objects and problems, and routes by the
    /// objects that make them.
    pub text: Option<String>,
    /// At most this many items. Default 1000.
    pub limit: Option<usize>,
    /// Leave out this many at the start.
    pub offset: Option<usize>,
}

impl ListQuery {
    /// The path and query of the list called `list` (`routes`) for this query.
    #[must_use]
    pub fn to_path(&self, list: &str) -> String {
        let [limit, offset] = [self.limit, self.offset].map(|number| number.map(|number| number.to_string()));
        let pairs = [
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("host", &self.host),
            ("text", &self.text),
            ("limit", &limit),
            ("offset", &offset),
        ];
        let given = pairs.iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
        let path = format!("/api/v1/{list}?");
        let start = path.len();
        let path = form_urlencoded::Serializer::for_suffix(path, start).extend_pairs(given).finish();
        path.trim_end_matches('?').to_owned()
    }

    /// Whether an object of this identity is wanted.
    #[must_use]
    pub fn wants_object(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.kind.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind))
            && self.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
            && self.wants_name(name)
            && self.text.as_ref().is_none_or(|text| holds_words(&format!("{kind} {namespace}/{name}"), text))
    }

    /// Whether something of this name is wanted.
    #[must_use]
    pub fn wants_name(&self, name: &str) -> bool {
        self.name.as_ref().is_none_or(|wanted| wanted == name)
    }

    /// Whether something that belongs to this host name is wanted.
    #[must_use]
    pub fn wants_host(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(host))
    }
}

/// Whether a text holds every word of another, in any case.
pub(crate) fn holds_words(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items asked for.
    pub items: Vec<T>,
    /// How many there are in all, of those that the query wants.
    pub total: usize,
}

impl<T> Page<T> {
    /// The part of `all` (which the caller has filtered) that `query` asks for. Only that part is turned into views.
    pub fn of<I>(query: &ListQuery, all: impl Iterator<Item = I>, view: impl Fn(I) -> T) -> Self {
        let (offset, limit) = (query.offset.unwrap_or(0), query.limit.unwrap_or(DEFAULT_LIMIT));
        let mut page = Self { items: Vec::new(), total: 0 };
        for item in all {
            if page.total >= offset && page.items.len() < limit {
                page.items.push(view(item));
            }
            page.total += 1;
        }
        page
    }

    /// The same part with its items turned into something else.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_a_part_and_counts_all() {
        let query = ListQuery { limit: Some(2), offset: Some(3), ..ListQuery::default() };
        assert_eq!(Page::of(&query, 0..10, |n| n), Page { items: vec![3, 4], total: 10 });
        assert_eq!(Page::of(&ListQuery::default(), 0..5000, |n| n).items.len(), DEFAULT_LIMIT);
        assert_eq!(Page::of(&ListQuery { limit: Some(0), ..query }, 0..4, |n| n).items, [0; 0]);
    }

    #[test]
    fn queries_are_written_as_they_are_read() {
        let query = ListQuery { host: Some("*.a b".into()), limit: Some(2), ..ListQuery::default() };
        assert_eq!(query.to_path("routes"), "/api/v1/routes?host=*.a+b&limit=2");
    }

    #[test]
    fn filters_by_what_is_given() {
        let query = ListQuery { kind: Some("mapping".into()), name: Some("cart".into()), ..ListQuery::default() };
        assert!(query.wants_object("Mapping", "shop", "cart"));
        assert!(!query.wants_object("Host", "shop", "cart"));
        assert!(!query.wants_object("Mapping", "shop", "web"));
        let by = |text: &str| ListQuery { text: Some(text.into()), ..ListQuery::default() };
        assert!(by("CART mapp").wants_object("Mapping", "shop", "cart-v2") && by("").wants_object("Host", "a", "b"));
        assert!(!by("cart host").wants_object("Mapping", "shop", "cart"));
    }
}
