//! Where requests of ours may not go: addresses that only the machine itself, or the cloud below it, answers.

use std::net::SocketAddr;

use nuncio_auth::address::is_never_asked;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks names up, and leaves out what is never asked. Loopback and private addresses are fine: identity providers
/// run beside us.
#[derive(Debug)]
pub(super) struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_never_asked(address.ip())).collect();
            if allowed.is_empty() {
                return Err(format!("{} has no address that may be asked", name.as_str()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
