use super::*;
use crate::config::{Entry, Limit, Scratch};

fn load(files: &[(&str, &str)], merge_domains: bool) -> Result<Config, ConfigError> {
    let stats = Registry::default();
    let sources = files.iter().map(|(name, text)| Source::parse(name, text)).collect::<Result<Vec<_>, _>>()?;
    Loader { stats: &stats, merge_domains }.load(sources)
}

fn error(text: &str) -> String {
    load(&[("f.yaml", text)], false).unwrap_err().to_string()
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
    let error = load(&[("f.yaml", text)], false).unwrap_err();
    assert_eq!(error.with_place(), "f.yaml: invalid rate limit unit 'x' (line 5, at d.a.b)");
}

#[test]
fn domains_are_merged_only_when_asked_to() {
    let files = [("a", "domain: d\ndescriptors: [{key: a}]"), ("b", "domain: d\ndescriptors: [{key: b}]")];
    assert_eq!(load(&files, false).unwrap_err().to_string(), "b: duplicate domain 'd' in config file");
    assert!(load(&files, true).is_ok());
    let twice = [files[0], files[0]];
    assert_eq!(load(&twice, true).unwrap_err().to_string(), "a: duplicate descriptor composite key 'd.a'");
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
