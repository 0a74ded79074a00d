use nuncio_api::{Defaults, Kind, Spec, parse};

use super::*;

/// `key=value` of each label that is matched, then the name of the rule; the way a descriptor goes.
fn found(limits: &str, descriptor: &[(&str, &str)]) -> Option<(usize, String)> {
    let (rules, _) = compiled(limits);
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
    assert_eq!(one(&[("user", "cid"), ("method", "GET")]), named(1, "user"), "a descriptor begins with the pattern");
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

fn compiled(limits: &str) -> (LimitRules, Vec<(&'static str, String)>) {
    let (rules, problems) = made(limits);
    (rules, problems.into_iter().map(|problem| (problem.reason, problem.field)).collect())
}

fn messages(limits: &str) -> Vec<String> {
    made(limits).1.into_iter().map(|problem| problem.message).collect()
}

fn made(limits: &str) -> (LimitRules, Vec<Problem>) {
    let text =
        format!("apiVersion: getambassador.io/v3alpha1\nkind: RateLimit\nmetadata: {{name: r}}\nspec: {limits}\n");
    let parsed = parse(text.as_bytes(), &"f".into(), &Defaults::default());
    let Spec::RateLimit(spec) = &parsed.objects[0].spec else { panic!("{parsed:?}") };
    let mut problems = Vec::new();
    let rules = rules(&"d".into(), &[(&ObjectId::new(Kind::RateLimit, "default", "r"), spec)], &mut problems);
    (rules, problems.into_iter().map(|(_, problem)| problem).collect())
}

#[test]
fn a_limit_that_another_is_for_everywhere_is_told_of() {
    let (_, problems) = compiled(
        "{limits: [
        {pattern: [{user: '*'}], rate: 9, unit: day},
        {pattern: [{user: '*', team: '*'}], rate: 10, unit: day},
        {pattern: [{user: ann}], rate: 99, unit: day},
        {pattern: [{user: bob}], rate: 1, unit: day},
        {pattern: [{user: ''}], rate: 1, unit: day, action: LogOnly},
        {pattern: [{user: '*'}, {m: GET}], rate: 9, unit: day},
        {pattern: [{user: bob}, {m: GET}], rate: 9, unit: day}]}",
    );
    let hidden = |index: usize| ("HiddenLimit", format!("spec.limits[{index}].pattern"));
    assert_eq!(problems, [hidden(2), hidden(4), hidden(6)], "the second counts teams, the fourth bob");
}

#[test]
fn the_limit_that_hides_another_is_named() {
    let limits = "{limits: [
        {pattern: [{a: b}], rate: 1, unit: day, action: LogOnly},
        {pattern: [{a: b}], rate: 9, unit: day},
        {pattern: [{a: b}], rate: 10, unit: day}]}";
    let messages = messages(limits);
    for (message, why) in messages.iter().zip(["is enforced, while this one only logs", "allows no more"]) {
        assert!(message.ends_with(&format!("spec.limits[1] of RateLimit default/r, which {why}")), "{message}");
    }
    assert_eq!(messages.len(), 2);
}

#[test]
fn templates_that_ask_for_what_there_is_not_are_told_of() {
    let (_, problems) = compiled(
        "{limits: [{pattern: [{a: b}], rate: 1, unit: day,
        injectRequestHeaders: [{name: x, value: '{{.RateLimitResponse.OverallCode}}'}, {name: b, value: '{{.RetryAftr}}'}],
        injectResponseHeaders: [{name: z, value: '{{range .RateLimitResponse.Statuses}}{{.Code}}{{end}}{{.RetryAfter'}],
        errorResponse: {bodyTemplate: '{{.RateLimitResponse.Code}}'}}]}",
    );
    let told = |reason, field: &str| (reason, format!("spec.limits[0].{field}"));
    let expected = [
        told("UnknownVariable", "injectRequestHeaders[1].value"),
        told("InvalidTemplate", "injectResponseHeaders[0].value"),
        told("UnknownVariable", "errorResponse.bodyTemplate"),
    ];
    assert_eq!(problems, expected);
}

#[test]
fn labels_that_the_service_would_take_for_each_other_are_told_of_once() {
    let (rules, problems) = compiled(
        "{limits: [
        {pattern: [{user: id}, {x: one}], rate: 1, unit: day},
        {pattern: [{z: '*'}, {user: id}], rate: 1, unit: day},
        {pattern: [{z: one}, {user_id: '*'}], rate: 1, unit: day},
        {pattern: [{user_id: ''}], rate: 1, unit: day},
        {pattern: [{user_id: a}], rate: 1, unit: day}]}",
    );
    let ambiguous = |index: usize| ("AmbiguousPattern", format!("spec.limits[{index}].pattern"));
    assert_eq!(problems, [ambiguous(3), ambiguous(2)]);
    let names: Vec<_> = rules.nodes.iter().map(|node| (node.key.as_str(), node.value.as_deref())).collect();
    assert_eq!(names, [("user", Some("id")), ("user_id", Some("a")), ("z", None), ("z", Some("one"))]);
}

#[test]
fn stars_within_text_are_told_of_and_hurt_no_other_limit() {
    let (rules, problems) = compiled(
        "{limits: [
        {pattern: [{user: 'a*'}], rate: 1, unit: day},
        {pattern: [{'u*': b}], rate: 1, unit: day},
        {pattern: [{user: '*'}], rate: 1, unit: day}]}",
    );
    assert_eq!(problems.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), ["InvalidPattern"; 2]);
    assert_eq!(rules.nodes.len(), 1);
}

#[test]
fn a_pattern_deeper_than_messages_may_be_is_told_of() {
    let pattern = vec!["{a: b}"; MOST_LABELS + 1].join(", ");
    let (rules, problems) = compiled(&format!("{{limits: [{{pattern: [{pattern}], rate: 1, unit: day}}]}}"));
    assert_eq!((rules.nodes.len(), problems[0].0), (0, "TooManyPatterns"));
}

#[test]
fn many_values_below_many_others_are_bounded_before_they_are_copied() {
    let of_any = (0..2_000).map(|n| format!("{{pattern: [{{user: '*'}}, {{m: v{n}}}], rate: 1, unit: day}}"));
    let of_one = (0..2_000).map(|n| format!("{{pattern: [{{user: u{n}}}], rate: 1, unit: day}}"));
    let limits = of_any.chain(of_one).collect::<Vec<_>>().join(", ");
    let (_, problems) = compiled(&format!("{{limits: [{limits}]}}"));
    assert_eq!(problems, [("TooManyPatterns", String::new())]);
}

#[test]
fn patterns_that_can_be_read_in_too_many_ways_are_refused() {
    let item = "{a: '', b: '', c: '', d: '', e: '', f: '', g: '', h: '', i: '', j: ''}";
    let pattern = [item; 4].join(", ");
    let (rules, problems) = compiled(&format!("{{limits: [{{pattern: [{pattern}], rate: 1, unit: day}}]}}"));
    assert_eq!((rules.nodes.len(), problems[0].0), (0, "TooManyPatterns"));
}
