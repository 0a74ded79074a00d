//! Ports of listeners that clients know by other numbers, as behind a load balancer.

use crate::mount::host_and_port;

/// Reads one, as `LISTENER:PUBLIC`.
///
/// # Errors
/// When it is none.
pub fn published_port(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    parsed.ok_or_else(|| "expected two ports, as in 8443:443".to_owned())
}

/// The URL at the listener's port, where that is published as another.
#[must_use]
pub fn at_listener(published: &[(u16, u16)], url: &str) -> String {
    with_port(url, |port| published.iter().find(|(_, public)| *public == port).map(|(own, _)| *own))
}

/// The URL at the port that clients know, of one at the listener's.
#[must_use]
pub fn for_clients(published: &[(u16, u16)], url: &str) -> String {
    with_port(url, |port| Some(published.iter().find(|(own, _)| *own == port).map_or(port, |(_, public)| *public)))
}

/// The URL with the port that is given for its own, if any is; the scheme's own is not written.
fn with_port(url: &str, replaced: impl Fn(u16) -> Option<u16>) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let (name, written) = host_and_port(authority);
    // That something is no port is for others to say.
    let Ok(port) = written.map_or(Ok(usual), str::parse::<u16>) else { return url.to_owned() };
    match replaced(port) {
        Some(other) if other == usual => format!("{scheme}://{name}{target}"),
        Some(other) => format!("{scheme}://{name}:{other}{target}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_know_by_another_port_is_asked_about_at_the_listeners() {
        let published = [(8443, 443), (8080, 80), (9000, 9001)];
        for (url, own) in [
            ("https://shop.example/a?b=c", "https://shop.example:8443/a?b=c"),
            ("http://shop.example:80", "http://shop.example:8080"),
            ("http://[::1]:9001/", "http://[::1]:9000/"),
            ("https://shop.example:8443/a", "https://shop.example:8443/a"),
            ("shop.example/a", "shop.example/a"),
            ("http://[::1]/a", "http://[::1]:8080/a"),
            ("http://shop.example:/a", "http://shop.example:/a"),
            ("http://shop.example:99999/a", "http://shop.example:99999/a"),
        ] {
            assert_eq!(at_listener(&published, url), own);
        }
    }

    #[test]
    fn clients_are_told_of_the_port_that_they_know() {
        let published = [(8443, 443), (8080, 80), (443, 4443), (9000, 9001)];
        for (url, told) in [
            ("https://shop.example:8443/a?b=c", "https://shop.example/a?b=c"),
            ("http://[::1]:9000", "http://[::1]:9001"),
            ("http://shop.example:7080/a", "http://shop.example:7080/a"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]:4443"),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]"),
        ] {
            assert_eq!(for_clients(&published, url), told);
        }
    }
}
