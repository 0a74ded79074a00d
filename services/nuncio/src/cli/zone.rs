//! Where the gateway is, on the command line and in the environment.

use clap::{Args, ValueEnum};
use nuncio_controller::Topology;

/// In which zone and on which node the gateway is, and what that means for the endpoints of services.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct ZoneArgs {
    /// The zone of this gateway and its Envoys, as in the nodes' label topology.kubernetes.io/zone [default: zones do not count]
    #[arg(id = "zone", long, value_name = "NAME", env = "NUNCIO_ZONE")]
    name: Option<String>,
    /// The node of this gateway and its Envoys [default: nodes do not count]
    #[arg(long, value_name = "NAME", env = "NUNCIO_NODE")]
    node: Option<String>,
    /// How places count among the endpoints of a Service
    #[arg(long, value_enum, value_name = "RULE", default_value_t, env = "NUNCIO_ZONE_ROUTING")]
    zone_routing: ZoneRouting,
    /// How much of a Service's requests stays in the zone, in percent, with --zone-routing weighted
    #[arg(long, value_name = "PERCENT", default_value = "80", env = "NUNCIO_ZONE_WEIGHT",
        value_parser = clap::value_parser!(u32).range(1..=99))]
    zone_weight: u32,
}

/// How places count among the endpoints of a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ZoneRouting {
    /// Not at all
    Off,
    /// Those go first whose hints name the node, then the zone, where Kubernetes gives hints (trafficDistribution of the Service)
    #[default]
    Hints,
    /// Those of the zone go first
    Nearest,
    /// All take requests, those of the zone the share that --zone-weight says
    Weighted,
}

impl ZoneArgs {
    /// What it means for endpoints.
    pub(crate) fn topology(&self) -> Topology {
        let name =
            |name: &Option<String>| name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(Into::into);
        match (self.zone_routing, name(&self.name), name(&self.node)) {
            (ZoneRouting::Off, ..) | (_, None, None) => Topology::Ignore,
            (ZoneRouting::Hints, zone, node) => Topology::Hints { zone, node },
            (ZoneRouting::Nearest, Some(zone), _) => Topology::Zone(zone),
            (ZoneRouting::Weighted, Some(zone), _) => Topology::Shares { zone, percent: self.zone_weight },
            (ZoneRouting::Nearest | ZoneRouting::Weighted, None, _) => Topology::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_place_all_endpoints_are_alike() {
        let topology = |name: Option<&str>, node: Option<&str>, zone_routing| {
            let [name, node] = [name, node].map(|name| name.map(ToOwned::to_owned));
            ZoneArgs { name, node, zone_routing, zone_weight: 70 }.topology()
        };
        assert_eq!(topology(None, None, ZoneRouting::Nearest), Topology::Ignore);
        assert_eq!(topology(None, Some("n"), ZoneRouting::Weighted), Topology::Ignore);
        assert_eq!(
            topology(Some(" "), None, ZoneRouting::Hints),
            Topology::Ignore,
            "the label of a node without a zone"
        );
        assert_eq!(topology(Some("a"), Some("n"), ZoneRouting::Off), Topology::Ignore);
        let hints = |zone: Option<&str>, node: Option<&str>| Topology::Hints {
            zone: zone.map(Into::into),
            node: node.map(Into::into),
        };
        assert_eq!(topology(Some("a"), None, ZoneRouting::Hints), hints(Some("a"), None));
        assert_eq!(topology(Some(""), Some("n"), ZoneRouting::Hints), hints(None, Some("n")));
        assert_eq!(topology(Some("a"), None, ZoneRouting::Nearest), Topology::Zone("a".into()));
        assert_eq!(
            topology(Some("a"), None, ZoneRouting::Weighted),
            Topology::Shares { zone: "a".into(), percent: 70 }
        );
    }
}
