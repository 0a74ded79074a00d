//! Which server to connect to.

use std::time::Duration;

use bytes::Bytes;

use super::address::{Address, Login, Target};
use super::connect::{self, Connection};
use super::resp::Reply;
use super::{RedisOptions, ServerKind};

/// Finds the server anew for each connection.
pub(super) enum Resolver {
    Fixed(Target),
    Sentinel { master: String, sentinels: Vec<Target>, login: Option<Login> },
}

impl Resolver {
    pub(super) fn new(options: &RedisOptions) -> Result<Self, String> {
        let login = Login::parse(&options.auth);
        if options.kind != ServerKind::Sentinel {
            let mut target = Target::parse(&options.url, options.unix)?;
            target.login = login.or(target.login);
            return Ok(Self::Fixed(target));
        }
        let mut parts = options.url.split(',');
        let master = parts.next().unwrap_or_default().to_owned();
        let sentinels = parts.map(|part| Target::parse(part, options.unix)).collect::<Result<Vec<_>, _>>()?;
        if master.is_empty() || sentinels.is_empty() {
            return Err("expected the master's name and then sentinels: master,host:port,…".to_owned());
        }
        Ok(Self::Sentinel { master, sentinels, login })
    }

    /// The server to connect to now.
    pub(super) async fn resolve(&mut self, options: &RedisOptions) -> Result<Target, String> {
        match self {
            Self::Fixed(target) => Ok(target.clone()),
            Self::Sentinel { master, sentinels, login } => {
                let mut last = String::new();
                for index in 0..sentinels.len() {
                    match ask(&sentinels[index], master, options).await {
                        Ok(address) => {
                            // One that answers is asked first the next time.
                            sentinels.swap(0, index);
                            return Ok(Target { address, login: login.clone(), database: 0 });
                        }
                        Err(error) => last = format!("sentinel {}: {error}", sentinels[index].address),
                    }
                }
                Err(last)
            }
        }
    }
}

async fn ask(sentinel: &Target, master: &str, options: &RedisOptions) -> Result<Address, String> {
    let mut sentinel = sentinel.clone();
    sentinel.login = Login::parse(&options.sentinel_auth).or(sentinel.login);
    // Another Sentinel may know when this one hangs.
    let limit = options.connect_timeout.min(Duration::from_secs(1));
    let asking = async {
        let mut connection = connect::connect(&sentinel, options).await?;
        let arguments: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", master.as_bytes()];
        connection.call(&arguments).await
    };
    let reply = tokio::time::timeout(limit, asking).await.map_err(|_| "no answer".to_owned())??;
    match reply {
        Reply::Array(parts) => address(&parts).ok_or_else(|| "the answer is no address".to_owned()),
        Reply::Error(text) => Err(text),
        _ => Err(format!("knows no master {master:?}")),
    }
}

fn address(parts: &[Reply]) -> Option<Address> {
    let text = |reply: Option<&Reply>| match reply {
        Some(Reply::Bulk(Some(text))) => Some(text.clone()),
        _ => None,
    };
    let utf8 = |text: Bytes| std::str::from_utf8(&text).ok().map(str::to_owned);
    let host = text(parts.first()).and_then(utf8)?;
    let port = text(parts.get(1)).and_then(utf8)?.parse().ok()?;
    Some(Address::Tcp { host, port })
}

/// Fails where the server is no master: a Sentinel may not have noticed yet.
pub(super) async fn expect_master(connection: &mut Connection) -> Result<(), String> {
    match connection.call(&[b"ROLE"]).await? {
        Reply::Array(parts) if parts.first() == Some(&Reply::Bulk(Some(Bytes::from_static(b"master")))) => Ok(()),
        Reply::Array(_) => Err("the server is no master".to_owned()),
        // Not allowed to ask: then its errors will tell.
        _ => Ok(()),
    }
}
