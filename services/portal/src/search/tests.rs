use serde_json::json;

use super::*;
use crate::api::tests::of_service;
use crate::catalog::Entry;
use crate::document::Document;
use crate::gateway::PortalSpec;
use crate::reference::Reference;

/// An index of these APIs.
fn index(entries: Vec<Entry>, scope: Scope) -> Search {
    let portal = PortalSpec { search: scope, ..PortalSpec::default() };
    let entries = entries.into_iter().map(Arc::new).collect();
    let catalog = Catalog { entries, portal, is_known: true, ..Catalog::default() };
    Search::new(&catalog, &Content::default()).unwrap()
}

fn entry(api: crate::api::Api, document: &serde_json::Value) -> Entry {
    let api = Arc::new(api);
    let document = Document::read(serde_json::to_vec(document).unwrap().into()).unwrap();
    let reference = Arc::new(Reference::new(Arc::clone(&api), Arc::new(document)));
    Entry::new(api, Some(reference))
}

fn search(scope: Scope) -> Search {
    let document = json!({ "openapi": "3.1.0", "info": { "title": "Cart", "description": "What users want." },
        "paths": { "/carts/{user}/lines": { "put": { "operationId": "putCartLine", "summary": "Add to a cart",
            "parameters": [{ "name": "dry_run", "in": "query", "schema": { "type": "boolean" } }],
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Line" } } } } } },
            "/healthz": { "get": { "summary": "Whether it lives" } } },
        "components": { "schemas": { "Line": { "description": "A product of a warehouseShelf, 0123456789abcdef0123456789abcdef0123456789abcdef.", "properties": { "priceCents": { "type": "integer" } } } } } });
    index(vec![entry(of_service(), &document)], scope)
}

fn ask(question: &str) -> Vec<(Sort, String)> {
    ask_in(Scope::All, question)
}

fn ask_in(scope: Scope, question: &str) -> Vec<(Sort, String)> {
    let search = search(scope);
    let hits = search.ask(question, 10, |_| true).unwrap();
    hits.into_iter().map(|hit| (hit.found.sort, hit.found.title.clone())).collect()
}

#[test]
fn apis_are_found_by_what_they_are_called_and_by_any_field() {
    assert_eq!(ask("cart")[0], (Sort::Api, "Cart".to_owned()));
    let by_field = ask("priceCents");
    assert_eq!(by_field[0], (Sort::Schema, "Line".to_owned()));
    assert!(by_field.contains(&(Sort::Operation, "Add to a cart".to_owned())), "{by_field:?}");
    for part in ["price", "PRICE cents", "dry run", "lin", "putcart", "carts/{user}/lines", "add cart"] {
        let found = ask(part);
        assert!(found.contains(&(Sort::Operation, "Add to a cart".to_owned())), "{part}: {found:?}");
    }
}

#[test]
fn words_of_descriptions_are_found_as_names_are() {
    for part in [
        "warehouseShelf",
        "shelf",
        "warehouseshelf",
        "warehouse shelf",
        "0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        assert_eq!(ask(part), [(Sort::Schema, "Line".to_owned())], "{part}");
    }
}

#[test]
fn titles_alone_are_found_where_a_dev_portal_says_so() {
    assert_eq!(ask_in(Scope::Titles, "cart"), [(Sort::Api, "Cart".to_owned())]);
    for question in ["priceCents", "users", "line"] {
        assert_eq!(ask_in(Scope::Titles, question), [], "{question}");
    }
    assert_eq!(ask_in(Scope::Off, "cart"), []);
}

#[test]
fn what_is_not_there_is_not_found_and_nothing_breaks() {
    for question in ["", "  ", "zebra", "cart zebra", "*", "\"", "(", "[z-", "AND OR NOT", "\u{0}", "title:cart AND"] {
        let found = ask(question);
        assert!(found.is_empty() || question.contains("cart AND"), "{question}: {found:?}");
    }
}

#[test]
fn it_is_told_why_something_was_found() {
    let search = search(Scope::All);
    let why = |question: &str, sort: Sort| {
        let hits = search.ask(question, 10, |_| true).unwrap();
        let hit = hits.iter().find(|hit| hit.found.sort == sort).unwrap_or_else(|| panic!("{question}: {hits:?}"));
        let told = |text: &Marked| {
            let piece = |piece: &Piece| if piece.is_hit { format!("[{}]", piece.text) } else { piece.text.clone() };
            text.iter().map(piece).collect::<String>()
        };
        let reasons = hit.reasons.iter().map(|reason| format!("{:?} {}", reason.part, told(&reason.text)));
        (told(&hit.title), told(&hit.path), reasons.collect::<Vec<_>>())
    };
    let (title, path, reasons) = why("add dry price", Sort::Operation);
    assert_eq!(title, "[Add] to a cart");
    assert_eq!(path, "/api/carts/{user}/lines");
    assert_eq!(reasons, ["Parameter [dry]_run", "Property [price]Cents"]);
    assert_eq!(why("line", Sort::Operation).1, "/api/carts/{user}/[lines]");
    assert_eq!(why("price", Sort::Schema).2, ["Property [price]Cents"]);
    assert_eq!(why("users", Sort::Api).2, Vec::<String>::new(), "the summary has it");
}

#[test]
fn what_is_kept_from_the_reader_takes_no_place_of_what_is_not() {
    let document = |paths: usize| {
        let operation =
            |at| (format!("/x{at}"), json!({ "get": { "summary": "A zebra zebra", "description": "zebra" } }));
        json!({ "openapi": "3.1.0", "paths": (0..paths).map(operation).collect::<serde_json::Map<_, _>>() })
    };
    let mut hidden = of_service();
    hidden.id.name = "hidden".to_owned();
    let search = index(vec![entry(hidden, &document(1100)), entry(of_service(), &document(1))], Scope::All);
    let ask = |limit: usize, is_shown: fn(&Found) -> bool| {
        let hits = search.ask("zebra", limit, is_shown).unwrap();
        hits.into_iter().map(|hit| hit.found.id.clone().unwrap().name).collect::<Vec<_>>()
    };
    assert_eq!(ask(2000, |_| true).len(), 1101);
    assert_eq!(ask(1, |found| found.id.as_ref().unwrap().name == "cart"), ["cart"]);
    assert!(ask(1, |_| false).is_empty());
}
