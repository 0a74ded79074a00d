//! From text to objects.

mod annotation;
mod document;
mod envelope;
pub(crate) mod gateway;
mod issues;
mod legacy;
mod locate;
mod module;
mod name;
mod recover;
mod remains;
mod snippet;
mod typed;
mod unknown;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::document::Carrier;
use self::locate::Seek;
use crate::yaml::{self, Broken, Mark, Position};
use crate::{Guard, Location, Object, ObjectId, Problem, Remains};
pub(crate) use envelope::is_of_our_group;
pub(crate) use issues::Issues;
pub use locate::locate;
pub use snippet::Text;

/// What a source gives to objects that do not say so themselves.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The namespace of objects without one; `default` unless set.
    pub namespace: Arc<str>,
    /// Values for `$NAME` and `${NAME}` in objects of `getambassador.io`. Off unless set: whoever can write objects
    /// could read the environment by it.
    pub env: Option<Arc<BTreeMap<String, String>>>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { namespace: Arc::from("default"), env: None }
    }
}

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The objects, in the order in which they are written, valid or not.
    pub objects: Vec<Object>,
    /// What is wrong that no object in `objects` can be blamed for.
    pub problems: Vec<FileProblem>,
    /// Objects that are none of Nuncio's and were passed over.
    pub ignored: usize,
}

/// Something that is wrong with a file, or with a part of it that could not be read as an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// What is wrong.
    pub problem: Problem,
    /// Where.
    pub location: Location,
    /// The line in question with a caret under the column; empty where there is no text.
    pub snippet: String,
    /// The object that the broken document was meant to be, as far as its kind and name could be told. What was
    /// there before under this id is the last good state.
    pub id: Option<ObjectId>,
    /// What the object is called, with its kind, where that is none that is read.
    pub called: Option<String>,
    /// What could be told of that object.
    pub remains: Remains,
}

/// Reads manifests: YAML 1.1 as `kubectl` reads it, several documents in a text. A broken document harms no other.
/// `file` is what locations call the text.
#[must_use]
pub fn parse(text: &[u8], file: &Arc<str>, defaults: &Defaults) -> Parsed {
    let mut reader = Reader::new(file, defaults);
    for document in yaml::split(text) {
        reader.chunk(document.bytes, document.line);
    }
    reader.parsed
}

/// The object that shuts somebody out ([`Guard`]) which a text speaks of that is not to be parsed, because it is torn.
#[must_use]
pub fn guard_in(text: &str, defaults: &Defaults) -> Option<ObjectId> {
    recover::id(text, &defaults.namespace).filter(|id| Guard::of(id.kind).is_some())
}

/// Whether a text holds nothing but blanks, comments and document markers.
#[must_use]
pub fn is_blank(text: &[u8]) -> bool {
    yaml::is_blank(text)
}

/// Reads an object (or a `List`) that came as JSON, from a Kubernetes API server. `source` is what locations
/// call it; they have no lines to name.
///
/// # Errors
/// If it is no JSON.
pub fn from_json(text: &[u8], source: &Arc<str>, defaults: &Defaults) -> Result<Parsed, serde_json::Error> {
    let mut reader = Reader::new(source, defaults);
    match yaml::from_json(text)? {
        (node, true) => reader.document(node),
        (node, false) => reader.too_deep(&node),
    }
    Ok(reader.parsed)
}

/// Reads one text.
struct Reader<'t> {
    file: &'t Arc<str>,
    defaults: &'t Defaults,
    parsed: Parsed,
    /// The piece of the file that is being read.
    text: Text<'t>,
    /// The namespace last seen: neighbours tend to share it.
    namespace: Arc<str>,
    /// What is looked for.
    seek: Option<Seek<'t>>,
}

impl<'t> Reader<'t> {
    fn new(file: &'t Arc<str>, defaults: &'t Defaults) -> Self {
        let namespace = Arc::clone(&defaults.namespace);
        Self { file, defaults, parsed: Parsed::default(), text: Text::new(&[]), namespace, seek: None }
    }

    /// Reads a piece of the file that holds at least one document.
    fn chunk(&mut self, bytes: &'t [u8], line: u32) {
        self.text = Text::piece(bytes, line);
        let position = Position::Shifted { lines: line - 1, columns: 0 };
        match std::str::from_utf8(bytes) {
            Ok(text) => match lone_return(text) {
                None => self.documents(text, position),
                Some(at) => self.broken(text, at, position, "InvalidYaml", "a carriage return alone ends no line"),
            },
            Err(error) => {
                let at = error.valid_up_to();
                let byte = bytes.get(at).copied().unwrap_or_default();
                let message = format!("not UTF-8: the byte 0x{byte:02X} is part of no character");
                // Replacing what is wrong leaves what is before it where it is.
                self.broken(&String::from_utf8_lossy(bytes), at, position, "InvalidUtf8", &message);
            }
        }
    }

    fn documents(&mut self, text: &str, position: Position) {
        for document in yaml::parse_documents(text, position) {
            match document {
                Ok(node) => self.document(node),
                Err(Broken { mark, message }) => {
                    let id = recover::id(text, &self.defaults.namespace);
                    self.problem(mark, id, Problem::error("InvalidYaml", "", message));
                }
            }
        }
    }

    /// Notes what is wrong at the byte `at` of a text that cannot be parsed.
    fn broken(&mut self, text: &str, at: usize, position: Position, reason: &'static str, message: &str) {
        let before = &text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let id = recover::id(text, &self.defaults.namespace);
        self.unread(position.of(line, column), id, Problem::error(reason, "", message), text.as_bytes());
    }

    fn location(&self, mark: Mark) -> Location {
        Location { file: Arc::clone(self.file), line: mark.line, column: mark.column }
    }

    /// Notes a problem that no object has.
    fn problem(&mut self, mark: Mark, id: Option<ObjectId>, problem: Problem) {
        self.unread(mark, id, problem, self.text.bytes);
    }

    /// The same of what `text` was meant to hold.
    fn unread(&mut self, mark: Mark, id: Option<ObjectId>, problem: Problem, text: &[u8]) {
        let location = self.location(mark);
        let snippet = self.text.snippet(&location);
        let remains = id.as_ref().map_or(Remains::Nothing, |id| recover::remains(id, text));
        self.parsed.problems.push(FileProblem { problem, location, snippet, id, called: None, remains });
    }

    /// The namespace of what names none.
    fn inherited<'a>(&'a self, carrier: Option<&'a Carrier>) -> &'a Arc<str> {
        carrier.map_or(&self.defaults.namespace, |carrier| &carrier.namespace)
    }

    /// `namespace` as it is shared among objects.
    fn namespace(&mut self, namespace: &str) -> Arc<str> {
        if *self.namespace != *namespace {
            self.namespace = Arc::from(namespace);
        }
        Arc::clone(&self.namespace)
    }
}

/// Where a carriage return stands that is not followed by a line feed. YAML would end the line there and editors do not.
fn lone_return(text: &str) -> Option<usize> {
    let mut returns = text.match_indices('\r').map(|(at, _)| at);
    returns.find(|at| !text[at + 1..].starts_with('\n'))
}
