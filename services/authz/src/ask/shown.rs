//! What of a request is shown to who finds its route and lets nobody in: all by which routes may go, and no credential.

use std::borrow::Cow;

use nuncio_ir::auth::{SHARE_HEADER, SHARE_PARAMETER};

/// What stands for a credential.
const HIDDEN: &str = "hidden";
/// Headers and parameters with one of these words in their name hold credentials, whatever the Filters call them.
const OF_CREDENTIALS: [&str; 18] = [
    "auth",
    "oauth",
    "authorization",
    "authentication",
    "key",
    "tokens",
    "pass",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "session",
    "sid",
    "credential",
    "credentials",
    "csrf",
    "xsrf",
    "ticket",
];
/// And those with a word that ends so: `accesstoken`, `JSESSIONID`.
const ENDS_OF_CREDENTIALS: [&str; 10] =
    ["token", "secret", "password", "assertion", "apikey", "sessionid", "sessid", "cookie", "jwt", "signature"];
/// What a credential is, is none.
const OF_KIND: &str = "type";
/// Of a query these too: a login's.
const OF_LOGINS: [&str; 4] = ["code", "state", "nonce", "handoff"];
/// So long a run of letters and digits is nobody's word.
const LONG: usize = 20;

/// A request as it is shown.
pub(super) struct Shown {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    /// Of what not all is shown.
    pub(super) hidden: Vec<String>,
}

/// Shows a request.
pub(super) fn request(asked: &str, headers: &[(String, String)]) -> Shown {
    let mut hidden: Vec<_> = parameters(asked)
        .filter(|pair| parameter(pair) != **pair)
        .map(|pair| format!("parameter {}", pair.split('=').next().unwrap_or_default()))
        .collect();
    let shown = headers.iter().map(|(name, value)| (name.clone(), header(name, value).into_owned()));
    let shown: Vec<_> = shown.collect();
    let changed = headers.iter().zip(&shown).filter(|(asked, shown)| asked.1 != shown.1);
    hidden.extend(changed.map(|((name, _), _)| format!("header {name}")));
    Shown { url: url(asked), headers: shown, hidden }
}

/// The value of a header; of cookies the names alone, which say whether somebody is logged in.
fn header<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if name.eq_ignore_ascii_case("cookie") {
        let names = value.split(';').filter_map(|pair| Some(pair.split_once('=')?.0.trim()));
        return names.map(|name| format!("{name}={HIDDEN}")).collect::<Vec<_>>().join("; ").into();
    }
    if [":authority", "host", "x-forwarded-host"].iter().any(|host| name.eq_ignore_ascii_case(host)) {
        return value.into();
    }
    if names_credential(name) {
        return HIDDEN.into();
    }
    let has_url = value.contains("://") || value.contains('?');
    let shown = if has_url { value.split(' ').map(url).collect::<Vec<_>>().join(" ").into() } else { Cow::from(value) };
    // A path of one is no long word, and a login in one that stands in another way is not shown either.
    let separators: &[char] = if has_url { &[' ', ',', ';', '/', '?', '&', '='] } else { &[' ', ',', ';'] };
    let is_hidden = shown.split(separators).any(looks_random) || (has_url && shown.contains('@'));
    if is_hidden { HIDDEN.into() } else { shown }
}

/// A URL without a login, and without what its query has of credentials.
fn url(url: &str) -> String {
    let place = url.split(['?', '#']).next().unwrap_or_default();
    let has_query = url.split('#').next().is_some_and(|url| url.contains('?'));
    let place = match place.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => place.to_owned(),
    };
    let query: Vec<_> = parameters(url).map(parameter).collect();
    if has_query { format!("{place}?{}", query.join("&")) } else { place }
}

fn parameters(url: &str) -> impl Iterator<Item = &str> {
    let query = url.split('#').next().and_then(|url| url.split_once('?'));
    query.into_iter().flat_map(|(_, query)| query.split('&'))
}

fn parameter(pair: &str) -> Cow<'_, str> {
    let Some((written, _)) = pair.split_once('=') else { return pair.into() };
    let is_hidden = form_urlencoded::parse(pair.as_bytes()).any(|(name, value)| {
        OF_LOGINS.iter().any(|login| name.eq_ignore_ascii_case(login))
            || names_credential(&name)
            || value.split([' ', ',', ';']).any(looks_random)
            // A URL with a query or a login of its own.
            || value.contains(['?', '@'])
    });
    if is_hidden { format!("{written}={HIDDEN}").into() } else { pair.into() }
}

/// Whether what has this name is a credential.
fn names_credential(name: &str) -> bool {
    if [SHARE_HEADER, SHARE_PARAMETER].iter().any(|share| name.eq_ignore_ascii_case(share)) {
        return true;
    }
    let words = words(name);
    let is_one =
        |word: &String| OF_CREDENTIALS.contains(&&**word) || ENDS_OF_CREDENTIALS.iter().any(|end| word.ends_with(end));
    words.last().is_none_or(|word| word != OF_KIND) && words.iter().any(is_one)
}

/// The words of a name, whichever way they are set off: `access_token`, `accessToken`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        let is_word = letter.is_alphanumeric();
        if !is_word || (was_small && letter.is_uppercase()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (is_word, words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
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
        for name in [
            "Authorization",
            "proxy-authorization",
            "x-api-key",
            "X-Auth-Token",
            "x-session",
            "X-JWT",
            "x-passphrase",
            "X-CSRFToken",
            SHARE_HEADER,
        ] {
            assert_eq!(header(name, "Bearer x"), HIDDEN, "{name}");
        }
        for name in ["author", "x-keyword", "passengers", "ticket-type", "x_token_type", "compass", "x-authority"] {
            assert_eq!(header(name, "x"), "x", "{name}");
        }
        assert_eq!(header("x-of-ours", "q8Zr1-0uKp2LxV_7tBn4Qw"), HIDDEN, "whatever it is called");
        let cookies = header("Cookie", "a=1; __Host-ambassador_session.login.shop=x=y; nameless");
        assert_eq!(cookies, "a=hidden; __Host-ambassador_session.login.shop=hidden");
        for (name, value) in [
            (":authority", "preview-4711-of-the-whole-shop"),
            ("accept", "text/html,application/xhtml+xml;q=0.9"),
            ("x-version", "2"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
            ("user-agent", "Robot/1.0 (+https://robots.example/about)"),
        ] {
            assert_eq!(header(name, value), value);
        }
        for (name, value, shown) in [
            ("Referer", "https://ann:hush@a/back?code=hush&page=2#hush", "https://a/back?code=hidden&page=2"),
            ("x-envoy-original-path", "/x?state=hush&sort=name", "/x?state=hidden&sort=name"),
            ("link", "<https://a>,<https://ann:hush@b>", HIDDEN),
            ("referer", "https://a/reset/q8Zr1-0uKp2LxV_7tBn4Qw", HIDDEN),
        ] {
            assert_eq!(header(name, value), shown);
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
            ("https://a/x?accessToken=hush&JSESSIONID=hush", "https://a/x?accessToken=hidden&JSESSIONID=hidden"),
            ("https://a/x?nuncio-share=hush&author=ann", "https://a/x?nuncio-share=hidden&author=ann"),
            ("https://a/x?next=%2Fy%3Fcode%3Dhush", "https://a/x?next=hidden"),
            ("https://a/x?", "https://a/x?"),
            ("https://a/x?q=q8Zr1-0uKp2LxV_7tBn4Qw", "https://a/x?q=hidden"),
            ("https://ann:hush@a/x@y", "https://a/x@y"),
        ] {
            assert_eq!(url(asked), shown);
        }
    }
    #[test]
    fn it_is_told_what_is_not_shown() {
        let headers =
            [("X-Api-Key", "hush"), ("accept", "*/*"), ("Cookie", "a=hush"), ("Referer", "https://a/?code=hush")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let shown = request("https://a/x?page=2&token=hush&debug", &headers);
        assert_eq!(shown.hidden, ["parameter token", "header X-Api-Key", "header Cookie", "header Referer"]);
        assert!(!format!("{}{:?}", shown.url, shown.headers).contains("hush"));
        assert_eq!(request("https://a/x?page=2", &[]).hidden, [""; 0]);
    }
}
