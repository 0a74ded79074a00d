use super::*;
use crate::config::{Entry, Limit, Scratch};

fn load(files: &[(&str, &str)], merge_domains: bool) -> Result<Config, ConfigErrors> {
    let stats = Registry::default();
    let sources = files.iter().map(|(name, text)| Source::parse(name, text)).collect::<Result<Vec<_>, _>>()?;
    Loader { stats: &stats, merge_domains }.load(sources)
}

/// What the original would tell.
fn first(files: &[(&str, &str)], merge_domains: bool) -> ConfigError {
    load(files, merge_domains).unwrap_err().into_iter().next().unwrap()
}

fn error(text: &str) -> String {
    first(&[("f.yaml", text)], false).to_string()
}

#[test]
fn errors_are_the_words_of_the_original() {
    let limit = "rate_limit: {unit: day, requests_per_unit: 5}";
    for (text, expected) in [
        ("descriptors: []", "config file cannot have empty domain"),
        ("", "config file cannot have empty domain"),
        (&format!("domain: d\ndescriptors: [{{value: v, {limit}}}]"), "descriptor has empty key"),
        ("domain: d\ndescriptors: [{key: k, value: v}, {key: k_v}]", "duplicate descriptor composite key 'd.k_v'"),
        ("domain: d\ndescriptors: [{key: k, rate_limit: {unit: foo}}]", "invalid rate limit unit 'foo'"),
        ("domain: d\ndescriptors: [{key: k, rate_limit: {unit: unknown}}]", "invalid rate limit unit 'unknown'"),
        (
            "domain: d\ndescriptors: [{key: k, rate_limit: {unit: day, unlimited: true}}]",
            "should not specify rate limit unit when unlimited",
        ),
        (
            "domain: d\ndescriptors: [{key: k, rate_limit: {unit: day, name: n, replaces: [{name: n}]}}]",
            "replaces should not contain name of same descriptor",
        ),
        (
            "domain: d\ndescriptors: [{key: k, rate_limit: {unit: day, replaces: [{name: ''}]}}]",
            "should not have an empty replaces entry",
        ),
        ("domain: d\ndescriptors: [{key: k, ratelimit: 1}]", "config error, unknown key 'ratelimit'"),
        ("0.25: d", "config error, key is not of type string: 0.25"),
        ("domain: d\ndescriptors: [a, b]", "config error, yaml file contains list of type other than map: a"),
        ("domain: d\ndescriptors: [{key: k, value: 1.5}]", "error checking config"),
        (
            "domain: d\ndescriptors: [{key: k, share_threshold: true}]",
            "share_threshold can only be used with wildcard values (containing '*'), but found key 'k'",
        ),
        (
            "domain: d\ndescriptors:\n- key: k\n  rate_limit:\n    unit: day\n    requests_per_unit: 4294967296",
            "error loading config file: yaml: unmarshal errors:\n  line 6: cannot unmarshal !!int `4294967296` into uint32",
        ),
    ] {
        let expected = if expected.starts_with("line") { expected.to_owned() } else { format!("f.yaml: {expected}") };
        let found = error(text).replace("`4294967...`", "`4294967296`");
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn errors_name_line_and_descriptors() {
    let text = "domain: d\ndescriptors:\n- key: a\n  descriptors:\n  - key: b\n    rate_limit: {unit: x}\n";
    let error = first(&[("f.yaml", text)], false);
    assert_eq!(error.with_place(), "f.yaml: invalid rate limit unit 'x' (line 5, at d.a.b)");
}

#[test]
fn domains_are_merged_only_when_asked_to() {
    let files = [("a", "domain: d\ndescriptors: [{key: a}]"), ("b", "domain: d\ndescriptors: [{key: b}]")];
    let told = "b: duplicate domain 'd' in config file: a has it already";
    assert_eq!(load(&files, false).unwrap_err().to_string(), told);
    assert!(load(&files, true).is_ok());
    let twice = [files[0], files[0]];
    assert_eq!(first(&twice, true).to_string(), "a: duplicate descriptor composite key 'd.a'");
}

#[test]
fn of_very_many_errors_a_line_tells_the_first() {
    let text = format!("domain: d\ndescriptors:\n{}", "- {key: k}\n".repeat(20));
    let told = load(&[("f", &text)], false).unwrap_err().to_string();
    assert!(told.starts_with("f: duplicate descriptor composite key 'd.k' (line 4, at d.k); f: duplicate"), "{told}");
    assert!(told.ends_with("(line 13, at d.k); and 9 more"), "{told}");
}

const RULES: &str = "
domain: d
descriptors:
- key: k
  rate_limit: {unit: minute, requests_per_unit: 1}
- key: k
  value: exact
  rate_limit: {unit: minute, requests_per_unit: 2}
- key: k
  value: a*
  rate_limit: {unit: minute, requests_per_unit: 3}
- key: k
  value: ab*
  rate_limit: {unit: minute, requests_per_unit: 4}
- key: k
  value: deep
  descriptors:
  - key: n
    value_to_metric: true
    rate_limit: {unit: hour, requests_per_unit: 5}
- key: s
  value: x*
  share_threshold: true
  descriptors:
  - key: t
    detailed_metric: true
    rate_limit: {unit: hour, requests_per_unit: 6}
- key: none
- key: on
  value: 12
  rate_limit: {unit: SECOND, requests_per_unit: 7}
";

fn find<T>(entries: &[impl Entry], read: impl Fn(Option<&Limit<'_>>) -> T) -> T {
    let stats = Registry::default();
    let config = Loader { stats: &stats, merge_domains: false }.load(vec![Source::parse("f", RULES).unwrap()]).unwrap();
    read(config.limit(&stats, &mut Scratch::default(), "d", entries, None).as_ref())
}

#[test]
fn the_exact_value_comes_before_globs_and_these_before_the_key() {
    let count = |entries: &[(&str, &str)]| find(entries, |limit| limit.map(|limit| limit.requests_per_unit));
    assert_eq!(count(&[("k", "exact")]), Some(2));
    assert_eq!(count(&[("k", "abc")]), Some(3), "the first glob declared, not the longest");
    assert_eq!(count(&[("k", "other")]), Some(1));
    assert_eq!(count(&[("k", "deep")]), None, "a node without a limit is no limit");
    assert_eq!(count(&[("k", "deep"), ("n", "1")]), Some(5));
    assert_eq!(count(&[("k", "other"), ("n", "1")]), None, "no way back to the sibling");
    assert_eq!(count(&[("k", "deep"), ("n", "1"), ("more", "")]), None);
    assert_eq!(count(&[("none", "x")]), None);
    assert_eq!(count(&[("on", "12")]), Some(7), "numbers are text where text is wanted");
    assert_eq!(count(&[]), None);
}

#[test]
fn metrics_are_named_as_by_the_original() {
    let name = |entries: &[(&str, &str)]| find(entries, |limit| limit.unwrap().stats().key().to_owned());
    assert_eq!(name(&[("k", "exact")]), "d.k_exact");
    assert_eq!(name(&[("k", "abc")]), "d.k_a*");
    assert_eq!(name(&[("k", "zzz")]), "d.k");
    assert_eq!(name(&[("k", "deep"), ("n", "1")]), "d.k_deep.n_1");
    assert_eq!(name(&[("s", "x1"), ("t", "2")]), "d.s_x*.t_2");
}

#[test]
fn globs_share_their_counter_when_asked_to() {
    let shares = find(&[("s", "x1"), ("t", "2")], |limit| {
        limit.unwrap().shares.iter().map(|(at, text)| (*at, (*text).to_owned())).collect::<Vec<_>>()
    });
    assert_eq!(shares, [(0, "x*".to_owned())]);
}

fn rule<T>(limit: &str, read: impl Fn(&crate::config::Rule) -> T) -> T {
    let text = format!("domain: d\nstore_failure: allow\ndescriptors: [{{key: k, rate_limit: {{{limit}}}}}]");
    let config = load(&[("f.yaml", &text)], false).unwrap_or_else(|error| panic!("{limit}: {error}"));
    read(config.rules()[0])
}

#[test]
fn limits_count_in_other_ways_when_asked_to() {
    use crate::algorithm::{Algorithm, Gcra, Sliding};
    use crate::window::Window;

    let window = Window::from_name("15m").unwrap();
    for (limit, algorithm, capacity) in [
        ("unit: 15m, requests_per_unit: 30", Algorithm::FixedWindow, 30),
        ("unit: 15m, requests_per_unit: 30, algorithm: fixed_window, lease: 10", Algorithm::FixedWindow, 30),
        (
            "unit: 15m, requests_per_unit: 30, algorithm: sliding_window",
            Algorithm::SlidingWindow(Sliding::new(30, window, 10).unwrap()),
            30,
        ),
        (
            "unit: 15m, requests_per_unit: 30, algorithm: sliding_window, sub_windows: 1",
            Algorithm::SlidingWindow(Sliding::new(30, window, 1).unwrap()),
            30,
        ),
        ("unit: 15m, requests_per_unit: 30, algorithm: gcra", Algorithm::Gcra(Gcra::new(30, window, 30)), 30),
        (
            "unit: 15m, requests_per_unit: 30, algorithm: gcra, burst: 90",
            Algorithm::Gcra(Gcra::new(30, window, 90)),
            90,
        ),
    ] {
        assert_eq!(
            rule(limit, |rule| (rule.window, rule.algorithm(), rule.capacity())),
            (Some(window), algorithm, capacity)
        );
    }
}

/// In the order in which keys stand, and into what is there already, as yaml.v2 has it.
#[test]
fn merged_keys_mean_what_they_mean_to_the_original() {
    let limits = |text: &str| {
        let config = load(&[("f.yaml", text)], false).unwrap_or_else(|error| panic!("{text}: {error}"));
        let limit = |rule: &&crate::config::Rule| (rule.window.unwrap().to_string(), rule.requests_per_unit);
        config.rules().iter().map(limit).collect::<Vec<_>>()
    };
    let base = "a: &a {rate_limit: {unit: minute, requests_per_unit: 5}}\n";
    let base = |list: &str| {
        format!("domain: d\nmetadata:\n  {base}  b: &b {{unit: hour, requests_per_unit: 9}}\ndescriptors: [{list}]")
    };
    for (descriptor, unit, count) in [
        ("{<<: *a, key: k}", "MINUTE", 5),
        ("{<<: *a, key: k, rate_limit: {requests_per_unit: 10}}", "MINUTE", 10),
        ("{key: k, rate_limit: {requests_per_unit: 10}, <<: *a}", "MINUTE", 5),
        ("{<<: *a, key: k, rate_limit: {<<: *b}}", "HOUR", 9),
        ("{key: k, rate_limit: {requests_per_unit: 5, <<: *b}}", "HOUR", 9),
        ("{key: k, rate_limit: {<<: *b, requests_per_unit: 5}}", "HOUR", 5),
        ("{key: k, rate_limit: {<<: [{unit: day}, *b]}}", "DAY", 9),
    ] {
        assert_eq!(limits(&base(descriptor)), [(unit.to_owned(), count)], "{descriptor}");
    }
    assert_eq!(limits(&base("{<<: *a, key: k, rate_limit: null}")), []);
    let quoted = error(&base("{\"<<\": *a, key: k}"));
    assert_eq!(quoted, "f.yaml: config error, unknown key '<<'");
    let wrong = error(&base("{<<: [*a, 1], key: k}"));
    assert!(wrong.ends_with("map merge requires map or sequence of maps as the value"), "{wrong}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (limit, expected) in [
        ("unit: 15x", "invalid rate limit unit '15x'"),
        ("algorithm: leaky", "invalid algorithm 'leaky': expected fixed_window, sliding_window or gcra"),
        ("burst: 5", "burst is of algorithm gcra, and this limit has fixed_window"),
        ("algorithm: gcra, burst: 0", "burst must be at least 1"),
        ("algorithm: gcra, burst: 2, requests_per_unit: 0", "burst needs requests_per_unit"),
        (
            "unit: year, requests_per_unit: 1, algorithm: gcra, burst: 4294967295",
            "a burst of 4294967295 at 1 in a window of YEAR is more than can be counted",
        ),
        ("algorithm: gcra, sub_windows: 2", "sub_windows is of algorithm sliding_window, and this limit has gcra"),
        ("algorithm: sliding_window, sub_windows: 61", "sub_windows must be 1 to 60, but is 61"),
        (
            "unit: second, algorithm: sliding_window, sub_windows: 7",
            "7 sub_windows of a window of SECOND are not of whole milliseconds",
        ),
        ("algorithm: gcra, lease: 2", "lease is of algorithm fixed_window, and this limit has gcra"),
        ("lease: 0", "lease must be at least 1"),
        ("lease: 11", "lease must not be above requests_per_unit, but 11 is above 10"),
        ("unit: '', unlimited: true, burst: 2", "should not specify burst when unlimited"),
    ] {
        let mut fields = limit.to_owned();
        for (field, value) in [("unit", "minute"), ("requests_per_unit", "10")] {
            if !fields.split(", ").any(|set| set.starts_with(&format!("{field}:"))) {
                fields.push_str(&format!(", {field}: {value}"));
            }
        }
        let text = format!("domain: d\ndescriptors: [{{key: k, rate_limit: {{{fields}}}}}]");
        assert_eq!(error(&text), format!("f.yaml: {expected}"), "{limit}");
    }
    let text = "domain: d\nstore_failure: maybe";
    assert_eq!(error(text), "f.yaml: invalid store_failure 'maybe': expected error, allow, deny or local");
}

#[test]
fn what_to_do_without_a_store_is_said_for_all_below() {
    let text = "
domain: d
store_failure: deny
descriptors:
- {key: a, rate_limit: {unit: day, requests_per_unit: 1}}
- key: b
  store_failure: local
  descriptors: [{key: c, rate_limit: {unit: day, requests_per_unit: 1}}]
";
    let config = load(&[("f.yaml", text)], false).unwrap();
    let policies: Vec<_> = config.rules().iter().map(|rule| rule.store_failure.unwrap().name()).collect();
    assert_eq!(policies, ["deny", "local"]);
}
