use super::*;

const TEXT: &str = "\
# The cart.
kind: Mapping
metadata: {name: cart}
spec:
  prefix: /cart/ # all of it
  service: 'cart'
  timeout_ms: 2000 # as long as a cart takes
  labels:
    x: []
";

fn plain(value: &str) -> Written {
    Written::Plain(value.to_owned())
}

fn text(value: &str) -> Written {
    Written::Text(value.to_owned())
}

fn set(old: &str, path: &str, value: Option<&str>) -> String {
    set_field(old, path, value.map(plain).as_ref()).unwrap()
}

#[test]
fn a_field_changes_and_all_else_stays() {
    let changed = set(TEXT, "spec.timeout_ms", Some("500"));
    assert_eq!(changed, TEXT.replace("2000", "500"));
    assert_eq!(set(TEXT, "spec.service", Some("cart-v2")), TEXT.replace("'cart'", "cart-v2"));
    assert_eq!(set(TEXT, "spec.timeout_ms", None), TEXT.replace("  timeout_ms: 2000 # as long as a cart takes\n", ""));
    assert_eq!(set(TEXT, "spec.weight", None), TEXT);
    assert_eq!(
        set(TEXT, "metadata.name", Some("c")),
        TEXT.replace("{name: cart}", "{name: c}"),
        "between brackets, too"
    );
    assert_eq!(set("spec: {a: 1, b: 2}\n", "spec.c.d", Some("3")), "spec: {a: 1, b: 2, c: {d: 3}}\n");
    assert_eq!(set("spec: {a: 1, b: 2}\n", "spec.b", None), "spec: {a: 1}\n");
    assert_eq!(set("spec: {a: 1, b: 2}\n", "spec.a", None), "spec: {b: 2}\n");
}

#[test]
fn numbers_are_written_as_numbers_and_texts_as_texts() {
    for number in ["1.5", "-5", "007", "true"] {
        assert_eq!(set(TEXT, "spec.timeout_ms", Some(number)), TEXT.replace("2000", number));
    }
    assert_eq!(set_field(TEXT, "spec.service", Some(&text("123"))).unwrap(), TEXT.replace("'cart'", "\"123\""));
    assert_eq!(set_field(TEXT, "spec.service", Some(&text("cart"))).unwrap(), TEXT.replace("'cart'", "cart"));
}

#[test]
fn what_is_missing_is_added_below_the_last_line() {
    let line = "    x: []\n";
    let once = set(TEXT, "spec.retry_policy.num_retries", Some("2"));
    let below = "  timeout_ms: 2000 # as long as a cart takes\n";
    assert_eq!(once, TEXT.replace(below, &format!("{below}  retry_policy:\n    num_retries: 2\n")));
    assert!(once.contains(line));
    let twice = set(&once, "spec.retry_policy.retry_on", Some("on"));
    assert_eq!(Outline::of(&twice).unwrap().scalar("spec.retry_policy.retry_on").as_deref(), Some("on"));
    assert!(twice.contains("    num_retries: 2\n    retry_on: \"on\"\n"), "{twice}");
    assert_eq!(set("a:\n  b: 1", "a.c", Some("2")), "a:\n  b: 1\n  c: 2\n");
    assert_eq!(set(&twice, "spec.retry_policy.retry_on", None), once);
    assert_eq!(set(&once, "spec.retry_policy.num_retries", None), TEXT, "with what only held that");
}

#[test]
fn what_is_not_a_line_is_left_to_people() {
    let refused = |text: &str, path: &str| set_field(text, path, Some(&plain("7"))).unwrap_err();
    assert_eq!(refused("spec:\n  a: \"\\x41\"\n", "spec.a.b"), EditError::NotALine("spec.a.b".into()));
    assert_eq!(refused("x: &x {a: 1}\ny: *x\n", "x.a"), EditError::NotALine("x.a".into()), "two would be others");
    assert_eq!(refused("a: [\n", "a"), EditError::Unreadable);
    assert_eq!(refused("spec: {\n  a: 1\n}\nb: [1]\n", "b[0].c"), EditError::NotALine("b[0].c".into()));
}

const RULES: &str = "\
kind: FilterPolicy
spec:
  rules:
  # The carts.
  - host: shop.example # of the shop
    path: /cart/*
    filters:
    - name: key
      ifRequestHeader:
        name: X-One
  # All else.
  - {host: shop.example, path: '/*', filters: [{name: token, arguments: {scopes: [a, b]}}]}

  # The end.
metadata:
  name: rules
";

#[test]
fn fields_of_items_have_their_places() {
    let outline = Outline::of(RULES).unwrap();
    assert_eq!((outline.len("spec.rules"), outline.len("spec.rules[0].filters")), (2, 1));
    assert_eq!(outline.scalar("spec.rules[1].path").as_deref(), Some("/*"));
    assert_eq!(outline.texts("spec.rules[1].filters[0].arguments.scopes").unwrap(), ["a", "b"]);
    assert_eq!(set(RULES, "spec.rules[0].path", Some("/c/*")), RULES.replace("/cart/*", "\"/c/*\""));
    assert_eq!(set(RULES, "spec.rules[1].path", Some("/c")), RULES.replace("'/*'", "/c"));
    assert_eq!(set(RULES, "spec.rules[0].host", None), RULES.replace("host: shop.example # of the shop\n    ", ""));
    assert_eq!(
        set(RULES, "spec.rules[0].filters[0].ifRequestHeader.name", None),
        RULES.replace("      ifRequestHeader:\n        name: X-One\n", "")
    );
    let denied = set(RULES, "spec.rules[0].filters[0].onDeny", Some("break"));
    assert_eq!(denied, RULES.replace("- name: key\n", "- name: key\n      onDeny: break\n"));
    let scopes = Written::Texts(vec!["a".into(), "c d".into()]);
    let path = "spec.rules[1].filters[0].arguments.scopes";
    assert_eq!(set_field(RULES, path, Some(&scopes)).unwrap(), RULES.replace("[a, b]", "[a, \"c d\"]"));
    let path = "spec.rules[0].filters[0].arguments.scopes";
    let both = set_field(RULES, path, Some(&scopes)).unwrap();
    assert!(both.contains("- name: key\n      arguments:\n        scopes: [a, \"c d\"]\n"), "{both}");
    assert_eq!(set_field(&both, path, None).unwrap(), RULES);
}

#[test]
fn items_are_added_and_taken_away() {
    let rule = Written::Map(vec![("host", text("*")), ("filters", Written::Texts(Vec::new()))]);
    let added = add_item(RULES, "spec.rules", &rule).unwrap();
    let last = "arguments: {scopes: [a, b]}}]}\n";
    assert_eq!(added, RULES.replace(last, &format!("{last}  - host: \"*\"\n    filters: []\n")));
    assert_eq!(remove_item(&added, "spec.rules[2]").unwrap(), RULES);
    let filter = Written::Map(vec![("name", text("x"))]);
    let filters = add_item(&added, "spec.rules[2].filters", &filter).unwrap();
    assert!(filters.contains("  - host: \"*\"\n    filters:\n    - name: x\n\n"), "{filters}");
    assert_eq!(remove_item(&filters, "spec.rules[2].filters[0]").unwrap(), added);
    let between = add_item(RULES, "spec.rules[1].filters", &filter).unwrap();
    assert_eq!(between, RULES.replace("[a, b]}}]", "[a, b]}}, {name: x}]"));
    assert_eq!(remove_item(&between, "spec.rules[1].filters[1]").unwrap(), RULES);
    let two = add_item(RULES, "spec.rules[0].filters", &filter).unwrap();
    assert!(two.contains("        name: X-One\n    - name: x\n  # All else.\n"), "{two}");
    let first = remove_item(RULES, "spec.rules[0]").unwrap();
    assert!(
        first.starts_with("kind: FilterPolicy\nspec:\n  rules:\n  # The carts.\n  # All else.\n  - {host"),
        "{first}"
    );
    assert!(remove_item(&first, "spec.rules[0]").unwrap().contains("  rules: []\n\n  # The end.\n"));
    assert_eq!(add_item("spec:\n  a: 1\n", "spec.b", &filter).unwrap(), "spec:\n  a: 1\n  b:\n  - name: x\n");
    assert_eq!(add_item("spec:\n  b:\n", "spec.b", &filter).unwrap(), "spec:\n  b:\n  - name: x\n");
    assert_eq!(remove_item(RULES, "spec.rules[7]"), Err(EditError::NotALine("spec.rules[7]".into())));
}

#[test]
fn lists_of_pairs_are_read_and_written() {
    let limits = "spec:\n  limits:\n  - pattern:\n    - generic_key: cart\n    - remote_address: \"*\"\n    rate: 5\n";
    let outline = Outline::of(limits).unwrap();
    let path = "spec.limits[0].pattern";
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(outline.pairs(path).unwrap(), [pair("generic_key", "cart"), pair("remote_address", "*")]);
    let pattern = Written::Pairs(vec![pair("generic_key", "a, b")]);
    let new = set_field(limits, path, Some(&pattern)).unwrap();
    assert_eq!(new, "spec:\n  limits:\n  - pattern: [{generic_key: \"a, b\"}]\n    rate: 5\n");
    assert_eq!(Outline::of("a: [{b: 1, c: 2}]\n").unwrap().pairs("a"), None);
}

#[test]
fn documents_are_cut_out_of_their_files() {
    let file = format!("a: 1\n--- # second\n{TEXT}---\nb: 1\n");
    let at = document_at(&file, 4).unwrap();
    assert_eq!((at.text, at.line), (TEXT, 3));
    assert_eq!(&file[at.start..at.start + at.text.len()], TEXT);
    assert_eq!(document_at(&file, 1).unwrap().text, "a: 1\n");
    let marked = format!("\u{feff}{file}");
    for line in [1, 4] {
        let at = document_at(&marked, line).unwrap();
        assert_eq!(&marked[at.start..at.start + at.text.len()], document_at(&file, line).unwrap().text);
    }
    assert_eq!(document_at("--- {a: 1}\n", 1), None);
    assert!(is_one_document(TEXT) && !is_one_document("a: 1\n---\nb: 1\n") && !is_one_document("# only\n"));
}

#[test]
fn texts_say_the_same_in_whatever_order_they_are_written() {
    let other = "spec:\n  labels: {x: []}\n  service: cart\n  timeout_ms: 2000\n  prefix: \"/cart/\"\n\
        metadata:\n  name: cart\nkind: Mapping\n";
    assert!(says_same(TEXT, other));
    assert!(!says_same(TEXT, &other.replace("2000", "\"2000\"")), "a number is no text");
    assert!(!says_same(TEXT, &other.replace("x: []", "x: [y]")));
    assert!(!says_same("a: [", "a: ["), "what cannot be read says nothing");
}
