//! The quick reader against the complete one.

use proptest::prelude::*;

use super::super::build::{Position, parse_completely};
use super::super::node::{Mark, Node, Value};

const POSITION: Position = Position::Shifted { lines: 0, columns: 0 };

/// Nulls have no place of their own, and the complete parser sees some lists begin behind their first dash.
fn without_odd_marks(mut node: Node<'_>) -> Node<'_> {
    if node.is_null() {
        return Node::null(Mark::START);
    }
    match &mut node.value {
        Value::List(items) => {
            *items = items.drain(..).map(without_odd_marks).collect();
            node.mark = Mark::START;
        }
        Value::Map(entries) => {
            for entry in entries {
                entry.node = without_odd_marks(std::mem::replace(&mut entry.node, Node::null(Mark::START)));
            }
        }
        _ => {}
    }
    node
}

/// Whatever is read here is read by the complete parser in the same way. Gives whether it was read.
fn agrees(text: &str) -> bool {
    let Some(quick) = super::parse(text, POSITION) else { return false };
    let complete = parse_completely(text, POSITION);
    assert_eq!(complete.len(), 1, "{text:?}: {complete:?}");
    let complete = complete.into_iter().next().unwrap().unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
    assert_eq!(without_odd_marks(quick), without_odd_marks(complete), "{text:?}");
    true
}

#[test]
fn manifests_are_read_as_by_the_complete_parser() {
    let read = [
        "a: 1\n",
        "---\na: b c # d\n\n# e\nf:\n  g: 'h'\n  i: \"j\"\nk:\n- l\n- m: n\n  o: p\n-   q: r\n    s:\n    - t\nu:\n",
        "---  # x\nspec: {a: b, c: [d, 1.2.3.4:80, {e: f}], \"g\":1, h: {}, i: []}\n",
        "{\"a\": {\"b\": [1, true, null]}}",
        "a:\n  - b\n  - c\nd: -1\ne: -x\nf: http://x/#y\ng: a#b\nh: a,b\n",
        "a:\n# b\n    # c\n  d: e\n",
        "metadata: {name: m}\nspec: {hostname: '*', prefix: /x/, service: '127.0.0.1:80'}",
        "true: a\n200: b\n",
        "- a\n- b: 1\n  c: 2\n- [d]\n",
        "a: b",
        "a:\n  b:\nc: d\n",
    ];
    for text in read {
        assert!(agrees(text), "{text:?}");
    }
}

#[test]
fn what_is_not_simple_is_left_to_the_complete_parser() {
    let left = [
        "",
        "a",
        "a: &b c\n",
        "a: *b\n",
        "a: !!str b\n",
        "a: |\n  b\n",
        "a: >-\n  b\n",
        "a: b\n  c\n",
        "a: 'b''c'\n",
        "a: \"b\\n\"\n",
        "a: 'b\n  c'\n",
        "a: b: c\n",
        "a: b\n...\n",
        "a: b\n---\nc: d\n",
        "a:\tb\n",
        "a: b\r\n",
        "a: \u{e9}\n",
        "? a\n: b\n",
        "<<: {a: b}\n",
        "a: {b}\n",
        "a: {b: c\n  }\n",
        "a: {b:c}\n",
        "a: 1\na: 2\n",
        "a: @b\n",
        "a: `b\n",
        "a: [b, ]\n",
        "- - a\n",
        "-\n  a: b\n",
        "a: b\n c: d\n",
        "  a: b\nc: d\n",
        "a: b\n- c\n",
        "%YAML 1.1\n---\na: b\n",
        "--- {a: b}\n",
        "a:\n    b: c\n  d: e\n",
        "a: [b] c\n",
        "a: 'b' c\n",
        "{a: b} c\n",
    ];
    for text in left {
        assert!(super::parse(text, POSITION).is_none(), "{text:?}");
    }
}

/// Pieces that YAML is made of, in any order.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        10 => Just("\n"), 6 => Just("\n  "), 4 => Just("\n    "), 3 => Just(" "), 6 => Just("a: "), 4 => Just("b:"),
        3 => Just("- "), 2 => Just("-"), 2 => Just("{"), 2 => Just("}"), 2 => Just("["), 2 => Just("]"), 2 => Just(", "),
        2 => Just("'"), 2 => Just("\""), 2 => Just("# "), 2 => Just("x"), 2 => Just("1"), 1 => Just("---\n"),
        1 => Just(": "), 1 => Just(":"), 1 => Just("#"), 1 => Just("?"), 1 => Just("\\"), 1 => Just("..."),
        1 => Just("c: d"), 1 => Just("\ne: f"), 1 => Just("true"), 1 => Just("~"), 1 => Just(","), 1 => Just("'g': "),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_two_parsers_agree(text in yamlish()) {
        agrees(&text);
    }
}
