//! Ports of listeners that clients know by other numbers, as behind a load balancer.

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
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let written = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let (name, port) = match written.map(|(name, port)| (name, port.parse())) {
        None => (authority, usual),
        Some((name, Ok(port))) => (name, port),
        // That this is no port is for others to say.
        Some((_, Err(_))) => return url.to_owned(),
    };
    match published.iter().find(|(_, public)| *public == port) {
        Some((own, _)) => format!("{scheme}://{name}:{own}{target}"),
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
}
