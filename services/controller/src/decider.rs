//! Who decides on requests that FilterPolicies are for.

use std::net::SocketAddr;
use std::str::FromStr;

use nuncio_ir::{Discovery, IpFamily};

use crate::OwnAuthz;

/// The authentication service of a gateway.
#[derive(Debug)]
pub enum Decider {
    /// One that runs beside the controller, when something asks it.
    Own(OwnAuthz),
    /// One elsewhere, which takes its rules from the controller as Envoys do.
    Elsewhere(ServiceAddress),
}

impl Decider {
    pub(crate) fn discovery(&self) -> Discovery {
        match self {
            Self::Own(own) => Discovery::Unix(own.service.path()),
            Self::Elsewhere(address) => address.0.clone(),
        }
    }

    pub(crate) fn own(&self) -> Option<&OwnAuthz> {
        match self {
            Self::Own(own) => Some(own),
            Self::Elsewhere(_) => None,
        }
    }
}

/// Where Envoys find a service: `host:port`, or `unix:/path` on their own machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAddress(Discovery);

impl FromStr for ServiceAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is neither HOST:PORT nor unix:PATH");
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Self(Discovery::Unix(path.into()))) };
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self(Discovery::Static(vec![address])));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(wrong());
        }
        // All addresses take calls: those of a headless Service are its pods.
        let hosts = vec![(host.to_owned(), port)];
        Ok(Self(Discovery::Dns { hosts, logical: false, respect_ttl: false, family: IpFamily::Both }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_sockets_are_told_apart() {
        let read = |text: &str| text.parse::<ServiceAddress>().map(|address| address.0);
        assert_eq!(read("10.0.0.7:8500"), Ok(Discovery::Static(vec![([10, 0, 0, 7], 8500).into()])));
        assert_eq!(read("unix:/run/authz.sock"), Ok(Discovery::Unix("/run/authz.sock".into())));
        let Ok(Discovery::Dns { hosts, .. }) = read("authz.nuncio.svc:8500") else { panic!() };
        assert_eq!(hosts, [("authz.nuncio.svc".to_owned(), 8500)]);
        for wrong in ["", "authz", "authz:", "authz:0", ":8500", "http://authz:8500", "unix:", "authz:99999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
