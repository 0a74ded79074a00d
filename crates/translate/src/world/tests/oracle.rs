//! Tables against the plain rule: of all Mappings that join the Host of a name, in their order, the first that fits.

mod generated;

use nuncio_api::ObjectId;
use nuncio_ir::RouteAction;
use proptest::prelude::*;

use super::request::Request;
use super::{VERSIONS, pick, steps, world};
use crate::compiled::{Compiled, HostCondition};
use crate::group::exact_case;
use crate::policy::{Class, guards, insecure_condition};
use crate::table::is_acme;
use crate::world::World;

/// Who answers.
#[derive(Debug, PartialEq, Eq)]
enum By {
    /// What the Host adds: its guards, or its being out.
    Host(ObjectId),
    /// These Mappings, together.
    Mappings(Vec<ObjectId>),
    Nobody,
}

const HOSTS: [&str; 8] = [
    "a.example.com",
    "b.example.com",
    "A.Example.com",
    "c.example.com",
    "example.org",
    "other.test",
    ".example.com",
    "x.y.example.com",
];

const PATHS: [&str; 12] = [
    "/",
    "/cart",
    "/cartoon",
    "/cart/",
    "/cart/1",
    "/cart/deep/2",
    "/labelled/x",
    "/exact",
    "/exact/more",
    "/CASE/x",
    "/.well-known/acme-challenge/token",
    "/q?v=2",
];

fn requests() -> impl Strategy<Value = Request> {
    let chains = ["clear", "tls:a.example.com", "tls:default/cert"];
    let pick = |texts: &'static [&'static str]| prop::sample::select(texts);
    (pick(&HOSTS), pick(&PATHS), pick(&["GET", "POST"]), prop::sample::select(chains.to_vec()), 0..4_u8).prop_map(
        |(host, path, method, chain, more)| {
            let mut request = Request { method: method.to_owned(), ..Request::get(host, path) };
            if chain != "clear" {
                request = request.by(chain);
            }
            match more {
                0 => request.with("x-version", "2"),
                // A proxy in front may say so in clear text.
                1 => request.with("x-forwarded-proto", "https"),
                _ => request,
            }
        },
    )
}

/// The plain rule.
fn naive(world: &World, class: &Class, request: &Request) -> By {
    let name = request.host.to_ascii_lowercase();
    let Some(host) = class.governing(&name) else { return By::Nobody };
    if host.invalid {
        return By::Host(host.id.clone());
    }
    let mut joining: Vec<&Compiled> =
        world.mappings.values().map(|mapping| &**mapping).filter(|mapping| host.takes(mapping)).collect();
    joining.sort_by(|a, b| a.order(b));
    let for_name = |mapping: &&&Compiled| match &mapping.host {
        HostCondition::None => true,
        HostCondition::Pattern(pattern) => pattern.takes(&name),
        HostCondition::Regex(_, regex) => regex.as_ref().unwrap().is_match(&name),
    };
    let first = joining.iter().filter(for_name).find(|mapping| request.fits(&mapping.matches));
    let group = |first: &Compiled| {
        let mut ids: Vec<_> = joining
            .iter()
            .filter(|other| {
                let exact = exact_case(&other.matches);
                let with_exact = exact.as_ref().map(|matches| other.conditions().with(matches));
                other.conditions() == first.conditions() || with_exact == Some(first.conditions())
            })
            .map(|it| it.origin().clone())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        By::Mappings(ids)
    };
    let guards = guards(host, class.security);
    if let Some(guard) = guards.iter().find(|guard| request.fits(&guard.matches)) {
        let insecure = insecure_condition(class.security);
        let probe = nuncio_ir::RouteMatch { headers: insecure.clone().unwrap_or_default(), ..guard.matches.clone() };
        let acme = joining.iter().filter(for_name).find(|it| is_acme(it) && request.fits(&it.matches));
        return match acme {
            Some(acme) if insecure.is_some() && request.fits(&probe) => group(acme),
            _ => By::Host(host.id.clone()),
        };
    }
    first.map_or(By::Nobody, |first| group(first))
}

fn by_tables(world: &World, class: &Class, request: &Request) -> By {
    let Some(route) = request.route(world.model(), &class.key) else { return By::Nobody };
    let name = route.name.split('#').next().unwrap_or_default();
    match (name, &route.action) {
        ("not-found", RouteAction::Respond(_)) => By::Nobody,
        ("insecure" | "misdirected" | "invalid-host", _) => By::Host(route.origins[0].clone()),
        _ => By::Mappings(route.origins.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn tables_answer_as_the_first_mapping_in_order(
        steps in steps(),
        requests in prop::collection::vec(requests(), 30),
    ) {
        let mut world = world();
        world.apply(steps.iter().map(|(at, version)| pick(*at, *version)));
        for class in &world.frame.classes {
            for request in &requests {
                let expected = naive(&world, class, request);
                prop_assert_eq!(by_tables(&world, class, request), expected, "{:?} {:?}", class, request);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// An Envoy that refused the table of a name from the start does not have it.
    #[test]
    fn guards_hold_without_the_tables_of_names(steps in steps(), requests in prop::collection::vec(requests(), 30)) {
        let mut world = world();
        world.apply(steps.iter().map(|(at, version)| pick(*at, *version)));
        let mut model = world.model().clone();
        model.tables.retain(|_, table| *table.scope.host == *"*");
        for class in &world.frame.classes {
            let is_valid = |request: &&Request| {
                class.governing(&request.host.to_ascii_lowercase()).is_some_and(|host| !host.invalid)
            };
            for request in requests.iter().filter(is_valid) {
                if let By::Host(host) = naive(&world, class, request) {
                    let name = request.route(&model, &class.key).map(|route| route.name.split('#').next().unwrap());
                    let refused = matches!(name, None | Some("insecure" | "misdirected" | "invalid-host" | "not-found"));
                    prop_assert!(refused, "{host} guards {request:?}, which {name:?} takes");
                }
            }
        }
    }
}

/// Full worlds, where the random ones are sparse: every choice of version for all objects at once.
#[test]
fn worlds_with_every_object_answer_so_too() {
    for version in 0..4 {
        let mut world = world();
        world.apply((0..VERSIONS.len()).map(|at| pick(at, version % VERSIONS[at].1.len())));
        for class in &world.frame.classes {
            for host in HOSTS {
                for path in PATHS {
                    for request in [Request::get(host, path), Request::get(host, path).by("tls:a.example.com")] {
                        let expected = naive(&world, class, &request);
                        assert_eq!(by_tables(&world, class, &request), expected, "{version} {request:?}");
                    }
                }
            }
        }
    }
}
