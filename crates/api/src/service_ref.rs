//! The `service` of a Mapping.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a service is spoken to, where its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// In clear text.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme of this name, in any case.
    fn from_name(name: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()))
    }

    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Where requests go, as a Mapping names it: `[scheme://]host[.namespace][:port]`. Case does not count: the
/// host is kept in lower case. An IPv6 address stands in brackets. Nothing is added to the name here: which namespace a bare name belongs to
/// is for the translator to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ServiceRef {
    /// The scheme, where there is one that is known.
    pub scheme: Option<Scheme>,
    /// Any other scheme, which has no effect.
    pub unknown_scheme: Option<Box<str>>,
    /// Name in lower case, or address; an IPv6 address without brackets. Empty where the field is absent, which validation refuses.
    pub host: String,
    /// The port, where there is one.
    pub port: Option<u16>,
    /// What follows it, from the slash on: a path, which has no effect.
    pub ignored: String,
}

impl ServiceRef {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.host.is_empty()
    }

    /// The host, if it is an address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The host as it stands in a URL: an IPv6 address in brackets.
    #[must_use]
    pub fn url_host(&self) -> Cow<'_, str> {
        if self.host.contains(':') { format!("[{}]", self.host).into() } else { self.host.as_str().into() }
    }
}

/// The text names no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceRefError {
    /// There is no host in it.
    #[error("expected [http://|https://]name[.namespace][:port], found \"{0}\"")]
    Syntax(String),
    /// It has a login in it, which is not told.
    #[error("expected [http://|https://]name[.namespace][:port], found one with a login in it")]
    Login,
    /// The port is none.
    #[error("\"{0}\" is no port: expected a number from 1 to 65535")]
    Port(String),
}

impl FromStr for ServiceRef {
    type Err = ServiceRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What cannot be read may hold a login wherever it ends: its password may have a slash in it.
        Self::read(text).map_err(|error| if text.contains('@') { ServiceRefError::Login } else { error })
    }
}

impl ServiceRef {
    fn read(text: &str) -> Result<Self, ServiceRefError> {
        let syntax = || ServiceRefError::Syntax(text.to_owned());
        let (written, rest) = match text.split_once("://") {
            Some(("", _)) => return Err(syntax()),
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let scheme = written.and_then(Scheme::from_name);
        let unknown_scheme = written.filter(|_| scheme.is_none()).map(Into::into);
        let (rest, ignored) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = split_port(rest).ok_or_else(syntax)?;
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match address {
            Some(address) if matches!(address.parse(), Ok(IpAddr::V6(_))) => address,
            Some(_) => return Err(syntax()),
            None => host,
        };
        let host = host.to_ascii_lowercase();
        let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if host.is_empty() || (address.is_none() && !named) {
            return Err(syntax());
        }
        let port = port.map(parse_port).transpose()?;
        Ok(Self { scheme, unknown_scheme, host, port, ignored: ignored.to_owned() })
    }
}

/// Splits off the port; `None` where an address of IPv6 lacks its brackets.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let (host, rest) = text.split_at(end);
        return match rest {
            "" => Some((host, None)),
            _ => rest.strip_prefix(':').map(|port| (host, Some(port))),
        };
    }
    match text.split_once(':') {
        None => Some((text, None)),
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
    }
}

fn parse_port(text: &str) -> Result<u16, ServiceRefError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let port = if digits { text.parse().unwrap_or(0) } else { 0 };
    if port == 0 { Err(ServiceRefError::Port(text.to_owned())) } else { Ok(port) }
}

impl TryFrom<String> for ServiceRef {
    type Error = ServiceRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Ok(Self::default()) } else { text.parse() }
    }
}

impl From<ServiceRef> for String {
    fn from(service: ServiceRef) -> Self {
        service.to_string()
    }
}

impl fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme.map(Scheme::as_str).or(self.unknown_scheme.as_deref()) {
            write!(f, "{scheme}://")?;
        }
        f.write_str(&self.url_host())?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.ignored)
    }
}
