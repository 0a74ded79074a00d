//! Clusters, and where their requests go.

use nuncio_ir::{Backend, Cluster, ClusterName, Discovery, Endpoint, Model, Route, RouteAction};

use crate::admin::{ClusterView, EndpointView};

/// The clusters that a route sends to.
pub(crate) fn clusters_of(route: &Route) -> impl Iterator<Item = &ClusterName> {
    let forward = match &route.action {
        RouteAction::Forward(forward) => Some(forward),
        RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
    };
    forward.into_iter().flat_map(|forward| {
        let arms = forward.arms.iter().filter_map(|arm| match &arm.backend {
            Backend::Cluster(name) => Some(name),
            Backend::Invalid { .. } => None,
        });
        arms.chain(forward.mirrors.iter().map(|mirror| &mirror.cluster))
    })
}

fn endpoint_view(endpoint: &Endpoint) -> EndpointView {
    EndpointView {
        address: endpoint.address.to_string(),
        other: endpoint.other.map(|other| other.to_string()),
        zone: endpoint.zone.as_deref().map(ToOwned::to_owned),
        rank: endpoint.rank,
    }
}

pub(super) fn cluster_view(model: &Model, cluster: &Cluster) -> ClusterView {
    let discovery = match &cluster.discovery {
        Discovery::Endpoints => "eds",
        Discovery::Static(_) | Discovery::Unix(_) => "static",
        Discovery::Dns { .. } => "dns",
    };
    ClusterView {
        name: cluster.name.to_string(),
        service: service_of(&cluster.name).to_owned(),
        discovery: discovery.to_owned(),
        endpoints: endpoints(model, cluster),
        tls: cluster.tls.is_some(),
    }
}

/// Where a cluster's requests go, as far as the controller knows.
pub(crate) fn endpoints(model: &Model, cluster: &Cluster) -> Vec<EndpointView> {
    match &cluster.discovery {
        Discovery::Endpoints => {
            let known = model.endpoints.get(&cluster.name);
            known.iter().flat_map(|known| &known.endpoints).map(endpoint_view).collect()
        }
        Discovery::Static(addresses) => {
            addresses.iter().map(|address| endpoint_view(&Endpoint::at(*address))).collect()
        }
        Discovery::Unix(path) => {
            vec![EndpointView { address: format!("unix:{path}"), other: None, zone: None, rank: 0 }]
        }
        Discovery::Dns { .. } => Vec::new(),
    }
}

/// The service that a cluster stands for: its name is that, then a dash and the digest of the settings.
pub(crate) fn service_of(cluster: &ClusterName) -> &str {
    cluster.0.rsplit_once('-').map_or(&*cluster.0, |(service, _)| service)
}
