//! What is written to a cluster, on the command line and in the environment.

use std::time::Duration;

use clap::Args;
use clap::builder::{BoolishValueParser, FalseyValueParser};
use nuncio_controller::{LeaseTimes, ServiceName, StatusOptions};

/// Which statuses are written, and who writes them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct StatusArgs {
    /// Write no status of any object, and no events
    #[arg(long, env = "NUNCIO_NO_STATUS", value_parser = FalseyValueParser::new())]
    no_status: bool,
    /// Write the status of Mappings
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set,
        env = "AMBASSADOR_UPDATE_MAPPING_STATUS", value_parser = BoolishValueParser::new())]
    mapping_status: bool,
    /// The Service at whose addresses Ingresses are reached [default: the one in the gateway's namespace with the label
    /// app.kubernetes.io/component=ambassador-service]
    #[arg(long, value_name = "[NAMESPACE/]NAME", env = "NUNCIO_INGRESS_SERVICE")]
    ingress_service: Option<String>,
    /// Seconds after which another replica takes over from one that is gone
    #[arg(long, value_name = "SECONDS", default_value = "15", env = "NUNCIO_LEASE_DURATION",
        value_parser = clap::value_parser!(u16).range(1..=3600))]
    lease_duration: u16,
}

impl StatusArgs {
    /// Which statuses are written, by a gateway in `namespace`.
    pub(crate) fn options(&self, namespace: &str) -> Option<StatusOptions> {
        let service = self.ingress_service.as_deref().filter(|name| !name.is_empty()).map(|text| {
            let (namespace, name) = text.split_once('/').unwrap_or((namespace, text));
            ServiceName { namespace: namespace.to_owned(), name: name.to_owned() }
        });
        (!self.no_status).then_some(StatusOptions { mappings: self.mapping_status, service })
    }

    /// How long a lead lasts.
    pub(crate) fn lease(&self) -> LeaseTimes {
        LeaseTimes { duration: Duration::from_secs(self.lease_duration.into()) }
    }
}
