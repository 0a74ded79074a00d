//! Search over everything that documents say: operations, schemas, and APIs themselves.

mod entries;
mod words;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, RegexQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TEXT, Value};
use tantivy::{Index, Searcher, TantivyDocument, TantivyError, Term};

use self::entries::entries;
use crate::catalog::Catalog;
use crate::content::Content;
use crate::gateway::Scope;

pub(crate) use self::entries::{Found, Sort};

/// The newest index, once there is one.
pub(crate) type SharedSearch = Arc<ArcSwap<Option<Search>>>;

/// Memory for building an index, in bytes.
const BUDGET: usize = 32 << 20;
/// The most words of a question that count.
const MAX_WORDS: usize = 8;

/// An index of one catalog.
#[derive(Debug)]
pub(crate) struct Search {
    searcher: Searcher,
    fields: Fields,
    found: Vec<Found>,
}

/// Where words stand, the best place first.
#[derive(Clone, Copy, Debug)]
struct Fields {
    /// What it is called.
    title: Field,
    /// Names of all sorts: paths, parameters, properties.
    names: Field,
    /// Descriptions.
    text: Field,
    /// Place in the list of what can be found.
    place: Field,
}

impl Scope {
    /// Whether things of a sort can be found.
    fn holds(self, sort: Sort) -> bool {
        match self {
            Self::Off => false,
            Self::Titles => matches!(sort, Sort::Api | Sort::Page),
            Self::All => true,
        }
    }
}

impl Search {
    /// An index of everything in a catalog, and of the pages beside it.
    pub(crate) fn new(catalog: &Catalog, content: &Content) -> Result<Self, TantivyError> {
        let mut schema = Schema::builder();
        let fields = Fields {
            title: schema.add_text_field("title", TEXT),
            names: schema.add_text_field("names", TEXT),
            text: schema.add_text_field("text", TEXT),
            place: schema.add_text_field("place", STRING | STORED),
        };
        let mut writer =
            Index::builder().schema(schema.build()).single_segment_index_writer(RamDirectory::create(), BUDGET)?;
        let mut found = Vec::new();
        for entry in entries(catalog, content).filter(|entry| catalog.portal.search.holds(entry.found.sort)) {
            let mut document = TantivyDocument::default();
            document.add_text(fields.title, words::spread(&entry.found.title));
            if catalog.portal.search == Scope::All {
                document.add_text(fields.names, words::spread(&entry.names.join(" ")));
                document.add_text(fields.text, &entry.text);
            }
            document.add_text(fields.place, found.len().to_string());
            writer.add_document(document)?;
            found.push(entry.found);
        }
        let searcher = writer.finalize()?.reader()?.searcher();
        Ok(Self { searcher, fields, found })
    }

    /// The best answers to a question, and how many there are. Every word has to be in an answer, at least as the beginning of
    /// one.
    pub(crate) fn ask(&self, question: &str, limit: usize) -> Result<Vec<&Found>, TantivyError> {
        let words = words::words(question);
        // Tantivy does not take a question to an index of nothing.
        if words.is_empty() || self.found.is_empty() {
            return Ok(Vec::new());
        }
        let each = words.iter().take(MAX_WORDS).map(|word| Ok((Occur::Must, self.word(word)?)));
        let query = BooleanQuery::new(each.collect::<Result<_, TantivyError>>()?);
        let best = self.searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        let found = best.into_iter().filter_map(|(_, address)| {
            let document: TantivyDocument = self.searcher.doc(address).ok()?;
            let place: usize = document.get_first(self.fields.place)?.as_str()?.parse().ok()?;
            self.found.get(place)
        });
        Ok(found.collect())
    }

    /// A word anywhere: as it is counts more than as the beginning of another.
    fn word(&self, word: &str) -> Result<Box<dyn Query>, TantivyError> {
        let Fields { title, names, text, .. } = self.fields;
        let mut any: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (field, weight) in [(title, 4.0), (names, 2.0), (text, 1.0)] {
            let exact = TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs);
            any.push((Occur::Should, Box::new(BoostQuery::new(Box::new(exact), weight))));
            // Words are letters and digits: there is nothing to escape.
            let begins = RegexQuery::from_pattern(&format!("{word}.*"), field)?;
            any.push((Occur::Should, Box::new(BoostQuery::new(Box::new(begins), weight / 4.0))));
        }
        Ok(Box::new(BooleanQuery::new(any)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::tests::of_service;
    use crate::catalog::Entry;
    use crate::document::Document;
    use crate::gateway::PortalSpec;
    use crate::reference::Reference;

    fn search(scope: Scope) -> Search {
        let document = json!({ "openapi": "3.1.0", "info": { "title": "Cart", "description": "What users want." },
            "paths": { "/carts/{user}/lines": { "put": { "operationId": "putCartLine", "summary": "Add to a cart",
                "parameters": [{ "name": "dry_run", "in": "query", "schema": { "type": "boolean" } }],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Line" } } } } } },
                "/healthz": { "get": { "summary": "Whether it lives" } } },
            "components": { "schemas": { "Line": { "description": "A product.", "properties": { "priceCents": { "type": "integer" } } } } } });
        let api = Arc::new(of_service());
        let document = Document::read(serde_json::to_vec(&document).unwrap().into()).unwrap();
        let reference = Some(Arc::new(Reference::new(Arc::clone(&api), Arc::new(document))));
        let entry = Entry::new(api, reference);
        let portal = PortalSpec { search: scope, ..PortalSpec::default() };
        Search::new(
            &Catalog { entries: vec![Arc::new(entry)], portal, is_known: true, ..Catalog::default() },
            &Content::default(),
        )
        .unwrap()
    }

    fn ask(question: &str) -> Vec<(Sort, String)> {
        ask_in(Scope::All, question)
    }

    fn ask_in(scope: Scope, question: &str) -> Vec<(Sort, String)> {
        let search = search(scope);
        let found = search.ask(question, 10).unwrap();
        found.into_iter().map(|found| (found.sort, found.title.clone())).collect()
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
    fn titles_alone_are_found_where_a_dev_portal_says_so() {
        assert_eq!(ask_in(Scope::Titles, "cart"), [(Sort::Api, "Cart".to_owned())]);
        for question in ["priceCents", "users", "line"] {
            assert_eq!(ask_in(Scope::Titles, question), [], "{question}");
        }
        assert_eq!(ask_in(Scope::Off, "cart"), []);
    }

    #[test]
    fn what_is_not_there_is_not_found_and_nothing_breaks() {
        for question in
            ["", "  ", "zebra", "cart zebra", "*", "\"", "(", "[z-", "AND OR NOT", "\u{0}", "title:cart AND"]
        {
            let found = ask(question);
            assert!(found.is_empty() || question.contains("cart AND"), "{question}: {found:?}");
        }
    }
}
