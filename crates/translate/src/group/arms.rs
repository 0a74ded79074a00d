//! The arms of a group's route, and who gets copies of its requests.

use std::sync::Arc;

use nuncio_api::{ObjectId, Problem, reads_assertion};
use nuncio_ir::{Arm, AuthContext, Check, HeaderEdits, Mirror};

use super::Group;
use crate::compiled::{Asked, Part, Shared};
use crate::shares::shares;
use crate::upstream::audience;

impl Group<'_> {
    pub(super) fn arms(&self, shared: &Shared, auth: &Check) -> Vec<Arc<Arm>> {
        let parts: Vec<_> = self
            .members
            .iter()
            .filter_map(|member| match &member.part {
                Part::Arm { weight, arm, .. } => Some((*weight, (arm, other_context(&member.auth, auth)))),
                _ => None,
            })
            .collect();
        let is_alone = self.serving().count() == 1;
        let weights = shares(&parts.iter().map(|(weight, _)| weight.filter(|_| !is_alone)).collect::<Vec<_>>());
        let weighted = parts.into_iter().zip(weights).filter(|(_, weight)| *weight > 0);
        weighted.map(|((_, (arm, context)), weight)| complete(arm, weight, shared, context)).collect()
    }

    /// What answers where all that would serve is invalid.
    pub(super) fn invalid_arm(&self) -> Option<Arc<Arm>> {
        self.members.iter().find_map(|member| match &member.part {
            Part::Invalid { reason } => Some(Arc::new(Arm::invalid(503, reason.clone()))),
            _ => None,
        })
    }

    pub(super) fn mirrors(&self, problems: &mut Vec<(ObjectId, Problem)>) -> Vec<Mirror> {
        let mut shadows = self.members.iter().filter_map(|member| match &member.part {
            Part::Shadow { percent, upstream: Some(upstream) } => {
                let (cluster, audience) = (upstream.name().clone(), audience(upstream));
                Some((&member.id, Mirror { cluster, audience, percent: *percent }))
            }
            _ => None,
        });
        let Some((winner, mirror)) = shadows.next() else { return Vec::new() };
        for (id, _) in shadows {
            let message = format!("has no effect: {winner} is the shadow of these requests, and there can be one only");
            problems.push((id.clone(), Problem::error("ConflictingShadow", "spec.shadow", message)));
        }
        vec![mirror]
    }
}

/// Most Mappings are alone and have nothing that a group shares: their arm is complete as it is.
fn complete(arm: &Arc<Arm>, weight: u32, shared: &Shared, auth_context: Option<AuthContext>) -> Arc<Arm> {
    if weight == arm.weight && !shared.changes_arms() && auth_context.is_none() {
        return Arc::clone(arm);
    }
    let mut request_headers = HeaderEdits {
        remove: shared.remove_request_headers.clone().unwrap_or_default(),
        add: shared.add_request_headers.iter().chain(&arm.request_headers.add).cloned().collect(),
    };
    keep_word(&mut request_headers);
    Arc::new(Arm {
        weight,
        request_headers,
        rewrite: shared.regex_rewrite.clone().or_else(|| arm.rewrite.clone()),
        retry: shared.retry().cloned(),
        upgrades: shared.upgrades.clone().unwrap_or_default(),
        auth_context,
        ..(**arm).clone()
    })
}

/// Where the gateway's word is handed on under another name, a client says nothing under that: Envoy adds no header with an empty
/// value, and so would leave the client's in place where there is no word.
fn keep_word(edits: &mut HeaderEdits) {
    for add in edits.add.iter_mut().filter(|add| reads_assertion(&add.value)) {
        add.append = false;
        edits.remove.push(add.name.clone());
    }
    edits.remove.sort_unstable();
    edits.remove.dedup();
}

/// What the AuthService is told of an arm, where that is not what it is told of the route.
fn other_context(asked: &Asked, route: &Check) -> Option<AuthContext> {
    match route {
        Check::On(told) if **told != *asked.context => Some(Arc::clone(&asked.context)),
        Check::On(_) | Check::Off | Check::Bypassed => None,
    }
}
