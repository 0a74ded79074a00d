//! How long a trial takes where there is much.

use std::time::Instant;

use super::*;
use crate::edit::tests::object_of;

const HOSTS: usize = 300;
const MAPPINGS: usize = 10_000;

fn policy(path: &str) -> String {
    let rule = |host: usize| format!("{{host: h{host}.example, path: '{path}', filters: [{{name: key}}]}}");
    object("FilterPolicy", "policy", &format!("{{rules: [{}]}}", (0..HOSTS).map(rule).collect::<Vec<_>>().join(", ")))
}

/// Prints the times; `docs/performance.md` has those of an unoptimised build.
#[test]
#[ignore = "measures"]
fn ten_thousand_mappings_of_three_hundred_hosts() {
    let key = object("Filter", "key", KEY);
    let host = |n: usize| {
        object(
            "Host",
            &format!("h{n}"),
            &format!("{{hostname: h{n}.example, requestPolicy: {{insecure: {{action: Route}}}}}}"),
        )
    };
    let mapping = |n: usize| {
        let spec = format!("{{hostname: h{}.example, prefix: /p{n}/, service: s{}}}", n % HOSTS, n % 1000);
        object("Mapping", &format!("m{n}"), &spec)
    };
    let all = object("Listener", "http", LISTENER)
        + &(0..HOSTS).map(host).collect::<String>()
        + &(0..MAPPINGS).map(mapping).collect::<String>()
        + &key
        + KEYS
        + &policy("/*");
    let (_directory, editor, engine) = editor_of(&all);
    let changes = [
        ("every rule leaves its paths", policy("/other/*")),
        (
            "every rule gets a hole",
            policy("/*").replace("rules: [", "rules: [{host: '*', path: '*/open', filters: []}, "),
        ),
        ("a filter of all", key.replace("x-key", "x-other")),
        ("one Mapping", mapping(7).replace("/p7/", "/q7/")),
    ];
    for (what, change) in changes {
        let world = editor.copy(&engine);
        let start = Instant::now();
        let effects = crate::edit::effects::effects(world, &object_of(&change));
        println!("{what}: {} routes, {} lost, {:?}", effects.total, effects.lost.len(), start.elapsed());
    }
}
