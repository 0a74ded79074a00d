//! The webhook, on the command line and in the environment.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use nuncio_controller::webhook::WebhookOptions;
use tokio::net::TcpListener;

use super::Place;
use crate::exit::Failure;

/// Where an API server asks to convert objects and whether they may be stored.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
pub(crate) struct WebhookArgs {
    /// Where to answer the API server: it asks to convert old versions, and to check objects before it stores them
    #[arg(id = "webhook", long, value_name = "ADDR", env = "NUNCIO_WEBHOOK")]
    address: Option<SocketAddr>,
    /// The Service of the webhook, in the gateway's namespace. A Secret of the same name holds its certificate
    #[arg(
        long = "webhook-service",
        value_name = "NAME",
        default_value = "nuncio-webhook",
        env = "NUNCIO_WEBHOOK_SERVICE"
    )]
    pub(crate) service: String,
    /// The ValidatingWebhookConfiguration into which the certificate's authority is written
    #[arg(long = "webhook-configuration", value_name = "NAME", env = "NUNCIO_WEBHOOK_CONFIGURATION")]
    pub(crate) configuration: Option<String>,
}

impl WebhookArgs {
    /// How to serve the webhook, if that was asked for; the socket is bound.
    pub(crate) async fn bind(self, place: &Place) -> Result<Option<WebhookOptions>, Failure> {
        let Self { address, service, configuration } = self;
        let Some(address) = address else { return Ok(None) };
        if place.dir.is_some() {
            return Err(Failure::usage("--webhook goes with --kubernetes: a directory has no API server"));
        }
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot serve the webhook on {address} (see --webhook)"))?;
        let configuration = configuration.filter(|name| !name.is_empty());
        Ok(Some(WebhookOptions { listener, service, configuration }))
    }
}
