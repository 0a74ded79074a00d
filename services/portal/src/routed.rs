//! What the gateway does with the operations of a document, for the copy of it that clients get: where each is reached, and
//! what it has to be shown. The controller tells; nothing is matched here.
//!
//! ```text
//!  rewrite (what the document and its Mappings say) ─► routed ◄── the controller's answers (edge)
//!                                                        └─► demanded (what lets requests through)
//!                                                            apart (what is not asked for through the gateway)
//!                                                            schemes (credentials as schemes of each version)
//!                                                            shared (path items that several paths refer to)
//!                                                            write (all of it, into the copy)
//! ```

mod apart;
mod demanded;
mod schemes;
mod shared;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use self::demanded::Demands;
pub(crate) use self::write::SECURITY_AT;
use crate::gateway::{AskedOperation, Credential, ToldOperations, ToldRoute};
use crate::reference::{Operation, Reference, Ways};

/// The most addresses of one API that are asked about; those beyond are taken to be as these.
pub(crate) const MOST_ADDRESSES: usize = 16;

/// How clients get to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Passage {
    /// At which of the API's addresses; none where at all of them.
    addresses: Option<BTreeSet<usize>>,
    /// What lets a request through, whichever of them it is sent to.
    demands: Demands,
    /// What does at each of them, where that is not the same.
    apart: BTreeMap<usize, Demands>,
    /// What its routes ask of a request besides method and path, each. Empty where one takes whatever comes.
    conditions: BTreeSet<Vec<String>>,
}

/// How clients get to each operation of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    /// In the order of the document; nothing of what leads nowhere, or elsewhere.
    passages: Vec<Option<Passage>>,
    /// The controller did not tell what it demands: it is what the API as a whole may.
    is_guessed: bool,
}

/// The operations of a document about which the controller is asked.
pub(crate) fn questions(reference: &Reference) -> Vec<AskedOperation<'_>> {
    let asked = asked(reference).map(|(_, operation)| operation);
    asked.map(|operation| AskedOperation { method: &operation.method, path: &operation.sample }).collect()
}

/// Those that are in the copy, with their places in the document.
fn asked(reference: &Reference) -> impl Iterator<Item = (usize, &Operation)> {
    let places = reference.rewritten.iter().flat_map(|rewritten| &rewritten.places);
    let all = reference.operations.iter().zip(places).enumerate();
    all.filter_map(|(index, (operation, place))| place.is_some().then_some((index, operation)))
}

impl Routed {
    /// By the answers to these questions, of each address in its turn.
    pub(crate) fn of(reference: &Reference, told: &[ToldOperations]) -> Self {
        let ways = Ways::of(&reference.api, &reference.document);
        let mut passages = vec![None; reference.operations.len()];
        for (nth, (index, operation)) in asked(reference).enumerate() {
            let routes = told.iter().map(|told| told.operations.get(nth).map_or(&[][..], |told| &told.routes[..]));
            let own = |route: &&ToldRoute| route.action == "forward" && ways.lead(&route.origin, operation);
            let routes: Vec<Vec<_>> = routes.map(|routes| routes.iter().filter(own).collect()).collect();
            passages[index] = Passage::by(&routes);
        }
        Self { passages, is_guessed: false }
    }

    /// What its operations want to be shown, and whether all of them want something; nothing where nobody has told.
    pub(crate) fn asked(&self) -> Option<(Vec<Credential>, bool)> {
        let known: Vec<_> = self.passages.iter().flatten().map(|passage| &passage.demands).collect();
        let wanted: BTreeSet<_> =
            known.iter().filter(|demands| !demands.is_open()).flat_map(|demands| demands.closed()).flatten().collect();
        let all = known.iter().all(|demands| !demands.is_open());
        (!self.is_guessed && !known.is_empty()).then(|| (wanted.into_iter().cloned().collect(), all))
    }

    /// By what is known of the API as a whole, where the controller does not answer.
    pub(crate) fn guess(reference: &Reference) -> Self {
        let served = &reference.api.served;
        let conditions = Some(served.conditions.clone()).filter(|conditions| !conditions.is_empty());
        let demands = Demands::guess(served);
        let is_guessed = demands != Demands::nothing();
        let conditions = conditions.into_iter().collect();
        let passage = Passage { addresses: None, demands, apart: BTreeMap::new(), conditions };
        let is_reached = |operation: &Operation| operation.unrouted.is_none();
        let passages = reference.operations.iter().map(|operation| is_reached(operation).then(|| passage.clone()));
        Self { passages: passages.collect(), is_guessed }
    }
}

impl Passage {
    /// By the routes at each address that lead there; nothing where none does. An address at which nobody gets through is none
    /// of its, unless that is so at all of them.
    fn by(routes: &[Vec<&ToldRoute>]) -> Option<Self> {
        let there = routes.iter().enumerate().filter(|(_, routes)| !routes.is_empty());
        let mut at: BTreeMap<_, _> = there.map(|(address, routes)| (address, Demands::of(routes))).collect();
        if at.values().any(|demands| !demands.is_nobody()) {
            at.retain(|_, demands| !demands.is_nobody());
        }
        let addresses: BTreeSet<_> = at.keys().copied().collect();
        let first = at.values().next()?.clone();
        let is_same = at.values().all(|demands| *demands == first);
        let all = || routes.iter().flatten();
        let mut conditions: BTreeSet<_> = all().map(|route| route.conditions.clone()).collect();
        if conditions.contains(&Vec::new()) {
            conditions.clear();
        }
        Some(Self {
            addresses: Some(addresses).filter(|addresses| addresses.len() < routes.len()),
            demands: if is_same { first } else { Demands::whichever(at.values()) },
            apart: if is_same { BTreeMap::new() } else { at },
            conditions,
        })
    }

    /// What lets a request through at one address.
    fn demands_at(&self, address: usize) -> &Demands {
        self.apart.get(&address).unwrap_or(&self.demands)
    }

    /// In one list: what a single route asks for, or what several do in the words of one.
    fn only_if(&self) -> Vec<String> {
        match self.conditions.len() {
            0 | 1 => self.conditions.iter().flatten().cloned().collect(),
            _ => {
                let each: Vec<_> = self.conditions.iter().map(|conditions| conditions.join(" and ")).collect();
                vec![each.join(", or ")]
            }
        }
    }
}
