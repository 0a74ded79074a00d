//! The comparison as a whole: what is still to be compared, what was found, and where.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::Change;
use super::rule::{Rule, Side};
use super::shape::Shape;
use super::words::{plain, plain_path};
use crate::reference::{reference, resolve, schema_name};

/// The most pairs of schemas that are compared.
const MAX_PAIRS: usize = 200_000;
/// The most differences that are told.
const MAX_FINDINGS: usize = 20_000;
/// The most operations that a change names.
const MAX_OPERATIONS: usize = 20;
/// How many parts of schemas are looked at: each of many may be put together from the same large one.
const MAX_WORK: usize = 10_000_000;
/// How many steps there are from differences to the operations that they are in: where everything is a part of everything,
/// each is in all of them.
const MAX_WAYS: usize = 50_000_000;

/// The schema of any value.
pub(super) static ANYTHING: Value = Value::Null;

/// What something is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Document,
    /// An operation, by its place in the list of them.
    Operation(usize),
    /// A pair of schemas.
    Pair(usize),
}

/// Where in the documents we are.
#[derive(Clone, Debug)]
pub(super) struct At {
    owner: Owner,
    /// The operation that the place is in; none in a schema that operations share.
    operation: Option<usize>,
    pub(super) side: Side,
    place: String,
}

impl At {
    /// A part of this.
    pub(super) fn part(&self, name: &str) -> Self {
        let place = if self.place.is_empty() { plain(name) } else { format!("{} › {}", self.place, plain(name)) };
        Self { place, ..self.clone() }
    }

    /// The items of the list that this is.
    pub(super) fn items(&self) -> Self {
        Self { place: format!("{}[]", self.place), ..self.clone() }
    }

    /// The same in the other direction.
    pub(super) fn on(&self, side: Side) -> Self {
        Self { side, ..self.clone() }
    }
}

/// Two schemas that stand for each other.
pub(super) struct Pair<'d> {
    pub(super) old: &'d Value,
    pub(super) new: &'d Value,
    pub(super) at: At,
    owners: BTreeSet<Owner>,
}

struct Finding {
    rule: Rule,
    at: At,
    text: String,
}

/// Two documents that are being compared.
pub(super) struct Comparison<'d> {
    pub(super) old: &'d Value,
    pub(super) new: &'d Value,
    /// Names of operations, as method and path.
    operations: Vec<String>,
    pairs: Vec<Pair<'d>>,
    /// Where a pair is among them, by where its values are.
    known: BTreeMap<(*const Value, *const Value, Side), usize>,
    waiting: VecDeque<usize>,
    findings: Vec<Finding>,
    work: Cell<usize>,
    ways: Cell<usize>,
    is_incomplete: bool,
}

impl<'d> Comparison<'d> {
    /// Of two documents, of which there is more where they are not `whole`.
    pub(super) fn new(old: &'d Value, new: &'d Value, whole: bool) -> Self {
        Self {
            old,
            new,
            operations: Vec::new(),
            pairs: Vec::new(),
            known: BTreeMap::new(),
            waiting: VecDeque::new(),
            findings: Vec::new(),
            work: Cell::new(0),
            ways: Cell::new(0),
            is_incomplete: !whole,
        }
    }

    /// The document as a place.
    pub(super) fn document() -> At {
        At { owner: Owner::Document, operation: None, side: Side::Request, place: String::new() }
    }

    /// An operation as a place.
    pub(super) fn operation(&mut self, method: &str, path: &str) -> At {
        self.operations.push(format!("{} {}", plain(method), plain_path(path)));
        let index = self.operations.len() - 1;
        At { owner: Owner::Operation(index), operation: Some(index), side: Side::Request, place: String::new() }
    }

    /// Something has changed.
    pub(super) fn find(&mut self, rule: Rule, at: &At, text: impl Into<String>) {
        if self.findings.len() >= MAX_FINDINGS {
            self.is_incomplete = true;
            return;
        }
        self.findings.push(Finding { rule, at: at.clone(), text: text.into() });
    }

    /// As [`pair`](Self::pair), of schemas of which one may be left out, and then is that of anything.
    pub(super) fn pair_given(&mut self, old: Option<&'d Value>, new: Option<&'d Value>, at: &At) {
        if old.is_some() || new.is_some() {
            self.pair(old.unwrap_or(&ANYTHING), new.unwrap_or(&ANYTHING), at);
        }
    }

    /// Two schemas are to be compared. Those that were met before are not compared again, but belong to `at` as well.
    pub(super) fn pair(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        let shared = reference(new).or_else(|| reference(old));
        let name = shared.map(|shared| schema_name(shared).unwrap_or_else(|| shared.to_owned()));
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        let key = (std::ptr::from_ref(old), std::ptr::from_ref(new), at.side);
        let next = self.pairs.len();
        let index = *self.known.entry(key).or_insert(next);
        if index < next {
            self.pairs[index].owners.insert(at.owner);
            return;
        }
        if next >= MAX_PAIRS {
            self.known.remove(&key);
            self.is_incomplete = true;
            return;
        }
        let owner = Owner::Pair(index);
        let inner = match name {
            Some(name) => {
                let place = format!("{} in {}", plain(&name), at.side.as_str());
                At { owner, operation: None, side: at.side, place }
            }
            None => At { owner, ..at.clone() },
        };
        self.pairs.push(Pair { old, new, at: inner, owners: BTreeSet::from([at.owner]) });
        self.waiting.push_back(index);
    }

    /// What a schema of the document `root` says.
    pub(super) fn shape(&self, root: &'d Value, schema: &'d Value) -> Shape<'d> {
        let shape = Shape::of(root, schema);
        self.work.update(|work| work + shape.work);
        shape
    }

    /// Nothing more is looked at.
    pub(super) fn is_spent(&self) -> bool {
        self.work.get() > MAX_WORK
    }

    /// Compares schemas until none is left.
    pub(super) fn schemas(&mut self) {
        while !self.is_spent()
            && let Some(index) = self.waiting.pop_front()
        {
            let Pair { old, new, at, .. } = &self.pairs[index];
            let (old, new, at) = (*old, *new, at.clone());
            self.schema(old, new, &at);
        }
        self.is_incomplete |= self.is_spent();
    }

    /// What was found, the worst first, otherwise in the order of the document.
    pub(super) fn changes(self) -> Vec<Change> {
        let mut changes: Vec<Change> = self.findings.iter().map(|finding| self.change(finding)).collect();
        if self.is_incomplete || self.ways.get() > MAX_WAYS {
            let text = format!(
                "The documents have more than {MAX_PAIRS} schemas or {MAX_FINDINGS} differences, or schemas of too many parts: not all of it is told."
            );
            changes.push(self.change(&Finding { rule: Rule::ComparisonIncomplete, at: Self::document(), text }));
        }
        changes.sort_by_key(|change| std::cmp::Reverse(change.severity));
        changes
    }

    fn change(&self, finding: &Finding) -> Change {
        let Finding { rule, at, text } = finding;
        let all: Vec<&String> = self.operations_of(at.owner).into_iter().map(|index| &self.operations[index]).collect();
        let operation = at.operation.map_or("", |index| &self.operations[index]);
        let named = [rule.id(), at.side.as_str(), operation, &at.place, text].join("\n");
        Change {
            id: format!("{:016x}", xxhash_rust::xxh3::xxh3_64(named.as_bytes())),
            rule: rule.id().to_owned(),
            severity: rule.severity(at.side),
            more_operations: all.len().saturating_sub(MAX_OPERATIONS),
            operations: all.into_iter().take(MAX_OPERATIONS).cloned().collect(),
            place: at.place.clone(),
            text: text.clone(),
        }
    }

    /// The operations that something is a part of, directly or by what it is a part of.
    fn operations_of(&self, owner: Owner) -> BTreeSet<usize> {
        let (mut operations, mut rest) = (BTreeSet::new(), vec![owner]);
        let mut seen = vec![false; self.pairs.len()];
        while self.ways.get() <= MAX_WAYS
            && let Some(owner) = rest.pop()
        {
            match owner {
                Owner::Document => {}
                Owner::Operation(index) => drop(operations.insert(index)),
                Owner::Pair(index) if !std::mem::replace(&mut seen[index], true) => {
                    let owners = &self.pairs[index].owners;
                    self.ways.update(|ways| ways + owners.len());
                    rest.extend(owners);
                }
                Owner::Pair(_) => {}
            }
        }
        operations
    }
}
