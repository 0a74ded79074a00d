//! Limits in force.

use nuncio_ir::{LimitNode, LimitRule, Model};

use super::wants;
use crate::admin::{LimitView, ListQuery, ObjectRef};

/// Every rule that services which count are sent.
pub(super) fn limits(model: &Model, query: &ListQuery) -> impl Iterator<Item = LimitView> {
    let mut views = Vec::new();
    for (domain, rules) in &model.limits {
        collect(domain, &[], &rules.nodes, query, &mut views);
    }
    views.into_iter()
}

fn collect(domain: &str, before: &[String], nodes: &[LimitNode], query: &ListQuery, views: &mut Vec<LimitView>) {
    for node in nodes {
        let mut labels = before.to_vec();
        labels.push(format!("{}={}", node.key, node.value.as_deref().unwrap_or("*")));
        if let Some(rule) = node.rule.as_deref().filter(|rule| wants(query, &rule.origin)) {
            views.push(view(domain, &labels, rule));
        }
        collect(domain, &labels, &node.nodes, query, views);
    }
}

fn view(domain: &str, labels: &[String], rule: &LimitRule) -> LimitView {
    LimitView {
        domain: domain.to_owned(),
        labels: labels.join(", "),
        name: rule.name.clone(),
        limit: pace(rule),
        log_only: rule.log_only,
        origin: ObjectRef::from(&rule.origin),
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
