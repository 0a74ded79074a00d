//! Operations as the page of an API lists them, each with what the gateway does with it in short.

use crate::reference::{Group, Operation};
use crate::web::edge::Edge;
use crate::web::visit::Visit;

/// An operation of the list.
pub(super) struct Listed<'a> {
    pub(super) operation: &'a Operation,
    /// Login, limits, times.
    pub(super) facts: Vec<String>,
    pub(super) is_unrouted: bool,
    /// Its requests go to another service.
    pub(super) is_elsewhere: bool,
}

/// The operations of these groups, with what was told of them in their order.
pub(super) fn listed<'a>(
    site: &Visit,
    groups: Vec<(&'a Group, Vec<&'a Operation>)>,
    told: Vec<Option<Edge>>,
) -> Vec<(&'a Group, Vec<Listed<'a>>)> {
    let mut told = told.into_iter();
    let mut row = |operation: &'a Operation| {
        let edge: Option<Edge> = told.next().flatten();
        Listed {
            operation,
            facts: edge.as_ref().map(|edge| edge.facts(site.texts())).unwrap_or_default(),
            is_unrouted: edge.as_ref().map_or(operation.unrouted.is_some(), Edge::is_lost),
            is_elsewhere: edge.as_ref().is_some_and(Edge::is_elsewhere),
        }
    };
    groups.into_iter().map(|(group, operations)| (group, operations.into_iter().map(&mut row).collect())).collect()
}
