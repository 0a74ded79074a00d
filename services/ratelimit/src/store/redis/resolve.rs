//! Which server to connect to.

use std::time::Duration;

use bytes::Bytes;

use super::address::{self, Address, Login, Target};
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
            target.login = Login::of_both(login, target.login);
            return Ok(Self::Fixed(target));
        }
        let (master, sentinels) = address::master_and_sentinels(&options.url, options.unix)?;
        Ok(Self::Sentinel { master, sentinels, login })
    }

    /// The name of what it finds.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Fixed(target) => target.address.to_string(),
            Self::Sentinel { master, .. } => format!("the master {master}"),
        }
    }

    /// Connects to the server that it is now.
    pub(super) async fn connect(&mut self, options: &RedisOptions) -> Result<Connection, String> {
        match self {
            Self::Fixed(target) => connect_to(target, options).await,
            Self::Sentinel { master, sentinels, login } => {
                let address = ask_each(sentinels, master, options).await?;
                let target = Target { address, login: login.clone(), database: 0 };
                let connected = match connect_to(&target, options).await {
                    Ok(mut connection) => expect_master(&mut connection, options).await.map(|()| connection),
                    Err(error) => Err(error),
                };
                if connected.is_err() {
                    // This Sentinel may be cut off, and know less than the next.
                    sentinels.rotate_left(1);
                }
                connected
            }
        }
    }
}

/// How long one step of connecting may take: to be told the master, and to connect to it. A new attempt does as well as
/// waiting longer, unless Redis may be that slow.
fn patience(options: &RedisOptions) -> Duration {
    options.reply_timeout.max(Duration::from_secs(1)).min(options.connect_timeout)
}

async fn connect_to(target: &Target, options: &RedisOptions) -> Result<Connection, String> {
    let connecting = tokio::time::timeout(patience(options), connect::connect(target, options));
    let connected = connecting.await.unwrap_or_else(|_| Err("connecting timed out".to_owned()));
    connected.map_err(|error| format!("{}: {error}", target.address))
}

/// Asks Sentinels until one answers, which is then the first. The others come last: one that hangs costs its time once.
async fn ask_each(sentinels: &mut [Target], master: &str, options: &RedisOptions) -> Result<Address, String> {
    let limit = patience(options) / u32::try_from(sentinels.len()).unwrap_or(u32::MAX);
    let mut last = String::new();
    for _ in 0..sentinels.len() {
        let asking = tokio::time::timeout(limit, ask(&sentinels[0], master, options));
        match asking.await.unwrap_or_else(|_| Err("no answer".to_owned())) {
            Ok(address) => return Ok(address),
            Err(error) => last = format!("sentinel {}: {error}", sentinels[0].address),
        }
        sentinels.rotate_left(1);
    }
    Err(last)
}

async fn ask(sentinel: &Target, master: &str, options: &RedisOptions) -> Result<Address, String> {
    let mut sentinel = sentinel.clone();
    sentinel.login = Login::of_both(Login::parse(&options.sentinel_auth), sentinel.login);
    let mut connection = connect::connect(&sentinel, options).await?;
    let arguments: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", master.as_bytes()];
    match connection.call(&arguments).await? {
        Reply::Array(parts) => address_of(&parts).ok_or_else(|| "the answer is no address".to_owned()),
        Reply::Error(text) => Err(text),
        _ => Err(format!("knows no master {master:?}")),
    }
}

fn address_of(parts: &[Reply]) -> Option<Address> {
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
async fn expect_master(connection: &mut Connection, options: &RedisOptions) -> Result<(), String> {
    let asking = tokio::time::timeout(options.reply_timeout, connection.call(&[b"ROLE"]));
    match asking.await.unwrap_or_else(|_| Err("no answer".to_owned()))? {
        Reply::Array(parts) if parts.first() == Some(&Reply::Bulk(Some(Bytes::from_static(b"master")))) => Ok(()),
        Reply::Array(_) => Err("the server is no master".to_owned()),
        // Not allowed to ask: then its errors will tell.
        _ => Ok(()),
    }
}
