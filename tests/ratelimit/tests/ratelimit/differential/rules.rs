//! How rules come to a service: in files, or from a management server.

use std::fmt::{Display, Formatter};

use nuncio_ratelimit_tests::{Domain, Service, Which, free_port};
use tonic::transport::Server;

use crate::gateway::Conversation;

/// Generated rules.
pub(super) enum Rules {
    InFiles([Domain; 3]),
    OverXds([Domain; 3]),
}

impl Rules {
    /// Starts a service with them; the management server lives as long as the other end of its conversation.
    pub(super) async fn start(
        &self,
        which: Which,
        mut variables: Vec<(&str, &str)>,
    ) -> (Service, Option<Conversation>) {
        match self {
            Self::InFiles(domains) => {
                let files = domains.each_ref().map(Domain::yaml);
                (Service::start_of(which, &files.each_ref().map(String::as_str), &variables).await.unwrap(), None)
            }
            Self::OverXds(domains) => {
                let port = free_port().unwrap();
                let mut management = Conversation::serve(Server::builder(), port);
                let named = domains.iter().enumerate();
                management.send("1", named.map(|(index, domain)| domain.resource(&index.to_string())).collect()).await;
                let url = format!("127.0.0.1:{port}");
                variables.extend([("CONFIG_TYPE", "GRPC_XDS_SOTW"), ("CONFIG_GRPC_XDS_SERVER_URL", &url)]);
                let service = Service::start(which, "", &variables).await.unwrap();
                management.next().await;
                let answer = management.next().await;
                assert!(answer.error_detail.is_none() && answer.version_info == "1", "{which:?}: {answer:?}\n{self}");
                (service, Some(management))
            }
        }
    }
}

impl Display for Rules {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let (way, domains) = match self {
            Self::InFiles(domains) => ("in files", domains),
            Self::OverXds(domains) => ("over xDS", domains),
        };
        write!(formatter, "{way}:\n{}", domains.each_ref().map(Domain::yaml).join("---\n"))
    }
}
