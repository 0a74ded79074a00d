//! What is known of the headers that filters write or take away.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_auth::{Condition, Request};
use nuncio_ir::auth::{
    ApiKey, External, ExternalProtocol, FilterKind, Grant, HeaderCondition, HeaderValue, InjectedHeader, KeySource,
    OAuth2, UpstreamIdentity, is_clients_own,
};

const AUTHORIZATION: &str = "authorization";
/// What a machine shows of itself, which goes no further.
const OF_MACHINES: [&str; 3] = ["x-ambassador-client-secret", "x-ambassador-client-assertion", "x-ambassador-password"];

/// What is known of a header that a filter had to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is not there.
    Missing,
    /// It says this.
    Text(Arc<str>),
    /// It says something.
    Written,
    /// It may be there, from whomever.
    Unclear,
}

impl Known {
    /// Whether a condition holds; `None` where that depends on what is not known.
    fn holds(&self, condition: &HeaderCondition) -> Option<bool> {
        let holds = |text: &str| {
            let mut request = Request::default();
            request.add_header(&condition.name, text.as_bytes());
            Condition::new(condition).is_ok_and(|condition| condition.holds(&request))
        };
        match (self, &condition.value) {
            (Self::Missing, _) => Some(Condition::new(condition).is_ok_and(|it| it.holds(&Request::default()))),
            (Self::Text(text), _) => Some(holds(text)),
            (Self::Written, HeaderValue::Present) => Some(!condition.negate),
            (Self::Written | Self::Unclear, _) => None,
        }
    }

    /// Where a condition holds, or does not.
    fn narrowed(&self, condition: &HeaderCondition, holds: bool) -> Self {
        match (&condition.value, holds != condition.negate) {
            (HeaderValue::Present, true) => Self::Written,
            (HeaderValue::Present, false) => Self::Missing,
            (HeaderValue::Exact(text), true) if !text.is_empty() => Self::Text(text.clone()),
            (HeaderValue::Exact(_) | HeaderValue::Regex(_), _) => self.clone(),
        }
    }
}

/// The headers that filters had to do with so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    all: BTreeMap<String, Known>,
    /// Somebody may have written others, but for those that clients send of themselves.
    any: bool,
}

impl Headers {
    /// What is known of one, in lower case; `None` where no filter touched it. A filter that writes or takes away one does away
    /// with those that an upstream may take for it.
    pub(super) fn get(&self, name: &str) -> Option<&Known> {
        let dashed = |name: &str| name.replace('_', "-");
        let alike =
            |(other, known): (&String, &'_ Known)| (dashed(other) == dashed(name)).then_some(*known != Known::Unclear);
        let own = self.all.get(name);
        own.or_else(|| match self.all.iter().find_map(alike)? {
            true => Some(&Known::Missing),
            false => Some(&Known::Unclear),
        })
        .or_else(|| (self.any && !is_clients_own(name)).then_some(&Known::Unclear))
    }

    /// Whether a condition holds of what filters made; `Err` with each of what may be the case, where nobody knows which.
    pub(super) fn holds(&self, condition: &HeaderCondition) -> Option<Result<bool, [(bool, Self); 2]>> {
        let name = condition.name.to_ascii_lowercase();
        let known = self.get(&name)?;
        let where_it = |holds: bool| {
            let mut headers = self.clone();
            headers.all.insert(name.clone(), known.narrowed(condition, holds));
            (holds, headers)
        };
        Some(known.holds(condition).ok_or_else(|| [where_it(true), where_it(false)]))
    }

    /// When a filter has let the request through.
    pub(super) fn after(&self, kind: &FilterKind) -> Self {
        let mut headers = self.clone();
        match kind {
            FilterKind::Jwt(jwt) => headers.inject(&jwt.inject_request_headers),
            FilterKind::Introspection(introspection) => headers.inject(&introspection.inject_request_headers),
            FilterKind::OAuth2(oauth2) => headers.log_in(oauth2),
            FilterKind::ApiKey(keys) => headers.take_key(keys),
            FilterKind::Basic(basic) => headers.pass(&basic.identity, &[AUTHORIZATION]),
            FilterKind::External(external) => headers.take_from(external),
            FilterKind::ShareLink(_) | FilterKind::Invalid { .. } => {}
        }
        headers
    }

    fn set(&mut self, name: &str, known: Known) {
        self.all.insert(name.to_ascii_lowercase(), known);
    }

    fn log_in(&mut self, oauth2: &OAuth2) {
        if !matches!(oauth2.grant, Grant::AuthorizationCode(_)) {
            OF_MACHINES.iter().for_each(|name| self.set(name, Known::Missing));
        }
        self.set(AUTHORIZATION, Known::Written);
        self.inject(&oauth2.inject_request_headers);
    }

    fn inject(&mut self, headers: &[InjectedHeader]) {
        for InjectedHeader { name, value, .. } in headers {
            let is_plain = !value.contains("{{") && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            let known = match value.trim() {
                "" => Known::Missing,
                text if is_plain => Known::Text(text.into()),
                _ => Known::Unclear,
            };
            self.set(name, known);
        }
    }

    fn take_key(&mut self, keys: &ApiKey) {
        let name = |source: &KeySource| match source {
            KeySource::Header(name) => Some(name.to_ascii_lowercase()),
            KeySource::Authorization(_) => Some(AUTHORIZATION.to_owned()),
            KeySource::Cookie(_) | KeySource::Query(_) => None,
        };
        let names: Vec<_> = keys.sources.iter().filter_map(name).collect();
        if keys.sources.len() == 1 {
            self.pass(&keys.identity, &names.iter().map(String::as_str).collect::<Vec<_>>());
        } else {
            // The key was in one of them.
            if keys.identity.remove_credential {
                names.iter().for_each(|name| self.set(name, Known::Unclear));
            }
            self.pass(&keys.identity, &[]);
        }
        let has_cookie = keys.sources.iter().any(|source| matches!(source, KeySource::Cookie(_)));
        if has_cookie && keys.identity.remove_credential {
            self.set("cookie", Known::Unclear);
        }
    }

    /// Who it was, and without that by which it was known.
    fn pass(&mut self, identity: &UpstreamIdentity, shown: &[&str]) {
        if identity.remove_credential {
            shown.iter().for_each(|name| self.set(name, Known::Missing));
        }
        if let Some(header) = &identity.header {
            self.set(header, Known::Written);
        }
    }

    /// What another service may write. What clients send with every right it hardly ever replaces.
    fn take_from(&mut self, external: &External) {
        let listed = match &external.protocol {
            ExternalProtocol::Http { allowed_authorization_headers, .. } => &allowed_authorization_headers[..],
            ExternalProtocol::Grpc => {
                self.any = true;
                self.all.retain(|name, _| is_clients_own(name));
                &[]
            }
        };
        listed.iter().chain(&external.identity_headers).for_each(|name| self.set(name, Known::Unclear));
    }
}
