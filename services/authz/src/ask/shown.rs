//! What of a request is shown to who finds its route and lets nobody in: all by which routes may go, and no credential.

use std::borrow::Cow;

/// What stands for a credential.
const HIDDEN: &str = "hidden";
/// Headers and parameters with one of these words in their name hold credentials, whatever the Filters call them.
const OF_CREDENTIALS: [&str; 14] = [
    "auth",
    "key",
    "token",
    "secret",
    "pass",
    "assertion",
    "session",
    "cookie",
    "credential",
    "jwt",
    "csrf",
    "xsrf",
    "signature",
    "ticket",
];
/// Of a query these too: a login's.
const OF_LOGINS: [&str; 4] = ["code", "state", "nonce", "handoff"];
/// So long a run of letters and digits is nobody's word.
const LONG: usize = 20;

/// The value of a header; of cookies the names alone, which say whether somebody is logged in.
pub(super) fn header<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    let name = name.to_ascii_lowercase();
    if name == "cookie" {
        let names = value.split(';').filter_map(|pair| Some(pair.split_once('=')?.0.trim()));
        return names.map(|name| format!("{name}={HIDDEN}")).collect::<Vec<_>>().join("; ").into();
    }
    let is_host = matches!(&*name, ":authority" | "host" | "x-forwarded-host");
    if !is_host && is_credential(&name, value) { HIDDEN.into() } else { value.into() }
}

/// A URL without a login, and without what its query has of credentials.
pub(super) fn url(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let place = match place.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => place.to_owned(),
    };
    match query {
        Some(query) => format!("{place}?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")),
        None => place,
    }
}

fn parameter(pair: &str) -> Cow<'_, str> {
    let Some((written, _)) = pair.split_once('=') else { return pair.into() };
    let is_hidden = form_urlencoded::parse(pair.as_bytes()).any(|(name, value)| {
        let name = name.to_ascii_lowercase();
        OF_LOGINS.contains(&&*name) || is_credential(&name, &value)
    });
    if is_hidden { format!("{written}={HIDDEN}").into() } else { pair.into() }
}

fn is_credential(name: &str, value: &str) -> bool {
    OF_CREDENTIALS.iter().any(|word| name.contains(word)) || value.split([' ', ',', ';']).any(looks_random)
}

/// Whether it may be a credential under whatever name.
fn looks_random(word: &str) -> bool {
    let mut runs = word.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '+' | '/' | '='));
    runs.any(|run| {
        run.len() >= LONG
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_header_shows_a_credential() {
        for name in
            ["Authorization", "proxy-authorization", "x-api-key", "X-Auth-Token", "x-session", "X-JWT", "x-passphrase"]
        {
            assert_eq!(header(name, "Bearer x"), HIDDEN, "{name}");
        }
        assert_eq!(header("x-of-ours", "q8Zr1-0uKp2LxV_7tBn4Qw"), HIDDEN, "whatever it is called");
        let cookies = header("Cookie", "a=1; __Host-ambassador_session.login.shop=x=y; nameless");
        assert_eq!(cookies, "a=hidden; __Host-ambassador_session.login.shop=hidden");
        for (name, value) in [
            (":authority", "preview-4711-of-the-whole-shop"),
            ("accept", "text/html,application/xhtml+xml;q=0.9"),
            ("x-version", "2"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
        ] {
            assert_eq!(header(name, value), value);
        }
    }

    #[test]
    fn no_url_shows_a_credential() {
        for (asked, shown) in [
            ("https://a/x", "https://a/x"),
            ("https://a/x?debug&page=2&sort=by%20name", "https://a/x?debug&page=2&sort=by%20name"),
            ("https://a/x?access_token=hush&page=2#hush", "https://a/x?access_token=hidden&page=2"),
            ("https://a/back?code=hush&state=hush", "https://a/back?code=hidden&state=hidden"),
            ("https://a/x?access%5Ftoken=hush", "https://a/x?access%5Ftoken=hidden"),
            ("https://a/x?q=q8Zr1-0uKp2LxV_7tBn4Qw", "https://a/x?q=hidden"),
            ("https://ann:hush@a/x@y", "https://a/x@y"),
        ] {
            assert_eq!(url(asked), shown);
        }
    }
}
