//! `PromQL`, as far as it takes to find the names in it.

use std::collections::BTreeSet;

/// A metric in a query, and what is asked of its labels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) metric: String,
    /// Label, operator and value.
    pub(super) matchers: Vec<(String, String, String)>,
}

/// Names in a query.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) selectors: Vec<Selector>,
    /// Labels that are grouped by.
    pub(super) labels: BTreeSet<String>,
}

/// Words that are followed by a list of labels in parentheses.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 4] = ["or", "and", "unless", "bool"];

/// Finds them. Strings hold no braces or parentheses in what is read here.
pub(super) fn names(query: &str) -> Names {
    let mut names = Names::default();
    let mut rest = query;
    while let Some(start) = rest.find(|c: char| is_name(c) || c == '[' || c == '{') {
        let tail = &rest[start..];
        if tail.starts_with('[') {
            rest = tail.split_once(']').expect("a range that ends").1;
            continue;
        }
        assert!(!tail.starts_with('{'), "a selector without a name: {tail}");
        let end = tail.find(|c| !is_name(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        rest = take(word, after, &mut names);
    }
    names
}

/// Takes what a word begins, and gives what follows.
fn take<'q>(word: &str, after: &'q str, names: &mut Names) -> &'q str {
    let next = after.trim_start();
    if word.starts_with(|c: char| c.is_ascii_digit()) || OPERATORS.contains(&word) {
        return after;
    }
    if GROUPINGS.contains(&word) {
        let (list, rest) = next.strip_prefix('(').and_then(|list| list.split_once(')')).expect("labels");
        names.labels.extend(list.split(',').map(|label| label.trim().to_owned()));
        return rest;
    }
    if next.starts_with('(') || GROUPINGS.iter().any(|grouping| next.starts_with(&format!("{grouping} ("))) {
        // A function or an aggregation.
        return after;
    }
    let (matchers, rest) = match next.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        Some((matchers, rest)) => {
            (matchers.split(',').filter(|text| !text.trim().is_empty()).map(matcher).collect(), rest)
        }
        None => (Vec::new(), after),
    };
    names.selectors.push(Selector { metric: word.to_owned(), matchers });
    rest
}

fn matcher(text: &str) -> (String, String, String) {
    let text = text.trim();
    let operator = text.find(|c| !is_name(c)).expect("an operator");
    let (label, rest) = text.split_at(operator);
    let quote = rest.find('"').expect("a value");
    (label.to_owned(), rest[..quote].trim().to_owned(), rest[quote..].trim_matches('"').to_owned())
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

#[test]
fn names_are_found() {
    let query = r#"sum by (pod, le) (rate(a_total{x="1", y!~"2"}[5m])) / b or max(c:d == 0.5)"#;
    let found = names(query);
    let metrics: Vec<_> = found.selectors.iter().map(|selector| selector.metric.as_str()).collect();
    assert_eq!(metrics, ["a_total", "b", "c:d"]);
    let matcher = |label: &str, operator: &str, value: &str| (label.to_owned(), operator.to_owned(), value.to_owned());
    assert_eq!(found.selectors[0].matchers, [matcher("x", "=", "1"), matcher("y", "!~", "2")]);
    assert_eq!(found.labels, ["le", "pod"].map(ToOwned::to_owned).into());
}
