//! What the portal is told, whoever runs it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use nuncio_redis::{Kind, Master, Place as Redis, Urls};
use nuncio_telemetry::SharedToken;

use crate::keys::{Keys, KeysError, Place};
use crate::published::published_port;

/// Which cluster keys are kept in, and as whom.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// How to reach the cluster of --portal-keys-secret [default: the service account of the pod, else $KUBECONFIG or
    /// ~/.kube/config]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// How the portal works.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// The name at the top of every page
    #[arg(
        id = "portal-title",
        long = "portal-title",
        value_name = "TEXT",
        default_value = "Developer portal",
        env = "NUNCIO_PORTAL_TITLE"
    )]
    pub title: String,
    /// Seconds between looks at a document; 0 looks when something changes only
    #[arg(id = "portal-poll", long = "portal-poll", value_name = "SECONDS", default_value = "60",
        env = "POLL_EVERY_SECS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    poll_seconds: u32,
    /// Ask services of which nobody says where their document is, at the places where frameworks have it
    #[arg(long = "portal-probe", env = "NUNCIO_PORTAL_PROBE")]
    pub probes: bool,
    /// A port that clients know by another number, as LISTENER:PUBLIC (8443:443). May be given many times
    #[arg(long = "published-port", value_name = "PORT:PORT", env = "NUNCIO_PORTAL_PUBLISHED_PORTS",
        value_delimiter = ',', value_parser = published_port)]
    pub published_ports: Vec<(u16, u16)>,
    /// A host that a document's URL may name although it is at a private address or speaks clear text. May be given many
    /// times
    #[arg(long = "portal-allow-host", value_name = "HOST", env = "NUNCIO_PORTAL_ALLOW_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Certificates that the gateway shows to services, for documents of those that ask for one: a directory with
    /// NAMESPACE/NAME/tls.crt and tls.key; not needed beside the gateway
    #[arg(long = "portal-client-certificates", value_name = "DIR", env = "NUNCIO_PORTAL_CLIENT_CERTIFICATES",
        value_hint = clap::ValueHint::DirPath)]
    pub client_certificates: Option<PathBuf>,
    /// The largest document in MiB
    #[arg(long = "portal-max-document", value_name = "MIB", default_value = "10",
        env = "NUNCIO_PORTAL_MAX_DOCUMENT", value_parser = clap::value_parser!(u32).range(1..=256))]
    max_document_mib: u32,
    /// Pages to show beside the APIs, with navigation, logo and colours: a directory of markdown [default: none]
    #[arg(id = "portal-content", long = "portal-content", value_name = "DIR", env = "NUNCIO_PORTAL_CONTENT",
        value_hint = clap::ValueHint::DirPath)]
    pub content: Option<PathBuf>,
    /// Where documents are kept, so that what has changed in them is known after a restart; for one portal alone [default:
    /// in memory]
    #[arg(id = "portal-history", long = "portal-history", value_name = "DIR", env = "NUNCIO_PORTAL_HISTORY",
        value_hint = clap::ValueHint::DirPath)]
    pub history: Option<PathBuf>,
    /// Where portals share what has changed: redis://[[user]:password@]HOST:PORT, rediss://…; several addresses with commas for
    /// Sentinel and Cluster
    #[arg(
        long = "portal-history-redis",
        value_name = "URL",
        env = "NUNCIO_PORTAL_HISTORY_REDIS",
        conflicts_with = "portal-history",
        hide_env_values = true
    )]
    history_redis: Option<Urls>,
    /// What is at these addresses
    #[arg(long = "portal-history-redis-kind", env = "NUNCIO_PORTAL_HISTORY_REDIS_KIND", default_value = "single")]
    history_redis_kind: Kind,
    /// The name under which Sentinels know the Redis; or `redis://USER:PASSWORD@NAME/DATABASE` (`rediss` with TLS), to log in to
    /// it
    #[arg(
        long = "portal-history-redis-master",
        value_name = "NAME",
        env = "NUNCIO_PORTAL_HISTORY_REDIS_MASTER",
        default_value = "mymaster",
        hide_env_values = true
    )]
    history_redis_master: Master,
    /// A host name that the console is shown as, besides addresses and localhost: whoever reaches /console/ by it sees how the
    /// gateway is built. May be given many times
    #[arg(long = "console-host", value_name = "NAME", env = "NUNCIO_CONSOLE_HOSTS", value_delimiter = ',')]
    pub console_hosts: Vec<String>,
    /// A group whose members the console is shown to, by whatever name they reach it; with one, it is shown to nobody else. May
    /// be given many times
    #[arg(long = "console-group", value_name = "GROUP", env = "NUNCIO_CONSOLE_GROUPS", value_delimiter = ',')]
    pub console_groups: Vec<String>,
    /// Where the public keys are by which the gateway's word is verified of who reads (`/jwks` of the authentication service);
    /// not needed beside the gateway
    #[arg(long = "portal-identity-keys", value_name = "URL", env = "NUNCIO_PORTAL_IDENTITY_KEYS")]
    pub identity_keys: Option<String>,
    /// Let developers who are logged in give themselves API keys, and keep them in this manifest of a Secret `portal-keys`: in
    /// the directory that the gateway reads, where an `APIKey` Filter finds them at once [default: they may not]
    #[arg(long = "portal-keys", value_name = "FILE", env = "NUNCIO_PORTAL_KEYS", value_hint = clap::ValueHint::FilePath)]
    keys: Option<PathBuf>,
    /// Keep them in this Secret of a cluster instead, which an `APIKey` Filter names: the one that the gateway reads, the pod's
    /// own, or that of KUBECONFIG
    #[arg(id = "portal-keys-secret", long = "portal-keys-secret", value_name = "NAMESPACE/NAME", conflicts_with = "keys",
        env = "NUNCIO_PORTAL_KEYS_SECRET", value_parser = secret_name)]
    keys_secret: Option<(String, String)>,
    /// Which cluster that is; beside a gateway, the one that it reads.
    #[arg(skip)]
    pub cluster: Cluster,
    /// What opens the diagnostics of a gateway on another machine.
    #[arg(skip)]
    pub admin_token: Option<SharedToken>,
    /// What the gateway calls the portal.
    #[arg(skip)]
    pub audiences: Vec<String>,
    /// Show everything to everybody, also what is for some groups alone: for a portal that nobody else reaches
    #[arg(long = "portal-show-all", env = "NUNCIO_PORTAL_SHOW_ALL")]
    pub shows_all: bool,
}

impl Settings {
    /// Time between looks at a document; none looks only when something changes.
    pub(crate) fn poll(&self) -> Option<Duration> {
        (self.poll_seconds > 0).then(|| Duration::from_secs(self.poll_seconds.into()))
    }

    /// Makes what a gateway is to find that starts after this: the Secret of keys.
    ///
    /// # Errors
    /// When it cannot be made, or is another's.
    pub async fn prepare(&self) -> Result<(), KeysError> {
        match self.keys() {
            Some(place) => Keys::open(&place, None).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether developers may have keys.
    #[must_use]
    pub fn keeps_keys(&self) -> bool {
        self.keys.is_some() || self.keys_secret.is_some()
    }

    /// Where keys are kept, if developers may have any.
    pub(crate) fn keys(&self) -> Option<Place> {
        let secret = self.keys_secret.clone().map(|(namespace, name)| Place::Secret {
            namespace,
            name,
            cluster: self.cluster.clone(),
        });
        secret.or_else(|| self.keys.clone().map(Place::File))
    }

    /// The Redis in which portals share what has changed, if there is one.
    pub(crate) fn shared_history(&self) -> Option<Redis> {
        let urls = self.history_redis.clone()?;
        Some(Redis { kind: self.history_redis_kind, urls, master: self.history_redis_master.clone() })
    }

    /// The largest document in bytes.
    pub(crate) fn max_document(&self) -> usize {
        (self.max_document_mib as usize) << 20
    }
}

fn secret_name(text: &str) -> Result<(String, String), String> {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
    };
    let parts = text.split_once('/').filter(|(namespace, name)| is_name(namespace) && is_name(name));
    let parts = parts.ok_or_else(|| "expected a namespace and a name, as in shop/portal-keys".to_owned())?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        settings: Settings,
    }

    /// What these flags say.
    pub(crate) fn settings(flags: &[&str]) -> Settings {
        Cli::parse_from([&["portal"], flags].concat()).settings
    }

    #[test]
    fn zero_seconds_are_no_polling() {
        assert_eq!(settings(&["--portal-poll", "0"]).poll(), None);
        assert_eq!(settings(&[]).poll(), Some(Duration::from_secs(60)));
        assert_eq!(settings(&["--published-port", "8443:443,8080:80"]).published_ports, [(8443, 443), (8080, 80)]);
    }

    #[test]
    fn changes_are_kept_in_one_place() {
        let shared = settings(&["--portal-history-redis", "redis://:pw@r:1"]);
        assert!(shared.shared_history().is_some() && !format!("{shared:?}").contains("pw"));
        for wrong in
            [&["--portal-history-redis", "r:1"][..], &["--portal-history-redis", "redis://r", "--portal-history", "d"]]
        {
            assert!(Cli::try_parse_from([&["portal"], wrong].concat()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn keys_are_kept_in_one_place() {
        let secret = settings(&["--portal-keys-secret", "shop/portal-keys"]).keys();
        assert!(
            matches!(secret, Some(Place::Secret { namespace, name, .. }) if (&*namespace, &*name) == ("shop", "portal-keys"))
        );
        assert!(matches!(settings(&["--portal-keys", "k.yaml"]).keys(), Some(Place::File(_))));
        for wrong in [
            &["--portal-keys-secret", "shop"][..],
            &["--portal-keys-secret", "shop/a/b"],
            &["--portal-keys", "k", "--portal-keys-secret", "a/b"],
        ] {
            assert!(Cli::try_parse_from([&["portal"], wrong].concat()).is_err(), "{wrong:?}");
        }
    }
}
