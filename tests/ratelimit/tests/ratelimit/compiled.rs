//! RateLimits as the gateway compiles them, and the service as it takes them: whatever is written, the rules load, and hold
//! requests to the longest pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use envoy_types::pb::ratelimit::config::ratelimit::v3::RateLimitConfig;
use nuncio_api::{Defaults, Kind, ObjectId, Spec, parse};
use nuncio_ir::Pem;
use nuncio_ratelimit::config::{Config, Loader, Scratch, Source, Unknown, root_of};
use nuncio_ratelimit::stats::Registry;
use nuncio_translate::{Fallback, Settings, Topology, World};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

/// Labels that can be told apart, and some that cannot.
const CLEAR: ([&str; 3], [&str; 5]) = (["user", "m", "x"], ["", "*", "a", "b", "c"]);
const UNCLEAR: ([&str; 5], [&str; 8]) =
    (["user", "user_a", "a_b", "a", "u*"], ["", "*", "a", "a_b", "b", "a*", "*_b*", "_"]);
const UNITS: [(&str, u64); 4] = [("second", 86_400), ("Minute", 1_440), ("HOUR", 24), ("day", 1)];

/// The labels of one item of a pattern.
type Item = BTreeMap<String, String>;

#[derive(Clone, Debug)]
struct Limit {
    pattern: Vec<Item>,
    rate: u32,
    unit: usize,
    log_only: bool,
    burst: Option<u32>,
}

fn limits(keys: &'static [&str], values: &'static [&str]) -> impl Strategy<Value = Vec<Limit>> {
    let owned = |list: &'static [&str]| prop::sample::select(list).prop_map(str::to_owned);
    let item = prop::collection::btree_map(owned(keys), owned(values), 1..3);
    let pattern = prop::collection::vec(item, 1..4);
    let burst = prop::option::weighted(0.2, prop_oneof![1..5_u32, Just(u32::MAX)]);
    let rate = prop_oneof![0..5_u32, Just(u32::MAX)];
    let limit = (pattern, rate, 0..UNITS.len(), any::<bool>(), burst)
        .prop_map(|(pattern, rate, unit, log_only, burst)| Limit { pattern, rate, unit, log_only, burst });
    prop::collection::vec(limit, 1..12)
}

fn object(name: &str, domain: Option<&str>, limits: &[Limit]) -> String {
    let one = |(index, limit): (usize, &Limit)| {
        let Limit { pattern, rate, unit, log_only, burst } = limit;
        let action = if *log_only { "LogOnly" } else { "Enforce" };
        let mut value = json!({"name": format!("{name}-{index}"), "pattern": pattern, "rate": rate,
            "unit": UNITS[*unit].0, "action": action});
        if let Some(burst) = burst {
            value["burstFactor"] = json!(burst);
        }
        value
    };
    let limits: Vec<Value> = limits.iter().enumerate().map(one).collect();
    json!({"apiVersion": "getambassador.io/v3alpha1", "kind": "RateLimit", "metadata": {"name": name},
        "spec": {"domain": domain, "limits": limits}})
    .to_string()
}

/// A gateway with these objects.
fn world(objects: &[String]) -> World {
    let fallback = Fallback { chain: Pem("chain".into()), key: Pem("key".into()) };
    let mut world = World::new(Settings {
        ambassador_id: "default".to_owned(),
        namespace: "default".into(),
        fallback_certificate: fallback,
        bind_address: std::net::Ipv4Addr::UNSPECIFIED.into(),
        probe_log: None,
        makes_preview_keys: false,
        limit_socket: Some("/run/limits.sock".into()),
        authz: None,
        topology: Topology::default(),
        route_stats: false,
        cors: None,
    });
    for text in objects {
        let parsed = parse(text.as_bytes(), &"limits.yaml".into(), &Defaults::default());
        world.apply(parsed.objects.into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))));
    }
    world
}

/// The rules of all domains, as the service has them.
fn loaded(world: &World, stats: &Registry) -> Config {
    let source = |rules: &Arc<nuncio_ir::LimitRules>| {
        let config = RateLimitConfig::decode(nuncio_envoy::limits(rules).body.as_slice()).unwrap();
        let mut unknown = Unknown::default();
        let source = Source { name: config.name.clone(), root: root_of(config, &mut unknown).unwrap() };
        assert_eq!(unknown, Unknown::default(), "the gateway sends what the service does not know");
        source
    };
    let sources = world.model().limits.values().map(source).collect();
    Loader { stats, merge_domains: false }.load(sources).unwrap()
}

/// What Edge Stack says: of the patterns that the labels begin with the longest, then what is enforced, then the strictest, then
/// the first.
fn expected(limits: &[Limit], labels: &[(&str, &str)]) -> Option<usize> {
    let takes = |limit: &&(usize, &Limit)| {
        let pattern = &limit.1.pattern;
        pattern.len() <= labels.len()
            && pattern.iter().zip(labels).all(|(item, (key, value))| {
                item.get(*key).is_some_and(|wanted| matches!(&**wanted, "" | "*") || wanted == value)
            })
    };
    let all: Vec<_> = limits.iter().enumerate().collect();
    let strictness = |limit: &Limit| u64::from(limit.rate) * UNITS[limit.unit].1;
    let best = all.iter().filter(takes).min_by_key(|(index, limit)| {
        (std::cmp::Reverse(limit.pattern.len()), limit.log_only, strictness(limit), *index)
    });
    best.map(|(index, _)| *index)
}

/// Whether the object is valid: bursts may be more than can be counted.
fn is_valid(text: &str) -> bool {
    let parsed = parse(text.as_bytes(), &"limits.yaml".into(), &Defaults::default());
    matches!(parsed.objects[0].spec, Spec::RateLimit(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn all_rules_load_whatever_their_labels(
        some in limits(&UNCLEAR.0, &UNCLEAR.1),
        more in limits(&UNCLEAR.0, &UNCLEAR.1),
        other in limits(&UNCLEAR.0, &UNCLEAR.1),
    ) {
        let objects = [object("a", None, &some), object("b", None, &more), object("c", Some("other"), &other)];
        loaded(&world(&objects), &Registry::default());
    }

    #[test]
    fn requests_are_held_to_the_longest_pattern(
        some in limits(&CLEAR.0, &CLEAR.1),
        labels in prop::collection::vec((prop::sample::select(&CLEAR.0[..]), prop::sample::select(&["a", "b", "c", "d"][..])), 1..5),
    ) {
        let text = object("a", None, &some);
        prop_assume!(is_valid(&text));
        let (stats, world) = (Registry::default(), world(&[text]));
        let config = loaded(&world, &stats);
        let found = config.limit(&stats, &mut Scratch::default(), "ambassador", &labels, None);
        let index = expected(&some, &labels);
        prop_assert_eq!(found.map(|limit| limit.name().to_owned()), index.map(|index| format!("a-{index}")));
        let problems = world.problems(&ObjectId::new(Kind::RateLimit, "default", "a"));
        let field = index.map(|index| format!("spec.limits[{index}].pattern"));
        let mut hidden = problems.iter().filter(|problem| problem.reason == "HiddenLimit");
        prop_assert!(!hidden.any(|problem| Some(&problem.field) == field.as_ref()), "{problems:?}");
    }
}
