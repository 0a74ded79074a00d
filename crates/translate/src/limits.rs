//! RateLimits as rules for the service that counts.
//!
//! A pattern takes a descriptor that begins as it does, and of several the longest counts. The service goes down a tree, at
//! each level by the value itself if the tree has it, else by any value, and never back. So what a pattern says of any
//! value is said again below each value that another pattern names: then the first way down is the only one.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Limit, LimitAction, ObjectId, Problem, RateLimit, TemplatedHeader};
use nuncio_auth::Template;
use nuncio_ir::{LimitError, LimitNode, LimitRule, LimitRules};

/// Beyond this many ways to read its patterns a RateLimit is refused.
const MOST_PATHS: usize = 1_000;
/// Beyond this many nodes nothing is added to a domain.
const MOST_NODES: usize = 200_000;

/// A label with its value; `None` is any.
type Step<'a> = (&'a str, Option<&'a str>);

/// One way to read a limit's pattern.
struct Way<'a> {
    steps: Vec<Step<'a>>,
    limit: &'a Limit,
    id: &'a ObjectId,
    index: usize,
}

/// The rules of a domain, with what is wrong with its RateLimits among each other.
pub(crate) fn rules(
    domain: &Arc<str>,
    objects: &[(&ObjectId, &RateLimit)],
    problems: &mut Vec<(ObjectId, Problem)>,
) -> LimitRules {
    let mut ways = Vec::new();
    for (id, spec) in objects {
        for (index, limit) in spec.limits.iter().enumerate() {
            check(limit, index, id, problems);
            match readings(&limit.pattern) {
                Some(readings) => {
                    ways.extend(readings.into_iter().map(|steps| Way { steps, limit, id, index }));
                }
                None => {
                    let message = format!("the pattern can be read in more than {MOST_PATHS} ways: it has no effect");
                    problems.push(((*id).clone(), Problem::error("TooManyPatterns", field(index), message)));
                }
            }
        }
    }
    let mut left = MOST_NODES;
    let all: Vec<_> = ways.iter().collect();
    let nodes = level(&all, 0, &mut left);
    let mut origins: Vec<_> = objects.iter().map(|(id, _)| (*id).clone()).collect();
    if left == 0 {
        let message = format!("the patterns of `{domain}` make more than {MOST_NODES} rules: not all have an effect");
        problems.extend(origins.iter().map(|id| (id.clone(), Problem::error("TooManyPatterns", "", message.clone()))));
    }
    origins.sort_unstable();
    LimitRules { domain: Arc::clone(domain), nodes, origins }
}

fn field(index: usize) -> String {
    format!("spec.limits[{index}].pattern")
}

/// Each choice of one label for each item.
fn readings(pattern: &[BTreeMap<String, String>]) -> Option<Vec<Vec<Step<'_>>>> {
    let mut readings = vec![Vec::new()];
    for item in pattern {
        let longer = readings.iter().flat_map(|before: &Vec<Step<'_>>| {
            item.iter().map(|(key, value)| {
                let value = Some(value.as_str()).filter(|value| !matches!(*value, "" | "*"));
                before.iter().copied().chain([(key.as_str(), value)]).collect::<Vec<_>>()
            })
        });
        readings = longer.take(MOST_PATHS + 1).collect();
        if readings.len() > MOST_PATHS {
            return None;
        }
    }
    Some(readings)
}

/// The nodes for the label at `depth` of these ways, which are alike before it.
fn level<'a>(ways: &[&'a Way<'a>], depth: usize, left: &mut usize) -> Vec<LimitNode> {
    let mut steps: BTreeMap<Step<'a>, Vec<&'a Way<'a>>> = BTreeMap::new();
    for way in ways {
        if let Some(step) = way.steps.get(depth) {
            steps.entry(*step).or_default().push(way);
        }
    }
    let of_any: BTreeMap<&str, Vec<&'a Way<'a>>> =
        steps.iter().filter(|((_, value), _)| value.is_none()).map(|((key, _), ways)| (*key, ways.clone())).collect();
    let mut nodes = Vec::with_capacity(steps.len());
    for ((key, value), mut ways) in steps {
        if *left == 0 {
            break;
        }
        *left -= 1;
        if value.is_some() {
            ways.extend(of_any.get(key).into_iter().flatten());
        }
        let ending = ways.iter().filter(|way| way.steps.len() == depth + 1);
        let rule = ending.min_by(|a, b| precedence(a).cmp(&precedence(b))).map(|way| Box::new(rule(way)));
        let below = level(&ways, depth + 1, left);
        nodes.push(LimitNode { key: key.to_owned(), value: value.map(str::to_owned), rule, nodes: below });
    }
    nodes
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

/// Those that compile; the others were told of.
fn headers(headers: &[TemplatedHeader]) -> Vec<(String, String)> {
    let good = headers.iter().filter(|header| Template::new(&header.value).is_ok());
    good.map(|header| (header.name.to_ascii_lowercase(), header.value.clone())).collect()
}

/// Tells of templates that do not compile. The limit holds without them.
fn check(limit: &Limit, index: usize, id: &ObjectId, problems: &mut Vec<(ObjectId, Problem)>) {
    let mut one = |field: String, template: &str| {
        if let Err(error) = Template::new(template) {
            let message = format!("the template does not compile: {error}; it is left out");
            let field = format!("spec.limits[{index}].{field}");
            problems.push((id.clone(), Problem::error("InvalidTemplate", field, message)));
        }
    };
    let none = Vec::new();
    let error = limit.error_response.as_ref();
    for (field, headers) in [
        ("injectRequestHeaders", &limit.inject_request_headers),
        ("injectResponseHeaders", &limit.inject_response_headers),
        ("errorResponse.headers", error.map_or(&none, |error| &error.headers)),
    ] {
        for (place, header) in headers.iter().enumerate() {
            one(format!("{field}[{place}].value"), &header.value);
        }
    }
    if let Some(body) = error.and_then(|error| error.body_template.as_deref()) {
        one("errorResponse.bodyTemplate".to_owned(), body);
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Defaults, Kind, Spec, parse};

    use super::*;

    /// `key=value` of each label that is matched, then the name of the rule; the way a descriptor goes.
    fn found(limits: &str, descriptor: &[(&str, &str)]) -> Option<(usize, String)> {
        let text =
            format!("apiVersion: getambassador.io/v3alpha1\nkind: RateLimit\nmetadata: {{name: r}}\nspec: {limits}\n");
        let parsed = parse(text.as_bytes(), &"f".into(), &Defaults::default());
        let Spec::RateLimit(spec) = &parsed.objects[0].spec else { panic!("{parsed:?}") };
        let id = ObjectId::new(Kind::RateLimit, "default", "r");
        let rules = rules(&"d".into(), &[(&id, spec)], &mut Vec::new());
        let (mut nodes, mut found) = (&rules.nodes, None);
        for (depth, (key, value)) in descriptor.iter().enumerate() {
            let of_value = nodes.iter().find(|node| node.key == *key && node.value.as_deref() == Some(value));
            let node = of_value.or_else(|| nodes.iter().find(|node| node.key == *key && node.value.is_none()));
            let Some(node) = node else { break };
            if let Some(rule) = &node.rule {
                found = Some((depth + 1, rule.name.clone()));
            }
            nodes = &node.nodes;
        }
        found
    }

    #[test]
    fn the_longest_pattern_counts_whatever_the_way_to_it() {
        let limits = "{limits: [
            {name: user, pattern: [{user: '*'}], rate: 10, unit: minute},
            {name: ann, pattern: [{user: ann}], rate: 99, unit: minute},
            {name: post, pattern: [{user: ''}, {method: POST}], rate: 2, unit: minute},
            {name: either, pattern: [{user: bob, team: red}, {method: GET}], rate: 3, unit: minute}]}";
        let one = |labels: &[(&str, &str)]| found(limits, labels);
        let named = |depth, name: &str| Some((depth, name.to_owned()));
        assert_eq!(one(&[("user", "cid")]), named(1, "user"));
        assert_eq!(
            one(&[("user", "cid"), ("method", "GET")]),
            named(1, "user"),
            "a descriptor begins with the pattern"
        );
        assert_eq!(one(&[("user", "cid"), ("method", "POST"), ("x", "y")]), named(2, "post"));
        assert_eq!(one(&[("user", "ann"), ("method", "POST")]), named(2, "post"), "below a value that another names");
        assert_eq!(one(&[("user", "ann"), ("method", "GET")]), named(1, "user"), "of equal length the strictest");
        assert_eq!(one(&[("team", "red"), ("method", "GET")]), named(2, "either"));
        assert_eq!(one(&[("team", "red")]), None);
        assert_eq!(one(&[("method", "POST"), ("user", "ann")]), None, "labels have an order");
    }

    #[test]
    fn units_count_when_limits_are_compared_and_what_only_logs_comes_last() {
        let limits = "{limits: [
            {name: often, pattern: [{a: b}], rate: 5, unit: second},
            {name: seldom, pattern: [{a: b}], rate: 100, unit: minute},
            {name: logged, pattern: [{a: b}], rate: 1, unit: day, action: logonly}]}";
        assert_eq!(found(limits, &[("a", "b")]), Some((1, "seldom".to_owned())));
    }

    #[test]
    fn a_limit_is_called_by_its_place_unless_it_has_a_name() {
        let limits = "{limits: [{pattern: [{x: z}], rate: 1, unit: day}, {pattern: [{a: b}], rate: 1, unit: day}]}";
        assert_eq!(found(limits, &[("a", "b")]), Some((1, "r.default-1".to_owned())));
    }

    #[test]
    fn patterns_that_can_be_read_in_too_many_ways_are_refused() {
        let item = "{a: '', b: '', c: '', d: '', e: '', f: '', g: '', h: '', i: '', j: ''}";
        let pattern = [item; 4].join(", ");
        let id = ObjectId::new(Kind::RateLimit, "default", "r");
        let text = format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: RateLimit\nmetadata: {{name: r}}\n\
             spec: {{limits: [{{pattern: [{pattern}], rate: 1, unit: day}}]}}\n"
        );
        let parsed = parse(text.as_bytes(), &"f".into(), &Defaults::default());
        let Spec::RateLimit(spec) = &parsed.objects[0].spec else { panic!("{parsed:?}") };
        let mut problems = Vec::new();
        assert!(rules(&"d".into(), &[(&id, spec)], &mut problems).nodes.is_empty());
        assert_eq!(problems[0].1.reason, "TooManyPatterns");
    }
}
