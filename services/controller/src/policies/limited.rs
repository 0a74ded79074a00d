//! Which limits requests of a route may be held to.

use nuncio_ir::{LimitNode, LimitRule, LimitRules, Limits, Model, RateLabel, Slot, SlotFilter};

/// The rules of the service that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates<'m> {
    /// Those of the domain that it is asked in; none are known where it has its own.
    rules: Option<&'m LimitRules>,
    is_asked: bool,
}

/// A limit, and the values that labels must have for it.
type Reached<'m> = (Vec<Option<&'m str>>, &'m LimitRule);

impl<'m> Rates<'m> {
    pub(crate) fn of(model: &'m Model) -> Self {
        let filter = model.extensions.get(&Slot::Limit).map(|extension| &extension.filter);
        let service = match filter {
            Some(SlotFilter::Limit(service)) => Some(service),
            _ => None,
        };
        let rules = service.and_then(|service| model.limits.get(&*service.domain)).map(AsRef::as_ref);
        Self { rules, is_asked: service.is_some() }
    }

    /// Limits that requests with these labels may meet, whatever else they say.
    pub(crate) fn reached(&self, limits: &Limits) -> Vec<Reached<'m>> {
        let mut reached = Vec::new();
        for labels in &limits.descriptors {
            let nodes = self.rules.map(|rules| &rules.nodes[..]).unwrap_or_default();
            reach(nodes, labels, &[], &mut reached);
        }
        reached
    }

    /// Of a model that comes after another: a service that had rules of ours has none of its own.
    pub(crate) fn after(model: &'m Model, before: &Model) -> Self {
        let rates = Self::of(model);
        let had_rules = Rates::of(before).rules.is_some();
        Self { is_asked: rates.is_asked && (rates.rules.is_some() || !had_rules), ..rates }
    }

    /// How many limits the requests of a route with these labels are held to.
    pub(crate) fn held(&self, limits: &Limits) -> usize {
        let is_enforced = |labels: &&Vec<RateLabel>| {
            let mut reached = Vec::new();
            reach(self.rules.map(|rules| &rules.nodes[..]).unwrap_or_default(), labels, &[], &mut reached);
            // One that has rules of its own may hold anything to them.
            self.rules.is_none() || reached.iter().any(|(_, rule)| !rule.log_only)
        };
        let counted = if self.is_asked { limits.descriptors.iter().filter(is_enforced).count() } else { 0 };
        counted + usize::from(limits.local.is_some())
    }
}

fn reach<'m>(nodes: &'m [LimitNode], labels: &[RateLabel], before: &[Option<&'m str>], reached: &mut Vec<Reached<'m>>) {
    let Some((label, rest)) = labels.split_first() else { return };
    let (key, value) = key_and_value(label);
    let taken = nodes
        .iter()
        .filter(|node| node.key == key && (node.value.is_none() || value.is_none() || node.value.as_deref() == value));
    for node in taken {
        let values = [before, &[node.value.as_deref()]].concat();
        reached.extend(node.rule.as_deref().map(|rule| (values.clone(), rule)));
        reach(&node.nodes, rest, &values, reached);
    }
    if matches!(label, RateLabel::Header { optional: true, .. }) {
        reach(nodes, rest, before, reached);
    }
}

/// The key of a label, and its value where that is always the same.
fn key_and_value(label: &RateLabel) -> (&str, Option<&str>) {
    match label {
        RateLabel::SourceCluster => ("source_cluster", None),
        RateLabel::DestinationCluster => ("destination_cluster", None),
        RateLabel::RemoteAddress => ("remote_address", None),
        RateLabel::Header { key, .. } => (key, None),
        RateLabel::Text { key, value } => (key, Some(value)),
    }
}
