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
        let scheme = ["redis://", "rediss://"].into_iter().find(|scheme| text.starts_with(scheme));
        let Some(rest) = scheme.and_then(|scheme| text.strip_prefix(scheme)) else {
            let (login, place) = text.rsplit_once('@').unwrap_or(("", text));
            let login = Login::parse(login.strip_prefix(':').unwrap_or(login));
            return Ok(Self { address: Address::tcp(place)?, login, database: 0 });
        };
        Self::url(rest)
    }

    /// What comes after the scheme: `user:password@host:port/database?db=…&password=…`. What stands before the query goes
    /// before it.
    fn url(text: &str) -> Result<Self, String> {
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let query = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
        };
        let (login, rest) = text.rsplit_once('@').unwrap_or(("", text));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (decoded(user)?, decoded(password)?),
            None => (String::new(), decoded(login)?),
        };
        let password = if password.is_empty() { query("password").unwrap_or_default() } else { password };
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let database = if database.is_empty() { query("db") } else { Some(database.to_owned()) };
        Ok(Self {
            address: Address::tcp(place)?,
            login: (!password.is_empty()).then_some(Login { user, password }),
            database: match database {
                Some(database) => database.parse().map_err(|_| "the database is no number".to_owned())?,
                None => 0,
            },
        })
    }
}

/// Takes the percent signs out.
fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "what stands before @ is no UTF-8".to_owned())
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

    #[test]
    fn urls_are_decoded() {
        for (text, user, password, database) in [
            ("redis://:p%40ss%3A@h:6379", "", "p@ss:", 0),
            ("redis://a%40b:p@h", "a@b", "p", 0),
            ("redis://secret@h", "", "secret", 0),
            ("redis://h:6379?db=2&password=a%26b", "", "a&b", 2),
            ("redis://ann:@h/?password=x", "ann", "x", 0),
            ("redis://ann:x@h/1?db=2&password=y", "ann", "x", 1),
            ("rediss://ann:x@h:6379/", "ann", "x", 0),
            // Only of URLs.
            ("ann:100%25@h:6379", "ann", "100%25", 0),
        ] {
            let target = Target::parse(text, false).unwrap();
            assert_eq!(target.address, Address::Tcp { host: "h".to_owned(), port: 6_379 }, "{text}");
            let login = target.login.unwrap();
            assert_eq!((login.user.as_str(), login.password.as_str()), (user, password), "{text}");
            assert_eq!(target.database, database, "{text}");
        }
        assert!(Target::parse("redis://h?db=x", false).is_err());
    }
}
