//! The same routes in one `RouteConfiguration`, as most control planes have them: built and served here, over delta ADS, by
//! the same server. Encoding the whole of it anew is part of a change.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::{
    Address, AggregatedConfigSource, ApiVersion, ConfigSource, HeaderValue, HeaderValueOption, SocketAddress, address,
    config_source, header_value_option::HeaderAppendAction, socket_address,
};
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint,
};
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener, filter};
use envoy_types::pb::envoy::config::route::v3::{
    Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, route, route_action, route_match,
};
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, Rds, http_connection_manager, http_filter,
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_e2e::{Client, Envoy, Site};
use nuncio_test_support::usage::main_thread_cpu;
use nuncio_xds::{Key, Options, Resource, ResourceType, Server, Update};
use prost::{Message, Name};

use super::Changes;
use super::probe::{picked, until_seen};
use crate::fleet::{CHANGED, Fleet, ROUTES, name, prefix};
use crate::loading::loaded;
use crate::statistics::Sample;

const CLUSTER: &str = "upstream";
const ROUTES_NAME: &str = "all";

/// Fewer than of ours, since each takes long: changes that are measured, and that warm up.
const MOST: usize = 30;
const WARM_UP: usize = 2;

pub(super) async fn measure(fleet: Fleet, count: usize) -> Changes {
    let (site, count) = (Site::new(), count.min(MOST));
    let (server, _events) = Server::new(Options::default());
    let serving = tokio::spawn({
        let (server, address) = (server.clone(), site.xds());
        async move { server.serve_tcp(address, pending()).await }
    });
    let mut routes = route_configuration(fleet);
    let set = vec![
        resource(ResourceType::Cluster, CLUSTER, "1", &cluster(fleet.upstream)),
        resource(ResourceType::Listener, "edge", "1", &listener(site.http())),
        resource(ResourceType::Route, ROUTES_NAME, "0", &routes),
    ];
    server.update(Update { set, ..Update::default() });
    let envoy = Envoy::start(&site, "rds");
    let client = Client::http(site.http());
    let mut connection = loaded(async || client.connect().await).await;
    until_seen(&mut connection, fleet.names() - 1, "0").await;

    let mut cpu = Duration::ZERO;
    let mut latencies = Vec::new();
    for change in 0..WARM_UP + count {
        let (index, version) = (picked(change, fleet.names()), (change + 1).to_string());
        if change == WARM_UP {
            cpu = main_thread_cpu(envoy.id());
        }
        let start = Instant::now();
        routes.virtual_hosts[index] = virtual_host(index, &version);
        let set = vec![resource(ResourceType::Route, ROUTES_NAME, &version, &routes)];
        server.update(Update { set, ..Update::default() });
        until_seen(&mut connection, index, &version).await;
        latencies.push(start.elapsed());
    }
    let cpu = main_thread_cpu(envoy.id()).saturating_sub(cpu);
    drop(envoy);
    serving.abort();
    Changes { latency: Sample::new(latencies.split_off(WARM_UP)), envoy_cpu: cpu / u32::try_from(count).unwrap() }
}

fn resource<M: Message>(kind: ResourceType, name: &str, version: &str, message: &M) -> Resource {
    Resource {
        key: Key::new(kind, name),
        version: version.into(),
        body: Arc::from(message.encode_to_vec()),
        needs: Vec::new(),
        settle: Duration::ZERO,
        class: None,
    }
}

fn route_configuration(fleet: Fleet) -> RouteConfiguration {
    RouteConfiguration {
        name: ROUTES_NAME.to_owned(),
        virtual_hosts: (0..fleet.names()).map(|index| virtual_host(index, "0")).collect(),
        ..Default::default()
    }
}

fn virtual_host(index: usize, version: &str) -> VirtualHost {
    VirtualHost {
        name: name(index),
        domains: vec![name(index)],
        routes: (0..ROUTES).map(|number| route(index, number, version)).collect(),
        ..Default::default()
    }
}

fn route(index: usize, number: usize, version: &str) -> Route {
    let header = HeaderValueOption {
        header: Some(HeaderValue { key: "x-version".to_owned(), value: version.to_owned(), ..Default::default() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..Default::default()
    };
    Route {
        name: format!("route-{index}-{number}"),
        r#match: Some(RouteMatch {
            path_specifier: Some(route_match::PathSpecifier::Prefix(prefix(number))),
            ..Default::default()
        }),
        action: Some(route::Action::Route(RouteAction {
            cluster_specifier: Some(route_action::ClusterSpecifier::Cluster(CLUSTER.to_owned())),
            prefix_rewrite: "/".to_owned(),
            ..Default::default()
        })),
        response_headers_to_add: if number == CHANGED { vec![header] } else { Vec::new() },
        ..Default::default()
    }
}

fn cluster(upstream: SocketAddr) -> Cluster {
    let endpoint = Endpoint { address: Some(socket(upstream)), ..Default::default() };
    let endpoint =
        LbEndpoint { host_identifier: Some(lb_endpoint::HostIdentifier::Endpoint(endpoint)), ..Default::default() };
    Cluster {
        name: CLUSTER.to_owned(),
        load_assignment: Some(ClusterLoadAssignment {
            cluster_name: CLUSTER.to_owned(),
            endpoints: vec![LocalityLbEndpoints { lb_endpoints: vec![endpoint], ..Default::default() }],
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn listener(address: SocketAddr) -> Listener {
    let ads = ConfigSource {
        config_source_specifier: Some(config_source::ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        resource_api_version: ApiVersion::V3.into(),
        ..Default::default()
    };
    let manager = HttpConnectionManager {
        stat_prefix: "edge".to_owned(),
        route_specifier: Some(http_connection_manager::RouteSpecifier::Rds(Rds {
            config_source: Some(ads),
            route_config_name: ROUTES_NAME.to_owned(),
        })),
        http_filters: vec![HttpFilter {
            name: "envoy.filters.http.router".to_owned(),
            config_type: Some(http_filter::ConfigType::TypedConfig(any(&Router::default()))),
            ..Default::default()
        }],
        ..Default::default()
    };
    let filter = Filter {
        name: "envoy.filters.network.http_connection_manager".to_owned(),
        config_type: Some(filter::ConfigType::TypedConfig(any(&manager))),
    };
    Listener {
        name: "edge".to_owned(),
        address: Some(socket(address)),
        filter_chains: vec![FilterChain { filters: vec![filter], ..Default::default() }],
        ..Default::default()
    }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn socket(address: SocketAddr) -> Address {
    let socket = SocketAddress {
        address: address.ip().to_string(),
        port_specifier: Some(socket_address::PortSpecifier::PortValue(address.port().into())),
        ..Default::default()
    };
    Address { address: Some(address::Address::SocketAddress(socket)) }
}
