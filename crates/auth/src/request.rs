//! A request as the filters see and change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json};

use crate::{Identity, Theme, cookie};

/// A request that is to be decided on.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// As written: methods have cases.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// `:authority`, in lower case, without the scheme's default port and without a dot at the end.
    pub authority: String,
    /// What the proxy calls it; for people.
    pub id: String,
    /// The peer's address; for people.
    pub client: String,
    /// The services that it may go to, as its route says: for whom the word is on who it is of.
    pub audience: Vec<String>,
    /// What may lead it to others than those where a filter writes it, as its route says: headers, in lower case, and parameters
    /// of the query behind a question mark.
    pub routed_by: Vec<String>,
    /// The body where the proxy sends it.
    pub body: Vec<u8>,
    /// Who it is of, as soon as a filter knows: for the audit log, also where it is denied.
    pub identity: Option<Identity>,
    /// How pages look that answer it.
    pub theme: Arc<Theme>,
    /// Path and query, as the proxy normalised them.
    target: String,
    headers: HeaderMap,
    edits: Edits,
}

/// What filters changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Headers for upstreams (`Some`), and those that are not passed on (`None`).
    pub headers: BTreeMap<String, Option<HeaderValue>>,
    /// Parameters of the query that are passed on with these values.
    pub query_set: Vec<(String, String)>,
    /// Parameters of the query that are not passed on.
    pub query_removed: Vec<String>,
    /// Headers for the client, with whatever the upstream answers.
    pub response: Vec<(HeaderName, HeaderValue)>,
    /// What the proxy is told of the request besides: for access logs and limits.
    pub metadata: Map<String, Json>,
}

impl Request {
    /// A request for `target` (path and query).
    #[must_use]
    pub fn new(method: &str, scheme: &str, authority: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: fold_authority(scheme, authority),
            target: target.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a header that the client sent. One that HTTP does not allow is left out.
    pub fn add_header(&mut self, name: &str, value: &[u8]) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
            self.headers.append(name, value);
        }
    }

    /// The same with these headers that the client sent.
    #[must_use]
    pub fn with_headers(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// The query; empty for none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// `scheme://authority`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// The first value of a header, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All lines of a header in one; empty where there is none.
    #[must_use]
    pub fn joined(&self, name: &HeaderName) -> Vec<u8> {
        let lines: Vec<&[u8]> = self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        lines.join(between(name))
    }

    /// All headers, with what filters changed.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Gives upstreams, and filters that follow, this value and no other.
    pub fn set_header(&mut self, name: &HeaderName, value: HeaderValue) {
        self.remove_lookalikes(name);
        self.headers.insert(name, value.clone());
        self.edits.headers.insert(name.as_str().to_owned(), Some(value));
    }

    /// Adds to what is there of a header. Where there is nothing, nothing is added, as Envoy does.
    pub fn append_header(&mut self, name: &HeaderName, value: &HeaderValue) {
        if !self.headers.contains_key(name) {
            return;
        }
        let mut line = self.joined(name);
        line.extend_from_slice(between(name));
        line.extend_from_slice(value.as_bytes());
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            self.set_header(name, value);
        }
    }

    /// Takes a header away, in every spelling that an upstream may take for it.
    pub fn remove_header(&mut self, name: &HeaderName) {
        self.remove_lookalikes(name);
        self.headers.remove(name);
        self.edits.headers.insert(name.as_str().to_owned(), None);
    }

    /// Servers in the manner of CGI take `x_user` for `x-user`.
    fn remove_lookalikes(&mut self, name: &HeaderName) {
        let alike: Vec<HeaderName> =
            self.headers.keys().filter(|other| *other != name && are_alike(other, name)).cloned().collect();
        for other in alike {
            self.headers.remove(&other);
            self.edits.headers.insert(other.as_str().to_owned(), None);
        }
    }

    /// Passes a parameter of the query on with this value and no other.
    pub fn set_query_parameter(&mut self, name: &str, value: &str) {
        self.edits.query_set.retain(|(set, _)| set != name);
        self.edits.query_set.push((name.to_owned(), value.to_owned()));
    }

    /// Does not pass a parameter of the query on.
    pub fn remove_query_parameter(&mut self, name: &str) {
        if !self.edits.query_removed.iter().any(|removed| removed == name) {
            self.edits.query_removed.push(name.to_owned());
        }
    }

    /// Gives the client a header with whatever the upstream answers.
    pub fn add_response_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.edits.response.push((name, value));
    }

    /// Tells the proxy this besides; of what has a name already, it is what counts.
    pub fn add_metadata(&mut self, fields: Map<String, Json>) {
        self.edits.metadata.extend(fields);
    }

    /// Whether filters changed what may lead it to others than its route does.
    #[must_use]
    pub fn may_go_elsewhere(&self) -> bool {
        self.routed_by.iter().any(|named| match named.strip_prefix('?') {
            Some(parameter) => {
                let mut written = self.edits.query_set.iter().map(|(name, _)| name).chain(&self.edits.query_removed);
                written.any(|name| name == parameter)
            }
            None => self.edits.headers.contains_key(named),
        })
    }

    /// What filters changed.
    #[must_use]
    pub fn into_edits(self) -> Edits {
        self.edits
    }
}

/// What stands between the lines of a header that are joined to one.
fn between(name: &HeaderName) -> &'static [u8] {
    if *name == COOKIE { cookie::BETWEEN } else { b"," }
}

/// Whether two names differ in nothing but `-` and `_`.
fn are_alike(one: &HeaderName, other: &HeaderName) -> bool {
    fn folded(name: &HeaderName) -> impl Iterator<Item = u8> {
        name.as_str().bytes().map(|byte| if byte == b'_' { b'-' } else { byte })
    }
    one.as_str().len() == other.as_str().len() && folded(one).eq(folded(other))
}

/// Host names have no cases, a dot at the end says nothing, and neither does a default port.
fn fold_authority(scheme: &str, authority: &str) -> String {
    let lower = authority.to_ascii_lowercase();
    let default = if scheme == "https" { ":443" } else { ":80" };
    let host = lower.strip_suffix(default).unwrap_or(&lower);
    match host.rsplit_once(':') {
        Some((name, port)) if name.ends_with('.') => format!("{}:{port}", name.trim_end_matches('.')),
        _ => host.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_no_part_of_the_path() {
        let request = Request::new("GET", "https", "APP.test.:443", "/admin?x=/public/?y");
        assert_eq!((request.path(), request.query()), ("/admin", "x=/public/?y"));
        assert_eq!(request.origin(), "https://app.test");
        assert_eq!(Request::new("GET", "http", "a.:8080", "/").authority, "a:8080");
    }

    #[test]
    fn what_is_added_to_a_header_is_added_to_what_is_there() {
        let mut request = Request::new("GET", "https", "a", "/");
        let name = HeaderName::from_static("x-a");
        request.append_header(&name, &HeaderValue::from_static("0"));
        request.add_header("x-a", b"1");
        request.add_header("x-a", b"2");
        request.append_header(&name, &HeaderValue::from_static("3"));
        request.add_header("cookie", b"a=1");
        request.append_header(&COOKIE, &HeaderValue::from_static("b=2"));
        let edits = request.into_edits().headers;
        assert_eq!(edits[name.as_str()], Some(HeaderValue::from_static("1,2,3")));
        assert_eq!(edits["cookie"], Some(HeaderValue::from_static("a=1; b=2")), "cookies have no commas between them");
    }

    #[test]
    fn what_filters_write_may_lead_elsewhere_where_routes_look_at_it() {
        let mut request = Request::new("GET", "https", "a", "/?tier=gold");
        request.routed_by = ["x-customer", "?tier"].map(str::to_owned).into();
        request.set_header(&HeaderName::from_static("x-user"), HeaderValue::from_static("ann"));
        request.remove_query_parameter("token");
        assert!(!request.may_go_elsewhere());
        for change in [
            |request: &mut Request| request.set_header(&HeaderName::from_static("x-customer"), "ann".parse().unwrap()),
            |request: &mut Request| request.remove_header(&HeaderName::from_static("x-customer")),
            |request: &mut Request| request.set_query_parameter("tier", "silver"),
            |request: &mut Request| request.remove_query_parameter("tier"),
        ] {
            let mut changed = request.clone();
            change(&mut changed);
            assert!(changed.may_go_elsewhere(), "{changed:?}");
        }
    }

    #[test]
    fn a_header_that_is_set_has_no_other_spelling() {
        let mut request = Request::new("GET", "https", "a", "/");
        for name in ["x_user", "X-User", "x-user"] {
            request.add_header(name, b"evil");
        }
        request.set_header(&HeaderName::from_static("x-user"), HeaderValue::from_static("ann"));
        assert_eq!(request.headers().get_all("x-user").iter().count(), 1);
        assert_eq!(request.header("x_user"), None);
        let edits = request.into_edits().headers;
        assert_eq!(edits["x_user"], None);
        assert_eq!(edits["x-user"], Some(HeaderValue::from_static("ann")));
    }
}
