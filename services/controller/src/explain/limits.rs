//! Which limits a request is held to: its labels, the descriptors that they make, and the rules that these meet.

use nuncio_ir::{LimitNode, LimitRule, Limits, Model, RateLabel, Route, RouteAction};
use nuncio_translate::World;
use nuncio_xds::{Counts, Server};

use super::request::Request;
use crate::admin::{LimitExplained, ObjectRef};
use crate::counting::{Asked, fetched};
use crate::view::pace;

/// A label with its value; `None` where only Envoy knows it.
struct Entry {
    key: String,
    value: Option<String>,
    /// The request says it.
    is_of_request: bool,
}

/// What the route's requests are held to.
pub(super) fn of_route(
    world: &World,
    server: Option<&Server>,
    route: &Route,
    request: &Request,
) -> Vec<LimitExplained> {
    let Some(limits) = route.limits.as_deref() else { return Vec::new() };
    let local = limits.local.map(|bucket| LimitExplained {
        labels: String::new(),
        of_request: String::new(),
        limit: Some(format!("{} at once, {} every {} s", bucket.size, bucket.tokens, bucket.interval.as_secs())),
        rule: None,
        origin: route.origins.first().map(ObjectRef::from),
        outcome: "counted by each Envoy for this host name, before anybody is asked".to_owned(),
    });
    let counter = Asked::of(world).map(|asked| Counter {
        model: world.model(),
        asked,
        fetched: server.map(|server| fetched(server, &asked.service.domain)),
    });
    let asked = counter.into_iter().flat_map(|counter| asked(&counter, limits, route, request));
    local.into_iter().chain(asked).collect()
}

/// Who counts, and by which rules.
struct Counter<'w> {
    model: &'w Model,
    asked: Asked<'w>,
    /// How many services have the rules, where that is known.
    fetched: Option<Counts>,
}

fn asked(counter: &Counter<'_>, limits: &Limits, route: &Route, request: &Request) -> Vec<LimitExplained> {
    let explain = |labels: &Vec<RateLabel>| match descriptor(labels, route, request) {
        Err(missing) => LimitExplained {
            labels: words(&missing.before),
            of_request: words_of_request(&missing.before),
            limit: None,
            rule: None,
            origin: None,
            outcome: format!("not asked about: the header {} is missing", missing.header),
        },
        Ok(entries) => counter.rule_for(&entries),
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
        let (key, value) = match label {
            RateLabel::SourceCluster => ("source_cluster", None),
            RateLabel::DestinationCluster => ("destination_cluster", destination(route)),
            RateLabel::RemoteAddress => ("remote_address", None),
            RateLabel::Text { key, value } => (&**key, Some(value.clone())),
            RateLabel::Header { key, name, optional } => match request.header(name) {
                Some(value) => (&**key, Some(value)),
                None if *optional => continue,
                None => return Err(Missing { before: entries, header: name.clone() }),
            },
        };
        let is_of_request = matches!(label, RateLabel::RemoteAddress | RateLabel::Header { .. });
        entries.push(Entry { key: key.to_owned(), value, is_of_request });
    }
    Ok(entries)
}

/// The cluster, where there is only one.
pub(super) fn destination(route: &Route) -> Option<String> {
    let RouteAction::Forward(forward) = &route.action else { return None };
    match (&forward.arms[..], forward.arms.first().map(|arm| &arm.backend)) {
        ([_], Some(nuncio_ir::Backend::Cluster(name))) => Some(name.to_string()),
        _ => None,
    }
}

impl Counter<'_> {
    fn rule_for(&self, entries: &[Entry]) -> LimitExplained {
        let domain = &*self.asked.service.domain;
        let rules = self.model.limits.get(domain);
        let (labels, of_request) = (words(entries), words_of_request(entries));
        let Some(rule) = rules.and_then(|rules| find(&rules.nodes, entries)) else {
            let outcome = match (rules, self.asked.named_by) {
                (Some(_), None) => format!("no rule of `{domain}` is for these labels"),
                (Some(_), Some(_)) => {
                    format!("no RateLimit of `{domain}` is for these labels; {} is asked", self.asked)
                }
                (None, _) => format!("{} is asked in `{domain}`, and alone knows its rules", self.asked),
            };
            return LimitExplained { labels, of_request, limit: None, rule: None, origin: None, outcome };
        };
        LimitExplained {
            labels,
            of_request,
            limit: self.fetched.is_none_or(|fetched| fetched.acked > 0).then(|| pace(rule)),
            rule: Some(rule.name.clone()),
            origin: Some(ObjectRef::from(&rule.origin)),
            outcome: self.outcome(rule),
        }
    }

    /// What the rule means, if the one who is asked has it.
    fn outcome(&self, rule: &LimitRule) -> String {
        let beyond = if rule.log_only { "noted beyond that" } else { "answered 429 beyond that" };
        match (self.fetched, self.asked.named_by) {
            (Some(Counts { acked: 0, older: 0, .. }), _) => {
                format!("not in force: {} is asked, and no service has fetched it", self.asked)
            }
            (Some(Counts { acked: 0, .. }), _) => {
                format!("not in its newest form: {} is asked, and no service has fetched that", self.asked)
            }
            (None, Some(_)) => format!("{beyond} if {} fetches RateLimits over xDS", self.asked),
            // Whether it is the one that fetched them, nobody here knows.
            (Some(_), Some(_)) => format!("{beyond} if {} is the service that fetched it over xDS", self.asked),
            (_, None) => beyond.to_owned(),
        }
    }
}

/// The rule that the service finds: by the value, else by any value, and never back. A value that only Envoy knows is
/// taken for one that no rule names.
fn find<'a>(mut nodes: &'a [LimitNode], entries: &[Entry]) -> Option<&'a LimitRule> {
    let mut found = None;
    for Entry { key, value, .. } in entries {
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
fn words<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> String {
    let word = |Entry { key, value, .. }: &Entry| format!("{key}={}", value.as_deref().unwrap_or("…"));
    entries.into_iter().map(word).collect::<Vec<_>>().join(", ")
}

/// The same of what the request says.
fn words_of_request(entries: &[Entry]) -> String {
    words(entries.iter().filter(|entry| entry.is_of_request))
}
