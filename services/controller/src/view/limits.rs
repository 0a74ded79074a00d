//! Limits, and whether they are in force.

use nuncio_ir::{LimitNode, LimitRule};

use super::wants;
use crate::admin::{LimitView, ListQuery, ObjectRef};
use crate::counting::{Asked, fetched};
use crate::engine::Engine;

/// Every rule that services which count are sent.
pub(super) fn limits(engine: &Engine, query: &ListQuery) -> impl Iterator<Item = LimitView> {
    let asked = Asked::of(&engine.world);
    let mut views = Vec::new();
    for (name, rules) in &engine.world.model().limits {
        let asked = asked.filter(|asked| asked.service.domain == **name);
        let fetched_by = fetched(&engine.server, name).acked;
        let domain = Domain { name, asked: asked.map(|asked| asked.to_string()), fetched_by };
        collect(&domain, &[], &rules.nodes, query, &mut views);
    }
    views.into_iter()
}

/// What all limits of a domain have in common.
struct Domain<'a> {
    name: &'a str,
    asked: Option<String>,
    fetched_by: usize,
}

fn collect(domain: &Domain<'_>, before: &[String], nodes: &[LimitNode], query: &ListQuery, views: &mut Vec<LimitView>) {
    for node in nodes {
        let mut labels = before.to_vec();
        labels.push(format!("{}={}", node.key, node.value.as_deref().unwrap_or("*")));
        if let Some(rule) = node.rule.as_deref().filter(|rule| wants(query, &rule.origin)) {
            views.push(view(domain, &labels, rule));
        }
        collect(domain, &labels, &node.nodes, query, views);
    }
}

fn view(Domain { name, asked, fetched_by }: &Domain<'_>, labels: &[String], rule: &LimitRule) -> LimitView {
    LimitView {
        domain: (*name).to_owned(),
        labels: labels.join(", "),
        name: rule.name.clone(),
        limit: pace(rule),
        log_only: rule.log_only,
        origin: ObjectRef::from(&rule.origin),
        asked: asked.clone(),
        fetched_by: *fetched_by,
        in_force: asked.is_some() && *fetched_by > 0,
    }
}

/// `60 per minute`.
pub(crate) fn pace(rule: &LimitRule) -> String {
    let pace = format!("{} per {}", rule.rate, rule.unit.as_str());
    match rule.burst_factor {
        Some(factor) => format!("{pace}, up to {} at once", rule.rate.saturating_mul(factor)),
        None => pace,
    }
}
