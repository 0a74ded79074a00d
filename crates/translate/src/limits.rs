//! RateLimits as rules for the service that counts.
//!
//! A pattern takes a descriptor that begins as it does, and of several the longest counts. The service goes down a tree, at
//! each level by the value itself if the tree has it, else by any value, and never back. So what a pattern says of any
//! value is said again below each value that another pattern names: then the first way down is the only one.

mod hidden;
mod templates;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Limit, LimitAction, ObjectId, Problem, RateLimit};
use nuncio_expr::Template;
use nuncio_ir::{LimitError, LimitNode, LimitRule, LimitRules};

use self::hidden::Fates;
use self::templates::headers;

/// The longest pattern: what is sent of it is nested as deep, and messages are read to a depth of 100.
const MOST_LABELS: usize = 32;
/// Beyond this many ways to read its pattern a limit is refused.
const MOST_PATHS: usize = 1_000;
/// What a domain may come to: its nodes, and the ways that they are looked for among.
const MOST_NODES: usize = 200_000;
const MOST_STEPS: usize = 2_000_000;

/// A label with its value; `None` is any.
type Step<'a> = (&'a str, Option<&'a str>);
type Problems = Vec<(ObjectId, Problem)>;

/// One way to read a limit's pattern.
#[derive(Debug)]
struct Way<'a> {
    steps: Vec<Step<'a>>,
    limit: &'a Limit,
    id: &'a ObjectId,
    index: usize,
}

/// The rules of a domain, with what is wrong with its RateLimits among each other.
pub(crate) fn rules(domain: &Arc<str>, objects: &[(&ObjectId, &RateLimit)], problems: &mut Problems) -> LimitRules {
    let mut ways = Vec::new();
    for (id, spec) in objects {
        for (index, limit) in spec.limits.iter().enumerate() {
            templates::check(limit, index, id, problems);
            let left = MOST_NODES - ways.len();
            match starred(&limit.pattern).map_or_else(|| readings(&limit.pattern, left), Err) {
                Ok(readings) => ways.extend(readings.into_iter().map(|steps| Way { steps, limit, id, index })),
                Err(problem) => problems.push(((*id).clone(), Problem { field: field(index), ..problem })),
            }
        }
    }
    let (refused, fates) = (BTreeSet::new(), Fates::default());
    let mut builder = Builder { nodes: MOST_NODES, steps: MOST_STEPS, refused, fates, problems };
    let nodes = builder.level(&ways.iter().collect::<Vec<_>>(), 0);
    let mut origins: Vec<_> = objects.iter().map(|(id, _)| (*id).clone()).collect();
    if builder.is_full() {
        let message = format!("the patterns of `{domain}` make more rules than can be kept: not all have an effect");
        problems.extend(origins.iter().map(|id| (id.clone(), Problem::error("TooManyPatterns", "", message.clone()))));
    } else {
        let Builder { fates, refused, .. } = builder;
        problems.extend(fates.problems(&refused));
    }
    origins.sort_unstable();
    LimitRules { domain: Arc::clone(domain), nodes, origins }
}

fn field(index: usize) -> String {
    format!("spec.limits[{index}].pattern")
}

/// What is wrong with a pattern in which a `*` stands beside other text: to the service that is a search, which knows nothing
/// of the longest pattern.
fn starred(pattern: &[BTreeMap<String, String>]) -> Option<Problem> {
    let is_starred = |key: &str, value: &str| key.contains('*') || (value.contains('*') && value != "*");
    let (key, value) = pattern.iter().flatten().find(|(key, value)| is_starred(key, value))?;
    let message =
        format!("`{key}: {value}`: a `*` is any value, and only where it stands alone; the limit has no effect");
    Some(Problem::error("InvalidPattern", "", message))
}

/// Each choice of one label for each item, of `left` that the domain still has room for.
fn readings(pattern: &[BTreeMap<String, String>], left: usize) -> Result<Vec<Vec<Step<'_>>>, Problem> {
    let number = pattern.iter().fold(1_usize, |number, item| number.saturating_mul(item.len()));
    let message = match number {
        _ if pattern.len() > MOST_LABELS => {
            format!("the pattern has more than {MOST_LABELS} labels: it has no effect")
        }
        number if number > MOST_PATHS => {
            format!("the pattern can be read in more than {MOST_PATHS} ways: it has no effect")
        }
        number if number > left => {
            format!("the patterns of its domain can be read in more than {MOST_NODES} ways: it has no effect")
        }
        _ => {
            let mut readings = vec![Vec::with_capacity(pattern.len())];
            for item in pattern {
                readings = readings.iter().flat_map(|before| item.iter().map(|label| longer(before, label))).collect();
            }
            return Ok(readings);
        }
    };
    Err(Problem::error("TooManyPatterns", "", message))
}

fn longer<'a>(before: &[Step<'a>], (key, value): (&'a String, &'a String)) -> Vec<Step<'a>> {
    let value = Some(value.as_str()).filter(|value| !matches!(*value, "" | "*"));
    before.iter().copied().chain([(key.as_str(), value)]).collect()
}

/// What the service finds a step by: it joins key and value.
fn joined((key, value): Step<'_>) -> String {
    value.map_or_else(|| key.to_owned(), |value| format!("{key}_{value}"))
}

/// As it stands in a manifest.
fn written((key, value): Step<'_>) -> String {
    format!("`{key}: {}`", value.unwrap_or("\"*\""))
}

/// Makes the tree, within bounds.
struct Builder<'p, 'a> {
    /// Nodes that may still be made.
    nodes: usize,
    /// Ways that may still be put below a node.
    steps: usize,
    /// Limits that were told of already.
    refused: BTreeSet<(ObjectId, usize)>,
    /// Which limits count somewhere.
    fates: Fates<'a>,
    problems: &'p mut Problems,
}

impl<'a> Builder<'_, 'a> {
    fn is_full(&self) -> bool {
        self.nodes == 0 || self.steps == 0
    }

    /// The nodes for the label at `depth` of these ways, which are alike before it.
    fn level(&mut self, ways: &[&'a Way<'a>], depth: usize) -> Vec<LimitNode> {
        let mut steps: BTreeMap<Step<'a>, Vec<&'a Way<'a>>> = BTreeMap::new();
        for way in ways {
            if let Some(step) = way.steps.get(depth) {
                steps.entry(*step).or_default().push(way);
            }
        }
        let mut names: BTreeMap<String, Step<'a>> = BTreeMap::new();
        let mut nodes = Vec::with_capacity(steps.len());
        for (step, own) in &steps {
            let first = *names.entry(joined(*step)).or_insert(*step);
            if first != *step {
                self.refuse(own, *step, first);
                continue;
            }
            let any = (step.0, None);
            let any = steps.get(&any).filter(|_| *step != any && names.get(step.0) == Some(&any));
            let any = any.map_or(&[][..], Vec::as_slice);
            // Before anything is copied.
            let Some(left) = self.steps.checked_sub(own.len() + any.len()).filter(|_| self.nodes > 0) else {
                self.steps = 0;
                break;
            };
            (self.steps, self.nodes) = (left, self.nodes - 1);
            let below: Vec<_> = own.iter().chain(any).copied().collect();
            let ending: Vec<_> = below.iter().copied().filter(|way| way.steps.len() == depth + 1).collect();
            let first = ending.iter().copied().min_by(|a, b| precedence(a).cmp(&precedence(b)));
            if let Some(first) = first {
                self.fates.note(first, &ending);
            }
            let nodes_below = self.level(&below, depth + 1);
            let (key, value) = (step.0.to_owned(), step.1.map(str::to_owned));
            nodes.push(LimitNode { key, value, rule: first.map(|way| Box::new(rule(way))), nodes: nodes_below });
        }
        nodes
    }

    /// Tells of limits with a step that the service could not tell from another's.
    fn refuse(&mut self, ways: &[&Way<'_>], step: Step<'_>, first: Step<'_>) {
        for way in ways {
            if self.refused.insert((way.id.clone(), way.index)) {
                let message = format!(
                    "the service that counts cannot tell {} from {}, which another pattern has there: it has no effect",
                    written(step),
                    written(first)
                );
                self.problems.push((way.id.clone(), Problem::error("AmbiguousPattern", field(way.index), message)));
            }
        }
    }
}

/// Of patterns as long as each other the limit that is enforced counts, then the strictest, then the first by name.
fn precedence<'a>(way: &Way<'a>) -> (bool, u128, &'a ObjectId, usize) {
    let seconds = way.limit.unit().map_or(1, nuncio_api::LimitUnit::seconds);
    // Requests in a day's worth of units, so that no fraction is lost.
    let rate = u128::from(way.limit.rate.unwrap_or_default()) * 86_400 / u128::from(seconds);
    (way.limit.action() == Some(LimitAction::LogOnly), rate, way.id, way.index)
}

fn rule(way: &Way<'_>) -> LimitRule {
    let Way { limit, id, index, .. } = way;
    let name = limit.name.clone().filter(|name| !name.is_empty());
    LimitRule {
        name: name.unwrap_or_else(|| format!("{}.{}-{index}", id.name, id.namespace)),
        rate: limit.rate.unwrap_or_default(),
        // What has none was refused where it was read.
        unit: limit.unit().unwrap_or(nuncio_api::LimitUnit::Second),
        burst_factor: limit.burst_factor,
        log_only: limit.action() == Some(LimitAction::LogOnly),
        request_headers: headers(&limit.inject_request_headers),
        response_headers: headers(&limit.inject_response_headers),
        error: limit.error_response.as_ref().map(|response| LimitError {
            headers: headers(&response.headers),
            body: response.body_template.clone().filter(|body| Template::new(body).is_ok()).unwrap_or_default(),
        }),
        origin: (*id).clone(),
    }
}

#[cfg(test)]
mod tests;
