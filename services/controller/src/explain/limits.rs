//! Which limits a request is held to: its labels, the descriptors that they make, and the rules that these meet.

use nuncio_ir::{LimitNode, LimitRule, LimitService, Limits, Model, RateLabel, Route, RouteAction, Slot, SlotFilter};

use super::request::Request;
use crate::admin::{LimitExplained, ObjectRef};
use crate::view::pace;

/// A label with its value; `None` where only Envoy knows it.
type Entry = (String, Option<String>);

/// What the route's requests are held to.
pub(super) fn of_route(model: &Model, route: &Route, request: &Request) -> Vec<LimitExplained> {
    let Some(limits) = route.limits.as_deref() else { return Vec::new() };
    let local = limits.local.map(|bucket| LimitExplained {
        labels: String::new(),
        limit: Some(format!("{} at once, {} every {} s", bucket.size, bucket.tokens, bucket.interval.as_secs())),
        rule: None,
        origin: route.origins.first().map(ObjectRef::from),
        outcome: "counted by each Envoy for this host name, before anybody is asked".to_owned(),
    });
    let service = model.extensions.get(&Slot::Limit).and_then(|extension| match &extension.filter {
        SlotFilter::Limit(service) => Some(service),
        _ => None,
    });
    let asked = service.into_iter().flat_map(|service| asked(model, service, limits, route, request));
    local.into_iter().chain(asked).collect()
}

fn asked(
    model: &Model,
    service: &LimitService,
    limits: &Limits,
    route: &Route,
    request: &Request,
) -> Vec<LimitExplained> {
    let explain = |labels: &Vec<RateLabel>| match descriptor(labels, route, request) {
        Err(missing) => LimitExplained {
            labels: words(&missing.before),
            limit: None,
            rule: None,
            origin: None,
            outcome: format!("not asked about: the header {} is missing", missing.header),
        },
        Ok(entries) => rule_for(model, service, &entries),
    };
    limits.descriptors.iter().map(explain).collect()
}

/// A descriptor that is left out.
struct Missing {
    before: Vec<Entry>,
    header: String,
}

fn descriptor(labels: &[RateLabel], route: &Route, request: &Request) -> Result<Vec<Entry>, Missing> {
    let mut entries = Vec::new();
    for label in labels {
        let entry = match label {
            RateLabel::SourceCluster => ("source_cluster".to_owned(), None),
            RateLabel::DestinationCluster => ("destination_cluster".to_owned(), destination(route)),
            RateLabel::RemoteAddress => ("remote_address".to_owned(), None),
            RateLabel::Text { key, value } => (key.clone(), Some(value.clone())),
            RateLabel::Header { key, name, optional } => match request.header(name) {
                Some(value) => (key.clone(), Some(value)),
                None if *optional => continue,
                None => return Err(Missing { before: entries, header: name.clone() }),
            },
        };
        entries.push(entry);
    }
    Ok(entries)
}

/// The cluster, where there is only one.
fn destination(route: &Route) -> Option<String> {
    let RouteAction::Forward(forward) = &route.action else { return None };
    match (&forward.arms[..], forward.arms.first().map(|arm| &arm.backend)) {
        ([_], Some(nuncio_ir::Backend::Cluster(name))) => Some(name.to_string()),
        _ => None,
    }
}

fn rule_for(model: &Model, service: &LimitService, entries: &[Entry]) -> LimitExplained {
    let LimitService { domain, .. } = service;
    let found = model.limits.get(domain.as_str()).and_then(|rules| find(&rules.nodes, entries));
    let Some(rule) = found else {
        let outcome = match model.limits.contains_key(domain.as_str()) {
            true => format!("no rule of `{domain}` is for these labels"),
            false => format!("asked about in `{domain}`, of whose rules only the service knows"),
        };
        return LimitExplained { labels: words(entries), limit: None, rule: None, origin: None, outcome };
    };
    let outcome = if rule.log_only { "noted beyond that" } else { "answered 429 beyond that" };
    LimitExplained {
        labels: words(entries),
        limit: Some(pace(rule)),
        rule: Some(rule.name.clone()),
        origin: Some(ObjectRef::from(&rule.origin)),
        outcome: outcome.to_owned(),
    }
}

/// The rule that the service finds: by the value, else by any value, and never back. A value that only Envoy knows is
/// taken for one that no rule names.
fn find<'a>(mut nodes: &'a [LimitNode], entries: &[Entry]) -> Option<&'a LimitRule> {
    let mut found = None;
    for (key, value) in entries {
        let of_value = nodes.iter().find(|node| node.key == *key && node.value.is_some() && node.value == *value);
        let Some(node) = of_value.or_else(|| nodes.iter().find(|node| node.key == *key && node.value.is_none())) else {
            break;
        };
        found = node.rule.as_deref().or(found);
        nodes = &node.nodes;
    }
    found
}

/// `user=ann, remote_address=…`.
fn words(entries: &[Entry]) -> String {
    let word = |(key, value): &Entry| format!("{key}={}", value.as_deref().unwrap_or("…"));
    entries.iter().map(word).collect::<Vec<_>>().join(", ")
}
