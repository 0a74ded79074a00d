//! Where the gateway is, on the command line and in the environment.

use clap::{Args, ValueEnum};
use nuncio_controller::Topology;

/// In which zone the gateway is, and what that means for the endpoints of services.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct ZoneArgs {
    /// The zone of this gateway and its Envoys, as in the nodes' label topology.kubernetes.io/zone [default: zones do not count]
    #[arg(id = "zone", long, value_name = "NAME", env = "NUNCIO_ZONE")]
    name: Option<String>,
    /// Which endpoints of a Service go first
    #[arg(long, value_enum, value_name = "RULE", default_value_t, env = "NUNCIO_ZONE_ROUTING")]
    zone_routing: ZoneRouting,
}

/// Which endpoints of a Service go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ZoneRouting {
    /// None
    Off,
    /// Those whose hints name the zone, where Kubernetes gives hints (trafficDistribution of the Service)
    #[default]
    Hints,
    /// Those of the zone
    Nearest,
}

impl ZoneArgs {
    /// What it means for endpoints.
    pub(crate) fn topology(&self) -> Topology {
        let zone = self.name.as_deref().map(str::trim).filter(|zone| !zone.is_empty());
        match (zone, self.zone_routing) {
            (None, _) | (_, ZoneRouting::Off) => Topology::Ignore,
            (Some(zone), ZoneRouting::Hints) => Topology::Hints(zone.into()),
            (Some(zone), ZoneRouting::Nearest) => Topology::Zone(zone.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_zone_all_endpoints_are_alike() {
        let topology =
            |name: Option<&str>, zone_routing| ZoneArgs { name: name.map(ToOwned::to_owned), zone_routing }.topology();
        assert_eq!(topology(None, ZoneRouting::Nearest), Topology::Ignore);
        assert_eq!(topology(Some(" "), ZoneRouting::Hints), Topology::Ignore, "the label of a node without a zone");
        assert_eq!(topology(Some("a"), ZoneRouting::Off), Topology::Ignore);
        assert_eq!(topology(Some("a"), ZoneRouting::Hints), Topology::Hints("a".into()));
        assert_eq!(topology(Some("a"), ZoneRouting::Nearest), Topology::Zone("a".into()));
    }
}
