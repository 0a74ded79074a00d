//! Search over everything that documents say: operations, schemas, and APIs themselves.

mod entries;
mod reasons;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, RegexQuery, TermQuery, TermSetQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TEXT, Value};
use tantivy::{Index, Searcher, TantivyDocument, TantivyError, Term};

use self::entries::entries;
use crate::catalog::Catalog;
use crate::content::Content;
use crate::gateway::Scope;
use crate::reference::field_anchor;

pub(crate) use self::entries::{Found, Sort};
#[cfg(test)]
pub(crate) use self::reasons::Piece;
use self::reasons::reasons;
pub(crate) use self::reasons::{Marked, Part, Reason};

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
    /// Whose things there are, each with the place of the first of them.
    owners: BTreeMap<String, usize>,
}

/// An answer, and why it is one.
#[derive(Debug)]
pub(crate) struct Hit<'s> {
    pub(crate) found: &'s Found,
    pub(crate) title: Marked,
    pub(crate) path: Marked,
    pub(crate) summary: Marked,
    /// What has the words that none of these has.
    pub(crate) reasons: Vec<Reason>,
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
    /// Whose it is: it is kept from the same people.
    owner: Field,
    /// Place in the list of what can be found.
    place: Field,
    /// What it is found by, as [`Part::kept`].
    said: Field,
}

impl Hit<'_> {
    /// Its page, at the field by which it was found.
    pub(crate) fn link(&self) -> String {
        let is_field = |reason: &&Reason| matches!(reason.part, Part::Parameter | Part::Property);
        let anchor = self.reasons.iter().find(is_field).and_then(|reason| field_anchor(&reason.plain()));
        anchor.map_or_else(|| self.found.link.clone(), |anchor| format!("{}#{anchor}", self.found.link))
    }
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
            owner: schema.add_text_field("owner", STRING),
            place: schema.add_text_field("place", STRING | STORED),
            said: schema.add_text_field("said", STORED),
        };
        let mut writer =
            Index::builder().schema(schema.build()).single_segment_index_writer(RamDirectory::create(), BUDGET)?;
        let (mut found, mut owners) = (Vec::new(), BTreeMap::new());
        for entry in entries(catalog, content).filter(|entry| catalog.portal.search.holds(entry.found.sort)) {
            let mut document = TantivyDocument::default();
            document.add_text(fields.title, words::spread(&entry.found.title));
            if catalog.portal.search == Scope::All {
                let names = entry.said.iter().filter(|(part, _)| *part != Part::Text).map(|(_, name)| name.as_str());
                document.add_text(fields.names, words::spread(&names.collect::<Vec<_>>().join(" ")));
                for (part, said) in &entry.said {
                    if *part == Part::Text {
                        document.add_text(fields.text, words::spread(said));
                    }
                    document.add_text(fields.said, part.kept(said));
                }
            }
            let owner = entry.found.owner();
            document.add_text(fields.owner, &owner);
            document.add_text(fields.place, found.len().to_string());
            writer.add_document(document)?;
            owners.entry(owner).or_insert(found.len());
            found.push(entry.found);
        }
        let searcher = writer.finalize()?.reader()?.searcher();
        Ok(Self { searcher, fields, found, owners })
    }

    /// The best answers to a question, of those that are for the reader. Every word has to be in an answer, at least as the
    /// beginning of one.
    pub(crate) fn ask(
        &self,
        question: &str,
        limit: usize,
        is_shown: impl Fn(&Found) -> bool,
    ) -> Result<Vec<Hit<'_>>, TantivyError> {
        let mut words = words::words(question);
        words.truncate(MAX_WORDS);
        // Tantivy does not take a question to an index of nothing.
        if words.is_empty() || self.found.is_empty() {
            return Ok(Vec::new());
        }
        let each = words.iter().map(|word| Ok((Occur::Must, self.word(word)?)));
        let mut all = each.collect::<Result<Vec<_>, TantivyError>>()?;
        all.extend(self.hidden(is_shown).map(|hidden| (Occur::MustNot, hidden)));
        let best = self.searcher.search(&BooleanQuery::new(all), &TopDocs::with_limit(limit).order_by_score())?;
        let documents = best.into_iter().map(|(_, address)| self.searcher.doc::<TantivyDocument>(address));
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        Ok(documents.iter().filter_map(|document| self.hit(document, &words)).collect())
    }

    /// What is kept from the reader, if anything is: were it left out of the answers only then, it would take the place of others.
    fn hidden(&self, is_shown: impl Fn(&Found) -> bool) -> Option<Box<dyn Query>> {
        let is_hidden = |place: usize| self.found.get(place).is_some_and(|found| !is_shown(found));
        let owners = self.owners.iter().filter(|(_, place)| is_hidden(**place));
        let terms: Vec<_> = owners.map(|(owner, _)| Term::from_field_text(self.fields.owner, owner)).collect();
        (!terms.is_empty()).then(|| Box::new(TermSetQuery::new(terms)) as Box<dyn Query>)
    }

    fn hit(&self, document: &TantivyDocument, words: &[String]) -> Option<Hit<'_>> {
        let Fields { place, said, .. } = self.fields;
        let found = self.found.get(document.get_first(place)?.as_str()?.parse::<usize>().ok()?)?;
        let said: Vec<_> = document.get_all(said).filter_map(|kept| Part::read(kept.as_str()?)).collect();
        let marked = |text: &str| reasons::marked(text, words);
        Some(Hit {
            title: marked(&found.title),
            path: marked(&found.path),
            summary: marked(&found.summary),
            reasons: reasons(words, &[&found.title, &found.path, &found.method, &found.summary], &said),
            found,
        })
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
mod tests;
