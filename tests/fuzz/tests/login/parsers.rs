//! What is read of a request, of a provider and of a Filter.

use arbitrary::Unstructured;
use nuncio_auth::jwt::{KeySet, Signer, check};
use nuncio_auth::login::return_target;
use nuncio_auth::{Request, cookie};
use nuncio_expr::Template;
use nuncio_expr::template::Value;
use nuncio_fuzz::broken;
use nuncio_ir::auth::Jwt;
use reqwest::Url;
use serde_json::{Value as Json, json};

use crate::{each, odd, short};

const COOKIES: [&str; 16] = [
    "session",
    "other",
    "=",
    "=1",
    ";",
    "; ",
    " ",
    "\t",
    "\"",
    ",",
    "__Host-",
    "\u{a0}",
    "\u{3000}",
    "é",
    "%3D",
    "session=a; other=b",
];

/// What is ours is not passed on, and everything else is.
#[test]
fn cookies() {
    each(|bytes| {
        let line = odd(bytes, &COOKIES);
        let mut request = Request::new("GET", "https", "shop.test", "/");
        request.add_header("cookie", &line);
        let shown = || String::from_utf8_lossy(&line);
        let values = |request: &Request, name: &str| -> Vec<String> {
            cookie::values(request.headers(), name).map(str::to_owned).collect()
        };
        let before = values(&request, "other");
        assert!(cookie::all(request.headers()).count() <= 256, "{}", shown());
        cookie::hide(&mut request, |name| name == "session");
        assert_eq!(values(&request, "session"), [""; 0], "{}", shown());
        assert!(values(&request, "other").starts_with(&before), "{}", shown());
    });
}

const NOW: u64 = 1_700_000_000;

/// An issuer with one key, and what takes its tokens.
struct Issuer {
    signer: Signer,
    filter: Jwt,
}

impl Issuer {
    fn new() -> Self {
        let filter = serde_json::from_value(json!({ "jwks_uri": "https://idp.test/jwks" })).unwrap();
        Self { signer: Signer::ephemeral().unwrap(), filter }
    }

    fn token(&self) -> String {
        let header = json!({ "kid": "a", "typ": "JWT" });
        let claims = json!({ "iss": "https://idp.test", "sub": "ann", "exp": NOW + 60, "groups": ["a"] });
        self.signer.sign(header.as_object().unwrap().clone(), &claims).unwrap()
    }

    fn keys(&self) -> String {
        let mut key = self.signer.public_key().unwrap();
        key["kid"] = "a".into();
        json!({ "keys": [key, { "kty": "oct", "k": "c2VjcmV0" }, { "kty": "RSA", "n": "AQAB", "e": "AQAB" }] })
            .to_string()
    }
}

/// `{"alg":"none"}`, `{"alg":"HS256","kid":"a"}`, `{"sub":"root"}`, and what separates them.
const TOKENS: [&str; 8] =
    [".", "..", "=", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ", "eyJzdWIiOiJyb290In0", "-", "AAAA"];

/// Nothing but the token itself is the token.
#[test]
fn tokens() {
    let issuer = Issuer::new();
    let (good, keys) = (issuer.token(), KeySet::parse(issuer.keys().as_bytes()).unwrap());
    each(|bytes| {
        let token = broken(&mut Unstructured::new(bytes), good.clone().into_bytes(), &TOKENS).unwrap();
        let token = String::from_utf8_lossy(&token);
        let checked = check(&issuer.filter, &token, &keys, NOW);
        assert_eq!(checked.is_ok(), token == good, "{token}: {checked:?}");
    });
}

const KEYS: [&str; 12] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "\"kty\":\"RSA\"",
    "\"crv\":\"P-521\"",
    "\"use\":\"enc\"",
    "\"alg\":\"none\"",
    "\"x\":\"\"",
];

/// Whatever becomes of a set, it does not vouch for another's token.
#[test]
fn sets_of_keys() {
    let (issuer, stranger) = (Issuer::new(), Issuer::new().token());
    let set = issuer.keys().into_bytes();
    each(|bytes| {
        let text = broken(&mut Unstructured::new(bytes), set.clone(), &KEYS).unwrap();
        if let Ok(keys) = KeySet::parse(&text) {
            let checked = check(&issuer.filter, &stranger, &keys, NOW);
            assert!(checked.is_err(), "{}: {checked:?}", String::from_utf8_lossy(&text));
        }
    });
}

const ORIGIN: &str = "https://shop.test";
const TARGETS: [&str; 16] = [
    "/",
    "//",
    "\\",
    "@",
    ":",
    "evil.test",
    "https:",
    "javascript:",
    "?",
    "#",
    "%2f",
    "%09",
    "\t",
    "\n",
    "..",
    "/.ambassador/oauth2/",
];

/// As browsers read it, nobody is sent to another site.
#[test]
fn targets() {
    each(|bytes| {
        let target = short(bytes, &TARGETS);
        let to = return_target(ORIGIN, &target);
        let read = Url::parse(&to).unwrap_or_else(|error| panic!("{target:?}: {to:?}: {error}"));
        assert_eq!(read.origin().ascii_serialization(), ORIGIN, "{target:?}");
        assert_eq!((read.username(), read.password()), ("", None), "{target:?}");
    });
}

/// More than anything writes that is let run to its end.
const MOST: usize = 256 << 10;

const TEMPLATES: [&str; 40] = [
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "{{ if ",
    "{{ else }}",
    "{{ else if ",
    "{{ end }}",
    "{{ range ",
    "{{ with ",
    "{{ break }}",
    "{{ continue }}",
    "{{/* ",
    " */}}",
    "$x",
    ":=",
    "=",
    ",",
    "|",
    "(",
    ")",
    ".",
    ".token",
    ".token.Claims.groups",
    ".sub",
    "\"",
    "`",
    "\\",
    "'",
    "1",
    "-9e9",
    "nil",
    "true",
    "printf \"%9999d\" ",
    "print ",
    "index ",
    "slice ",
    "len ",
    "json \"\" ",
    "é",
];

/// A template may do what it wants, within bounds.
#[test]
fn templates() {
    let claims: Json = json!({ "token": { "Claims": { "sub": "ann", "groups": ["a", "b"], "exp": 1, "address": { "city": "Ulm" } } } });
    let data = Value::from(&claims);
    each(|bytes| {
        let source = short(bytes, &TEMPLATES);
        if let Ok(Ok(Some(text))) = Template::new(&source).map(|template| template.render(&data)) {
            assert!(text.len() < MOST, "{source:?} writes {} bytes", text.len());
        }
    });
}
