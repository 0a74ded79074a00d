//! Where something that runs is asked.

use reqwest::Url;

/// `HOST:PORT`; `http://` before it and a `/` behind it are passed over.
pub(crate) fn to_ask_at(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("http://").unwrap_or(text);
    let address = address.strip_suffix('/').unwrap_or(address);
    let is_host = |host: &str| {
        let is_plain = !host.is_empty() && !host.contains(['/', '@', ' ']);
        is_plain && (host.starts_with('[') || !host.contains(':'))
    };
    match address.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(address.to_owned()),
        _ => Err("expected HOST:PORT, as in 127.0.0.1:8877; plain HTTP is spoken there".to_owned()),
    }
}

/// The URL of a portal, to which paths are added.
pub(crate) fn portal_at(text: &str) -> Result<String, String> {
    // What is read leniently would be another URL with a path behind it.
    let is_written_out = text.contains("://") && !text.contains(char::is_whitespace);
    let is_base = |url: &Url| {
        let is_web = matches!(url.scheme(), "https" | "http") && url.has_host();
        is_written_out && is_web && url.query().is_none() && url.fragment().is_none()
    };
    let expected = "expected a URL such as https://portal.example.com";
    Url::parse(text).ok().filter(is_base).map(|_| text.to_owned()).ok_or_else(|| expected.to_owned())
}
