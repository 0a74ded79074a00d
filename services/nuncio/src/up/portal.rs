//! The developer portal beside the gateway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use nuncio_controller::ClusterAccess;
use nuncio_portal::{Beside, Cluster, IdentityKeys, KeyUse, KeyUses, RunError, Secrets, Settings};
use nuncio_telemetry::SharedToken;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{OriginArgs, PortalArgs};
use crate::exit::Failure;

/// A portal that has its port.
pub(super) struct Portal {
    settings: Settings,
    listener: TcpListener,
    /// Where it is.
    pub(super) address: SocketAddr,
    /// Where it asks.
    admin: SocketAddr,
}

impl Portal {
    /// Takes the port, if there is to be a portal. It asks the diagnostics at `admin`, which the token opens wherever they are.
    pub(super) async fn bind(
        args: PortalArgs,
        admin: SocketAddr,
        token: SharedToken,
        origins: &OriginArgs,
        cluster: ClusterAccess,
    ) -> Result<Option<Self>, Failure> {
        let PortalArgs { address, settings: told } = args;
        let mut settings = settings(told, token, cluster);
        let Some(address) = address else {
            let unused = "--portal-keys and --portal-keys-secret need --portal: who would give himself keys there?";
            return if settings.keeps_keys() { Err(Failure::usage(unused)) } else { Ok(None) };
        };
        settings.prepare().await.context("cannot keep API keys (see --portal-keys)")?;
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot serve the portal on {address} (see --portal)"))?;
        let address = listener.local_addr().context("the portal has no address")?;
        settings.audiences = origins.audiences(Some(address));
        Ok(Some(Self { settings, listener, address, admin: reachable(admin) }))
    }

    /// Serves until stopped; where there is none, waits for that.
    pub(super) async fn run(portal: Option<Self>, beside: Beside, stop: CancellationToken) -> Result<(), RunError> {
        match portal {
            Some(Self { settings, listener, address: _, admin }) => {
                nuncio_portal::run(settings, &admin.to_string(), Some(beside), listener, stop).await
            }
            None => {
                stop.cancelled().await;
                Ok(())
            }
        }
    }
}

/// What is told of a portal, in the cluster of its gateway, and what opens the gateway's diagnostics.
fn settings(mut told: Settings, token: SharedToken, ClusterAccess { kubeconfig, context }: ClusterAccess) -> Settings {
    told.admin_token = Some(token);
    told.cluster = Cluster { kubeconfig, context };
    told
}

/// What the authentication service and the controller of this process tell it.
pub(super) fn beside(authz: &nuncio_authz::Service, secrets: nuncio_controller::Secrets) -> Beside {
    let uses = authz.key_uses();
    let key_uses =
        KeyUses(Arc::new(move |id| uses(id).map(|nuncio_authz::KeyUse { count, last }| KeyUse { count, last })));
    let secrets = Secrets(Arc::new(move |name| secrets.get(name)));
    Beside { identity_keys: IdentityKeys::Own(authz.identity_keys()), key_uses, secrets }
}

/// What the authentication service counts, for the diagnostics.
pub(super) fn counted(authz: &nuncio_authz::Service) -> nuncio_controller::KeyUses {
    let uses = authz.key_uses();
    nuncio_controller::KeyUses(Arc::new(move |id| uses(id).map(|used| (used.count, used.last))))
}

/// What stands for all addresses is reached at loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn token() -> SharedToken {
        SharedToken::Own("0123456789abcdef".into())
    }

    #[tokio::test]
    async fn keys_need_a_portal() {
        let cli = Cli::try_parse_from(["nuncio", "up", "manifests", "--portal-keys", "keys.yaml"]).unwrap();
        let Command::Up(args) = cli.command else { panic!() };
        let admin = SocketAddr::from(([127, 0, 0, 1], 1));
        let refused = Portal::bind(args.portal, admin, token(), &OriginArgs::default(), ClusterAccess::default())
            .await
            .err()
            .unwrap();
        assert!(refused.to_string().starts_with("--portal-keys and --portal-keys-secret need --portal"), "{refused}");
    }

    #[tokio::test]
    async fn keys_are_kept_in_the_cluster_that_the_gateway_reads() {
        let line = ["nuncio", "up", "--kubernetes", "--kubeconfig", "/nowhere/config", "--context", "live"];
        let keys = ["--portal=127.0.0.1:0", "--portal-keys-secret", "shop/portal-keys"];
        let cli = Cli::try_parse_from([&line[..], &keys].concat()).unwrap();
        let Command::Up(args) = cli.command else { panic!() };
        let (portal, admin) = (args.portal, SocketAddr::from(([127, 0, 0, 1], 1)));
        assert_eq!(
            settings(portal.settings.clone(), token(), args.place.cluster.access()).cluster,
            Cluster { kubeconfig: Some("/nowhere/config".into()), context: Some("live".to_owned()) }
        );
        let refused = Portal::bind(portal, admin, token(), &OriginArgs::default(), args.place.cluster.access())
            .await
            .err()
            .unwrap();
        assert!(refused.to_string().contains("cannot keep API keys"), "{refused}");
    }
}
