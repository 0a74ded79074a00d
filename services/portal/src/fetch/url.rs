//! Documents anywhere else, by their URL: by https, at public addresses, unless an operator lets a host in by name.

use std::net::IpAddr;

use nuncio_auth::address::is_never_asked;
use reqwest::{Client, Response, Url};

use super::address::{is_allowed, is_private};
use super::{FetchError, MAX_REDIRECTS, Validators, headers, location, unreachable};

/// The URL of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentUrl {
    url: Url,
}

impl DocumentUrl {
    /// Reads what a manifest says.
    pub(crate) fn parse(text: &str) -> Result<Self, FetchError> {
        let url = Url::parse(text).map_err(|error| FetchError::NotAllowed(format!("\"{text}\" is no URL: {error}")))?;
        Ok(Self { url })
    }

    /// Host and port; the port where it is not the scheme's.
    pub(super) fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Host and port, the scheme's where none is written.
    pub(crate) fn host_and_port(&self) -> Option<(&str, u16)> {
        Some((self.url.host_str()?, self.url.port_or_known_default()?))
    }

    /// Path and query.
    pub(crate) fn path(&self) -> String {
        self.url.query().map_or_else(|| self.url.path().to_owned(), |query| format!("{}?{query}", self.url.path()))
    }

    /// All of it; one with a login in it is not asked.
    pub(super) fn whole(&self) -> String {
        self.url.to_string()
    }

    /// Asks for it, and follows redirects to what may be asked as well.
    pub(super) async fn ask(
        &self,
        guarded: &Client,
        allowed_hosts: &[String],
        validators: &Validators,
    ) -> Result<Response, FetchError> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            check(&url, allowed_hosts)?;
            let request = guarded.get(url.clone()).headers(headers(validators));
            let response = request.send().await.map_err(|error| unreachable(&error))?;
            let Some(to) = location(&response) else { return Ok(response) };
            url = url.join(to).map_err(|_| FetchError::NotAllowed("a redirect leads to no URL".to_owned()))?;
        }
        Err(FetchError::Redirects)
    }
}

/// Whether a URL may be asked. A name is checked again when it is looked up; an address is none that is looked up.
fn check(url: &Url, allowed_hosts: &[String]) -> Result<(), FetchError> {
    let refuse = |reason: String| Err(FetchError::NotAllowed(reason));
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let allowed = is_allowed(allowed_hosts, host);
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("a URL with a login in it is not asked".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if allowed => {}
        scheme => {
            let why = "it is no service of a Mapping, and documents elsewhere come by https";
            let hint =
                if scheme == "http" { format!(" (--portal-allow-host {host} lets it in)") } else { String::new() };
            return refuse(format!("{scheme}://{host} is not asked: {why}{hint}"));
        }
    }
    let address: Option<IpAddr> = host.parse().ok();
    if address.is_some_and(|address| if allowed { is_never_asked(address) } else { is_private(address) }) {
        let hint = if address.is_some_and(is_never_asked) {
            "that is never asked"
        } else {
            "(--portal-allow-host lets it in)"
        };
        return refuse(format!("{host} is a private address {hint}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_asked() {
        let check = |url: &str, allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
            check(&Url::parse(url).unwrap(), &allowed)
        };
        for url in [
            "http://docs.example/",
            "file:///etc/passwd",
            "ftp://docs.example/",
            "https://user:word@docs.example/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:a00:1]/",
            "https://169.254.169.254/latest/",
            "https://100.100.100.200/latest/",
            "https://[fd00:ec2::254]/latest/",
            "gopher://x/",
        ] {
            check(url, &[]).unwrap_err();
        }
        check("https://docs.example/x", &[]).unwrap();
        check("http://127.0.0.1:9/x", &["127.0.0.1"]).unwrap();
        for never in ["169.254.169.254", "100.100.100.200", "168.63.129.16"] {
            let refused = check(&format!("http://{never}/"), &[never]).unwrap_err().to_string();
            assert!(refused.ends_with("that is never asked"), "{refused}");
        }
    }
}
