//! Links to previews, and the cookies that they are exchanged for.

use http::StatusCode;
use http::header::{HeaderValue, SET_COOKIE};
use nuncio_auth::cookie::{self, Cookie, prefixed};
use nuncio_auth::login::return_target;
use nuncio_auth::share::{Pass, Purpose, Refused};
use nuncio_auth::{ClientKind, Denial, Reply, Request, Verdict};
use nuncio_ir::auth::{SHARE_HEADER, SHARE_PREFIX, SameSite, ShareLink};

use crate::clock::now;

/// How many cookies of one name are looked at.
const MOST: usize = 3;

/// Wants a link to a preview.
#[derive(Debug)]
pub(crate) struct ShareLinkFilter {
    spec: ShareLink,
    /// The name of its cookie, without the prefix that browsers know.
    cookie: String,
}

impl ShareLinkFilter {
    pub(super) fn new(spec: ShareLink) -> Self {
        let cookie = format!("{SHARE_PREFIX}{}", spec.preview);
        Self { spec, cookie }
    }

    pub(super) fn check(&self, request: &Request) -> Verdict {
        let now = now();
        // Whoever follows a link is told of this link, whatever he has already.
        if let Some(link) = request.header(SHARE_HEADER) {
            return match self.read(link, Purpose::Link, now) {
                Ok(pass) => Verdict::Answer(self.exchange(pass, request, now)),
                Err(refused) => Verdict::Deny(deny(Some(refused), request)),
            };
        }
        let name = prefixed(&self.cookie, is_secure(request), None);
        let offered = cookie::values(request.headers(), &name).take(MOST);
        let mut refused = None;
        for read in offered.map(|value| self.read(value, Purpose::Cookie, now)) {
            match read {
                Ok(_) => return Verdict::Allow(None),
                Err(why) => refused = Some(why),
            }
        }
        Verdict::Deny(deny(refused, request))
    }

    fn read(&self, text: &str, purpose: Purpose, now: u64) -> Result<Pass, Refused> {
        Pass::read(text, self.spec.key.expose().as_bytes(), purpose, self.spec.generation, now)
    }

    /// Gives a browser the cookie for a link, which its address does not show from here on.
    fn exchange(&self, pass: Pass, request: &Request, now: u64) -> Reply {
        let value = pass.sign(self.spec.key.expose().as_bytes(), Purpose::Cookie);
        let cookie = Cookie {
            name: &self.cookie,
            value: &value,
            max_age: Some(pass.expires.saturating_sub(now)),
            secure: is_secure(request),
            http_only: true,
            domain: None,
            same_site: SameSite::Lax,
        };
        let location = here(request);
        let mut reply = Reply::redirect(&location).header("referrer-policy", "no-referrer");
        reply.headers.extend(HeaderValue::try_from(cookie.to_header()).ok().map(|value| (SET_COOKIE, value)));
        reply
    }
}

/// Where the browser is already, by the path alone: the port at which it came is not in the host's name any more.
fn here(request: &Request) -> String {
    let target = return_target("", request.target());
    // Two slashes at the start would be another host's name.
    let is_host = target[1..].starts_with(['/', '\\']);
    if is_host { format!("/.{target}") } else { target }
}

fn is_secure(request: &Request) -> bool {
    request.scheme == "https"
}

fn deny(refused: Option<Refused>, request: &Request) -> Denial {
    let (reason, message) = match refused {
        None => {
            ("no_share_link", "This preview is for those who have a link to it. Ask whoever told you of it for one.")
        }
        Some(Refused::Forged) => (
            "bad_share_link",
            "This is no link to this preview, or not all of it is here. Ask whoever sent it to you for another one.",
        ),
        Some(Refused::Revoked) => {
            ("revoked_share_link", "This link was withdrawn. Ask whoever sent it to you for another one.")
        }
        Some(Refused::Expired) => {
            ("expired_share_link", "The time of this link is over. Ask whoever sent it to you for another one.")
        }
    };
    let kind = ClientKind::of(request);
    Denial::new(reason, message, Reply::message(kind, StatusCode::FORBIDDEN, message, request))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"key";

    fn filter(preview: &str, key: &str, generation: u32) -> ShareLinkFilter {
        ShareLinkFilter::new(ShareLink { preview: preview.into(), key: key.into(), generation })
    }

    fn pass(generation: u32, lasts: i64) -> Pass {
        Pass { generation, expires: now().saturating_add_signed(lasts) }
    }

    fn following(scheme: &str, target: &str, link: &str) -> Request {
        let mut request = Request::new("GET", scheme, "web--a.pre.example", target);
        request.add_header(SHARE_HEADER, link.as_bytes());
        request
    }

    fn with_cookie(scheme: &str, cookie: &str) -> Request {
        let mut request = Request::new("GET", scheme, "web--a.pre.example", "/");
        request.add_header("cookie", cookie.as_bytes());
        request
    }

    /// `allow`, or why not.
    fn said(filter: &ShareLinkFilter, request: &Request) -> &'static str {
        match filter.check(request) {
            Verdict::Allow(_) => "allow",
            Verdict::Answer(_) => "answer",
            Verdict::Deny(denial) => denial.reason,
        }
    }

    fn header<'r>(reply: &'r Reply, name: &str) -> &'r str {
        reply.headers.iter().find(|(found, _)| *found == name).unwrap().1.to_str().unwrap()
    }

    #[test]
    fn a_link_is_exchanged_for_a_cookie_of_its_preview_alone() {
        let (filter, link) = (filter("a", "key", 1), pass(1, 60).sign(KEY, Purpose::Link));
        let Verdict::Answer(reply) = filter.check(&following("https", "/x?y=1", &link)) else { panic!("no answer") };
        assert_eq!((reply.status.as_u16(), header(&reply, "location")), (302, "/x?y=1"));
        let cookie = header(&reply, "set-cookie");
        assert!(cookie.starts_with("__Host-nuncio_share.a=1."), "{cookie}");
        for attribute in ["; Path=/; Max-Age=", "; Secure; HttpOnly; SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain") && !cookie.contains(&*link), "{cookie}");
        let offered = cookie.split(';').next().unwrap();
        assert_eq!(said(&filter, &with_cookie("https", offered)), "allow");
        // In clear text no other host's cookie has the name, and by HTTPS none that clear text could have set counts.
        let bare = offered.trim_start_matches("__Host-");
        assert_eq!(said(&filter, &with_cookie("https", bare)), "no_share_link");
        assert_eq!(said(&filter, &with_cookie("http", bare)), "allow");
        assert_eq!(said(&filter, &with_cookie("https", &format!("__Host-nuncio_share.a=planted; {offered}"))), "allow");
    }

    #[test]
    fn no_other_link_or_cookie_lets_anybody_in() {
        let filter = filter("a", "key", 1);
        let cases = [
            ("", "bad_share_link"),
            ("1.9999999999.AAAA", "bad_share_link"),
            (&pass(1, 60).sign(b"other preview's", Purpose::Link), "bad_share_link"),
            (&pass(1, 60).sign(KEY, Purpose::Cookie), "bad_share_link"),
            (&pass(1, 0).sign(KEY, Purpose::Link), "expired_share_link"),
            (&pass(0, 60).sign(KEY, Purpose::Link), "revoked_share_link"),
        ];
        for (link, reason) in cases {
            assert_eq!(said(&filter, &following("https", "/", link)), reason, "{link}");
        }
        let cookie = |pass: Pass, purpose| format!("__Host-nuncio_share.a={}", pass.sign(KEY, purpose));
        for (cookie, reason) in [
            ("__Host-nuncio_share.a=x".to_owned(), "bad_share_link"),
            (cookie(pass(1, 60), Purpose::Link), "bad_share_link"),
            (cookie(pass(1, 0), Purpose::Cookie), "expired_share_link"),
            (cookie(pass(2, 60), Purpose::Cookie), "revoked_share_link"),
        ] {
            assert_eq!(said(&filter, &with_cookie("https", &cookie)), reason, "{cookie}");
        }
        assert_eq!(said(&filter, &Request::new("GET", "https", "web--a.pre.example", "/")), "no_share_link");
    }

    #[test]
    fn a_link_leads_nowhere_else() {
        let (filter, link) = (filter("a", "key", 0), pass(0, 60).sign(KEY, Purpose::Link));
        let targets = [
            ("//evil.example/", "/.//evil.example/"),
            ("/\\evil.example", "/./\\evil.example"),
            ("/.nuncio/userinfo", "/"),
        ];
        for (target, location) in targets {
            let Verdict::Answer(reply) = filter.check(&following("https", target, &link)) else { panic!("{target}") };
            assert_eq!(header(&reply, "location"), location);
        }
    }
}
