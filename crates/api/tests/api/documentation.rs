//! What the documentation shows can be used.

use nuncio_api::Kind;

use crate::support::{problems, read};

#[test]
fn the_example_of_each_filter_has_nothing_wrong() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters.md")).unwrap();
    let examples = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let parsed: Vec<_> = examples.map(read).collect();
    for example in &parsed {
        assert!(problems(example).is_empty(), "{:?}", problems(example));
    }
    let filters = parsed.iter().flat_map(|example| &example.objects).filter(|object| object.id.kind == Kind::Filter);
    assert_eq!(filters.count(), 6, "one of each kind");
}
