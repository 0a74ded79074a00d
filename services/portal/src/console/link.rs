//! Addresses of the console's pages: all that a page shows is in its own.

use super::model::ObjectRef;
use crate::texts::Texts;
use crate::web::escape_path;

/// The page of an object.
pub(super) fn object(id: &ObjectRef) -> String {
    object_link(&id.kind, &id.namespace, &id.name)
}

/// The same, of an object that other pages tell of.
pub(crate) fn object_link(kind: &str, namespace: &str, name: &str) -> String {
    format!("/console/objects/{}", [kind, namespace, name].map(escape_path).join("/"))
}

/// A path with what is given of a query.
pub(super) fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<_> = given.map(|(key, value)| format!("{key}={}", escape_path(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// The parts of a list before and after the one that is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turns {
    pub(super) words: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// What is shown of a list of `total`: `shown`, from `offset` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) offset: usize,
    pub(super) shown: usize,
    pub(super) total: usize,
}

impl Turns {
    /// Of a list that is told in parts of `limit`; `link` gives the page of an offset.
    pub(super) fn new(
        texts: &Texts,
        Part { offset, shown, total }: Part,
        limit: usize,
        link: impl Fn(usize) -> String,
    ) -> Self {
        let words = match (shown, total) {
            (_, 0) => texts.text("turns_none").to_owned(),
            (0, _) => texts.with("turns_beyond", "total", &total),
            (shown, total) if shown == total => texts.with("turns_all", "total", &total),
            _ => texts.fill("turns_some", &[("first", &(offset + 1)), ("last", &(offset + shown)), ("total", &total)]),
        };
        Self {
            words,
            before: (offset > 0).then(|| link(offset.saturating_sub(limit))),
            after: (offset + shown < total && shown > 0).then(|| link(offset + shown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_turned_over_at_both_ends() {
        let turns = |offset, shown, total| {
            Turns::new(&Texts::default(), Part { offset, shown, total }, 30, |offset| offset.to_string())
        };
        let words = |turns: Turns| (turns.words, turns.before, turns.after);
        assert_eq!(words(turns(0, 0, 0)), ("none".into(), None, None));
        assert_eq!(words(turns(0, 5, 5)), ("all 5".into(), None, None));
        assert_eq!(words(turns(30, 30, 70)), ("31–60 of 70".into(), Some("0".into()), Some("60".into())));
        assert_eq!(words(turns(90, 0, 70)), ("none of 70 is so far down".into(), Some("60".into()), None));
    }

    #[test]
    fn addresses_hold_what_is_chosen_and_nothing_else() {
        assert_eq!(with_query("/console/", [("host", "a b"), ("text", "")]), "/console/?host=a%20b");
        let id = ObjectRef { kind: "Mapping".into(), namespace: "n".into(), name: "a/b".into() };
        assert_eq!(object(&id), "/console/objects/Mapping/n/a%2Fb");
    }
}
