//! Lines that libyaml takes and the parser does not, and lines that are none of those.

use proptest::prelude::*;

use super::super::build::{Position, parse_documents};
use super::super::node::{Node, Value};
use super::Margins;

fn read(text: &str) -> Result<Node<'_>, String> {
    let documents = parse_documents(text, Position::Shifted { lines: 0, columns: 0 });
    assert_eq!(documents.len(), 1, "{text:?}");
    let first = documents.into_iter().next().unwrap();
    first.map_err(|broken| format!("{}:{}: {}", broken.mark.line, broken.mark.column, broken.message))
}

/// The values alone.
fn shown(node: &Node<'_>) -> String {
    match &node.value {
        Value::Plain(text) => text.to_string(),
        Value::Text(text) | Value::Literal(text) => format!("{text:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries = entries.iter().map(|entry| format!("{}: {}", entry.key, shown(&entry.node)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn flow_collections_and_quotes_may_go_on_at_the_margin() {
    let table = [
        ("items: [\n{ a: 1 },\n{ b: 2 }\n]\n", "{items: [{a: 1}, {b: 2}]}"),
        ("items: [\n{ a: [\n1] },\n\n# x\n]\nb: c\n", "{items: [{a: [1]}], b: c}"),
        ("a:\n  b: {\n  c: d,\n e: 'f',\n}\n  g: h\n", "{a: {b: {c: d, e: \"f\"}, g: h}}"),
        ("- a: [\nb\n  ]\n  c: d\n- {\n\te: f }\n", "[{a: [b], c: d}, {e: f}]"),
        ("a: [b\nc, \"d\ne\", f # g\n, h]\n", "{a: [b c, \"d e\", f, h]}"),
        ("a: 'b\n\nc''d\n'\ne: \"f\\\ng\\\"\n\"\n", "{a: \"b\\nc'd \", e: \"fg\\\" \"}"),
        ("a: [\r\n{b: c}\r\n]\r\n", "{a: [{b: c}]}"),
        (
            "a: x [ y\n  z [\nb: |\n  [\n\n   {\nc: >2\n   d: [\n\ne: [\nf]\n",
            "{a: x [ y z [, b: \"[\\n\\n {\\n\", c: \" d: [\\n\", e: [f]}",
        ),
        ("a: &x [\n1]\nb: !!seq [\n*x]\nc#: 'it''s' # [\nd: [\n]\n", "{a: [1], b: [[1]], c#: \"it's\", d: []}"),
        ("? a\n: [\nb\n]\n\"c:\": http://[::1]/\nd: [\n]\n", "{a: [b], c:: http://[::1]/, d: []}"),
        ("\u{e9}: [\n\u{e9}, {\n\u{e9}: x}]\n", "{\u{e9}: [\u{e9}, {\u{e9}: x}]}"),
    ];
    for (text, expected) in table {
        assert_eq!(read(text).as_ref().map(shown).as_deref(), Ok(expected), "{text:?}");
    }
}

#[test]
fn a_tab_behind_a_colon_and_a_comment_behind_a_quote_are_spaces() {
    let table = [
        ("a:\tb\n", "{a: b}"),
        ("a:\t\tb\tc\nf: \tg\n", "{a: b\tc, f: g}"),
        ("a:\t- b\n", "refused"),
        ("a:\t'b'\nc:\t[\td,\te]\nf:\t# x\n  g:\th:i\n", "{a: \"b\", c: [d, e], f: {g: h:i}}"),
        ("- a:\tb\n  c:\t-d\n", "[{a: b, c: -d}]"),
        ("a: ''# b: c\nd: \"e\"#f\n", "{a: \"\", d: \"e\"}"),
        ("a: []#b\nc: {d: ''#e\n}#f\ng: h#i\n", "{a: [], c: {d: \"\"}, g: h#i}"),
        ("a: |\n  b:\tc\n  ''# d\ne:\t\"f:\tg\"\n", "{a: \"b:\\tc\\n''# d\\n\", e: \"f:\\tg\"}"),
    ];
    for (text, expected) in table {
        match read(text) {
            Ok(node) => assert_eq!(shown(&node), expected, "{text:?}"),
            Err(error) => assert_eq!(expected, "refused", "{text:?}: {error}"),
        }
    }
    let node = read("a:\tb: c\n").unwrap_err();
    assert!(node.starts_with("1:5"), "{node}");
}

#[test]
fn places_are_those_of_the_text() {
    let text = "a:\n  b: [\n{ c: d,\n e: f }\n]\n";
    let node = read(text).unwrap();
    let item = &node.get("a").unwrap().get("b").unwrap().items()[0];
    let place = |key: &str| (item.entry(key).unwrap().mark, item.get(key).unwrap().mark);
    let ((c, d), (e, f)) = (place("c"), place("e"));
    assert_eq!([(c.line, c.column), (d.line, d.column)], [(3, 3), (3, 6)]);
    assert_eq!([(e.line, e.column), (f.line, f.column)], [(4, 2), (4, 5)]);
}

#[test]
fn what_libyaml_refuses_is_refused_at_its_place() {
    for (text, place) in [
        ("a:\n[b]\n", "2:4"),
        ("a: [\nb\nc: d\n", "3:2"),
        ("a: [\n{b: c},\n{d e: f: g}\n]\n", "3:8"),
        ("a:\n  b: 1\n c: 2\n", "3:2"),
        ("a: \"\nb: c\n", "1:4"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
}

#[test]
fn texts_that_are_indented_are_left_alone() {
    for text in [
        "a: [\n  b,\n  c ]\n",
        "[\na,\nb]\n",
        "a: |\n  [\nb: c\n",
        "a: b [\nc: d\n",
        "a: # [\n- b\n",
        "",
        "x: '\n  '\n",
    ] {
        assert_eq!(Margins::of(text), Margins::default(), "{text:?}");
    }
}

/// Flow collections whose line breaks are still to be chosen, written as `\u{b6}`.
fn collection() -> impl Strategy<Value = String> {
    let scalar =
        prop_oneof![Just("x"), Just("1"), Just("'q\u{b6}r'"), Just("\"s\u{b6}t\""), Just("a\u{b6}b"), Just("-z#")];
    scalar.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4)
            .prop_map(|items| format!("[\u{b6}{}\u{b6}]", items.join(",\u{b6}")));
        let map = proptest::collection::vec(inner, 0..4).prop_map(|values| {
            let entries = values.iter().enumerate().map(|(index, value)| format!("k{index}:\u{b6}{value}"));
            format!("{{\u{b6}{}\u{b6}}}", entries.collect::<Vec<_>>().join(",\u{b6}"))
        });
        prop_oneof![list, map]
    })
}

proptest! {
    #[test]
    fn line_breaks_mean_no_more_than_spaces(flow in collection(), around in 0..5_usize) {
        let around = ["a: {}\nz: 1\n", "a:\n  b: {}\n", "- {}\n- x\n", "a:\n  - c: {}\n    d: e\n", "- - {} # x\n"][around];
        let with = |ends: &str| around.replace("{}", &format!("[{}]", flow.replace('\u{b6}', ends)));
        let (flat, broken) = (with(" "), with("\n"));
        let values = |text: &str| read(text).map(|node| shown(&node));
        prop_assert_eq!(values(&flat), values(&broken), "{:?}", broken);
    }
}
