//! What the gateway does with the operations of a document, for the copy of it that clients get: where each is reached, and
//! what it has to be shown. The controller tells; nothing is matched here.
//!
//! ```text
//!  rewrite (what the document and its Mappings say) ─► routed ◄── the controller's answers (edge)
//!                                                        └─► apart (what is not asked for through the gateway)
//!                                                            schemes (credentials as schemes of each version)
//!                                                            write (all of it, into the copy)
//! ```

mod apart;
mod schemes;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use std::collections::BTreeSet;

use crate::gateway::{AskedOperation, Credential, ServedApi, ToldOperations, ToldRoute};
use crate::reference::{Operation, Reference, Ways};

/// All of these together let a request through.
pub(crate) type Demand = BTreeSet<Credential>;

/// The most addresses of one API that are asked about; those beyond are taken to be as these.
pub(crate) const MOST_ADDRESSES: usize = 16;

/// How clients get to an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Passage {
    /// At which of the API's addresses; none where at all of them.
    addresses: Option<BTreeSet<usize>>,
    /// What lets a request through: any one of these. Where there is none, nobody gets through.
    demands: BTreeSet<Demand>,
    /// What its routes ask of a request besides method and path, each. Empty where one takes whatever comes.
    conditions: BTreeSet<Vec<String>>,
}

/// How clients get to each operation of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    /// In the order of the document; nothing of what leads nowhere, or elsewhere.
    passages: Vec<Option<Passage>>,
    /// The controller did not tell what it demands: it is what is known of the API as a whole.
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

    /// By what is known of the API as a whole, where the controller does not answer.
    pub(crate) fn guess(reference: &Reference) -> Self {
        let served = &reference.api.served;
        let conditions = Some(served.conditions.clone()).filter(|conditions| !conditions.is_empty());
        let demands = guess(served);
        let is_guessed = demands.len() > 1;
        let passage = Passage { addresses: None, demands, conditions: conditions.into_iter().collect() };
        let is_reached = |operation: &Operation| operation.unrouted.is_none();
        let passages = reference.operations.iter().map(|operation| is_reached(operation).then(|| passage.clone()));
        Self { passages: passages.collect(), is_guessed }
    }
}

/// Any of what the rules of its paths want, or nothing.
fn guess(served: &ServedApi) -> BTreeSet<Demand> {
    let mut any = BTreeSet::from([Demand::new()]);
    any.extend(served.credentials.iter().map(|credential| Demand::from([credential.clone()])));
    if served.credentials.is_empty() && (served.asks_auth_service || !served.rules.is_empty()) {
        any.insert(Demand::from([Credential::Other]));
    }
    any
}

impl Passage {
    /// By the routes at each address that lead there; nothing where none does.
    fn by(routes: &[Vec<&ToldRoute>]) -> Option<Self> {
        let addresses: BTreeSet<_> = (0..routes.len()).filter(|address| !routes[*address].is_empty()).collect();
        if addresses.is_empty() {
            return None;
        }
        let all = || routes.iter().flatten();
        let mut conditions: BTreeSet<_> = all().map(|route| route.conditions.clone()).collect();
        if conditions.contains(&Vec::new()) {
            conditions.clear();
        }
        Some(Self {
            addresses: Some(addresses).filter(|addresses| addresses.len() < routes.len()),
            demands: routes.iter().flat_map(|routes| demands_of(routes)).collect(),
            conditions,
        })
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

/// What the routes of one address demand. What opens one of them under a condition opens nothing for usual requests, where a
/// route takes those, and generated clients send no others.
fn demands_of(routes: &[&ToldRoute]) -> BTreeSet<Demand> {
    let has_usual = routes.iter().any(|route| route.conditions.is_empty());
    let counts = |route: &ToldRoute, demand: &Demand| !(has_usual && !route.conditions.is_empty() && demand.is_empty());
    let of_each = |route: &&ToldRoute| {
        let mut demands = demands(route);
        demands.retain(|demand| counts(route, demand));
        demands
    };
    routes.iter().flat_map(of_each).collect()
}

/// What a route demands. A controller that does not tell what leads through tells what is asked for at all.
fn demands(route: &ToldRoute) -> BTreeSet<Demand> {
    match &route.security {
        Some(any) => any.iter().map(|demand| demand.iter().cloned().collect()).collect(),
        None => [route.credentials.iter().cloned().collect()].into(),
    }
}
