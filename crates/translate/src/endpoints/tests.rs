use serde_json::{Value, json};

use super::*;

const HTTP: SlicePort<'_> = SlicePort::Named { name: "http", number: 80 };

fn read(slice: Value) -> EndpointSlice {
    serde_json::from_value(slice).unwrap()
}

/// A slice with the port `http` 8080.
fn slice(endpoints: &Value) -> EndpointSlice {
    read(json!({"endpoints": endpoints, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}))
}

fn found(slices: &[EndpointSlice], topology: &Topology) -> Vec<Endpoint> {
    of(slices.iter(), HTTP, &Service::default(), topology)
}

/// `rank zone address other`, as far as it is there.
fn words(endpoints: &[Endpoint]) -> Vec<String> {
    let word = |endpoint: &Endpoint| {
        let zone = endpoint.zone.iter().map(ToString::to_string);
        let rank = Some(endpoint.rank).filter(|rank| *rank > 0).map(|rank| rank.to_string());
        let other = endpoint.other.map(|other| other.to_string());
        rank.into_iter().chain(zone).chain([endpoint.address.to_string()]).chain(other).collect::<Vec<_>>().join(" ")
    };
    endpoints.iter().map(word).collect()
}

#[test]
fn the_ready_ones_are_taken_and_those_that_end_only_where_there_is_no_other() {
    let ends = json!({"addresses": ["10.0.0.2"], "conditions": {"ready": false, "serving": true, "terminating": true}});
    let dead =
        json!({"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": false, "terminating": true}});
    let not_yet = json!({"addresses": ["10.0.0.4"], "conditions": {"ready": false, "serving": false}});
    let unknown = json!({"addresses": ["10.0.0.1", "10.0.0.9"]});
    for (endpoints, wanted) in [
        (json!([unknown, ends, dead, not_yet]), vec!["10.0.0.1:8080"]),
        (json!([ends, dead, not_yet]), vec!["10.0.0.2:8080"]),
        (json!([dead, not_yet]), vec![]),
        (json!([{"addresses": ["a.example"]}, {"addresses": []}]), vec![]),
    ] {
        let slices = [slice(&endpoints)];
        assert_eq!(words(&found(&slices, &Topology::Ignore)), wanted);
        assert_eq!(any(slices.iter(), HTTP), !wanted.is_empty());
    }
}

#[test]
fn a_port_is_found_by_its_name_in_each_slice() {
    let ports = |ports: Value| -> Vec<String> {
        let slice = read(json!({"endpoints": [{"addresses": ["10.0.0.1"]}], "ports": ports}));
        words(&found(&[slice], &Topology::Ignore))
    };
    assert_eq!(ports(json!([{"name": "https", "port": 1}, {"name": "http", "port": 2}])), ["10.0.0.1:2"]);
    assert_eq!(
        ports(json!([{"name": "http", "port": 1, "protocol": "UDP"}, {"name": "http", "port": 2}])),
        ["10.0.0.1:2"]
    );
    assert_eq!(ports(json!([{"port": 3}])), ["10.0.0.1:3"], "one without a name is for all");
    assert_eq!(ports(json!([{"name": "http"}])), ["10.0.0.1:80"], "no number stands for all ports");
    assert_eq!(ports(json!([{"name": "https", "port": 1}])), [""; 0]);
    let bare = read(json!({"endpoints": [{"addresses": ["10.0.0.1"]}]}));
    let service = Service::default();
    assert_eq!(words(&of([&bare].into_iter(), SlicePort::Number(5), &service, &Topology::Ignore)), ["10.0.0.1:5"]);
}

#[test]
fn hints_count_where_each_endpoint_has_them_and_one_is_for_the_zone() {
    let hinted = |ip: &str, zone: &str, for_zone: &str| json!({"addresses": [ip], "zone": zone, "hints": {"forZones": [{"name": for_zone}]}});
    let (a, b) = (hinted("10.0.0.1", "a", "a"), hinted("10.0.0.2", "b", "b"));
    // Zone a has too few of its own.
    let lent = hinted("10.0.0.3", "b", "a");
    let bare = json!({"addresses": ["10.0.0.4"], "zone": "a"});
    let hints = |zone: &str| Topology::Hints { zone: Some(zone.into()), node: None };
    let all = [slice(&json!([a, b, lent]))];
    assert_eq!(words(&found(&all, &hints("a"))), ["a 10.0.0.1:8080", "b 10.0.0.3:8080", "1 b 10.0.0.2:8080"]);
    assert_eq!(words(&found(&all, &hints("b"))), ["b 10.0.0.2:8080", "1 a 10.0.0.1:8080", "1 b 10.0.0.3:8080"]);
    assert_eq!(words(&found(&all, &hints("c"))), ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]);
    assert_eq!(words(&found(&[slice(&json!([a, b, bare]))], &hints("a"))).len(), 3);
    assert!(found(&[slice(&json!([a, b, bare]))], &hints("a")).iter().all(|endpoint| endpoint.rank == 0));
}

#[test]
fn the_own_zone_goes_first_where_that_is_asked_for() {
    let slices = [slice(&json!([
        {"addresses": ["10.0.0.1"], "zone": "a"}, {"addresses": ["10.0.0.2"], "zone": "b"}, {"addresses": ["10.0.0.3"]},
    ]))];
    assert_eq!(
        words(&found(&slices, &Topology::Zone("b".into()))),
        ["b 10.0.0.2:8080", "1 10.0.0.3:8080", "1 a 10.0.0.1:8080"]
    );
    assert!(found(&slices, &Topology::Zone("c".into())).iter().all(|endpoint| endpoint.rank == 0));
}

#[test]
fn a_pod_with_two_addresses_is_one_endpoint() {
    let pod = |ip: &str, uid: &str| json!({"addresses": [ip], "targetRef": {"kind": "Pod", "name": uid, "uid": uid}});
    let slices = [
        slice(&json!([pod("10.0.0.1", "one"), pod("10.0.0.2", "two"), {"addresses": ["10.0.0.3"]}])),
        slice(&json!([pod("fd00::1", "one"), pod("fd00::4", "four"), {"addresses": ["fd00::5"]}])),
    ];
    let by = |families: &[&str]| {
        let service: Service = serde_json::from_value(json!({"ipFamilies": families})).unwrap();
        words(&of(slices.iter(), HTTP, &service, &Topology::Ignore))
    };
    let rest = ["10.0.0.2:8080", "10.0.0.3:8080", "[fd00::4]:8080", "[fd00::5]:8080"];
    assert_eq!(by(&[]), [&["10.0.0.1:8080 [fd00::1]:8080"], &rest[..]].concat());
    assert_eq!(by(&["IPv6", "IPv4"]), [&rest[..2], &["[fd00::1]:8080 10.0.0.1:8080"], &rest[2..]].concat());
}

#[test]
fn hints_for_nodes_go_before_those_for_zones() {
    let hinted = |ip: &str, node: &str, zone: &str| json!({"addresses": [ip], "zone": zone, "hints": {"forNodes": [{"name": node}], "forZones": [{"name": zone}]}});
    let all = [hinted("10.0.0.1", "n1", "a"), hinted("10.0.0.2", "n2", "a"), hinted("10.0.0.3", "n3", "b")];
    let hints = |node: Option<&str>, zone: Option<&str>| Topology::Hints {
        node: node.map(Into::into),
        zone: zone.map(Into::into),
    };
    let of = |node, zone| words(&found(&[slice(&json!(all))], &hints(node, zone)));
    assert_eq!(of(Some("n2"), Some("a")), ["a 10.0.0.2:8080", "1 a 10.0.0.1:8080", "2 b 10.0.0.3:8080"]);
    assert_eq!(of(Some("n9"), Some("b")), ["b 10.0.0.3:8080", "1 a 10.0.0.1:8080", "1 a 10.0.0.2:8080"]);
    assert_eq!(of(Some("n3"), None), ["b 10.0.0.3:8080", "1 a 10.0.0.1:8080", "1 a 10.0.0.2:8080"]);
    assert_eq!(of(Some("n9"), None), ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]);
    // One without a hint for a node: the zone alone counts.
    let mut some = all.clone();
    some[0]["hints"]["forNodes"] = json!([]);
    let ranked = words(&found(&[slice(&json!(some))], &hints(Some("n2"), Some("a"))));
    assert_eq!(ranked, ["a 10.0.0.1:8080", "a 10.0.0.2:8080", "1 b 10.0.0.3:8080"]);
}

#[test]
fn zones_share_requests_where_that_is_asked_for() {
    let slices = [slice(&json!([
        {"addresses": ["10.0.0.1"], "zone": "a"}, {"addresses": ["10.0.0.2"], "zone": "b"},
        {"addresses": ["10.0.0.3"], "zone": "b"}, {"addresses": ["10.0.0.4"]},
    ]))];
    let of = |zone: &str| {
        let topology = Topology::Shares { zone: zone.into(), percent: 80 };
        let endpoints = found(&slices, &topology);
        assert!(endpoints.iter().all(|endpoint| endpoint.rank == 0));
        shares(&endpoints, &topology).into_iter().map(|(zone, share)| format!("{zone} {share}")).collect::<Vec<_>>()
    };
    assert_eq!(of("a"), [" 20", "a 240", "b 40"], "240 of 300 are 80 %");
    assert_eq!(of("b"), [" 20", "a 20", "b 160"]);
    assert_eq!(of("c"), [" 1", "a 1", "b 2"], "nobody is near");
    assert_eq!(shares(&found(&slices, &Topology::Ignore), &Topology::Ignore), BTreeMap::new());
}

#[test]
fn what_several_sources_have_is_there_once_and_near() {
    let at = |rank: u32, port: u16| Endpoint { rank, ..Endpoint::at(([10, 0, 0, 1], port).into()) };
    assert_eq!(merged(vec![at(1, 1), at(0, 2), at(0, 1), at(2, 3)]), [at(0, 1), at(0, 2), at(1, 3)]);
}
