//! The tables of docs/security.md and docs/login-faults.md are the truth: every case of the attack suite and every fault has a
//! test, and each test that they name is there.

use std::collections::BTreeSet;
use std::path::Path;

const CASES: u32 = 51;

fn sources(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// `1, 2, 8–16` as numbers.
fn numbers(cell: &str) -> impl Iterator<Item = u32> {
    cell.split(',').map(str::trim).filter(|part| !part.is_empty()).flat_map(|part| {
        let (first, last) = part.split_once('–').unwrap_or((part, part));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    })
}

/// Each test that a cell of a table names.
fn are_there(cell: &str, text: &str) {
    for test in cell.split('`').skip(1).step_by(2) {
        assert!(text.contains(&format!("fn {test}(")), "there is no {test}: {cell}");
    }
}

/// The text of a page of the documentation, and of all tests.
fn page_and_tests(name: &str) -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = String::new();
    ["crates", "services", "tests"].iter().for_each(|directory| sources(&root.join(directory), &mut text));
    (std::fs::read_to_string(root.join("docs").join(name)).unwrap(), text)
}

#[test]
fn each_fault_has_a_test_that_is_there() {
    let (page, text) = page_and_tests("login-faults.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    for row in &rows {
        let cell = row.trim_matches('|').rsplit('|').next().unwrap();
        assert!(cell.contains('`'), "no test: {row}");
        are_there(cell, &text);
    }
    assert!(!rows.is_empty());
}

#[test]
fn every_case_has_a_test_that_is_there() {
    let (page, text) = page_and_tests("security.md");
    let (_, table) = page.split_once("| # | Promise | Test |\n|---|---|---|\n").unwrap();
    let mut cases = BTreeSet::new();
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let [cell, _, named] = row.trim_matches('|').splitn(3, '|').collect::<Vec<_>>().try_into().unwrap();
        cases.extend(numbers(cell));
        are_there(named, &text);
    }
    let missing: Vec<u32> = (1..=CASES).filter(|case| !cases.contains(case)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
