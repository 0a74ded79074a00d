//! Where a server is, and how to log in.

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp { host: String, port: u16 },
    Unix(String),
}

/// User and password; the user may be empty.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl Login {
    /// `password` or `user:password`; none where empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let (user, password) = text.split_once(':').unwrap_or(("", text));
        Some(Self { user: user.to_owned(), password: password.to_owned() })
    }
}

/// What an entry of `REDIS_URL` says.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) login: Option<Login>,
    pub(super) database: u32,
}

impl Target {
    /// `host:port`, or a URL, or the path of a socket.
    pub(super) fn parse(text: &str, unix: bool) -> Result<Self, String> {
        if unix {
            return Ok(Self { address: Address::Unix(text.to_owned()), login: None, database: 0 });
        }
        let rest = text.strip_prefix("redis://").or_else(|| text.strip_prefix("rediss://")).unwrap_or(text);
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Login::parse(login.strip_prefix(':').unwrap_or(login)), rest),
            None => (None, rest),
        };
        let (place, database) = match rest.split_once('/') {
            Some((place, "")) => (place, 0),
            Some((place, database)) => (place, database.parse().map_err(|_| "the database is no number".to_owned())?),
            None => (rest, 0),
        };
        Ok(Self { address: Address::tcp(place)?, login, database })
    }
}

impl Address {
    fn tcp(place: &str) -> Result<Self, String> {
        let (host, port) = place.rsplit_once(':').unwrap_or((place, "6379"));
        let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Ok(Self::Tcp { host: "localhost".to_owned(), port });
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(formatter, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => formatter.write_str(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_their_forms() {
        let tcp = |host: &str, port| Address::Tcp { host: host.to_owned(), port };
        for (text, address, database) in [
            ("redis:6379", tcp("redis", 6379), 0),
            ("redis://u:p@h:1/2", tcp("h", 1), 2),
            ("redis://h", tcp("h", 6379), 0),
            ("[::1]:7", tcp("::1", 7), 0),
            (":6380", tcp("localhost", 6380), 0),
        ] {
            let target = Target::parse(text, false).unwrap();
            assert_eq!((target.address, target.database), (address, database), "{text}");
        }
        assert!(Target::parse("h:x", false).is_err());
        assert_eq!(Target::parse("/a/b.sock", true).unwrap().address, Address::Unix("/a/b.sock".to_owned()));
    }
}
