//! Cookies: those in a request, and those that are set.

use http::header::{COOKIE, HeaderMap, HeaderValue};
use nuncio_ir::auth::SameSite;

use crate::Request;

/// How many cookies of a request are looked at; browsers keep 180 a site.
const MOST: usize = 256;
/// What stands between two cookies of a line.
pub(crate) const BETWEEN: &[u8] = b"; ";

/// The values of a cookie, in the order sent. Browsers send the more specific first, and several may have one name.
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    all(headers).filter(move |(found, _)| *found == name).map(|(_, value)| value)
}

/// All cookies, name and value, up to a bound. One that is no text hides no other.
pub fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    pairs(headers).take(MOST).filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"')))
    })
}

/// Does not pass on cookies whose name is one of these; the others as they came, text or not.
pub fn hide(request: &mut Request, is_hidden: impl Fn(&str) -> bool) {
    take(request, is_hidden);
}

/// Cookies that were taken out of a request.
pub struct Taken(Vec<u8>);

/// How much there is, not what: it may be anybody's session.
impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Taken({} bytes)", self.0.len())
    }
}

/// Takes those out whose name is one of these, to be put back; the others stay as they came.
pub fn take(request: &mut Request, is_meant: impl Fn(&str) -> bool) -> Taken {
    let is_taken = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        std::str::from_utf8(name).is_ok_and(|name| is_meant(name.trim()))
    };
    let (taken, left): (Vec<&[u8]>, Vec<&[u8]>) = pairs(request.headers()).partition(is_taken);
    if taken.is_empty() {
        return Taken(Vec::new());
    }
    let (taken, left) = (taken.join(BETWEEN), left.join(BETWEEN));
    match HeaderValue::from_bytes(&left) {
        Ok(value) if !left.is_empty() => request.set_header(&COOKIE, value),
        _ => request.remove_header(&COOKIE),
    }
    Taken(taken)
}

/// Puts them back, behind those that are there by now.
pub fn put_back(request: &mut Request, Taken(taken): Taken) {
    if taken.is_empty() {
        return;
    }
    let all: Vec<&[u8]> = pairs(request.headers()).chain([&*taken]).collect();
    if let Ok(value) = HeaderValue::from_bytes(&all.join(BETWEEN)) {
        request.set_header(&COOKIE, value);
    }
}

/// What is between the semicolons.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// A cookie to set.
#[derive(Clone, Debug)]
pub struct Cookie<'a> {
    /// Name, without the prefix.
    pub name: &'a str,
    /// Value; of characters that cookies may hold.
    pub value: &'a str,
    /// Seconds to live; none for the browser's session.
    pub max_age: Option<u64>,
    /// Of HTTPS only.
    pub secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// For this domain and what is below; none for the host alone.
    pub domain: Option<&'a str>,
    /// When other sites' requests carry it.
    pub same_site: SameSite,
}

impl Cookie<'_> {
    /// The header's value. The name has the prefix of [`prefixed`].
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut text = format!("{}={}; Path=/", prefixed(self.name, self.secure, self.domain), self.value);
        if let Some(seconds) = self.max_age {
            text.push_str(&format!("; Max-Age={seconds}"));
        }
        if let Some(domain) = self.domain {
            text.push_str(&format!("; Domain={domain}"));
        }
        if self.secure {
            text.push_str("; Secure");
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str(match self.same_site {
            SameSite::Unset => "",
            SameSite::None => "; SameSite=None",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::Strict => "; SameSite=Strict",
        });
        text
    }
}

/// The name with the prefix by which browsers know that no other host, and no clear text, has set it (RFC 6265bis).
#[must_use]
pub fn prefixed(name: &str, secure: bool, domain: Option<&str>) -> String {
    match (secure, domain) {
        (true, None) => format!("__Host-{name}"),
        (true, Some(_)) => format!("__Secure-{name}"),
        (false, _) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, line.parse().unwrap())).collect()
    }

    #[test]
    fn several_lines_and_several_of_a_name() {
        let headers = headers(&["a=1; b=\"2\";c=x=y", "a=3; junk"]);
        assert_eq!(values(&headers, "a").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(values(&headers, "b").chain(values(&headers, "c")).collect::<Vec<_>>(), ["2", "x=y"]);
    }

    #[test]
    fn one_that_is_no_text_hides_no_other() {
        let mut request = Request::new("GET", "https", "a", "/");
        request.add_header("cookie", b"city=K\xf6ln; a=1; b=2");
        assert_eq!(values(request.headers(), "a").collect::<Vec<_>>(), ["1"]);
        hide(&mut request, |name| name == "a");
        assert_eq!(request.headers()[COOKIE].as_bytes(), b"city=K\xf6ln; b=2");
    }

    #[test]
    fn what_is_taken_is_put_back_behind_what_is_there_by_then() {
        let with = |change: fn(&mut Request)| {
            let mut request = Request::new("GET", "https", "a", "/");
            request.add_header("cookie", b"a=1; s=x");
            request.add_header("cookie", b"b=2; s=y");
            let taken = take(&mut request, |name| name == "s");
            assert_eq!(request.headers()[COOKIE], "a=1; b=2");
            assert_eq!(format!("{taken:?}"), "Taken(8 bytes)", "and not whose session it is");
            change(&mut request);
            put_back(&mut request, taken);
            request.headers()[COOKIE].to_str().unwrap().to_owned()
        };
        assert_eq!(with(|_| {}), "a=1; b=2; s=x; s=y");
        assert_eq!(with(|request| request.remove_header(&COOKIE)), "s=x; s=y");
        assert_eq!(with(|request| request.set_header(&COOKIE, "c=3".parse().unwrap())), "c=3; s=x; s=y");
    }

    /// Case 30.
    #[test]
    fn many_are_a_bounded_work() {
        let line = "a=1;".repeat(100_000);
        assert_eq!(values(&headers(&[&line]), "a").count(), MOST);
    }

    #[test]
    fn prefixes_say_who_can_have_set_it() {
        let cookie = Cookie {
            name: "s",
            value: "v",
            max_age: Some(5),
            secure: true,
            http_only: true,
            domain: None,
            same_site: SameSite::Lax,
        };
        assert_eq!(cookie.to_header(), "__Host-s=v; Path=/; Max-Age=5; Secure; HttpOnly; SameSite=Lax");
        let shared = Cookie { domain: Some("a.test"), max_age: None, same_site: SameSite::Unset, ..cookie };
        assert_eq!(shared.to_header(), "__Secure-s=v; Path=/; Domain=a.test; Secure; HttpOnly");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = http::HeaderValue::from_bytes(&bytes) {
                headers.insert(COOKIE, value);
            }
            prop_assert!(all(&headers).count() <= MOST);
        }
    }
}
