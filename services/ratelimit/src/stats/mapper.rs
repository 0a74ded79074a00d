//! Names and labels for Prometheus, made of the original's names by a file (`PROMETHEUS_MAPPER_YAML`) in the form of
//! `statsd_exporter`'s.

use regex::Regex;
use serde::Deserialize;

use super::template;

/// What is made of names, in the order of the file.
#[derive(Debug, Default)]
pub struct Mapper {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Regex,
    name: String,
    labels: Vec<(String, String)>,
    drop: bool,
    kind: Option<MetricKind>,
}

/// What kind of metric a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MetricKind {
    Counter,
    Gauge,
    #[serde(alias = "timer")]
    Observer,
}

/// What a name becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mapped {
    /// Of this family, with these labels.
    To(String, Vec<(String, String)>),
    /// Nothing.
    Dropped,
    /// No rule is about it.
    Unmapped,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    defaults: Defaults,
    #[serde(default)]
    mappings: Vec<Entry>,
}

#[derive(Deserialize, Default)]
struct Defaults {
    #[serde(default)]
    match_type: MatchType,
}

/// Fields about buckets, quantiles and times to live are accepted, and change nothing here.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "match")]
    pattern: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
    match_type: Option<MatchType>,
    match_metric_type: Option<MetricKind>,
    #[serde(default)]
    action: Action,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MatchType {
    #[default]
    Glob,
    Regex,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Map,
    Drop,
}

impl Mapper {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, and in which mapping.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = crate::config::yaml_value(text)?;
        let file: File = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let rules = file.mappings.into_iter().enumerate().map(|(index, entry)| {
            Rule::new(entry, file.defaults.match_type).map_err(|error| format!("mapping {}: {error}", index + 1))
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    pub(super) fn map(&self, name: &str, kind: MetricKind) -> Mapped {
        let rules = self.rules.iter().filter(|rule| rule.kind.is_none_or(|wanted| wanted == kind));
        let found = rules.into_iter().find_map(|rule| Some((rule, rule.pattern.captures(name)?)));
        match found {
            None => Mapped::Unmapped,
            Some((Rule { drop: true, .. }, _)) => Mapped::Dropped,
            Some((rule, found)) => {
                let label = |(key, value): &(String, String)| (key.clone(), template::expand(value, &found));
                Mapped::To(template::expand(&rule.name, &found), rule.labels.iter().map(label).collect())
            }
        }
    }
}

impl Rule {
    fn new(entry: Entry, default: MatchType) -> Result<Self, String> {
        let pattern = match entry.match_type.unwrap_or(default) {
            MatchType::Regex => entry.pattern,
            // A star is a part between dots.
            MatchType::Glob => format!("^{}$", regex::escape(&entry.pattern).replace(r"\*", "([^.]*)")),
        };
        let drop = entry.action == Action::Drop;
        if entry.name.is_empty() && !drop {
            return Err("there is no name".to_owned());
        }
        Ok(Self {
            pattern: Regex::new(&pattern).map_err(|error| error.to_string())?,
            name: entry.name,
            labels: entry.labels.into_iter().collect(),
            drop,
            kind: entry.match_metric_type,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
mappings:
- match: "ratelimit.service.rate_limit.*.*.over_limit"
  name: "over"
  timer_type: "histogram"
  labels: {domain: "$1", key1: "$2"}
- match: 'ratelimit\.service\.rate_limit\.(.*)\.near_limit'
  match_type: regex
  name: "near_${1}"
- {match: "*.*.response_time", match_metric_type: timer, name: "time"}
- {match: ".", match_type: regex, action: drop, name: dropped}
"#;

    #[test]
    fn the_first_mapping_that_fits_counts() {
        let mapper = Mapper::parse(FILE).unwrap();
        let labels = [("domain", "d"), ("key1", "k_v")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let map = |name: &str| mapper.map(name, MetricKind::Counter);
        let over = map("ratelimit.service.rate_limit.d.k_v.over_limit");
        assert_eq!(over, Mapped::To("over".to_owned(), labels.to_vec()));
        assert_eq!(map("ratelimit.service.rate_limit.a.near_limit"), Mapped::To("near_a".to_owned(), vec![]));
        assert_eq!(map("ratelimit.service.rate_limit.d.a.b.over_limit"), Mapped::Dropped, "three levels");
        assert_eq!(map("a.b.response_time"), Mapped::Dropped, "no counter");
        assert_eq!(mapper.map("a.b.response_time", MetricKind::Observer), Mapped::To("time".to_owned(), vec![]));
        assert_eq!(Mapper::default().map("x", MetricKind::Counter), Mapped::Unmapped);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| Mapper::parse(text).unwrap_err();
        assert_eq!(error("mappings: [{match: a, name: b}, {match: a}]"), "mapping 2: there is no name");
        assert!(error("mappings: [{match: '(', match_type: regex, name: b}]").starts_with("mapping 1: regex"));
        assert!(error("mappings: [{name: b}]").contains("missing field `match`"));
        assert!(error("a: [").starts_with("line "));
    }
}
