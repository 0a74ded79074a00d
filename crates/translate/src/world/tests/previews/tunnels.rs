//! Processes that stand in for services, which connect to the gateway.

use nuncio_ir::{ClusterName, Discovery, Protocol};

use super::{POLICY, PREVIEW, SITE, answer, host, of, preview, reasons};
use crate::world::World;
use crate::world::tests::objects;

fn site(preview: &str) -> World {
    of(&[SITE, &POLICY.replace("access: [Public]", "access: [Public], tunnels: true"), preview])
}

fn tunnelled() -> String {
    PREVIEW.replace("backend: cart-42", "tunnel: true")
}

fn connect(world: &mut World, socket: Option<&str>) -> usize {
    world.set_tunnel(&preview(), &"cart".parse().unwrap(), socket.map(Into::into));
    world.apply([]).tables.len()
}

#[test]
fn requests_go_to_a_process_for_as_long_as_it_is_connected() {
    let mut world = site(&tunnelled());
    let host = host(&world);
    let nobody = "503 Preview default/pr-42: nobody runs `nuncio preview serve` for cart";
    assert_eq!(
        (answer(&world, &host, "/cart/"), reasons(&world, &preview())),
        (nobody.to_owned(), vec!["NoEndpoints"])
    );
    assert_eq!(connect(&mut world, Some("/run/t1.sock")), 1);
    assert_eq!((answer(&world, &host, "/cart/"), reasons(&world, &preview())), ("cart:tunnel".to_owned(), vec![]));
    assert!(world.take_turned().contains(&preview()));
    let sockets = |world: &World| -> Vec<_> {
        let clusters = world.model().clusters.iter();
        let tunnels = clusters.filter(|(ClusterName(name), _)| name.starts_with("cart:tunnel-"));
        tunnels.map(|(_, cluster)| (cluster.discovery.clone(), cluster.protocol)).collect()
    };
    assert_eq!(sockets(&world), [(Discovery::Unix("/run/t1.sock".into()), Protocol::Http2)]);
    // It connects anew.
    connect(&mut world, Some("/run/t2.sock"));
    assert_eq!(sockets(&world), [(Discovery::Unix("/run/t2.sock".into()), Protocol::Http2)]);
    assert_eq!(
        (answer(&world, &host, "/"), answer(&world, "shop.example", "/cart/")),
        ("web:80".into(), "cart:80".into())
    );
    connect(&mut world, None);
    assert_eq!((answer(&world, &host, "/cart/"), sockets(&world)), (nobody.to_owned(), vec![]));
    assert_eq!(world.model(), site(&tunnelled()).model());
}

#[test]
fn meanwhile_the_baseline_answers_where_the_preview_says_so() {
    let mut world = site(&tunnelled().replace("tunnel: true", "tunnel: true, whenMissing: Baseline"));
    let host = host(&world);
    assert_eq!(answer(&world, &host, "/cart/"), "cart:80");
    connect(&mut world, Some("/run/t1.sock"));
    assert_eq!(answer(&world, &host, "/cart/"), "cart:tunnel");
}

#[test]
fn a_policy_that_does_not_say_so_has_no_tunnels() {
    let mut world = of(&[SITE, POLICY, &tunnelled().replace("tunnel: true", "tunnel: true, whenMissing: Baseline")]);
    let host = host(&world);
    connect(&mut world, Some("/run/t1.sock"));
    let refused = "503 Preview default/pr-42: the PreviewPolicy does not allow tunnels";
    assert_eq!(
        (answer(&world, &host, "/cart/"), reasons(&world, &preview())),
        (refused.to_owned(), vec!["NotAllowed"])
    );
}

#[test]
fn a_service_has_either_a_backend_or_a_tunnel() {
    for (text, reason) in [
        (PREVIEW.replace("backend: cart-42", "backend: cart-42, tunnel: true"), "InvalidValue"),
        (PREVIEW.replace("backend: cart-42", "tunnel: false"), "MissingField"),
    ] {
        let found: Vec<_> =
            objects(&text).iter().flat_map(|it| &it.problems).map(|(problem, _)| problem.reason).collect();
        assert_eq!(found, [reason], "{text}");
        assert_eq!(site(&text).preview_urls(&preview()), []);
    }
}

#[test]
fn nobody_is_missing_behind_what_has_ended() {
    for backend in ["tunnel: true", "tunnel: true, whenMissing: Baseline", "backend: cart-7"] {
        let short = PREVIEW.replace("access:", "lifetime: {ttl: 1h}\n  access:").replace("backend: cart-42", backend);
        let mut world = site(&short);
        let missing = |world: &World| {
            let replaced = world.preview_replacements(&preview());
            replaced.iter().map(|it| (it.missing.is_some(), it.falls_back)).collect::<Vec<_>>()
        };
        assert_eq!(reasons(&world, &preview()), ["NoEndpoints"], "{backend}");
        assert_eq!(missing(&world), [(true, backend.contains("Baseline"))], "{backend}");
        world.set_time(world.preview_expires(&preview()).unwrap());
        world.apply([]);
        assert_eq!(reasons(&world, &preview()), ["Expired"], "{backend}");
        assert_eq!(missing(&world), [(false, false)], "{backend}");
        // What else is wrong is told still.
        let mut world = site(&short.replace("entrypoints:", "includes: [{name: none}]\n  entrypoints:"));
        world.set_time(world.preview_expires(&preview()).unwrap());
        world.apply([]);
        let told = reasons(&world, &preview());
        assert!(told.contains(&"IncludeMissing") && !told.contains(&"NoEndpoints"), "{backend}: {told:?}");
    }
}
