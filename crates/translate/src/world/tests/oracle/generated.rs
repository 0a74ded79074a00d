//! Mappings made at random of few parts, so that many overlap: of one name and of many, by prefix, whole path and regex.

use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId};
use proptest::prelude::*;

use super::{by_tables, naive};
use crate::world::tests::request::Request;
use crate::world::tests::{objects, world};

const FRAME: &str = concat!(
    include_str!("../listener.yaml"),
    "apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: a}
spec: {hostname: a.example.com, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: below}
spec:
  hostname: '*.example.com'
  requestPolicy: {insecure: {action: Route}}
  mappingSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}
"
);

const HOSTNAMES: [&str; 5] =
    ["hostname: a.example.com", "hostname: '*'", "hostname: '*.example.com'", "host: '[ab].*', host_regex: true", "{}"];

const NAMES: [&str; 3] = ["a.example.com", "b.example.com", "c.example.com"];

const SEGMENTS: [&str; 4] = ["web", "api", "v", "longer-than-others"];

/// A Mapping by its number, or that it goes.
type Step = (usize, Option<String>);

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&SEGMENTS), 0..4)
        .prop_map(|segments| segments.iter().fold("/".to_owned(), |path, segment| format!("{path}{segment}/")))
}

/// The conditions on the path: of this kind, with a regex wider than its text.
fn condition(path: &str, kind: u8) -> String {
    match kind {
        0 => format!("prefix: '{path}', prefix_exact: true"),
        1 => format!("prefix: '/(web|api){path}.*', prefix_regex: true"),
        2 => format!("prefix: '{path}', case_sensitive: false"),
        _ => format!("prefix: '{path}'"),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let more = ["", "precedence: 1", "headers: {x-tenant: one}", "headers: {x-tenant: two}", "method: POST"];
    let parts = (path(), 0..8_u8, prop::sample::select(&HOSTNAMES), prop::sample::select(more.to_vec()), any::<bool>());
    let mapping = parts.prop_map(|(path, kind, hostname, more, red)| {
        let hostname = if hostname == "{}" { "" } else { hostname };
        let team = if red { "red" } else { "blue" };
        let spec = [condition(&path, kind), "service: '127.0.0.1:9'".to_owned(), hostname.to_owned(), more.to_owned()];
        let spec: Vec<_> = spec.into_iter().filter(|part| !part.is_empty()).collect();
        format!("metadata: {{name: NAME, labels: {{team: {team}}}}}\nspec: {{{}}}", spec.join(", "))
    });
    (0..12_usize, prop::option::weighted(0.9, mapping))
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = (prop::sample::select(&NAMES), path(), 0..4_u8).prop_map(|(name, path, more)| {
        let request = Request::get(name, &path);
        match more {
            0 => request.with("x-tenant", "one"),
            1 => request.with("x-tenant", "two"),
            2 => Request { method: "POST".to_owned(), ..request },
            _ => request,
        }
    });
    prop::collection::vec(request, 30)
}

fn change((number, text): &Step) -> (ObjectId, Option<Arc<Object>>) {
    let name = format!("m{number}");
    let object = text.as_ref().map(|text| {
        let text = text.replace("NAME", &name);
        objects(&format!("apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n{text}\n")).remove(0).into()
    });
    (ObjectId::new(Kind::Mapping, "default", name.as_str()), object)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn overlapping_mappings_answer_in_their_order(
        batches in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..4),
        requests in requests(),
    ) {
        let mut world = world();
        world.apply(objects(FRAME).into_iter().map(|object| (object.id.clone(), Some(object.into()))));
        for batch in &batches {
            world.apply(batch.iter().map(change));
            let class = &world.frame.classes[0];
            for request in &requests {
                let expected = naive(&world, class, request);
                prop_assert_eq!(by_tables(&world, class, request), expected, "{:?} {:?}", batches, request);
            }
        }
        let mut full = crate::world::tests::world();
        full.apply(world.objects().map(|object| (object.id.clone(), Some(Arc::clone(object)))));
        prop_assert_eq!(full.model(), world.model());
    }
}
