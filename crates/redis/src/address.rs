//! Which Redis, as flags and variables say it.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

/// Where a Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is at the addresses.
    pub kind: Kind,
    /// The addresses.
    pub urls: Urls,
    /// How Sentinels know the server.
    pub master: Master,
}

/// Addresses with passwords in them.
#[derive(Clone, PartialEq, Eq)]
pub struct Urls(pub Vec<String>);

impl FromStr for Urls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let urls: Vec<_> = text.split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()).collect();
        let good =
            |url: &String| ["redis://", "rediss://", "redis+unix://", "unix://"].iter().any(|s| url.starts_with(s));
        if urls.is_empty() || !urls.iter().all(good) {
            return Err("use redis://HOST:PORT, rediss://HOST:PORT or redis+unix:///PATH".to_owned());
        }
        Ok(Self(urls))
    }
}

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Urls({})", self.0.len())
    }
}

/// A Redis as Sentinels know it, with a password perhaps.
#[derive(Clone, PartialEq, Eq)]
pub struct Master(pub String);

impl FromStr for Master {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = ["redis://", "rediss://"].iter().any(|scheme| text.starts_with(scheme));
        if text.is_empty() || (text.contains(['/', '@']) && !is_url) {
            return Err("use a NAME, redis://:PASSWORD@NAME or rediss://:PASSWORD@NAME".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Master(…)")
    }
}

/// What kind of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// One server.
    Single,
    /// Sentinels, which say where it is.
    Sentinel,
    /// A cluster.
    Cluster,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_passwords_are_not_shown() {
        "http://a".parse::<Urls>().unwrap_err();
        "ann:pw@mymaster".parse::<Master>().unwrap_err();
        let master: Master = "rediss://:pw@mymaster/1".parse().unwrap();
        assert!(!format!("{master:?}").contains("pw"));
        let urls: Urls = "redis://:pw@a:1,redis://b:2".parse().unwrap();
        assert_eq!(format!("{urls:?}"), "Urls(2)");
    }
}
