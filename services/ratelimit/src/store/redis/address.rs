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

    /// What a variable of its own says goes before what the address does, which may have the user alone.
    pub(super) fn of_both(own: Option<Self>, address: Option<Self>) -> Option<Self> {
        match (own, address) {
            (Some(own), Some(address)) if own.user.is_empty() => Some(Self { user: address.user, ..own }),
            (own, address) => own.or(address),
        }
    }
}

/// A list of servers as it may be shown.
pub(super) fn shown(targets: &[Target]) -> String {
    targets.iter().map(|target| target.address.to_string()).collect::<Vec<_>>().join(",")
}

/// `master,host:port,…`.
pub(super) fn master_and_sentinels(url: &str, unix: bool) -> Result<(String, Vec<Target>), String> {
    let mut parts = url.split(',');
    let master = parts.next().unwrap_or_default().to_owned();
    let sentinels = Target::list(parts, unix)?;
    // A name, and no URL, in which there may be a password: names are shown.
    if master.is_empty() || master.contains([':', '/', '@']) || sentinels.is_empty() {
        return Err("expected the master's name and then sentinels: master,host:port,…".to_owned());
    }
    Ok((master, sentinels))
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
        if text.is_empty() {
            return Err(
                if unix { "expected the path of a socket" } else { "expected host:port or redis://…" }.to_owned()
            );
        }
        match text.split_once("://") {
            Some(_) if unix => Err("a URL, where the path of a socket is expected".to_owned()),
            None if unix && text.contains('@') && !text.starts_with(['/', '.']) => {
                Err("a login, where the path of a socket is expected".to_owned())
            }
            None if unix => Ok(Self { address: Address::Unix(text.to_owned()), login: None, database: 0 }),
            Some(("redis" | "rediss", rest)) => Self::url(rest),
            Some(_) => Err("expected redis:// or rediss://".to_owned()),
            None => {
                let (login, place) = text.rsplit_once('@').unwrap_or(("", text));
                let login = Login::parse(login.strip_prefix(':').unwrap_or(login));
                Ok(Self { address: Address::tcp(place)?, login, database: 0 })
            }
        }
    }

    /// Each of a list.
    pub(super) fn list<'t>(texts: impl Iterator<Item = &'t str>, unix: bool) -> Result<Vec<Self>, String> {
        texts.map(|text| Self::parse(text, unix)).collect()
    }

    /// What comes after the scheme: `user:password@host:port/database?db=…&password=…`. What stands before the query goes
    /// before it.
    fn url(text: &str) -> Result<Self, String> {
        let (text, pairs) = text.split_once('?').unwrap_or((text, ""));
        let query = |name: &str| {
            let mut pairs = form_urlencoded::parse(pairs.as_bytes());
            pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
        };
        if pairs.contains('@') && query("password").is_none() {
            return Err("a ? in a password is written %3F".to_owned());
        }
        let (login, rest) = text.rsplit_once('@').unwrap_or(("", text));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (decoded(user)?, decoded(password)?),
            None => (decoded(login)?, String::new()),
        };
        let password = if password.is_empty() { query("password").unwrap_or_default() } else { password };
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let database = if database.is_empty() { query("db") } else { Some(database.to_owned()) };
        Ok(Self {
            address: Address::tcp(place)?,
            login: (!user.is_empty() || !password.is_empty()).then_some(Login { user, password }),
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
        if place.contains(',') {
            return Err("a list, where one server is expected".to_owned());
        }
        if place.contains('/') {
            return Err("a path, where host:port is expected".to_owned());
        }
        let (host, port) = place.rsplit_once(':').unwrap_or((place, "6379"));
        let port = port.parse().ok().filter(|port: &u16| *port > 0).ok_or("the port is no number from 1 to 65535")?;
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
            // Whose password is said elsewhere, or who has none.
            ("redis://ann@h", "ann", "", 0),
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

    #[test]
    fn a_variable_has_the_password_of_the_user_in_the_address() {
        let login = |own: &str, url: &str| {
            let login = Login::of_both(Login::parse(own), Target::parse(url, false).unwrap().login);
            login.map(|login| (login.user, login.password))
        };
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(login("secret", "redis://ann@h"), pair("ann", "secret"));
        assert_eq!(login("bob:secret", "redis://ann:x@h"), pair("bob", "secret"));
        assert_eq!(login("", "redis://ann:x@h"), pair("ann", "x"));
        assert_eq!((login("secret", "h:1"), login("", "h:1")), (pair("", "secret"), None));
    }
}
