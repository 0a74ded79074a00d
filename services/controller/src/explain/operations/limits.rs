//! What requests are held to whose headers are not known: every rule that one of them might meet.

use std::time::Duration;

use nuncio_api::LimitUnit;
use nuncio_ir::{LimitNode, LimitRule, Model, RateLabel, Route, TokenBucket};
use nuncio_translate::World;
use nuncio_xds::Server;

use crate::admin::{LimitTermView, OperationLimitView};
use crate::counting::{Asked, fetched};
use crate::explain::limits::destination;
use crate::explain::request::Request;

/// The most rules that are told of one operation.
const MOST: usize = 8;

/// Who counts, as far as it is the same for all operations.
pub(super) struct Counter<'w> {
    model: &'w Model,
    asked: Option<Asked<'w>>,
    /// Somebody has the rules.
    is_fetched: bool,
}

/// What the requests of an operation are held to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) limits: Vec<OperationLimitView>,
    /// Somebody is asked whose rules are not known here.
    pub(super) is_elsewhere: bool,
}

impl<'w> Counter<'w> {
    pub(super) fn new(world: &'w World, server: Option<&Server>) -> Self {
        let asked = Asked::of(world);
        let is_fetched =
            asked.is_none_or(|asked| server.is_none_or(|server| fetched(server, &asked.service.domain).acked > 0));
        Self { model: world.model(), asked, is_fetched }
    }

    /// What the route holds the request to.
    pub(super) fn held(&self, route: &Route, request: &Request) -> Held {
        let Some(limits) = route.limits.as_deref() else { return Held::default() };
        let mut held = Held { limits: limits.local.iter().map(of_bucket).collect(), is_elsewhere: false };
        let Some(asked) = self.asked.filter(|_| !limits.descriptors.is_empty()) else { return held };
        let rules = self.model.limits.get(&*asked.service.domain);
        for labels in &limits.descriptors {
            let mut search = Search { route, request, met: Vec::new() };
            search.go(rules.map_or(&[][..], |rules| &rules.nodes[..]), labels, &Terms::default(), None);
            held.is_elsewhere |= search.met.is_empty() && asked.named_by.is_some();
            held.limits.extend(search.met.into_iter().map(|met| self.view(met)));
        }
        held.limits.dedup();
        held.limits.truncate(MOST);
        held
    }

    fn view(&self, Met { rule, terms }: Met<'_>) -> OperationLimitView {
        OperationLimitView {
            rate: rule.rate,
            unit: rule.unit.as_str().to_owned(),
            every: 1,
            at_once: rule.burst_factor.map(|factor| rule.rate.saturating_mul(factor)).filter(|most| *most > rule.rate),
            per: terms.per,
            only: terms.only,
            by_each_envoy: false,
            log_only: rule.log_only,
            in_force: self.is_fetched,
        }
    }
}

/// What Envoy counts by itself.
fn of_bucket(TokenBucket { size, tokens, interval }: &TokenBucket) -> OperationLimitView {
    let units = [LimitUnit::Day, LimitUnit::Hour, LimitUnit::Minute, LimitUnit::Second];
    let seconds = |unit: LimitUnit| match unit {
        LimitUnit::Second => 1,
        LimitUnit::Minute => 60,
        LimitUnit::Hour => 3600,
        LimitUnit::Day => 86_400,
    };
    let fits =
        |unit: &LimitUnit| (interval.as_secs()).is_multiple_of(seconds(*unit)) && *interval >= Duration::from_secs(1);
    let unit = units.into_iter().find(fits).unwrap_or(LimitUnit::Second);
    OperationLimitView {
        rate: *tokens,
        unit: unit.as_str().to_owned(),
        every: (interval.as_secs() / seconds(unit)).max(1),
        at_once: Some(*size).filter(|size| size > tokens),
        per: Vec::new(),
        only: Vec::new(),
        by_each_envoy: true,
        log_only: false,
        in_force: true,
    }
}

/// By what is counted, and for which requests.
#[derive(Clone, Debug, Default)]
struct Terms {
    per: Vec<LimitTermView>,
    only: Vec<LimitTermView>,
}

/// A rule that a request may meet.
struct Met<'r> {
    rule: &'r LimitRule,
    terms: Terms,
}

/// What is known of the value of a label.
enum Value {
    Known(String),
    /// It may be any.
    Any(fn(&str, Option<String>) -> LimitTermView, String),
}

/// A way down the tree of rules, as the service that counts goes, with all that it may find there.
struct Search<'r> {
    route: &'r Route,
    request: &'r Request,
    met: Vec<Met<'r>>,
}

impl<'r> Search<'r> {
    fn go(
        &mut self,
        nodes: &'r [LimitNode],
        labels: &[RateLabel],
        terms: &Terms,
        found: Option<&(&'r LimitRule, Terms)>,
    ) {
        if self.met.len() >= MOST {
            return;
        }
        let Some((label, rest)) = labels.split_first() else { return self.meet(found) };
        let (key, value, is_optional) = self.label(label);
        let of_key = nodes.iter().filter(|node| node.key == key);
        let any = of_key.clone().find(|node| node.value.is_none());
        match value {
            Value::Known(value) => {
                let exact = of_key.clone().find(|node| node.value.as_ref() == Some(&value));
                match exact.or(any) {
                    Some(node) => self.enter(node, rest, terms, found),
                    None => self.meet(found),
                }
            }
            Value::Any(term, name) => {
                match any {
                    Some(node) => {
                        let mut terms = terms.clone();
                        terms.per.push(term(&name, None));
                        self.enter(node, rest, &terms, found);
                    }
                    None => self.meet(found),
                }
                for node in of_key.filter(|node| node.value.is_some()).take(MOST) {
                    let mut terms = terms.clone();
                    terms.only.push(term(&name, node.value.clone()));
                    self.enter(node, rest, &terms, found);
                }
            }
        }
        if is_optional {
            self.go(nodes, rest, terms, found);
        }
    }

    fn enter(
        &mut self,
        node: &'r LimitNode,
        rest: &[RateLabel],
        terms: &Terms,
        found: Option<&(&'r LimitRule, Terms)>,
    ) {
        let own = node.rule.as_deref().map(|rule| (rule, terms.clone()));
        self.go(&node.nodes, rest, terms, own.as_ref().or(found));
    }

    /// A rule is told once, in its widest form, which is found first.
    fn meet(&mut self, found: Option<&(&'r LimitRule, Terms)>) {
        let Some((rule, terms)) = found else { return };
        if !self.met.iter().any(|met| met.rule == *rule) {
            self.met.push(Met { rule, terms: terms.clone() });
        }
    }

    /// The key of a label, what is known of its value, and whether it may be missing.
    fn label(&self, label: &RateLabel) -> (String, Value, bool) {
        let gateway = |key: &str| (key.to_owned(), Value::Any(of_gateway, key.to_owned()), false);
        match label {
            RateLabel::SourceCluster => gateway("source_cluster"),
            RateLabel::DestinationCluster => match destination(self.route) {
                Some(cluster) => ("destination_cluster".to_owned(), Value::Known(cluster), false),
                None => gateway("destination_cluster"),
            },
            RateLabel::RemoteAddress => ("remote_address".to_owned(), Value::Any(of_client, String::new()), false),
            RateLabel::Text { key, value } => (key.clone(), Value::Known(value.clone()), false),
            RateLabel::Header { key, name, optional } => match self.request.header(name) {
                Some(value) => (key.clone(), Value::Known(value), false),
                None => (key.clone(), Value::Any(of_header, name.clone()), *optional),
            },
        }
    }
}

fn of_client(_: &str, value: Option<String>) -> LimitTermView {
    LimitTermView::Client { value }
}

fn of_header(name: &str, value: Option<String>) -> LimitTermView {
    LimitTermView::Header { name: name.to_owned(), value }
}

fn of_gateway(name: &str, value: Option<String>) -> LimitTermView {
    LimitTermView::Gateway { name: name.to_owned(), value }
}
